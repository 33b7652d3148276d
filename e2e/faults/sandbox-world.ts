import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Sandbox, startSandbox } from '../../sandbox/index.ts';
import type { RunOptions, RunResult } from '../../sandbox/runner/index.ts';
import { ERRORS_METRIC, shopObjects } from '../../sandbox/shop.ts';
import { BUNDLE } from '../harness/action.ts';
import { type KubeObject, listAt, numberAt, textAt } from '../harness/json.ts';
import type { Asked, Ended, Running, World } from './world.ts';

const RPS = 100;
const KINDS: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  Pod: 'v1',
  Service: 'v1',
  ConfigMap: 'v1',
  Lease: 'coordination.k8s.io/v1',
  HTTPRoute: 'gateway.networking.k8s.io/v1',
};

const inputsOf = (asked: Asked): RunOptions['inputs'] => ({
  deployment: 'checkout',
  namespace: 'shop',
  route: 'httproute/checkout',
  image: asked.image,
  kubeconfig: asked.kubeconfig,
  prometheus: asked.prometheus,
  metrics: ERRORS_METRIC,
  weights: '20, 60',
  interval: '1s',
  drain: '1s',
  'no-data-timeout': '10s',
});

const endedOf = (run: RunResult, startedAt: number): Ended => {
  const step = run.outputs['status'] === undefined && run.post !== null ? run.post : run;
  return {
    status: step.outputs['status'] ?? '',
    reasonCode: step.outputs['reason-code'] ?? '',
    reason: step.outputs['reason'] ?? '',
    finalWeight: step.outputs['final-weight'] ?? '',
    log: run.post === null ? run.stdout : `${run.stdout}\n--- post\n${run.post.stdout}`,
    startedAt,
    endedAt: Date.now(),
  };
};

const start = (sandbox: Sandbox, asked: Asked): Running => {
  const cancel = new AbortController();
  const die = new AbortController();
  const startedAt = Date.now();
  const { github } = sandbox;
  const dead = { ...github, url: 'http://127.0.0.1:9' };
  const run = sandbox.run({
    bundle: BUNDLE,
    actionFile: join(dirname(BUNDLE), '../action.yml'),
    inputs: inputsOf(asked),
    github: asked.gitHubIsDead ? dead : github,
    cancel: cancel.signal,
    die: die.signal,
    skipPost: !asked.post,
    timeoutMs: 600_000,
  });
  const finish = async (): Promise<Ended> => {
    const result = await run;
    rmSync(result.temp, { recursive: true, force: true });
    return endedOf(result, startedAt);
  };
  return { done: finish(), cancel: () => cancel.abort(), kill: () => die.abort() };
};

const remainsIn = ({ cluster }: Sandbox): readonly string[] =>
  Object.entries(KINDS).flatMap(([kind, apiVersion]) =>
    cluster.list(apiVersion, kind, 'shop').flatMap(({ metadata }) => {
      const marks = Object.keys({ ...metadata.labels, ...metadata.annotations });
      const own = marks.filter((key) => key.startsWith('canary-rollout.github.io/'));
      const made = metadata.name.includes('canary') ? [`${kind} ${metadata.name}`] : [];
      return [...made, ...own.map((mark) => `${mark} on ${kind} ${metadata.name}`)];
    }),
  );

/** At once, but for what the collector takes away in its own time. */
const remains = async (sandbox: Sandbox): Promise<readonly string[]> => {
  const atOnce = remainsIn(sandbox).filter((text) => !/(^| on )(Pod|ReplicaSet) /.test(text));
  if (atOnce.length > 0) return atOnce;
  await sandbox.until('the collector', () => remainsIn(sandbox).length === 0).catch(() => {});
  return remainsIn(sandbox);
};

const canaryWeight = (sandbox: Sandbox): number => {
  const route: unknown = sandbox.cluster.get(KINDS['HTTPRoute'] ?? '', 'HTTPRoute', 'shop', 'checkout');
  const entries = listAt(route, 'spec', 'rules', 0, 'backendRefs');
  const weightOf = (entry: unknown): number => {
    const weight = numberAt(entry, 'weight');
    return Number.isNaN(weight) ? 1 : weight;
  };
  const total = entries.reduce<number>((sum, entry) => sum + weightOf(entry), 0);
  const own = entries.filter((entry) => textAt(entry, 'name') === 'checkout-canary');
  return total === 0 ? 0 : own.reduce<number>((sum, entry) => sum + weightOf(entry), 0) / total;
};

const usersOf = (sandbox: Sandbox, since: number, failing: string): ReturnType<World['users']> => {
  const records = sandbox.traffic.records.filter(({ at }) => at >= since);
  const lost = records.filter(({ code, version }) => (code < 200 || code > 299) && (version ?? 'none') !== failing);
  return {
    sent: records.length,
    lost: lost.length,
    text: `${lost.length} of ${records.length}: ${JSON.stringify(lost.slice(0, 3))}`,
  };
};

const stableOf = (found: KubeObject | null): Awaited<ReturnType<World['stable']>> => ({
  image: textAt(found, 'spec', 'template', 'spec', 'containers', 0, 'image'),
  ready: ['readyReplicas', 'updatedReplicas', 'replicas'].every((key) => numberAt(found, 'status', key) === 3),
});

const worldOf = (sandbox: Sandbox): World => {
  const { cluster, prometheus } = sandbox;
  const state = { weight: 0, since: 0 };
  const look = (): void => {
    const weight = canaryWeight(sandbox);
    if (weight !== state.weight) Object.assign(state, { weight, since: Date.now() });
  };
  return {
    api: { upstream: cluster.url },
    metrics: { upstream: prometheus.url },
    kubeconfig: (url) => cluster.kubeconfig().replaceAll(cluster.url, url),
    imageOf: (tag) => `registry.example/checkout:${tag}`,
    start: (asked) => start(sandbox, asked),
    users: (since, failing) => usersOf(sandbox, since, failing),
    weight: () => {
      look();
      return state;
    },
    stable: async () => stableOf(cluster.get('apps/v1', 'Deployment', 'shop', 'checkout') as KubeObject | null),
    remains: () => remains(sandbox),
  };
};

/** A world in this process, with users until `close`. */
export const openSandboxWorld = async (seed: number): Promise<{ readonly world: World; close(): Promise<void> }> => {
  const sandbox = await startSandbox({
    seed,
    pace: { startDelayMs: 100, stopDelayMs: 300 },
    prometheus: { scrapeIntervalMs: 200 },
  });
  sandbox.cluster.apply(shopObjects());
  await sandbox.ready('shop', 'checkout');
  const { endpoints, rules } = sandbox.cluster.dataPlane;
  await sandbox.until('the gateway', () => rules.size > 0 && endpoints.get('shop/checkout')?.length === 3);
  sandbox.traffic.start({ rps: RPS, target: 'httproute/checkout' });
  await sandbox.measured();
  return { world: worldOf(sandbox), close: () => sandbox.stop() };
};
