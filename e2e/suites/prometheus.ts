import { type Inputs, tailOf } from '../harness/action.ts';
import { auditOf, writesOf } from '../harness/audit.ts';
import { claimRestored, claimStatus, openCase, runAction } from '../harness/case.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';

const NAMESPACE = 'metrics';
const PODS = 'namespace="{{namespace}}", pod=~"{{pods}}"';

interface Trouble {
  readonly what: string;
  readonly metrics: string;
  readonly prometheus?: string;
  readonly status: 'planned' | 'rejected';
  readonly reasonCode: string;
  /** What the report has to say. */
  readonly words: readonly RegExp[];
}

const measured = (query: string): string => JSON.stringify([{ name: 'probe', query, max: 1 }]);
const counted = (requests: string, failures: string): string => JSON.stringify([{ name: 'probe', requests, failures }]);

const GOOD = counted(`http_requests_total{${PODS}}`, `http_requests_total{${PODS}, code=~"5.."}`);

/** The words are those of a real server, which differ by version in little but their order. */
const CASES: readonly Trouble[] = [
  {
    what: 'counters, of which the failures have no series yet',
    metrics: GOOD,
    status: 'planned',
    reasonCode: 'planned',
    words: [],
  },
  {
    what: 'a query that gives one number',
    metrics: measured(`sum(rate(http_requests_total{${PODS}}[{{window}}]))`),
    status: 'planned',
    reasonCode: 'planned',
    words: [],
  },
  {
    what: 'a number without labels',
    metrics: measured('scalar(vector(1))'),
    status: 'planned',
    reasonCode: 'planned',
    words: [],
  },
  {
    what: 'no metric of this name',
    metrics: counted(`http_request_total{${PODS}}`, `http_request_total{${PODS}, code=~"5.."}`),
    status: 'rejected',
    reasonCode: 'metric-not-found',
    words: [/There is no metric "http_request_total"/],
  },
  {
    what: 'a label that the metric does not have',
    metrics: measured(`sum(http_requests_total{${PODS}, region="eu"})`),
    status: 'rejected',
    reasonCode: 'metric-not-found',
    words: [/Labels it does not have: region/, /It has, for example/],
  },
  {
    what: 'a syntax error',
    metrics: measured(`sum(http_requests_total{${PODS}}`),
    status: 'rejected',
    reasonCode: 'invalid-config',
    words: [/PromQL/, /\b1:\d+\b/],
  },
  {
    what: 'an error that only the server sees',
    metrics: measured(`sum(http_requests_total{${PODS}, code=~"5(.."})`),
    status: 'rejected',
    reasonCode: 'metric-invalid',
    words: [/parse error/, /1:\d+|missing closing \)/],
  },
  {
    what: 'one series for each pod',
    metrics: measured(`http_requests_total{${PODS}}`),
    status: 'rejected',
    reasonCode: 'metric-invalid',
    words: [/gives \d+ series/, /sum\(/, /\bpod\b/],
  },
  {
    what: 'not a number',
    metrics: measured(`0 * sum(http_requests_total{${PODS}}) / 0`),
    status: 'planned',
    reasonCode: 'planned',
    words: [/NaN/, /no data/],
  },
  {
    what: 'a port where nobody listens',
    metrics: GOOD,
    prometheus: 'http://127.0.0.1:9',
    status: 'rejected',
    reasonCode: 'metrics-unreachable',
    words: [/did not answer/, /127\.0\.0\.1:9/, /refused/i],
  },
  {
    what: 'an address that is no metrics store',
    metrics: GOOD,
    prometheus: 'http://127.0.0.1:8000',
    status: 'rejected',
    reasonCode: 'metrics-unreachable',
    words: [/404/],
  },
];

const check = async (context: Context, inputs: Inputs, trouble: Trouble): Promise<void> => {
  const { metrics, prometheus, status, reasonCode, words, what } = trouble;
  const run = await runAction(context, { ...inputs, metrics, ...(prometheus && { prometheus }) });
  claimStatus(context, run, status, reasonCode, status === 'planned' ? 0 : 1);
  const told = `${tailOf(run)}\n${run.summary}`;
  const missing = words.filter((word) => !word.test(told)).map(String);
  context.claims.claim(
    `${what}: told in words`,
    missing.length === 0,
    missing.length === 0 ? run.outputs['reason'] : { missing, told },
  );
};

export const prometheus: Suite = {
  name: 'prometheus',
  title: 'what a real Prometheus answers to wrong queries is told apart before anything is written',
  alone: false,
  run: async (context) => {
    const route = httpRoute(NAMESPACE, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
    const app = deployment({ namespace: NAMESPACE, name: 'checkout', version: '1.0' });
    const objects = [app, service(NAMESPACE, 'checkout'), route];
    const opened = await openCase(context, { namespace: NAMESPACE, objects, rps: 20 });
    const inputs = { ...releaseInputs(opened.shop, imageOf('checkout', '2.0'), 'checkout'), command: 'plan' };

    for (const trouble of CASES) await check(context, inputs, trouble);
    await opened.traffic.end();
    const writes = writesOf(auditOf(context.stack.auditLog, opened.shop.user));
    const texts = writes.map(({ verb, uri }) => `${verb} ${uri}`);
    context.claims.claim('nothing is written', writes.length === 0, texts.length === 0 ? 'nothing' : texts);
    await claimRestored(context, opened, ['HTTPRoute/checkout', 'Deployment/checkout', 'Service/checkout']);
  },
};
