import { isReturning } from './phases/promoting.ts';
import type { Reason } from './reason.ts';
import type { Rollout } from './rollout.ts';
import { enterNamed, enterPhase, isTerminal, newStage } from './stage.ts';
import type { Ms } from './units.ts';

/**
 * A rollout that was loaded, ready to be driven again: nothing is under way, the stage begins anew and asks the cluster
 * how things are. `why` is given when it must not go on: before the point of no return it then goes back; after it only
 * forward is left, and it is finished. A rollout that ended stays as it is.
 */
export const reopen = (saved: Rollout, why: Reason | null, now: Ms): Rollout => {
  if (isTerminal(saved.phase)) return saved;
  const idle: Rollout = {
    ...saved,
    stage: newStage(saved.stage.name, now),
    metrics: saved.metrics.map((metric) => ({ ...metric, cursors: {}, nextAt: now })),
    // What was saved before a weight was written does not know yet that the canary had traffic by it.
    traffic: { ...saved.traffic, firstAt: saved.traffic.firstAt ?? (saved.traffic.wanted.canary > 0 ? now : null) },
    observation: null,
    lookedAt: 0,
    open: [],
    savedRevision: saved.revision - 1,
    savedAt: now,
  };
  const isForward = saved.phase !== 'rolling-back' && saved.committedAt === null && saved.stage.name !== 'commit';
  if (isForward && why !== null) return enterPhase({ ...idle, reason: why }, 'rolling-back', now);
  // Whether stable is still up has to be seen before it gets traffic again.
  if (saved.committedAt !== null && isReturning(saved.stage.name)) return enterNamed(idle, 'stable-ready', now);
  // The point of no return may have been passed when the run died right at it.
  return saved.stage.name === 'commit' ? { ...idle, committedAt: saved.committedAt ?? now } : idle;
};
