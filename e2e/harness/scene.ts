import { setTimeout as sleep } from 'node:timers/promises';
import { API_URL } from '../stack/settings.ts';
import { type ActionRun, type Inputs, type RunningAction, startAction } from './action.ts';
import { type Case, openCase } from './case.ts';
import { type CrashPoint, type CrashProxy, type Fate, startCrashProxy } from './crash-proxy.ts';
import { type Watched, watchWeights } from './journal.ts';
import { paths } from './kube.ts';
import { deployment, httpRoute, imageOf, service } from './objects.ts';
import { type Context, releaseInputs } from './shop.ts';

export const APP = 'checkout';
export const OLD = imageOf(APP, '1.0');

/** A rollout to which something happens somewhere. */
export interface Scenario {
  readonly name: string;
  /** The new image's tag; what a tag with `bad` fails is no loss of the rollout's. */
  readonly version: string;
  readonly inputs: Inputs;
  /** Sent when the canary has had users for a while. */
  readonly signal: NodeJS.Signals | null;
}

export const GOOD: Scenario = { name: 'good', version: '2.0', inputs: {}, signal: null };

const objectsOf = (namespace: string) => {
  const route = httpRoute(namespace, APP, [{ backendRefs: [{ name: APP, port: 80 }] }]);
  const objects = [deployment({ namespace, name: APP, version: '1.0', replicas: 2 }), service(namespace, APP), route];
  return { route, objects };
};

const METRICS = `
- name: errors
  requests: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}"}
  failures: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}", code=~"5.."}
`;

/** One counted metric: the fewest requests and seconds that a step can do with. */
export const quickInputs = (opened: Case, scenario: Pick<Scenario, 'version' | 'inputs'>): Inputs => ({
  ...releaseInputs(opened.shop, imageOf(APP, scenario.version), APP),
  metrics: METRICS,
  weights: '40, 70',
  interval: '2s',
  drain: '2s',
  ...scenario.inputs,
});

/** Sends the scenario's signal once the canary has had users for two seconds. */
const signalWhenServed = async (scenario: Scenario, action: RunningAction, weights: Watched, isOver: () => boolean) => {
  const { signal } = scenario;
  if (signal === null) return;
  while (!isOver()) {
    const { weight, from } = weights.held().at(-1) ?? { weight: 0, from: 0 };
    if (weight > 0 && Date.now() - from > 2000) return action.kill(signal);
    await sleep(50);
  }
};

/** A shop under load with a route that is watched. */
export interface Scene {
  readonly opened: Case;
  readonly weights: Watched;
}

/** What happens to the process at the point. */
export type Blow = (action: RunningAction) => Fate | Promise<Fate>;

export const kill: Blow = (action) => {
  action.kill('SIGKILL');
  return 'dead';
};

export interface Lived {
  readonly run: ActionRun;
  readonly proxy: CrashProxy;
}

/** Runs a scenario to its end, with a blow at a point of it. */
export const live = async (
  context: Context,
  { opened, weights }: Scene,
  scenario: Scenario,
  point: CrashPoint | null,
  blow: Blow = kill,
): Promise<Lived> => {
  const strike = (): Fate | Promise<Fate> => blow(action);
  const proxy = await startCrashProxy({ certificate: context.stack.certificate, point, strike });
  const inputs = quickInputs(opened, scenario);
  const kubeconfig = opened.shop.kubeconfig.replaceAll(API_URL, proxy.url);
  const action = startAction({ ...inputs, kubeconfig }, context.github.url);
  let isOver = false;
  const signalled = signalWhenServed(scenario, action, weights, () => isOver);
  const run = await action.done;
  isOver = true;
  await signalled;
  proxy.close();
  return { run, proxy };
};

/** Its pods and route would cost the stack for as long as it lives. */
const abandon = async ({ kube }: Context, namespace: string): Promise<void> => {
  const names = [
    `${paths.httpRoutes(namespace)}/${APP}`,
    ...[APP, `${APP}-canary`].map((name) => `${paths.deployments(namespace)}/${name}`),
  ];
  for (const path of names) await kube.call('DELETE', path);
};

export const inScene = async <T>(
  context: Context,
  namespace: string,
  act: (scene: Scene) => Promise<T>,
): Promise<T> => {
  const { route, objects } = objectsOf(namespace);
  const opened = await openCase(context, { namespace, objects, rps: 20 });
  const weights = await watchWeights(context.kube, route, `${APP}-canary`);
  try {
    return await act({ opened, weights });
  } finally {
    weights.stop();
    await opened.traffic.end();
    await abandon(context, namespace);
  }
};

/** A scenario that nobody disturbs: what it writes, and how it ends. */
export const rehearse = (context: Context, namespace: string, scenario: Scenario): Promise<Lived> =>
  inScene(context, namespace, (scene) => live(context, scene, scenario, null));
