import { type ActionRun, type Inputs, type RunningAction, startAction, tailOf } from '../harness/action.ts';
import { auditOf, writesOf } from '../harness/audit.ts';
import { claimNoneLost, claimRestored, claimStatus } from '../harness/case.ts';
import { isLoss, leftOf } from '../harness/crash-case.ts';
import { type Place, placeIn, placesOf } from '../harness/crash-points.ts';
import { createGate, type Gate } from '../harness/gate.ts';
import { NEW, openRelease, post, UNTOUCHED, untilBaking, weightNow } from '../harness/interrupted.ts';
import { type Blow, GOOD, inScene, live, quickInputs, rehearse } from '../harness/scene.ts';
import type { Context } from '../harness/shop.ts';
import { median, spread } from '../harness/statistics.ts';
import type { Suite } from '../harness/suite.ts';
import { aligned } from '../harness/table.ts';
import { fits, percent, shareOf } from '../harness/traffic.ts';

/** Cases at a time, so that a measured one has most of the machine to itself. */
const SIDE_BY_SIDE = 3;
/** With half of the users on the canary, one of them every 40 ms. */
const RPS = 50;
const STEP: Inputs = { weights: '50', interval: '60s' };
const TIMES = 20;
/** Twice the targets: others may use the machine too. */
const WAY_BACK_MS = 600;
const TRAFFIC_MS = 2000;
const POST_MS = 4 * 60_000;

/** What a runner, a person or a system does to the process; resolves when it is gone. */
type Send = (action: RunningAction) => Promise<ActionRun>;

const one =
  (signal: NodeJS.Signals): Send =>
  (action) => {
    action.kill(signal);
    return action.done;
  };

const SENDS: Readonly<Record<string, Send>> = {
  runner: (action) => action.cancel(),
  sigterm: one('SIGTERM'),
  sighup: one('SIGHUP'),
  twice: (action) => {
    setTimeout(() => action.kill('SIGINT'), 200);
    return action.cancel();
  },
};

interface Reaction {
  /** From the signal to the moment the API server got the request that returns the traffic. */
  readonly wayBackMs: number;
  /** From the signal to the moment the last request that reached the canary was sent. */
  readonly trafficMs: number;
}

/** When the API server got the first accepted write of the route since then. */
const routeWrittenAfter = ({ stack }: Context, user: string, since: number): number =>
  writesOf(auditOf(stack.auditLog, user)).find(
    ({ resource, at, status }) => resource === 'httproutes' && at >= since && status < 300,
  )?.at ?? Number.NaN;

/** Stopped in the middle of a step. */
const interrupted = async (context: Context, namespace: string, send: Send): Promise<Reaction> => {
  const { claims } = context;
  const release = await openRelease(context, namespace, RPS);
  const { opened, weights } = release;
  const inputs = { ...release.inputs, ...STEP };
  const action = startAction(inputs, context.github.url);
  await untilBaking(context, action, release);
  const at = Date.now();
  const main = await send(action);
  const done = await post(context, inputs, main);
  weights.stop();
  const report = await opened.traffic.end();
  // The runner kills main after ten seconds: then the post step finishes it.
  claimStatus(context, main.outputs['status'] === undefined ? done : main, 'aborted', 'cancelled', 1);
  claims.claim('users are back on stable', weightNow(weights) === 0, percent(weightNow(weights)));
  claimNoneLost(context, report);
  await claimRestored(context, opened, UNTOUCHED);
  const last = opened.traffic.answers.findLast(({ version }) => version === NEW)?.sentAt ?? Number.NaN;
  const wayBackAt = routeWrittenAfter(context, opened.shop.user, at);
  return { wayBackMs: Math.round(wayBackAt - at), trafficMs: Math.round(last - at) };
};

const claimTimes = ({ claims, full }: Context, reactions: readonly Reaction[]): void => {
  const wayBack = reactions.map(({ wayBackMs }) => wayBackMs);
  const traffic = reactions.map(({ trafficMs }) => trafficMs);
  for (const ms of wayBack) claims.figure({ kind: 'latency', what: 'way back', ms });
  for (const ms of traffic) claims.figure({ kind: 'latency', what: 'traffic', ms });
  claims.note('from the signal to the request that returns the traffic', spread(wayBack, 'ms'));
  claims.note('from the signal to the last canary request', spread(traffic, 'ms'));
  if (!full) return; // A few are no measurement.
  claims.claim('the way back leaves at once', median(wayBack) <= WAY_BACK_MS, spread(wayBack, 'ms'));
  claims.claim('traffic leaves within a second', median(traffic) <= TRAFFIC_MS, spread(traffic, 'ms'));
};

/** Cancelled around one write, which is on its way for longer than the way back takes. */
interface Row {
  readonly place: Place;
  readonly said: string;
  readonly postMs: number;
  readonly weight: number;
  readonly lost: number;
  readonly left: readonly string[];
  readonly log: string;
}

const HELD_MS = 500;

const cancelledAt = (context: Context, namespace: string, place: Place): Promise<Row> =>
  inScene(context, namespace, async (scene) => {
    const blow: Blow = async (action) => {
      action.cancel().catch(() => {}); // Its end is awaited elsewhere.
      await new Promise((resolve) => void setTimeout(resolve, HELD_MS));
      return 'alive' as const;
    };
    const { run, proxy } = await live(context, scene, GOOD, place.crash, blow);
    const began = Date.now();
    const after = await startAction(quickInputs(scene.opened, GOOD), context.github.url, run.state).done;
    const postMs = Date.now() - began;
    const ends = [run, after].map(({ outputs }) => outputs['status']).filter((status) => status !== undefined);
    const isOver = ends.at(-1) !== 'halted';
    const left = isOver ? await leftOf(context, scene) : [];
    await scene.opened.traffic.end();
    return {
      place,
      said: proxy.struck() === undefined ? 'not reached' : ends.join(', '),
      postMs,
      weight: weightNow(scene.weights),
      lost: scene.opened.traffic.answers.filter(isLoss).length,
      left,
      log: `${tailOf(run)} ⏎ ${tailOf(after)}`,
    };
  });

/** Back on stable before the point of no return; after it the new version serves, from either copy. */
const isAsPromised = ({ place, said, weight, lost, left, postMs }: Row): boolean => {
  if (lost > 0 || left.length > 0 || postMs > POST_MS) return false;
  const isBack = said === 'aborted' && weight === 0;
  const isForward = said === 'halted' || (said === 'promoted' && weight === 0);
  if (place.isPastReturn === null) return isBack || isForward;
  return place.isPastReturn ? isForward : isBack;
};

const SHORT_STAGES = ['preparing/route-entry', 'progressing/shift', 'promoting/all-traffic', 'promoting/update-stable'];

/** The first write of each stage held on its way; in the full form every stage, and the quiet of those that only wait. */
const placesFor = async (context: Context): Promise<readonly Place[]> => {
  if (!context.full) return SHORT_STAGES.map((stage) => placeIn(GOOD.name, stage));
  const { proxy } = await rehearse(context, 'signal-none', GOOD);
  return placesOf(GOOD.name, proxy.writes).filter(({ crash }) => crash.when !== 'after');
};

const HEAD = ['cancelled at', 'ends as', 'canary at end', 'left', 'lost', 'post'];

const cellsOf = ({ place, said, weight, left, lost, postMs }: Row): readonly string[] => [
  place.name,
  said,
  percent(weight),
  `${left.length}`,
  `${lost}`,
  `${(postMs / 1000).toFixed(1)} s`,
];

const inPhases = async (context: Context, gate: Gate): Promise<void> => {
  const places = await placesFor(context);
  const rows = await Promise.all(
    places.map((place, index) => gated(gate, () => cancelledAt(context, `signal-at-${index + 1}`, place))),
  );
  const wrong = rows.filter((row) => !isAsPromised(row));
  const { claims } = context;
  for (const row of wrong) claims.note(row.place.name, `${row.left.join(', ')} ${row.log}`);
  const what = 'cancelled with a write on its way, in each stage: back before the point of no return, forward after it';
  claims.claim(what, wrong.length === 0, `${rows.length} stages, ${wrong.length} wrong`);
  claims.print(`\n${aligned([HEAD, ...rows.map(cellsOf)])}\n`);
};

/** `on-cancel: keep`: the rollout stays where it is, and so does its traffic. */
const kept = async (context: Context): Promise<void> => {
  const { claims } = context;
  const release = await openRelease(context, 'signal-keep', RPS);
  const { opened, weights } = release;
  const inputs: Inputs = { ...release.inputs, ...STEP, 'on-cancel': 'keep' };
  const action = startAction(inputs, context.github.url);
  try {
    await untilBaking(context, action, release);
  } catch (error) {
    if (!String(error).includes('not in this version')) throw error;
    claims.note('left out', 'the bundle has no on-cancel');
    await opened.traffic.end();
    return weights.stop();
  }
  const main = await action.cancel();
  const after = await post(context, inputs, main);
  claimStatus(context, main, 'paused', 'cancelled', 0);
  const from = Date.now();
  await context.kube.until(
    'enough answers',
    async () => opened.traffic.answers.filter(({ sentAt }) => sentAt > from).length > 150,
  );
  const share = shareOf(opened.traffic.answers, NEW, from, Date.now());
  claims.claim('kept: the canary keeps its share', fits(share, 0.5), `${percent(share.share)} of ${share.requests}`);
  claims.claim('kept: its post step leaves it so', after.exitCode === 0, tailOf(after));
  const { namespace, kubeconfig } = opened.shop;
  const abort: Inputs = { ...release.inputs, command: 'abort', deployment: 'checkout', namespace, kubeconfig };
  claimStatus(context, await startAction(abort, context.github.url).done, 'aborted', 'aborted-by-user', 1);
  weights.stop();
  claimNoneLost(context, await opened.traffic.end());
  await claimRestored(context, opened, UNTOUCHED);
};

const gated = async <T>(gate: Gate, act: () => Promise<T>): Promise<T> => {
  const leave = await gate.enter();
  return act().finally(leave);
};

/** Alone, for the times that it takes. */
export const signals: Suite = {
  name: 'signals',
  title: 'a cancelled rollout gives the traffic back at once, whatever the signal and wherever it stands',
  alone: true,
  run: async (context) => {
    const gate = createGate(SIDE_BY_SIDE);
    const names = Object.keys(SENDS).flatMap((name) =>
      Array.from({ length: context.full && name === 'runner' ? TIMES : 1 }, (_, index) => `${name}-${index + 1}`),
    );
    const reactions = await Promise.all(
      names.map((name) =>
        gated(gate, () => interrupted(context, `signal-${name}`, SENDS[name.replace(/-\d+$/, '')] ?? one('SIGINT'))),
      ),
    );
    claimTimes(context, reactions);
    await Promise.all([gated(gate, () => kept(context)), inPhases(context, gate)]);
  },
};
