import { bakeWaits } from '../bake.ts';
import { isDrained } from '../drain.ts';
import type { Plan } from '../plan.ts';
import type { Rollout, StageName } from '../rollout.ts';
import { type Traffic, weightOnly } from '../traffic.ts';
import { ALL_TRAFFIC, type Ms } from '../units.ts';
import { cleaning } from './cleaning.ts';
import { canaryGone, fullReplicas, isInPlace, keptWeight } from './in-place.ts';
import { canaryScalesItself, freshLook, notWritten, podsMissing, type StageRule, stage, unverified } from './rule.ts';

/** Everything goes to the canary before stable is updated. */
const takesAllOf = (plan: Plan): boolean => plan.abilities.allTraffic && !isInPlace(plan);
const takesAll = ({ plan }: Rollout): boolean => takesAllOf(plan);
/** The updated stable is judged before all users are back on it. */
const returnsInSteps = ({ plan }: Rollout): boolean => plan.abilities.allTraffic;

/** The first part of the traffic that returns to the updated stable. */
const SOME_ON_STABLE = ALL_TRAFFIC - 2_000;

/** Updated in place stable has part of the traffic already: it is judged by that, and gets more only when all returns. */
const someOnStable = ({ plan, traffic }: Rollout): Traffic =>
  weightOnly(isInPlace(plan) ? Math.min(traffic.wanted.canary, SOME_ON_STABLE) : SOME_ON_STABLE);

const stableMissing = (rollout: Rollout): string | null => {
  const look = freshLook(rollout);
  if (look === null) return 'a look at stable';
  return look.progress?.kind === 'pending' ? look.progress.waitingFor : look.progress === null ? 'stable' : null;
};

/** A metric that says nothing about the updated stable, in words; null when all that decide have data. */
export const silentMetric = (rollout: Rollout): string | null =>
  bakeWaits(rollout).find(({ kind }) => kind === 'no-data')?.why ?? null;

/** New pods take a store a moment to find. Past the point of no return a store that stays silent must not hold users up for ever. */
const unjudged = (rollout: Rollout, now: Ms): string | null => {
  // The old version had all traffic before.
  if (rollout.undoes) return null;
  const { returnMs, noDataMs, minWindowMs } = rollout.plan.timings;
  const patience = Math.min(noDataMs, Math.max(60_000, 2 * minWindowMs));
  const stood = now - (rollout.stage.verifiedAt ?? now);
  if (stood < returnMs) return 'the judgement of the updated stable';
  return stood < patience && !canaryGone(rollout) ? silentMetric(rollout) : null;
};

/** The user's own deploy step put the route back as it was: our entry is gone, and the traffic with it. */
const wasReset = ({ plan, observation }: Rollout): boolean =>
  plan.conduct.until?.kind === 'promotion' && takesAllOf(plan) && observation?.restored === true;

/** The stages in which the updated stable gets traffic for the first time. */
export const isReturning = (name: StageName): boolean => name === 'return-some' || name === 'return-all';

/**
 * The canary takes over, stable is updated, the traffic returns. From `commit` on there is no way back to the old
 * version: failures halt, and the healthy copy keeps serving. With `promote-at: last-step` the canary takes over no more
 * than it has, and stable's own rolling update keeps the others.
 */
export const promoting: readonly StageRule[] = [
  stage('capacity', 'canary-not-ready', {
    applies: (rollout) =>
      takesAll(rollout) &&
      (canaryScalesItself(rollout) || (rollout.observation?.canary?.replicas ?? 0) < fullReplicas(rollout)),
    intent: (rollout) => ({ kind: 'workload', stage: { kind: 'canary', replicas: fullReplicas(rollout) } }),
    watches: (rollout) => ({ kind: 'canary', replicas: fullReplicas(rollout) }),
    waitingFor: (rollout) => notWritten(rollout) ?? podsMissing(rollout, fullReplicas(rollout)),
    deadlineMs: ({ timings }) => timings.readyMs,
  }),
  stage('all-traffic', 'weight-not-confirmed', {
    applies: takesAll,
    wants: () => weightOnly(ALL_TRAFFIC),
    intent: () => ({ kind: 'traffic', want: weightOnly(ALL_TRAFFIC) }),
    waitingFor: unverified,
    deadlineMs: ({ timings }) => timings.verifyMs,
  }),
  stage('commit', 'promote-failed', { intent: () => ({ kind: 'commit' }), onFailure: 'halt' }),
  stage('update-stable', 'promote-failed', {
    intent: () => ({ kind: 'workload', stage: { kind: 'update-stable' } }),
    onFailure: 'halt',
  }),
  // After `until: promotion` somebody else updates stable; the two are entered by name.
  stage('read-stable', 'stable-not-updated', {
    watches: () => ({ kind: 'update-stable' }),
    waitingFor: () => 'a look at stable',
    deadlineMs: ({ timings }) => timings.readyMs,
    onFailure: 'halt',
  }),
  stage('await-stable', 'stable-not-updated', {
    watches: () => ({ kind: 'update-stable' }),
    waitingFor: stableMissing,
    deadlineMs: ({ timings }) => timings.readyMs,
    onFailure: 'halt',
  }),
  // Entered by name, when the canary is lost in the middle of an update in place: stable's pods answer for all.
  stage('without-canary', 'promote-failed', {
    wants: () => weightOnly(0),
    intent: () => ({ kind: 'traffic', want: weightOnly(0) }),
    waitingFor: unverified,
    deadlineMs: ({ timings }) => timings.verifyMs,
    onFailure: 'halt',
  }),
  stage('stable-ready', 'promote-failed', {
    watches: () => ({ kind: 'update-stable' }),
    waitingFor: stableMissing,
    // A rolling update may bring pods up one after the other, and the canary serves all users meanwhile. One that is stuck
    // is told by the Deployment's own progress deadline.
    deadlineMs: ({ timings, stableReplicas }) => timings.readyMs * Math.max(1, stableReplicas),
    onFailure: 'halt',
  }),
  stage('return-some', 'promote-failed', {
    applies: (rollout) =>
      returnsInSteps(rollout) && !canaryGone(rollout) && !wasReset(rollout) && someOnStable(rollout).canary > 0,
    wants: someOnStable,
    intent: ({ traffic }) => ({ kind: 'traffic', want: traffic.wanted }),
    waitingFor: (rollout, now) => (canaryGone(rollout) ? null : (unverified(rollout, now) ?? unjudged(rollout, now))),
    deadlineMs: ({ timings }) => timings.verifyMs + timings.returnMs + timings.noDataMs,
    onFailure: 'halt',
  }),
  stage('return-all', 'promote-failed', {
    applies: (rollout) => !wasReset(rollout),
    wants: () => weightOnly(0),
    intent: () => ({ kind: 'traffic', want: weightOnly(0) }),
    waitingFor: (rollout, now) => unverified(rollout, now) ?? (returnsInSteps(rollout) ? unjudged(rollout, now) : null),
    deadlineMs: ({ timings }) => timings.verifyMs + timings.returnMs + timings.noDataMs,
    onFailure: 'halt',
  }),
  stage('drain', 'promote-failed', {
    waitingFor: (rollout, now) => isDrained(rollout, now),
    deadlineMs: () => Number.POSITIVE_INFINITY,
    onFailure: 'go-on',
  }),
  ...cleaning('halt'),
];

/**
 * Only after a failure past the point of no return: everything goes to the copy that is known to be good, then it halts.
 * After an update in place the canary gets what its pods can take at once, and the rest when there are pods for it.
 */
export const keeping: readonly StageRule[] = [
  stage('keep-canary', 'promote-failed', {
    wants: (rollout) => weightOnly(keptWeight(rollout)),
    intent: ({ traffic }) => ({ kind: 'traffic', want: traffic.wanted }),
    waitingFor: unverified,
    deadlineMs: ({ timings }) => timings.verifyMs,
    onFailure: 'halt',
  }),
  stage('keep-capacity', 'canary-not-ready', {
    intent: (rollout) => ({ kind: 'workload', stage: { kind: 'canary', replicas: fullReplicas(rollout) } }),
    watches: (rollout) => ({ kind: 'canary', replicas: fullReplicas(rollout) }),
    waitingFor: (rollout) => notWritten(rollout) ?? podsMissing(rollout, fullReplicas(rollout)),
    deadlineMs: ({ timings }) => timings.readyMs,
    onFailure: 'halt',
  }),
];

export const isKeeping = (name: StageName): boolean => keeping.some((rule) => rule.name === name);
