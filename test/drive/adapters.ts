import { addAt, jsonPatch, testOf } from '../../src/core/json-patch.ts';
import { guardOf, markPath } from '../../src/core/marks.ts';
import { type KubeObject, objectIn, objectRef, POD, SERVICE } from '../../src/core/objects.ts';
import type { Plan } from '../../src/core/plan.ts';
import { fieldsOf } from '../../src/core/shape.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { ok } from '../../src/core/units.ts';
import type { DriveContext } from '../../src/drive/context.ts';
import type { Store } from '../../src/ports/store.ts';
import type { TrafficRouter } from '../../src/ports/traffic-router.ts';
import type { Workload } from '../../src/ports/workload.ts';
import { aPlan as corePlan } from '../core/plan.ts';
import { fakeClock } from '../fakes/clock.ts';
import type { FakeCluster } from '../fakes/cluster.ts';

export const ROUTE = objectRef({ apiVersion: 'example.com/v1', kind: 'Split', plural: 'splits' }, 'shop', 'checkout');
export const CANARY_SERVICE = objectRef(SERVICE, 'shop', 'checkout-canary');
export const STABLE_SERVICE = objectRef(SERVICE, 'shop', 'checkout');
export const guard = guardOf('shop', 'checkout', 'token-1', 'r1');
export const MARKS = { [guard.holder.key]: guard.holder.value, [guard.wayBack.key]: guard.wayBack.value };

export const aPlan = (change: Partial<Plan> = {}): Plan => {
  const plan = corePlan(change);
  return { ...plan, target: { ...plan.target, routes: [ROUTE] } };
};

export const aRoute = (weight: number, annotations: Readonly<Record<string, string>> = MARKS): KubeObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Split',
  metadata: { name: 'checkout', namespace: 'shop', annotations },
  spec: { weight },
});

export const aService = (name: string, app: string, annotations?: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop', ...(annotations === undefined ? {} : { annotations }) },
  spec: { selector: { app } },
});

const weightOf = (object: KubeObject | null): number => Number(fieldsOf(object?.['spec'])['weight'] ?? 0);

/** The whole of a route is one number. */
export const router: TrafficRouter = {
  name: 'split',
  title: 'a number',
  kinds: [{ apiVersion: 'example.com/v1', kind: 'Split', plural: 'splits', aliases: ['split'], versions: ['v1'] }],
  abilities: corePlan().abilities,
  permissions: [],
  candidates: (objects) => objects.map(({ metadata }) => ({ ...ROUTE, name: metadata.name })),
  reads: ({ routes }) => routes,
  check: () => [],
  original: () => null,
  current: (seen) => ok(weightOnly(weightOf(objectIn(seen, ROUTE)))),
  plan: (seen, _target, want, { holder }) =>
    ok(
      weightOf(objectIn(seen, ROUTE)) === want.canary
        ? []
        : [jsonPatch(ROUTE, [testOf(markPath('Split', holder), holder.value), addAt('/spec/weight', want.canary)])],
    ),
  wayBack: (seen, _target, { wayBack }) =>
    weightOf(objectIn(seen, ROUTE)) === 0
      ? []
      : [jsonPatch(ROUTE, [testOf(markPath('Split', wayBack), wayBack.value), addAt('/spec/weight', 0)])],
  returns: (_seen, _target, { wayBack }) => [
    jsonPatch(ROUTE, [testOf(markPath('Split', wayBack), wayBack.value), addAt('/spec/weight', 0)]),
  ],
  restore: () => [],
  verify: () => ({ kind: 'reached', rung: 'V1' }),
  fields: () => ({}),
};

export const workload: Workload = {
  name: 'none',
  permissions: [],
  surveys: () => [],
  namesakes: () => [],
  offer: () => ({ write: null, findings: [] }),
  resolve: () => ({ target: null, findings: [] }),
  isUnchanged: () => false,
  reads: () => [CANARY_SERVICE, STABLE_SERVICE],
  plan: () => ok([]),
  samplePod: () => ({ verb: 'create', ref: ROUTE, contentType: 'application/json', body: {} }),
  peak: () => ({ pods: 0, cpu: null, memory: null }),
  progress: () => ({ kind: 'done' }),
  observe: () => ({ stable: null, canary: null }),
  podsExpression: () => ({ stable: 'checkout-1-.*', canary: null }),
  podsOf: () => ({ ...POD, namespace: 'shop', labelSelector: 'app=checkout' }),
  marked: () => [],
  pods: () => [],
};

export const aStore = (change: Partial<Store> = {}): Store => ({
  load: async () => ({ kind: 'none', lock: null }),
  acquire: async () => ({ kind: 'acquired', token: 'token-2', rollout: null }),
  renew: async () => ({ kind: 'saved' }),
  heldUntil: () => Number.POSITIVE_INFINITY,
  save: async () => ({ kind: 'saved' }),
  release: async () => ({ kind: 'saved' }),
  commands: async function* () {},
  acknowledge: async () => ({ kind: 'saved' }),
  pending: async () => ({ kind: 'ok', value: null }),
  hand: async (command) => ({ kind: 'ok', value: { ...command, raw: command.name } }),
  ...change,
});

export const aContext = (cluster: FakeCluster, change: Partial<DriveContext> = {}): DriveContext => ({
  cluster,
  store: aStore(),
  router,
  workload,
  watchdog: null,
  source: null,
  clock: fakeClock(),
  guard,
  log: () => undefined,
  cancelled: new AbortController().signal,
  ...change,
});

export const signal = (): AbortSignal => new AbortController().signal;
