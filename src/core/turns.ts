import { isCleaning } from './phases/cleaning.ts';
import { canaryGone, isInPlace, speaksAgainstStable } from './phases/in-place.ts';
import { isKeeping, isReturning } from './phases/promoting.ts';
import type { Reason } from './reason.ts';
import type { Effect, Rollout, TerminalPhase } from './rollout.ts';
import { enterNamed, enterPhase, isTerminal } from './stage.ts';
import { refreshRecord } from './steps.ts';
import type { Ms } from './units.ts';

/** Reads and timers can be dropped. A save that was sent has to be answered before the next, or the older state may win. */
const isSent = ({ kind }: Effect): boolean => kind === 'write' || kind === 'save' || kind === 'acknowledge';

/** Without the reads and timers of the stage that is given up. */
export const onlySent = (rollout: Rollout): Rollout => ({ ...rollout, open: rollout.open.filter(isSent) });

/** A failure before the point of no return goes back; after it, it stops where traffic is healthy. */
export const fail = (rollout: Rollout, reason: Reason, now: Ms): Rollout =>
  rollout.phase !== 'rolling-back' && rollout.committedAt === null
    ? rollBack(rollout, reason, now)
    : halt(rollout, reason, now);

/** A forward write under way cannot be called back: it stays open as superseded, and the way back goes again after it. */
export const rollBack = (rollout: Rollout, reason: Reason, now: Ms): Rollout => {
  const isAbort = ['cancelled', 'aborted-by-user', 'superseded'].includes(reason.code);
  if (isStableGone(rollout)) return end(rollout, 'halted', withNobody(rollout, reason), now);
  const closed = refreshRecord(rollout, now, isAbort ? 'aborted' : 'failed');
  return enterPhase(onlySent({ ...closed, reason, paused: null, approval: null }), 'rolling-back', now);
};

/** Stable was deleted, scaled to nothing or lost its Service: going back would take users from the last pods that answer. */
const isStableGone = ({ observation, traffic }: Rollout): boolean =>
  observation !== null &&
  ((observation.stable?.replicas ?? 0) === 0 || observation.stable?.endpoints === 0) &&
  traffic.wanted.canary > 0 &&
  (observation.canary?.ready ?? 0) > 0;

const withNobody = ({ plan }: Rollout, reason: Reason): Reason => ({
  ...reason,
  text: `${reason.text}; there is nothing to go back to, so the canary ${plan.target.canaryDeployment} keeps its traffic`,
});

/** Past the point of no return, or when the way back cannot go on: traffic stays where it is healthy, and a person is called. */
export const halt = (rollout: Rollout, reason: Reason, now: Ms): Rollout => {
  const halting = { ...rollout, reason: withTrouble(rollout.reason, reason) };
  const { plan, phase, stage, observation } = rollout;
  // Never to a copy that is not known to have a pod that answers.
  const canKeep = plan.abilities.allTraffic && (observation?.canary?.ready ?? 0) > 0;
  if (phase === 'promoting' && canKeep && (isReturning(stage.name) || isBadInPlace(halting)))
    return enterNamed(onlySent(halting), 'keep-canary', now);
  return end(halting, 'halted', halting.reason, now);
};

/** A stable that cannot be updated keeps its users, as its own rolling update does; one that is bad does not. */
const isBadInPlace = (rollout: Rollout): boolean =>
  isInPlace(rollout.plan) && rollout.stage.name === 'stable-ready' && speaksAgainstStable(rollout, rollout.reason);

/** Why it turned back or stopped stays the reason; what then kept it from ending well is said too. */
const withTrouble = (first: Reason | null, trouble: Reason): Reason =>
  first === null ? trouble : { ...first, text: `${first.text}; then: ${trouble.text}` };

/** What is under way already is what a cancel would ask for, or all that is left is better finished than left. */
const isBeyondCancel = (rollout: Rollout): boolean => {
  const { phase, stage } = rollout;
  if (phase === 'rolling-back' || isKeeping(stage.name) || rollout.undoes) return true;
  if (phase !== 'promoting' || rollout.committedAt === null) return false;
  if (stage.name === 'without-canary') return true;
  return isReturning(stage.name) ? canaryGone(rollout) : isCleaning(stage.name);
};

/** The runner asks for an end: all traffic back at once, or, with `on-cancel: keep`, everything left as it is. */
export const cancel = (rollout: Rollout, now: Ms): Rollout => {
  if (isBeyondCancel(rollout)) return rollout;
  const reason: Reason = { code: 'cancelled', text: 'the workflow run was cancelled', metric: null };
  if (rollout.plan.conduct.onCancel === 'keep' && rollout.committedAt === null)
    return leave(rollout, 'the cancelled run', reason, now);
  return fail(rollout, reason, now);
};

/** Ends the job on purpose with the rollout open: the weight stays, and the time that it may stay begins or goes on. */
export const leave = (rollout: Rollout, by: string, reason: Reason, now: Ms): Rollout =>
  end({ ...rollout, paused: rollout.paused ?? { by, since: now } }, 'left', reason, now);

const RECORD_VERDICT = { promoted: 'passed', left: 'running', 'rolled-back': 'failed', halted: 'failed' } as const;

export const end = (rollout: Rollout, phase: TerminalPhase, reason: Reason | null, now: Ms): Rollout => ({
  ...refreshRecord(rollout, now, RECORD_VERDICT[phase]),
  phase,
  reason,
  reopensAs: isTerminal(rollout.phase) || phase === 'promoted' || phase === 'rolled-back' ? null : rollout.phase,
  checks: false,
  finishedAt: now,
  open: [],
  waits: [],
});
