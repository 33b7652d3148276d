import { bakeWaits, clockStands, isSuspected, lookedSince, suspicions } from './bake.ts';
import { withEffects } from './effects.ts';
import { failureOf } from './failure.ts';
import { heldText, pairText } from './held.ts';
import { withUncompared } from './moved-image.ts';
import { allTrafficOf, outsideText } from './outside.ts';
import { losesCanary, needsCapacity } from './phases/in-place.ts';
import { currentStep, stepReplicas } from './phases/progressing.ts';
import { isKeeping, isReturning, silentMetric } from './phases/promoting.ts';
import { freshLook, splitsRequests } from './phases/rule.ts';
import { record } from './record.ts';
import type { Event, Rollout, StageName } from './rollout.ts';
import { isReadingStable, readStable } from './stable-read.ts';
import { enterNamed, enterPhase, enterStage, isTerminal, nextRule, ruleOf } from './stage.ts';
import { askApproval, leavesAfterStep, leavesAtPromotion, obey } from './steering.ts';
import { refreshRecord } from './steps.ts';
import { cancel, end, fail, leave } from './turns.ts';
import { ALL_TRAFFIC, type Ms } from './units.ts';
import { waitsForApproval } from './waiting.ts';

/**
 * One event in, the next state out: what happened is recorded, then everything else follows from the facts and the
 * event's `now` alone. Pure; the effects to be under way are `open` of the answer. Nothing depends on having seen an
 * edge, so a resumed rollout needs no path of its own.
 *
 * The driver's loop: run the effects that are new in `open`, forget those that are gone from it (reads and timers), and
 * feed every answer back as the event that carries its number.
 */
export const transition = (rollout: Rollout, event: Event): Rollout => {
  if (isTerminal(rollout.phase) || isStale(rollout, event)) return rollout;
  return decide(record(rollout, event), event);
};

const isStale = (rollout: Rollout, event: Event): boolean =>
  'effect' in event && !rollout.open.some(({ id }) => id === event.effect);

const decide = (recorded: Rollout, event: Event): Rollout => {
  const { now } = event;
  if (event.kind === 'lock-lost') {
    const text = `${event.how}; this run writes nothing more`;
    return end(recorded, 'halted', { code: 'lock-lost', text, metric: null }, now);
  }
  // The time up to now counts by what was so until now: a pause that ends with this event was one.
  const ticked = tickClock(recorded, now);
  let current = refreshRecord(asked(ticked, event), now);
  for (let next = advance(current, now); next !== current; next = advance(current, now)) current = next;
  return withEffects({ ...current, waits: waitsOf(current) }, now);
};

const asked = (rollout: Rollout, event: Event): Rollout => {
  if (event.kind === 'cancel-requested') return cancel(rollout, event.now);
  return event.kind === 'commanded' ? obey(rollout, event.command, event.now) : rollout;
};

const waitsOf = (rollout: Rollout): Rollout['waits'] => {
  if (isTerminal(rollout.phase)) return [];
  const { paused, approval, stage } = rollout;
  const baking =
    stage.name === 'bake'
      ? bakeWaits(rollout).filter((wait) => wait.kind === 'no-data' || clockIsUp(rollout))
      : isHeldUp(rollout)
        ? suspicions(rollout)
        : [];
  return [
    ...baking,
    ...(paused === null ? [] : [{ kind: 'paused', ...paused } as const]),
    ...(approval !== null && waitsForApproval(rollout) ? [{ kind: 'approval', since: approval.since } as const] : []),
  ];
};

const clockIsUp = (rollout: Rollout): boolean => rollout.stage.heldMs >= currentStep(rollout).intervalMs;

/** The step's clock: it runs while the weight is held and nothing makes it wait. */
const tickClock = (rollout: Rollout, now: Ms): Rollout => {
  const { stage } = rollout;
  if (isHeldUp(rollout)) return tickSuspicion(rollout, now);
  if (stage.name !== 'bake') return rollout;
  if (clockIsUp(rollout)) return tickSuspicion(rollout, now);
  const counted = clockStands(rollout) ? 0 : Math.max(0, now - stage.countedUntil);
  const heldMs = Math.min(currentStep(rollout).intervalMs, stage.heldMs + counted);
  return {
    ...rollout,
    suspectedUntil: now,
    stage: { ...stage, heldMs, countedUntil: Math.max(now, stage.countedUntil) },
  };
};

const BEFORE_MORE: readonly StageName[] = ['scale', 'capacity', 'all-traffic'];

/** Suspicion that came after the step, while capacity was made or all traffic was new: nothing rises until it is over. */
const isHeldUp = (rollout: Rollout): boolean =>
  BEFORE_MORE.includes(rollout.stage.name) && !rollout.skipsSteps && isSuspected(rollout);

/** Time that a step stands on suspicion alone: what is left of the hold is the same for all steps. */
const tickSuspicion = (rollout: Rollout, now: Ms): Rollout => {
  // A job that ended, or a runner that died, is no time in which anybody waited for evidence.
  const since = Math.max(rollout.suspectedUntil, rollout.stage.since);
  const stood = isSuspected(rollout) && rollout.paused === null ? Math.max(0, now - since) : 0;
  return { ...rollout, suspectedMs: rollout.suspectedMs + stood, suspectedUntil: now };
};

/** One move: a failure has its consequence, or a stage that is over makes way for the next. The same rollout: no move. */
const advance = (rollout: Rollout, now: Ms): Rollout => {
  const rule = ruleOf(rollout);
  if (rule === null || isTerminal(rollout.phase)) return rollout;
  const failure = failureOf(rollout, now);
  if (failure !== null) return failed(rollout, rule.onFailure, failure, now);
  if (isReadingStable(rollout)) return readStable(rollout, now);
  if (cameBack(rollout)) return putBackAgain(rollout, now);
  if (losesCanary(rollout)) return enterNamed(rollout, 'without-canary', now);
  if (isOutgrown(rollout)) return enterNamed(rollout, 'scale', now);
  if (isChecked(rollout, now)) return stand(rollout, now);
  if (rule.waitingFor(rollout, now) !== null || isHeldUp(rollout)) return rollout;
  if (rollout.paused === null || !raisesNext(rollout)) return nextStage(rollout, now);
  return rollout.stage.name === 'all-traffic' && !lookedSince(rollout, now) ? rollout : stand(rollout, now);
};

const failed = (rollout: Rollout, onFailure: 'roll-back' | 'halt' | 'go-on', reason: Reason, now: Ms): Rollout =>
  onFailure === 'go-on'
    ? nextStage({ ...rollout, warnings: [...rollout.warnings, leftover(rollout, reason)] }, now)
    : fail(rollout, reason, now);

/** The state that has the old values goes at the end: whoever has to put them back learns them here. */
const leftover = ({ stage, plan: { target } }: Rollout, reason: Reason): string => {
  const before =
    stage.name === 'release-autoscaler' ? heldText(target) : stage.name === 'give-back' ? pairText(target) : '';
  return `${stage.name}: ${reason.text}${before === '' ? '' : `; ${before}`}`;
};

type Reason = NonNullable<Rollout['reason']>;

/** Somebody scaled stable up while a weight is held: the canary's share of the work has grown with it (design §2, capacity). */
const isOutgrown = (rollout: Rollout): boolean =>
  rollout.stage.name === 'bake' &&
  splitsRequests(rollout) &&
  freshLook(rollout)?.canary != null &&
  (rollout.observation?.canary?.replicas ?? 0) < stepReplicas(rollout);

/** A write whose answer was lost can land after the route was put back: a look before the Service goes shows it. */
const cameBack = (rollout: Rollout): boolean =>
  ['remove-canary', 'give-back', 'remove-service'].includes(rollout.stage.name) &&
  splitsRequests(rollout) &&
  freshLook(rollout)?.restored === false &&
  !rollout.warnings.includes(CAME_BACK);

/** Once: whoever writes it again and again must not keep the rollout from ending. */
const CAME_BACK = 'our entry came back into the route after it was put back; it was removed again';

const putBackAgain = (rollout: Rollout, now: Ms): Rollout =>
  enterNamed({ ...rollout, warnings: [...rollout.warnings, CAME_BACK] }, 'restore-route', now);

/** Whether more of the traffic would move next: a pause holds the rollout there. What it had before it may have again. */
const raisesNext = (rollout: Rollout): boolean => {
  const { phase, stage, steps, step, traffic } = rollout;
  if (phase === 'preparing') return nextRule(rollout) === null;
  if (stage.name === 'scale') return steps[step] === undefined;
  if (stage.name === 'capacity') return traffic.wanted.canary < ALL_TRAFFIC;
  return stage.name === 'bake' || stage.name === 'all-traffic';
};

/** Nothing moves while it is paused; opened for one look at the metrics only, it is left again after that look. */
const stand = (rollout: Rollout, now: Ms): Rollout =>
  rollout.checks && rollout.paused !== null
    ? leave(rollout, rollout.paused.by, pausedReason(rollout.paused.by), now)
    : rollout;

/** A weight that stands is judged once more, whatever is left of its time. */
const isChecked = (rollout: Rollout, now: Ms): boolean =>
  rollout.checks && rollout.paused !== null && rollout.stage.name === 'bake' && lookedSince(rollout, now);

const pausedReason = (by: string): Reason => ({ code: 'paused', text: `it is still paused (${by})`, metric: null });

const nextStage = (rollout: Rollout, now: Ms): Rollout => {
  if (isKeeping(rollout.stage.name)) return kept(rollout, now);
  if (leavesAtPromotion(rollout)) return leaveUntil(rollout, 'until: promotion', now);
  const rule = nextRule(rollout);
  if (rule !== null) return enterStage(withDoubts(withUncompared(rollout)), rule, now);
  switch (rollout.phase) {
    case 'preparing':
      return rollout.skipsSteps
        ? enterPhase(rollout, 'promoting', now)
        : enterPhase({ ...rollout, step: 0 }, 'progressing', now);
    case 'progressing':
      return stepOver(rollout, now);
    case 'promoting':
      return rollout.undoes
        ? end(rollout, 'rolled-back', rollout.reason, now)
        : end(rollout, 'promoted', completed(rollout), now);
    default:
      return end(rollout, 'rolled-back', rollout.reason, now);
  }
};

/** The canary has what it can take: it gets the pods for the rest, then the rest, and a person is called. */
const kept = (rollout: Rollout, now: Ms): Rollout => {
  if (rollout.stage.name === 'keep-capacity' && rollout.traffic.wanted.canary < ALL_TRAFFIC)
    return enterNamed(rollout, 'keep-canary', now);
  if (rollout.stage.name === 'keep-canary' && needsCapacity(rollout)) return enterNamed(rollout, 'keep-capacity', now);
  return end(rollout, 'halted', rollout.reason, now);
};

const completed = (rollout: Rollout): Reason => ({
  code: 'completed',
  text: `the new version serves ${allTrafficOf(rollout)}`,
  metric: null,
});

/** Ends the job where `until` said; the rollout that is resumed goes past it. */
const leaveUntil = (rollout: Rollout, until: string, now: Ms): Rollout =>
  leave({ ...rollout, untilReached: true }, until, { code: 'paused', text: `${until} is reached`, metric: null }, now);

/** Traffic that returned to a stable nobody could judge is told, not hidden; so is what came past the route. */
const withDoubts = (rollout: Rollout): Rollout => {
  const outside = rollout.stage.name === 'stable-ready' && !rollout.undoes ? outsideText(rollout) : null;
  if (outside !== null && !rollout.warnings.includes(outside))
    return { ...rollout, warnings: [...rollout.warnings, outside] };
  const silent = isReturning(rollout.stage.name) && !rollout.undoes ? silentMetric(rollout) : null;
  if (silent === null) return rollout;
  return {
    ...rollout,
    warnings: [...rollout.warnings, `the updated stable was not judged at ${rollout.stage.name}: ${silent}`],
  };
};

const stepOver = (rollout: Rollout, now: Ms): Rollout => {
  const isApproved = rollout.approval?.step === rollout.step && rollout.approval.by !== null;
  if (currentStep(rollout).approval && !isApproved) return askApproval(rollout, now);
  const until = leavesAfterStep(rollout);
  if (until !== null) return leaveUntil(rollout, until, now);
  const passed = refreshRecord(rollout, now, 'passed');
  return passed.step + 1 < passed.plan.steps.length
    ? enterPhase({ ...passed, step: passed.step + 1 }, 'progressing', now)
    : enterPhase(passed, 'promoting', now);
};
