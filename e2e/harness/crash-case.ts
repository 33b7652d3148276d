import { setTimeout as sleep } from 'node:timers/promises';
import { API_URL } from '../stack/settings.ts';
import { type ActionRun, type Inputs, type RunningAction, startAction, tailOf } from './action.ts';
import { type Case, openCase } from './case.ts';
import { type Place, reached } from './crash-points.ts';
import { type CrashPoint, type CrashProxy, startCrashProxy } from './crash-proxy.ts';
import { type Watched, watchWeights } from './journal.ts';
import { textAt } from './json.ts';
import { paths } from './kube.ts';
import { deployment, httpRoute, imageOf, service } from './objects.ts';
import { differences, snapshot } from './remains.ts';
import { type Context, releaseInputs } from './shop.ts';
import type { Answered } from './traffic.ts';

const APP = 'checkout';
export const OLD = imageOf(APP, '1.0');

/** A rollout that is killed somewhere. */
export interface Scenario {
  readonly name: string;
  /** The new image's tag; what a tag with `bad` fails is no loss of the rollout's. */
  readonly version: string;
  readonly inputs: Inputs;
  /** Sent when the canary has had users for a while. */
  readonly signal: NodeJS.Signals | null;
}

/** A dead run's rollout, under load, for a net to find. */
export interface Wreck {
  readonly namespace: string;
  readonly opened: Case;
  readonly weights: Watched;
  readonly place: Place;
  /** Of a run as the dead one was, without the proxy. */
  readonly inputs: Inputs;
  /** Epoch ms. */
  readonly killedAt: number;
}

export interface Rescue {
  /** What the net's runs said of themselves. */
  readonly said: string;
  /** Why that is not as it should be; null: it is. */
  readonly trouble: string | null;
}

/** Something that brings a dead run's rollout to safety. */
export interface Net {
  readonly name: string;
  /** Whether a rollout that stops before the point of no return has to end on the old version. */
  readonly returns: boolean;
  /** Started before the kill where it must be there by then, and called when the run is dead. */
  rescue(context: Context, wreck: Wreck): Promise<Rescue>;
}

/** One row of the matrix. */
export interface Row {
  readonly place: Place;
  readonly net: string;
  /** Whether the run died where it was meant to. */
  readonly isReached: boolean;
  /** Canary share of the route when the run died, and at the end. */
  readonly weightAtKill: number;
  readonly finalWeight: number;
  /** Stable's image at the end. */
  readonly stable: string;
  /** Objects and marks that should not be there. */
  readonly left: readonly string[];
  readonly sent: number;
  readonly lost: number;
  /** What the new version itself failed. */
  readonly harmed: number;
  /** ms from the kill until all traffic was on one arm; NaN: it never was. */
  readonly safeMs: number;
  /** ms from the kill until the net was done. */
  readonly cleanMs: number;
  readonly said: string;
  readonly trouble: string | null;
}

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

interface Lived {
  readonly run: ActionRun;
  readonly proxy: CrashProxy;
}

/** Runs a scenario to its end, or to its death at the point. */
const live = async (
  context: Context,
  opened: Case,
  weights: Watched,
  scenario: Scenario,
  point: CrashPoint | null,
): Promise<Lived> => {
  const strike = (): void => action.kill('SIGKILL');
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

interface Scene {
  readonly opened: Case;
  readonly weights: Watched;
}

const inScene = async <T>(context: Context, namespace: string, act: (scene: Scene) => Promise<T>): Promise<T> => {
  const { route, objects } = objectsOf(namespace);
  const opened = await openCase(context, { namespace, objects, rps: 25 });
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
  inScene(context, namespace, ({ opened, weights }) => live(context, opened, weights, scenario, null));

const isLoss = ({ code, version }: Answered): boolean => (code < 200 || code > 299) && !version.includes('bad');
const isHarm = ({ code, version }: Answered): boolean => (code < 200 || code > 299) && version.includes('bad');

/** ms from then until all traffic was on one arm that is not bad. */
const safeAfter = (weights: Watched, at: number, isBad: boolean): number => {
  const safe = weights.held().find(({ weight, to }) => to > at && (weight === 0 || (weight === 1 && !isBad)));
  return safe === undefined ? Number.NaN : Math.max(0, safe.from - at);
};

/** What is not as before, once the garbage collector had its time. */
const leftOf = async (context: Context, { opened }: Wreck): Promise<readonly string[]> => {
  let left: readonly string[] = [];
  for (let tries = 0; tries < 20; tries += 1) {
    left = differences(opened.before, await snapshot(context.kube, opened.shop));
    if (left.length === 0) return left;
    await sleep(500);
  }
  return left;
};

const rowOf = async (context: Context, wreck: Wreck, net: Net, rescue: Rescue, cleanMs: number): Promise<Row> => {
  const { namespace, opened, weights, killedAt, place } = wreck;
  const held = weights.held();
  const left = await leftOf(context, wreck);
  const stable = await context.kube.get(`${paths.deployments(namespace)}/${APP}`);
  await opened.traffic.end();
  const { answers } = opened.traffic;
  return {
    place,
    net: net.name,
    isReached: true,
    weightAtKill: held.findLast(({ from }) => from <= killedAt)?.weight ?? 0,
    finalWeight: weights.held().at(-1)?.weight ?? 0,
    stable: textAt(stable, 'spec', 'template', 'spec', 'containers', 0, 'image'),
    left,
    sent: answers.length,
    lost: answers.filter(isLoss).length,
    harmed: answers.filter((answer) => isHarm(answer) && answer.sentAt >= killedAt).length,
    safeMs: safeAfter(weights, killedAt, place.scenario === 'failing'),
    cleanMs,
    ...rescue,
  };
};

const unreached = (place: Place, net: Net, run: ActionRun): Row => ({
  place,
  net: net.name,
  isReached: false,
  weightAtKill: Number.NaN,
  finalWeight: Number.NaN,
  stable: '',
  left: [],
  sent: 0,
  lost: 0,
  harmed: 0,
  safeMs: Number.NaN,
  cleanMs: Number.NaN,
  said: `${run.outputs['status']}`,
  trouble: `the point was not reached: ${tailOf(run)}`,
});

/** Kills a scenario at a place, and lets a net find it. */
export const crash = (context: Context, namespace: string, scenario: Scenario, place: Place, net: Net): Promise<Row> =>
  inScene(context, namespace, async ({ opened, weights }) => {
    const { run, proxy } = await live(context, opened, weights, scenario, place.crash);
    const struck = proxy.struck();
    if (struck === undefined) return unreached(place, net, run);
    const known = reached(place, struck.write);
    const inputs = quickInputs(opened, scenario);
    const wreck: Wreck = { namespace, opened, weights, place: known, inputs, killedAt: struck.at };
    const rescue = await net.rescue(context, wreck);
    return rowOf(context, wreck, net, rescue, Date.now() - struck.at);
  });
