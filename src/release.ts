import type { Entry } from './core/journal.ts';
import { guardOf } from './core/marks.ts';
import type { Permission } from './core/objects.ts';
import type { Outcome, Subject } from './core/outcome.ts';
import type { Plan, Run } from './core/plan.ts';
import type { Reason, ReasonCode } from './core/reason.ts';
import { refused, rejection } from './core/rejection.ts';
import type { Rollout } from './core/rollout.ts';
import type { Spec } from './core/spec.ts';
import { startRollout } from './core/start.ts';
import { storeName } from './core/store-name.ts';
import type { Ms } from './core/units.ts';
import type { DriveContext } from './drive/context.ts';
import { drive } from './drive/drive.ts';
import { problemFinding } from './drive/findings.ts';
import { notePods } from './drive/pod-notes.ts';
import { type Preflight, preflight } from './drive/preflight.ts';
import { previewOf } from './drive/preview.ts';
import { takeOver } from './drive/take-over.ts';
import type { Clock } from './ports/clock.ts';
import type { Cluster } from './ports/cluster.ts';
import type { MetricSource } from './ports/metric-source.ts';
import type { PodNote } from './ports/reporter.ts';
import type { Holder, Store } from './ports/store.ts';
import type { TrafficRouter } from './ports/traffic-router.ts';
import type { Watchdog } from './ports/watchdog.ts';
import type { Workload } from './ports/workload.ts';

/** Everything one release works with. It knows neither GitHub nor a client library. */
export interface Release {
  readonly spec: Spec;
  readonly run: Run;
  readonly rolloutId: string;
  readonly holder: Holder;
  readonly cluster: Cluster;
  readonly routers: readonly TrafficRouter[];
  readonly workload: Workload;
  /** The dead man's switch; null: there is none to be had. */
  readonly watchdog: Watchdog | null;
  readonly source: MetricSource | null;
  /** Rights in the cluster that the source needs. */
  readonly sourcePermissions: readonly Permission[];
  readonly store: Store;
  readonly clock: Clock;
  readonly cancelled: AbortSignal;
  readonly log: (entry: Entry) => void;
  /** Called when the lock is taken: from here on a post step has something to do. */
  readonly locked: (target: { readonly namespace: string; readonly deployment: string }) => void;
  /** A snapshot after each step and turn. */
  readonly progress: (rollout: Rollout) => void;
}

export interface Released {
  readonly outcome: Outcome;
  readonly pods: readonly PodNote[];
}

/** Reads and checks, locks, drives to the end, and cleans up (design §2). Expected trouble is an outcome, not a throw. */
export const release = async (input: Release): Promise<Released> => {
  const namespace = input.spec.namespace ?? input.cluster.defaultNamespace;
  const earlier = await settleEarlier(input, namespace);
  if (earlier !== null) return { outcome: earlier, pods: [] };
  const signal = input.cancelled;
  const checked = await preflight({ ...input, namespace, now: input.clock.now(), signal });
  // First: checks that were given up would look like a cluster that cannot be reached.
  if (signal.aborted)
    return {
      outcome: rejected(input, namespace, 'cancelled', 'the workflow run was cancelled before anything was written'),
      pods: [],
    };
  if (checked.kind === 'rejected') return { outcome: refused(checked.findings, subjectOf(input, namespace)), pods: [] };
  if (checked.kind === 'unchanged') return { outcome: unchanged(input, namespace), pods: [] };
  if (input.spec.command === 'plan') {
    const reason: Reason = { code: 'planned', text: 'the plan was made and nothing was written', metric: null };
    return { outcome: { kind: 'planned', reason, preview: previewOf(checked, input) }, pods: [] };
  }
  return roll(input, checked, namespace);
};

type Ready = Extract<Preflight, { kind: 'ready' }>;

const roll = async (input: Release, ready: Ready, namespace: string): Promise<Released> => {
  const acquired = await input.store.acquire(input.holder, AbortSignal.timeout(60_000));
  if (acquired.kind === 'held') return { outcome: lockHeld(input, namespace, acquired), pods: [] };
  if (acquired.kind === 'failed') {
    const finding = problemFinding(
      acquired.problem,
      `Lease ${namespace}/${storeName(input.spec.deployment)}`,
      input.cluster.server,
    );
    return { outcome: refused([finding], subjectOf(input, namespace)), pods: [] };
  }
  if (acquired.rollout !== null) {
    // Another run began one and died or halted while this one was checking: its plan and marks are not this run's.
    await input.store.release(true, AbortSignal.timeout(20_000));
    const text = 'another rollout began meanwhile and was not finished; run again to finish it first';
    return { outcome: rejected(input, namespace, 'lock-held', text), pods: [] };
  }
  input.locked({ namespace, deployment: input.spec.deployment });
  const start = startRollout(ready.plan, input.clock.now());
  const warnings = ready.findings.filter(({ severity }) => severity === 'warning').map(({ message }) => message);
  return driveToEnd(input, contextOf(input, ready.plan, ready.router, acquired.token), { ...start, warnings });
};

const contextOf = (input: Release, plan: Plan, router: TrafficRouter, token: string): DriveContext => ({
  cluster: input.cluster,
  store: input.store,
  router,
  workload: input.workload,
  watchdog: input.watchdog,
  source: input.source,
  clock: input.clock,
  guard: guardOf(plan.target.namespace, plan.target.deployment, token, plan.target.rolloutId),
  log: input.log,
  cancelled: input.cancelled,
});

/** Drives, reports each turn, takes the pods' last words when it turns back, and gives the lock back at the end. */
export const driveToEnd = async (
  input: Pick<Release, 'progress' | 'store'>,
  context: DriveContext,
  start: Rollout,
): Promise<Released> => {
  let rollout = start;
  let notes: Promise<readonly PodNote[]> | null = null;
  let shown = { turn: '', waits: '', at: 0 };
  for await (const next of drive(context, start)) {
    rollout = next;
    if (next.phase === 'rolling-back') notes ??= notePods(context, next.plan);
    const turn = turnOf(next);
    const waits = JSON.stringify(next.waits.map(({ kind }) => kind));
    const now = context.clock.now();
    const isNews = turn !== shown.turn || (waits !== shown.waits && now - shown.at >= WAITS_EVERY_MS);
    if (!isNews) continue;
    input.progress(next);
    shown = { turn, waits, at: now };
  }
  const left = rollout.reason?.code === 'lock-lost' ? null : await giveBack(input.store, context.clock, rollout);
  const warnings = left === null ? rollout.warnings : [...rollout.warnings, left];
  return { outcome: { kind: 'finished', rollout: { ...rollout, warnings } }, pods: (await notes) ?? [] };
};

const GIVE_BACK_TRIES = 4;
const GIVE_BACK_PAUSE_MS = 2_000;

/** null: state and lock are as they should be. Otherwise what stays behind, in words; the next run takes it away. */
const giveBack = async (store: Store, clock: Clock, { phase }: Rollout): Promise<string | null> => {
  let why = '';
  for (let tries = 0; tries < GIVE_BACK_TRIES; tries += 1) {
    if (tries > 0) await clock.sleepUntil(clock.now() + GIVE_BACK_PAUSE_MS, new AbortController().signal);
    const released = await store.release(phase === 'halted', AbortSignal.timeout(20_000));
    if (released.kind !== 'failed') return null;
    why = released.problem.message;
  }
  return `the state and the lock could not be put away: ${why}`;
};

/** Data that comes and goes must not edit a comment every few seconds: GitHub takes 1000 statuses for a commit. */
const WAITS_EVERY_MS = 60_000;

/** What a reader would want to be told at once: a new phase, step, weight held. */
const turnOf = ({ phase, step, stage }: Rollout): string => JSON.stringify([phase, step, stage.name === 'bake']);

/**
 * State and Lease are read first. A live rollout of this Deployment rejects this one; one whose run died is brought to
 * its end before anything new begins. null: the way is free.
 */
const settleEarlier = async (input: Release, namespace: string): Promise<Outcome | null> => {
  const signal = AbortSignal.timeout(30_000);
  const found = await input.store.load(signal);
  // A missing right is told by the checks, with all others.
  if (found.kind === 'none' || (found.kind === 'failed' && found.problem.kind === 'forbidden')) return null;
  if (found.kind === 'failed') {
    return refused(
      [problemFinding(found.problem, 'the state of an earlier rollout', input.cluster.server)],
      subjectOf(input, namespace),
    );
  }
  if (input.spec.command === 'plan' && found.lock !== null) return lockHeld(input, namespace, found.lock);
  if (input.spec.command === 'plan')
    return rejected(
      input,
      namespace,
      'lock-held',
      'an earlier rollout was not finished; `command: run` finishes it first',
    );
  if (found.lock !== null) sayWatching(input, found.lock);
  return finishEarlier(input, namespace);
};

const sayWatching = ({ clock, log }: Release, { runUrl, by }: { by: string; runUrl: string | null }): void =>
  log({
    at: clock.now(),
    group: 'lock',
    level: 'info',
    text: `another rollout holds the lock (${runUrl ?? by}); if it gives no sign of life for half a minute, its rollout is finished first`,
  });

const finishEarlier = async (input: Release, namespace: string): Promise<Outcome | null> => {
  const why: Reason = {
    code: 'cancelled',
    text: 'the run that began this rollout ended without finishing it',
    metric: null,
  };
  const taken = await takeOver(input, why, contextOf);
  if (taken.kind === 'none') return null;
  if (taken.kind === 'held') return lockHeld(input, namespace, taken);
  if (taken.kind === 'failed') return rejected(input, namespace, 'lock-held', taken.why);
  const ended = await driveToEnd(input, taken.context, taken.rollout);
  if (ended.outcome.kind === 'finished' && ended.outcome.rollout.phase === 'halted') return ended.outcome;
  return input.cancelled.aborted ? ended.outcome : null;
};

const FINISH_PAUSE_MS = 3_000;

/**
 * For the post step: finishes what main could not. The traffic may still be split, so a takeover that fails is tried again
 * until `giveUpAt`. `nothing`: there was nothing left to do, or another run is at it.
 */
export const finish = async (
  input: Release,
  giveUpAt: Ms,
): Promise<Released | { readonly kind: 'nothing' } | { readonly kind: 'failed'; readonly why: string }> => {
  const why: Reason = { code: 'cancelled', text: 'the workflow run ended before the rollout did', metric: null };
  for (;;) {
    const taken = await takeOver(input, why, contextOf);
    if (taken.kind === 'taken') return driveToEnd(input, taken.context, taken.rollout);
    if (taken.kind !== 'failed') return { kind: 'nothing' };
    if (!taken.canRetry || input.clock.now() >= giveUpAt) return { kind: 'failed', why: taken.why };
    await input.clock.sleepUntil(input.clock.now() + FINISH_PAUSE_MS, new AbortController().signal);
  }
};

// --- outcomes -----------------------------------------------------------------

const subjectOf = ({ spec }: Release, namespace: string): Subject => ({
  namespace,
  deployment: spec.deployment,
  images: spec.images.map(({ image }) => image),
});

const rejected = (input: Release, namespace: string, code: ReasonCode, text: string): Outcome =>
  rejection(code, text, subjectOf(input, namespace));

const lockHeld = (
  input: Release,
  namespace: string,
  held: { by: string; runUrl: string | null; since: string | null; step: string | null },
): Outcome => {
  const run = held.runUrl ?? held.by;
  const since = held.since === null ? '' : ` since ${held.since}`;
  const step = held.step === null ? '' : `, ${held.step}`;
  return rejected(input, namespace, 'lock-held', `another rollout has held the lock${since} (${run}${step})`);
};

const unchanged = (input: Release, namespace: string): Outcome => ({
  kind: 'unchanged',
  reason: { code: 'already-running', text: 'stable already runs this image and is ready', metric: null },
  subject: subjectOf(input, namespace),
});
