import { bakeWaits, clockStands } from './bake.ts';
import { withEffects } from './effects.ts';
import { failureOf } from './failure.ts';
import { isCleaning } from './phases/cleaning.ts';
import { currentStep } from './phases/progressing.ts';
import { canaryGone, isReturning, silentMetric } from './phases/promoting.ts';
import type { Reason } from './reason.ts';
import { record } from './record.ts';
import type { Effect, Event, Rollout, TerminalPhase } from './rollout.ts';
import { enterNamed, enterPhase, enterStage, isTerminal, nextRule, ruleOf } from './stage.ts';
import { refreshRecord } from './steps.ts';
import type { Ms } from './units.ts';

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
    const text = `${event.holder} took the lock; this run writes nothing more`;
    return end(recorded, 'halted', { code: 'lock-lost', text, metric: null }, now);
  }
  const asked = event.kind === 'cancel-requested' ? cancel(recorded, event.by, now) : recorded;
  let current = refreshRecord(tickClock(asked, now), now);
  for (let next = advance(current, now); next !== current; next = advance(current, now)) current = next;
  return withEffects({ ...current, waits: waitsOf(current) }, now);
};

const waitsOf = (rollout: Rollout): Rollout['waits'] =>
  rollout.stage.name !== 'bake'
    ? []
    : bakeWaits(rollout).filter((wait) => wait.kind === 'no-data' || clockIsUp(rollout));

const clockIsUp = (rollout: Rollout): boolean => rollout.stage.heldMs >= currentStep(rollout).intervalMs;

/** The step's clock: it runs while the weight is held and nothing makes it wait. */
const tickClock = (rollout: Rollout, now: Ms): Rollout => {
  const { stage } = rollout;
  if (stage.name !== 'bake' || clockIsUp(rollout)) return rollout;
  const counted = clockStands(rollout) ? 0 : Math.max(0, now - stage.countedUntil);
  const heldMs = Math.min(currentStep(rollout).intervalMs, stage.heldMs + counted);
  return { ...rollout, stage: { ...stage, heldMs, countedUntil: Math.max(now, stage.countedUntil) } };
};

/** One move: a failure has its consequence, or a stage that is over makes way for the next. The same rollout: no move. */
const advance = (rollout: Rollout, now: Ms): Rollout => {
  const rule = ruleOf(rollout);
  if (rule === null || isTerminal(rollout.phase)) return rollout;
  const failure = failureOf(rollout, now);
  if (failure !== null) return fail(rollout, rule.onFailure, failure, now);
  return rule.waitingFor(rollout, now) === null ? nextStage(rollout, now) : rollout;
};

const fail = (rollout: Rollout, onFailure: 'roll-back' | 'halt' | 'go-on', reason: Reason, now: Ms): Rollout => {
  if (rollout.phase !== 'rolling-back' && rollout.committedAt === null) return rollBack(rollout, reason, now);
  if (onFailure !== 'go-on') return halt(rollout, reason, now);
  return nextStage({ ...rollout, warnings: [...rollout.warnings, `${rollout.stage.name}: ${reason.text}`] }, now);
};

const nextStage = (rollout: Rollout, now: Ms): Rollout => {
  if (rollout.stage.name === 'keep-canary') return end(rollout, 'halted', rollout.reason, now);
  const rule = nextRule(rollout);
  if (rule !== null) return enterStage(withDoubts(rollout), rule, now);
  switch (rollout.phase) {
    case 'preparing':
      return enterPhase({ ...rollout, step: 0 }, 'progressing', now);
    case 'progressing':
      return stepPassed(refreshRecord(rollout, now, 'passed'), now);
    case 'promoting':
      return end(
        rollout,
        'promoted',
        { code: 'completed', text: 'the new version serves all traffic', metric: null },
        now,
      );
    default:
      return end(rollout, 'rolled-back', rollout.reason, now);
  }
};

/** Traffic that returned to a stable nobody could judge is told, not hidden. */
const withDoubts = (rollout: Rollout): Rollout => {
  const silent = isReturning(rollout.stage.name) ? silentMetric(rollout) : null;
  if (silent === null) return rollout;
  return {
    ...rollout,
    warnings: [...rollout.warnings, `the updated stable was not judged at ${rollout.stage.name}: ${silent}`],
  };
};

const stepPassed = (rollout: Rollout, now: Ms): Rollout =>
  rollout.step + 1 < rollout.plan.steps.length
    ? enterPhase({ ...rollout, step: rollout.step + 1 }, 'progressing', now)
    : enterPhase(rollout, 'promoting', now);

/** Reads and timers can be dropped. A save that was sent has to be answered before the next, or the older state may win. */
const isSent = ({ kind }: Effect): boolean => kind === 'write' || kind === 'save';

/** A forward write under way cannot be called back: it stays open as superseded, and the way back goes again after it. */
const rollBack = (rollout: Rollout, reason: Reason, now: Ms): Rollout => {
  const isAbort = reason.code === 'cancelled' || reason.code === 'aborted-by-user';
  if (isStableGone(rollout)) return end(rollout, 'halted', withNobody(rollout, reason), now);
  const closed = refreshRecord(rollout, now, isAbort ? 'aborted' : 'failed');
  const open = closed.open.filter(isSent);
  return enterPhase({ ...closed, reason, open }, 'rolling-back', now);
};

/** Stable was deleted and users are served by the canary: going back would take the last pods that answer away. */
const isStableGone = ({ observation, traffic }: Rollout): boolean =>
  observation !== null &&
  observation.stable === null &&
  traffic.wanted.canary > 0 &&
  (observation.canary?.ready ?? 0) > 0;

const withNobody = ({ plan }: Rollout, reason: Reason): Reason => ({
  ...reason,
  text: `${reason.text}; there is nothing to go back to, so the canary ${plan.target.canaryDeployment} keeps its traffic`,
});

/** Past the point of no return, or when the way back cannot go on: traffic stays where it is healthy, and a person is called. */
const halt = (rollout: Rollout, reason: Reason, now: Ms): Rollout => {
  const halting = { ...rollout, reason: withTrouble(rollout.reason, reason) };
  const { plan, phase, stage, observation } = rollout;
  // Never to a copy that is not known to have a pod that answers.
  const canKeep = plan.abilities.allTraffic && (observation?.canary?.ready ?? 0) > 0;
  if (phase === 'promoting' && isReturning(stage.name) && canKeep) {
    const open = rollout.open.filter(isSent);
    return enterNamed({ ...halting, open }, 'keep-canary', now);
  }
  return end(halting, 'halted', halting.reason, now);
};

/** Why it turned back or stopped stays the reason; what then kept it from ending well is said too. */
const withTrouble = (first: Reason | null, trouble: Reason): Reason =>
  first === null ? trouble : { ...first, text: `${first.text}; then: ${trouble.text}` };

/** What is under way already is what a cancel would ask for, or all that is left is better finished than left. */
const isBeyondCancel = (rollout: Rollout): boolean => {
  const { phase, stage } = rollout;
  if (phase === 'rolling-back' || stage.name === 'keep-canary') return true;
  if (phase !== 'promoting' || rollout.committedAt === null) return false;
  return isReturning(stage.name) ? canaryGone(rollout) : isCleaning(stage.name);
};

const cancel = (rollout: Rollout, by: 'signal' | 'command', now: Ms): Rollout => {
  if (isBeyondCancel(rollout)) return rollout;
  const reason: Reason =
    by === 'signal'
      ? { code: 'cancelled', text: 'the workflow run was cancelled', metric: null }
      : { code: 'aborted-by-user', text: 'a person asked for it', metric: null };
  return rollout.committedAt === null ? rollBack(rollout, reason, now) : halt(rollout, reason, now);
};

const end = (rollout: Rollout, phase: TerminalPhase, reason: Reason | null, now: Ms): Rollout => ({
  ...refreshRecord(rollout, now, phase === 'promoted' ? 'passed' : 'failed'),
  phase,
  reason,
  finishedAt: now,
  open: [],
  waits: [],
});
