import { foldLives, foldSamples } from './metrics.ts';
import { foldOutside, outsideMetrics } from './outside.ts';
import { fullReplicas } from './phases/in-place.ts';
import { stepReplicas } from './phases/progressing.ts';
import { usesLastResort } from './phases/rolling-back.ts';
import { freshLook, unverified } from './phases/rule.ts';
import type { Effect, Event, Rollout, Stage, StageName, WriteOutcome } from './rollout.ts';
import { ruleOf, supersede } from './stage.ts';
import type { Ms } from './units.ts';

/** Waits before a refused or failed write is sent again. */
const RETRY_MS: readonly Ms[] = [200, 500, 1_000, 2_000, 5_000];

/** Wait before a failed save is tried again. */
export const SAVE_RETRY_MS: Ms = 1_000;

/** No retry: asking again cannot help. A number that JSON keeps. */
export const NEVER: Ms = Number.MAX_SAFE_INTEGER;

type Answer = Extract<Event, { effect: number }>;

/** Folds what happened into facts. An answer to an effect that is not open changes nothing. */
export const record = (rollout: Rollout, event: Event): Rollout => {
  if (!('effect' in event))
    return event.kind === 'cancel-requested' && event.wayBackSent ? wayBackSent(rollout, event.now) : rollout;
  const effect = rollout.open.find(({ id }) => id === event.effect);
  if (effect === undefined) return rollout;
  const closed = { ...rollout, open: rollout.open.filter(({ id }) => id !== effect.id) };
  return held(recordAnswer(closed, effect, event), event.now);
};

const recordAnswer = (rollout: Rollout, effect: Effect, event: Answer): Rollout => {
  switch (event.kind) {
    case 'observed':
      return repaired(answered(looked(rollout, event.observation, event.now)), event.now);
    case 'observe-failed':
      return {
        ...rollout,
        lookedAt: event.now,
        stage: { ...rollout.stage, trouble: event.reason, troubleCode: event.code },
      };
    case 'written':
      return effect.kind === 'write' ? recordWrite(rollout, effect, event.outcome, event.now) : rollout;
    case 'acknowledged':
      return effect.kind === 'acknowledge' && event.done ? acknowledged(rollout, effect.command.raw) : rollout;
    case 'saved':
      return { ...rollout, savedRevision: Math.max(rollout.savedRevision, event.revision), savedAt: event.now };
    case 'save-failed':
      return {
        ...rollout,
        savedAt: event.now,
        stage: {
          ...rollout.stage,
          trouble: `the state was not saved: ${event.reason}`,
          troubleCode: null,
          // The way back waits for no save.
          retryAt: rollout.stage.name === 'way-back' ? rollout.stage.retryAt : event.now + SAVE_RETRY_MS,
        },
      };
    case 'sampled':
      if (outsideMetrics(rollout).length > 0) return foldOutside(rollout, event.samples, event.now);
      return effect.kind === 'query'
        ? foldSamples(rollout, effect.metrics, event.samples, event.now, effect.since)
        : rollout;
    case 'woke':
      return rollout;
  }
};

const looked = (rollout: Rollout, observation: NonNullable<Rollout['observation']>, now: Ms): Rollout => ({
  ...rollout,
  observation,
  lookedAt: now,
  metrics: foldLives(rollout.metrics, observation),
});

const acknowledged = (rollout: Rollout, raw: string): Rollout => ({
  ...rollout,
  asked: rollout.asked.map((asked) => (asked.raw === raw ? { ...asked, acknowledged: true } : asked)),
});

type Write = Extract<Effect, { kind: 'write' }>;

const recordWrite = (rollout: Rollout, effect: Write, outcome: WriteOutcome, now: Ms): Rollout => {
  // A forward write that was under way when the way back was decided: whatever it did, the way back has to go again.
  if (effect.superseded) return sendAgain(rollout, now);
  const { stage } = rollout;
  if (outcome.kind === 'done') {
    const done: Stage = { ...stage, write: { kind: 'done', at: now }, trouble: null, troubleCode: null };
    const written = { ...rollout, stage: done, warnings: [...rollout.warnings, ...outcome.notes] };
    return effect.lane === 'way-back' ? { ...written, traffic: { ...written.traffic, wayBackDoneAt: now } } : written;
  }
  const refusals = effect.intent.kind === 'way-back' && outcome.kind === 'refused' ? 1 : 0;
  return {
    ...rollout,
    stage: {
      ...stage,
      trouble: outcome.reason,
      troubleCode: outcome.code,
      attempts: stage.attempts + 1,
      retryAt: isFinal(rollout, outcome) ? NEVER : now + retryAfter(stage),
    },
    traffic: { ...rollout.traffic, wayBackRefusals: rollout.traffic.wayBackRefusals + refusals },
  };
};

/** On the way back nothing but a closed way is given up at once: who refuses may let it through in a moment. */
const isFinal = ({ phase }: Rollout, outcome: Exclude<WriteOutcome, { kind: 'done' }>): boolean =>
  outcome.kind === 'refused' && outcome.final && (phase !== 'rolling-back' || outcome.code === 'lock-lost');

const retryAfter = ({ attempts }: Stage): Ms => RETRY_MS[Math.min(attempts, RETRY_MS.length - 1)] ?? 0;

/** A way back that is under way now may have been carried out before the write it has to undo: it goes again after it. */
const sendAgain = (rollout: Rollout, now: Ms): Rollout =>
  rollout.stage.name === 'way-back'
    ? {
        ...rollout,
        stage: { ...rollout.stage, write: { kind: 'none' }, verifiedAt: null, retryAt: now },
        open: rollout.open.map(supersede),
      }
    : rollout;

/** A look that was answered ends the trouble with looks; that of a write which is still to be sent stays. */
const answered = (rollout: Rollout): Rollout => {
  const { stage } = rollout;
  const isWaiting = stage.write.kind === 'none' && ruleOf(rollout)?.intent(rollout) !== null;
  return isWaiting ? rollout : { ...rollout, stage: { ...stage, trouble: null, troubleCode: null } };
};

const REPAIRED: readonly StageName[] = ['way-back', 'keep-canary'];

/**
 * Traffic that has to be where it is healthy is asked for again when a look after the write shows that it is not there: a
 * late write or somebody else undid it. The last resort leaves the weights as they are. So is capacity, when stable was
 * scaled up meanwhile.
 */
const repaired = (rollout: Rollout, now: Ms): Rollout => {
  const { stage } = rollout;
  const look = freshLook(rollout);
  if (stage.write.kind === 'none' || look === null || usesLastResort(rollout)) return rollout;
  const isHealthy = stage.name === 'way-back' || (look.canary?.ready ?? 0) > 0;
  const isUndone = REPAIRED.includes(stage.name) && !look.asWanted && isHealthy;
  const isKept = stage.name === 'restore-route' && !look.restored;
  const isOutgrown = (look.canary?.replicas ?? 0) < neededReplicas(rollout);
  if (!isUndone && !isKept && !isOutgrown) return rollout;
  const again: Stage = {
    ...stage,
    write: { kind: 'none' },
    verifiedAt: null,
    attempts: stage.attempts + 1,
    retryAt: now + retryAfter(stage),
  };
  return { ...rollout, stage: again };
};

const neededReplicas = (rollout: Rollout): number => {
  const { name } = rollout.stage;
  const isFull = name === 'capacity' || name === 'keep-capacity';
  return isFull ? fullReplicas(rollout) : name === 'scale' ? stepReplicas(rollout) : 0;
};

const wayBackSent = (rollout: Rollout, now: Ms): Rollout => ({
  ...rollout,
  traffic: { ...rollout.traffic, wayBackSentAt: rollout.traffic.wayBackSentAt ?? now },
});

/** Marks the traffic as verified the first time it is seen to be. */
const held = (rollout: Rollout, now: Ms): Rollout => {
  const rule = ruleOf(rollout);
  const shifts = rule !== null && rule.wants(rollout) !== null;
  if (!shifts || rollout.stage.verifiedAt !== null || unverified(rollout, now) !== null) return rollout;
  const verification = rollout.observation?.verification;
  const rung = verification?.kind === 'reached' ? verification.rung : rollout.traffic.rung;
  return {
    ...rollout,
    stage: { ...rollout.stage, verifiedAt: now },
    traffic: { ...rollout.traffic, verified: rollout.traffic.wanted, rung },
  };
};
