import { isKeeping, isReturning } from './phases/promoting.ts';
import { splitsRequests } from './phases/rule.ts';
import type { Reason } from './reason.ts';
import type { OpenPhase, Rollout, StageName, Unwatched } from './rollout.ts';
import { enterNamed, enterPhase, isTerminal, newStage } from './stage.ts';
import type { Ms } from './units.ts';

/**
 * A rollout that was loaded, ready to be driven again: nothing is under way, the stage begins anew and asks the cluster
 * how things are; evidence and the step's clock are kept. `why` is given when it must not go on: before the point of no
 * return it then goes back; after it only forward is left, and it is finished. One that ended stays as it is.
 */
export const reopen = (saved: Rollout, why: Reason | null, now: Ms): Rollout => {
  const phase = openPhaseOf(saved);
  if (phase === null) return saved;
  const idle: Rollout = {
    ...saved,
    phase,
    reason: isStillSo(saved, phase) ? saved.reason : null,
    reopensAs: null,
    finishedAt: null,
    leftMs: saved.leftMs + (saved.phase === 'left' ? Math.max(0, now - (saved.finishedAt ?? now)) : 0),
    unwatched: [...saved.unwatched, ...gap(saved, now)],
    stage: newStage(saved.stage.name, now),
    metrics: saved.metrics.map((metric) => ({ ...metric, cursors: {}, nextAt: now })),
    // What was saved before a weight was written does not know yet that the canary had traffic by it.
    traffic: { ...saved.traffic, firstAt: saved.traffic.firstAt ?? (saved.traffic.wanted.canary > 0 ? now : null) },
    observation: null,
    lookedAt: 0,
    waits: [],
    open: [],
    savedRevision: saved.revision - 1,
    savedAt: now,
  };
  const isForward = phase !== 'rolling-back' && saved.committedAt === null && saved.stage.name !== 'commit';
  if (isForward && why !== null) return enterPhase({ ...idle, reason: why, paused: null }, 'rolling-back', now);
  return isForward
    ? goOn(idle, now)
    : finishOn(why === null ? idle : { ...idle, reason: idle.reason ?? deployAbort(idle, why) }, now);
};

/** Why it turned back or stopped stays said while that is what it does; what goes forward again begins without. */
const isStillSo = ({ undoes, stage }: Rollout, phase: OpenPhase): boolean =>
  phase === 'rolling-back' || undoes || isKeeping(stage.name);

const openPhaseOf = ({ phase, reopensAs }: Rollout): OpenPhase | null => (isTerminal(phase) ? reopensAs : phase);

/** The time since the last save: nobody looked at the metrics, and the report says so. */
const gap = ({ savedAt, finishedAt, steps }: Rollout, now: Ms): readonly Unwatched[] => {
  const from = Math.max(savedAt, finishedAt ?? 0);
  return steps.length > 0 && now - from > LONGEST_UNNOTICED_MS ? [{ from, to: now }] : [];
};

/** Tallies are saved every ten seconds; what is shorter than two of them is no gap. */
const LONGEST_UNNOTICED_MS: Ms = 20_000;

/** Pods may be gone and weights changed meanwhile: capacity is seen first, then the weight, then the clock goes on. */
const goOn = (idle: Rollout, now: Ms): Rollout => {
  const first = FIRST_AGAIN[idle.stage.name];
  if (first === undefined) return idle;
  const name = first === 'scale' && !splitsRequests(idle) ? 'shift' : first;
  return { ...idle, stage: newStage(name, now) };
};

const FIRST_AGAIN: Readonly<Partial<Record<StageName, StageName>>> = {
  shift: 'scale',
  bake: 'scale',
  'all-traffic': 'capacity',
};

/** Stable was left to the user's own deploy step: only what it runs tells what an end can mean. */
const isLeftToDeploy = ({ plan, untilReached, stage, skipsSteps }: Rollout): boolean =>
  plan.conduct.until?.kind === 'promotion' &&
  untilReached &&
  !skipsSteps &&
  ['commit', 'read-stable', 'await-stable'].includes(stage.name);

const deployAbort = (idle: Rollout, why: Reason): Reason | null => (isLeftToDeploy(idle) ? why : null);

const finishOn = (idle: Rollout, now: Ms): Rollout => {
  if (idle.committedAt !== null && isLeftToDeploy(idle)) return enterNamed(idle, 'read-stable', now);
  // Whether stable is still up has to be seen before it gets traffic again.
  if (idle.committedAt !== null && isReturning(idle.stage.name)) return enterNamed(idle, 'stable-ready', now);
  // A cancel or a refused write stopped the return where it was safe: no metric speaks against the updated stable.
  if (isKeeping(idle.stage.name) && idle.reason !== null && idle.reason.metric === null)
    return enterNamed({ ...idle, reason: null }, 'stable-ready', now);
  // The point of no return may have been passed when the run died right at it.
  return idle.stage.name === 'commit' ? { ...idle, committedAt: idle.committedAt ?? now } : idle;
};
