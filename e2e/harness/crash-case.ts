import { setTimeout as sleep } from 'node:timers/promises';
import { type ActionRun, type Inputs, tailOf } from './action.ts';
import { type Place, reached } from './crash-points.ts';
import type { Gate } from './gate.ts';
import type { Watched } from './journal.ts';
import { textAt } from './json.ts';
import { paths } from './kube.ts';
import { differences, snapshot } from './remains.ts';
import { APP, inScene, live, quickInputs, type Scenario, type Scene } from './scene.ts';
import type { Context } from './shop.ts';
import type { Answered } from './traffic.ts';

/** A dead run's rollout, under load, for a net to find. */
export interface Wreck extends Scene {
  readonly namespace: string;
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

/** What a net is while one run lives, and what it does when it is dead. */
export interface Attendant {
  /** What the run needs for it. */
  readonly inputs: Inputs;
  rescue(context: Context, wreck: Wreck): Promise<Rescue>;
  end(): void;
}

/** Something that brings a dead run's rollout to safety. */
export interface Net {
  readonly name: string;
  /** Whether a rollout that stops before the point of no return has to end on the old version. */
  readonly returns: boolean;
  /** Whether it has anything to do there. */
  covers(place: Place): boolean;
  /** Called before the run begins, with its inputs. */
  attend(context: Context, scene: Scene, inputs: Inputs): Promise<Attendant>;
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

export const isLoss = ({ code, version }: Answered): boolean => (code < 200 || code > 299) && !version.includes('bad');
const isHarm = ({ code, version }: Answered): boolean => (code < 200 || code > 299) && version.includes('bad');

/** What the dead run did last may be seen a moment later; before the lease runs out nobody else moves any traffic. */
const SEEN_MS = 3000;

/** ms from then until all traffic was on one arm that is not bad. */
const safeAfter = (weights: Watched, at: number, isBad: boolean): number => {
  const isSafe = (weight: number): boolean => weight === 0 || (weight === 1 && !isBad);
  const safe = weights.held().find(({ weight, to }) => to > at + SEEN_MS && isSafe(weight));
  return safe === undefined ? Number.NaN : Math.max(0, safe.from - at);
};

/** What is not as before, once the garbage collector had its time. */
export const leftOf = async (context: Context, { opened }: Scene): Promise<readonly string[]> => {
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
    weightAtKill: held.findLast(({ from }) => from <= killedAt + SEEN_MS)?.weight ?? 0,
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

export interface CrashShape {
  readonly scenario: Scenario;
  readonly place: Place;
  readonly net: Net;
  readonly gate: Gate;
}

/** Kills a scenario at a place, and lets a net find it. The gate is for what costs the machine: not for waiting. */
export const crash = async (
  context: Context,
  namespace: string,
  { scenario, place, net, gate }: CrashShape,
): Promise<Row> => {
  const leave = await gate.enter();
  return inScene(context, namespace, async (scene) => {
    const inputs = quickInputs(scene.opened, scenario);
    const attendant = await net.attend(context, scene, inputs);
    const attended = { ...scenario, inputs: { ...scenario.inputs, ...attendant.inputs } };
    const { run, proxy } = await live(context, scene, attended, place.crash).finally(leave);
    const struck = proxy.struck();
    if (struck === undefined) return unreached(place, net, run);
    const known = reached(place, struck.write);
    const wreck: Wreck = { ...scene, namespace, place: known, inputs, killedAt: struck.at };
    const rescue = await attendant.rescue(context, wreck).finally(attendant.end);
    return rowOf(context, wreck, net, rescue, Date.now() - struck.at);
  }).finally(leave);
};
