import { addAt, jsonPatch, testOf } from '../../src/core/json-patch.ts';
import { guardOf, markPath } from '../../src/core/marks.ts';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  type KubeObject,
  objectRef,
  refKey,
  SERVICE,
  type Seen,
} from '../../src/core/objects.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { WatchdogSpec } from '../../src/core/spec.ts';
import type { WatchdogOrders } from '../../src/ports/watchdog.ts';
import { jobWatchdog as watchdogFor } from '../../src/watchdog/index.ts';
import { aPlan as corePlan, PODS } from '../core/plan.ts';
import { grpcRoute, httpRoute } from '../routers/routes.ts';

export const STATE_UID = 'state-uid';
export const guard = guardOf('shop', 'checkout', 'token-1', 'r1');

/** As the job's inputs name it. */
export const OWN: WatchdogSpec = {
  image: 'example.com/tools@sha256:0123',
  serviceAccount: 'watchdog',
  afterMs: 60_000,
};
export const jobWatchdog = watchdogFor(OWN);

export const aPlan = (change: Partial<Plan> = {}): Plan => {
  const plan = corePlan({
    watchdog: OWN,
    ...change,
  });
  const routes = plan.abilities.unit === 'pods' ? [] : [httpRoute(), grpcRoute('checkout-grpc')];
  return { ...plan, target: { ...plan.target, routes, ...change.target } };
};

const markTest = (kind: string) => testOf(markPath(kind, guard.wayBack), guard.wayBack.value);

const routeBack = (ref: ReturnType<typeof httpRoute>) =>
  jsonPatch(ref, [
    markTest(ref.kind),
    testOf('/spec/rules/0/backendRefs/0/name', 'checkout'),
    addAt('/spec/rules/0/backendRefs/0/weight', 100),
    addAt('/spec/rules/0/backendRefs/1/weight', 0),
  ]);

/** What the adapters plan for two routes. */
export const orders = (change: Partial<WatchdogOrders> = {}): WatchdogOrders => ({
  plan: aPlan(),
  guard,
  returns: [routeBack(httpRoute()), routeBack(grpcRoute('checkout-grpc'))],
  lastResort: jsonPatch(objectRef(SERVICE, 'shop', 'checkout-canary'), [
    markTest('Service'),
    addAt('/spec/selector', { app: 'checkout' }),
  ]),
  ...change,
});

/** What the adapters plan where pods are the weight. */
export const podOrders = (): WatchdogOrders => ({
  plan: aPlan({ abilities: PODS }),
  guard,
  returns: [
    jsonPatch(objectRef(DEPLOYMENT, 'shop', 'checkout-canary'), [markTest('Deployment'), addAt('/spec/replicas', 0)]),
  ],
  lastResort: null,
});

const STATE: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'canary-rollout-checkout', namespace: 'shop', uid: STATE_UID },
};

export const seenWith = (job: KubeObject | null, state: KubeObject | null = STATE): Seen => ({
  objects: new Map([
    [refKey(jobWatchdog.ref(aPlan().target)), job],
    [refKey(objectRef(CONFIG_MAP, 'shop', 'canary-rollout-checkout')), state],
  ]),
  lists: new Map(),
});

/** As it would be created. */
export const jobFor = (given = orders()): KubeObject => {
  const [request] = jobWatchdog.creation(given, STATE_UID);
  if (request === undefined) throw new Error('the plan asks for no watchdog');
  return request.body as unknown as KubeObject;
};

/** As the cluster would have it. */
export const aJob = (status: object = {}, metadata: object = {}): KubeObject => {
  const job = jobFor();
  return { ...job, metadata: { ...job.metadata, uid: 'job-uid', resourceVersion: '7', ...metadata }, status };
};
