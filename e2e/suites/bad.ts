import { auditOf, writesOf } from '../harness/audit.ts';
import { claimRestored, claimStatus, openCase, runWatched } from '../harness/case.ts';
import { listAt, numberAt, textAt } from '../harness/json.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import { median, spread } from '../harness/statistics.ts';
import type { Suite } from '../harness/suite.ts';
import { type Answered, lostSince } from '../harness/traffic.ts';

/** Twice the target: others may use the machine too. */
const LIMIT_MS = 2000;

interface Reaction {
  /** From the verdict to the moment the API server got the request that returns the traffic. */
  readonly wayBackMs: number;
  /** From the verdict to the moment the last request that reached the canary was sent. */
  readonly lastAnswerMs: number;
  readonly harmed: number;
}

/** Epoch ms, from what the report may give: an instant in text, or a number. */
const instantAt = (document: unknown, key: string): number => {
  const number = numberAt(document, key);
  return Number.isNaN(number) ? Date.parse(textAt(document, key)) : number;
};

const lastOf = (answers: readonly Answered[], version: string): number =>
  answers.reduce((latest, answer) => (answer.version === version ? Math.max(latest, answer.sentAt) : latest), 0);

/** When the API server got the first write of the route since then: of one whose canary failed, that is the way back. */
const wayBackAfter = ({ stack }: Context, user: string, since: number): number =>
  writesOf(auditOf(stack.auditLog, user)).find(
    ({ resource, at, status }) => resource === 'httproutes' && at >= since && status < 300,
  )?.at ?? Number.NaN;

const release = async (context: Context, namespace: string): Promise<Reaction> => {
  const { claims } = context;
  const route = httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
  const objects = [deployment({ namespace, name: 'checkout', version: '1.0' }), service(namespace, 'checkout'), route];

  const opened = await openCase(context, { namespace, objects, rps: 200 });
  const inputs = {
    ...releaseInputs(opened.shop, imageOf('checkout', '2.0-bad20'), 'checkout'),
    interval: '30s',
    drain: '10s',
  };
  const { run, held } = await runWatched(context, inputs, route, 'checkout-canary');
  const report = await opened.traffic.end();

  claimStatus(context, run, 'rolled-back', 'metric-failed', 1);
  claims.claim('the failed metric is named', run.outputs['failed-metric'] === 'errors', run.outputs['failed-metric']);
  claims.claim('users are back on stable', run.outputs['final-weight'] === '0', run.outputs['final-weight']);
  const others = lostSince(opened.traffic.answers, run.startedAt, '2.0-bad20');
  const onlyCanary = others.length === 0 && report.notSent === 0;
  claims.claim('only the canary failed requests', onlyCanary, { ...report.versions, ...report.errorCodes });
  const harmed = report.versions['2.0-bad20']?.non2xx ?? 0;
  const told = numberAt(run.result, 'harm', 'canaryFailures');
  // No tolerance: the pods count a request once, when they answer it, and Prometheus reads them several times before they go.
  claims.claim(
    'the report tells all the harm, and no more',
    told > 0 && told === harmed,
    `${told} told, ${harmed} counted`,
  );
  await claimRestored(context, opened, ['HTTPRoute/checkout', 'Deployment/checkout', 'Service/checkout']);

  const verdictAt = instantAt(listAt(run.result, 'steps').at(-1), 'endedAt');
  const wayBackAt = wayBackAfter(context, opened.shop.user, verdictAt);
  const last = lastOf(opened.traffic.answers, '2.0-bad20');
  const returnedAt = held.findLast(({ weight }) => weight > 0)?.to ?? 0;
  claims.note('from the weight back at 0 to the last canary request', `${Math.round(last - returnedAt)} ms`);
  const reaction = { wayBackMs: Math.round(wayBackAt - verdictAt), lastAnswerMs: Math.round(last - verdictAt), harmed };
  claims.figure({ kind: 'requests', sent: report.sent, lost: others.length + report.notSent });
  claims.figure({ kind: 'latency', what: 'way back', ms: reaction.wayBackMs });
  claims.figure({ kind: 'latency', what: 'traffic', ms: reaction.lastAnswerMs });
  return reaction;
};

export const bad: Suite = {
  name: 'bad',
  title: 'a release that fails one request in five is rolled back within seconds',
  alone: true,
  run: async (context) => {
    const reactions: Reaction[] = [];
    for (let turn = 1; turn <= (context.full ? 20 : 2); turn += 1)
      reactions.push(await release(context, `bad-${turn}`));

    const { claims, full } = context;
    claims.note('requests harmed', reactions.map(({ harmed }) => harmed).join(', '));
    const wayBack = reactions.map(({ wayBackMs }) => wayBackMs);
    const traffic = reactions.map(({ lastAnswerMs }) => lastAnswerMs);
    claims.note('from the verdict to the request that returns the traffic', spread(wayBack, 'ms'));
    claims.note('from the verdict to the last canary request', spread(traffic, 'ms'));
    if (!full) return; // Two are no measurement.
    claims.claim(
      'the way back leaves within a second of the verdict',
      median(wayBack) <= LIMIT_MS,
      spread(wayBack, 'ms'),
    );
    claims.claim('so does the traffic', median(traffic) <= LIMIT_MS, spread(traffic, 'ms'));
  },
};
