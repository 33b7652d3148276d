import { setTimeout as sleep } from 'node:timers/promises';
import { type ActionRun, type Inputs, startAction } from '../harness/action.ts';
import { type AuditEvent, auditOf } from '../harness/audit.ts';
import { type Case, claimNoneLost, claimPromoted, claimRestored, claimStatus, openCase } from '../harness/case.ts';
import { type KubeObject, listAt, numberAt, textAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import { median, spread } from '../harness/statistics.ts';
import type { Suite } from '../harness/suite.ts';
import { lostSince } from '../harness/traffic.ts';
import { PORT, PROMETHEUS_URL } from '../stack/settings.ts';

const METRICS = `
- name: errors
  requests: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}"}
  failures: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}", code=~"5.."}
`;

const SERVED_BY = 'httproute-{{namespace}}-.+-svc-{{namespace}}-{{service}}-[0-9]+@kubernetesgateway';
const ROUTER_METRICS = `
- name: errors
  requests: traefik_service_requests_total{service=~"${SERVED_BY}"}
  failures: traefik_service_requests_total{service=~"${SERVED_BY}", code=~"5.."}
`;

/** A proxy that nobody runs: pods cannot be asked at their own addresses, while the API server, by https, can. */
const NO_WAY_TO_PODS = { http_proxy: 'http://127.0.0.1:9' } as const;
const POLL_MS = 50;
/** Twice the pace of reading. */
const LIMIT_MS = 2_000;

const open = (context: Context, namespace: string, others: readonly KubeObject[] = []): Promise<Case> => {
  const route = httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
  const objects = [deployment({ namespace, name: 'checkout', version: '1.0' }), service(namespace, 'checkout'), route];
  return openCase(context, { namespace, objects: [...objects, ...others], rps: 200 });
};

const inputsOf = ({ shop }: Case, version: string): Inputs => ({
  ...releaseInputs(shop, imageOf('checkout', version), 'checkout'),
  prometheus: '',
  scrape: ':9102/metrics',
  metrics: METRICS,
});

/** Reads of pods through the API server. */
const proxiedReads = ({ stack }: Context, { shop }: Case): readonly AuditEvent[] =>
  auditOf(stack.auditLog, shop.user).filter(({ subresource }) => subresource === 'proxy');

/** When each pod of the Deployment was first seen Ready, from outside. */
const watchReady = (context: Context, namespace: string, prefix: string) => {
  const ready = new Map<string, number>();
  const ended = new AbortController();
  const look = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      for (const pod of await context.kube.list(paths.pods(namespace))) {
        const isReady = listAt(pod, 'status', 'conditions').some(
          (one) => textAt(one, 'type') === 'Ready' && textAt(one, 'status') === 'True',
        );
        const { name } = pod.metadata;
        if (isReady && name.startsWith(prefix) && !ready.has(name)) ready.set(name, Date.now());
      }
      await sleep(POLL_MS);
    }
  };
  const done = look();
  return {
    stop: async (): Promise<ReadonlyMap<string, number>> => {
      ended.abort();
      await done;
      return ready;
    },
  };
};

/**
 * A runner that reaches the pods, with a store beside them: nothing but the comparison before the start goes through the
 * API server, and the store answers the expression.
 */
const nearby = async (context: Context, namespace: string): Promise<void> => {
  const opened = await open(context, namespace);
  const inputs = { ...releaseInputs(opened.shop, imageOf('checkout', '2.0'), 'checkout'), scrape: ':9102/metrics' };
  const run = await startAction(inputs, context.github.url).done;
  const report = await opened.traffic.end();

  claimStatus(context, run, 'promoted', 'completed', 0);
  claimNoneLost(context, report);
  const reads = proxiedReads(context, opened);
  context.claims.claim(
    'pods are read at their own addresses',
    reads.length <= 1,
    `${reads.length} through the API server`,
  );
  await claimPromoted(context, opened, 'checkout', imageOf('checkout', '2.0'));
  await claimRestored(context, opened, ['HTTPRoute/checkout', 'Service/checkout']);
};

interface Seen {
  /** From Ready to the first reading of each canary pod, ms. */
  readonly firstReadMs: readonly number[];
  /** From the first request that reached the canary to the next reading of it, and to its first sample in Prometheus, ms. */
  readonly seenMs: number;
  readonly storedMs: number;
  /** From the first request that failed on the canary to the last that reached it, ms. */
  readonly exposureMs: number;
  readonly harmed: number;
}

const claimToldHarm = (context: Context, run: ActionRun, harmed: number): void => {
  const told = numberAt(run.result, 'harm', 'canaryFailures');
  context.claims.claim(
    'the report tells harm that there was, and no more',
    told > 0 && told <= harmed,
    `${told} told, ${harmed} counted`,
  );
};

/** A runner that only reaches the API server. */
const farAway = async (context: Context, namespace: string): Promise<Seen> => {
  const opened = await open(context, namespace);
  const ready = watchReady(context, namespace, 'checkout-canary-');
  const inputs = { ...inputsOf(opened, '2.0-bad20'), interval: '30s' };
  const run = await startAction(inputs, context.github.url, {}, NO_WAY_TO_PODS).done;
  const readyAt = await ready.stop();
  const report = await opened.traffic.end();

  claimStatus(context, run, 'rolled-back', 'metric-failed', 1);
  const others = lostSince(opened.traffic.answers, run.startedAt, '2.0-bad20');
  context.claims.claim(
    'only the canary failed requests',
    others.length === 0 && report.notSent === 0,
    report.errorCodes,
  );
  const harmed = report.versions['2.0-bad20']?.non2xx ?? 0;
  claimToldHarm(context, run, harmed);
  await claimRestored(context, opened, ['HTTPRoute/checkout', 'Deployment/checkout', 'Service/checkout']);

  const reads = proxiedReads(context, opened).filter(({ status }) => status === 200);
  const firstReadMs = [...readyAt].flatMap(([name, at]) => {
    const first = reads.find((one) => one.at >= at && one.uri.includes(`/pods/${name}:9102/proxy/metrics`));
    return first === undefined ? [] : [first.at - at];
  });
  context.claims.claim(
    'every canary pod is read',
    firstReadMs.length === readyAt.size && readyAt.size > 0,
    firstReadMs,
  );
  const seconds = (run.endedAt - run.startedAt) / 1000;
  context.claims.note('reads of pods through the API server', `${reads.length} in ${seconds.toFixed(0)} s`);
  const canary = opened.traffic.answers.filter(({ version }) => version === '2.0-bad20').map(({ sentAt }) => sentAt);
  const [began, ended] = [Math.min(...canary), Math.max(...canary)];
  const next = reads.find(({ at, uri }) => at >= began && uri.includes('/pods/checkout-canary-'));
  return {
    firstReadMs,
    seenMs: Math.round((next?.at ?? Number.NaN) - began),
    storedMs: Math.round((await firstSampleOf(namespace)) - began),
    harmed,
    exposureMs: Math.round(ended - began),
  };
};

/** Epoch ms of the first sample of a canary pod in Prometheus, which scrapes every second here. */
const firstSampleOf = async (namespace: string): Promise<number> => {
  const query = `http_requests_total{namespace="${namespace}", pod=~"checkout-canary-.*"}[5m]`;
  const answer: unknown = await (
    await fetch(`${PROMETHEUS_URL}/api/v1/query?query=${encodeURIComponent(query)}`)
  ).json();
  const firsts = listAt(answer, 'data', 'result').map((series) => 1000 * numberAt(series, 'values', 0, 0));
  return firsts.length === 0 ? Number.NaN : Math.min(...firsts);
};

/** Traefik's own counters: a pod of the cluster is Traefik, as far as its address and port can tell. */
const byRouter = async (context: Context, namespace: string): Promise<void> => {
  const opened = await open(context, namespace, [
    deployment({ namespace, name: 'traefik', version: '3', replicas: 1 }),
    service(namespace, 'traefik'),
  ]);
  const inputs = {
    ...inputsOf(opened, '2.0-bad20'),
    scrape: 'off',
    'scrape-router': `service://${namespace}/traefik:${PORT.traefik}/metrics`,
    metrics: ROUTER_METRICS,
    interval: '30s',
  };
  const run = await startAction(inputs, context.github.url, {}, NO_WAY_TO_PODS).done;
  const report = await opened.traffic.end();

  claimStatus(context, run, 'rolled-back', 'metric-failed', 1);
  const harmed = report.versions['2.0-bad20']?.non2xx ?? 0;
  claimToldHarm(context, run, harmed);
  const reads = proxiedReads(context, opened).filter(({ uri }) => !uri.includes(`/pods/traefik-`));
  context.claims.claim(
    "no pod but the router's is read",
    reads.length === 0,
    reads.map(({ uri }) => uri),
  );
  await claimRestored(context, opened, ['HTTPRoute/checkout', 'Deployment/checkout', 'Service/checkout']);
};

export const scrape: Suite = {
  name: 'scrape',
  title: "releases are judged by the app's and the router's pods themselves, with a metrics store and without",
  alone: 'full',
  run: async (context) => {
    await nearby(context, 'scrape-near');
    await byRouter(context, 'scrape-router');
    const seen: Seen[] = [];
    for (let turn = 1; turn <= (context.full ? 20 : 1); turn += 1)
      seen.push(await farAway(context, `scrape-far-${turn}`));
    const note = (what: string, of: (one: Seen) => number | readonly number[], unit = 'ms'): void =>
      context.claims.note(what, spread(seen.flatMap(of), unit));
    note('from Ready to the first reading of a canary pod', ({ firstReadMs }) => firstReadMs);
    note('from the first canary request to the next reading', ({ seenMs }) => seenMs);
    note("the same to the first sample in the stack's Prometheus", ({ storedMs }) => storedMs);
    note('from the first to the last canary request', ({ exposureMs }) => exposureMs);
    note('failed requests of users', ({ harmed }) => harmed, 'requests');
    const middle = median(seen.map(({ seenMs }) => seenMs));
    if (context.full) context.claims.claim('a new version is seen at once', middle <= LIMIT_MS, `${middle} ms`);
  },
};
