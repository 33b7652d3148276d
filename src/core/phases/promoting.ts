import { bakeWaits } from '../bake.ts';
import { isDrained } from '../drain.ts';
import type { Plan } from '../plan.ts';
import type { Observation, Rollout, StageName } from '../rollout.ts';
import { weightOnly } from '../traffic.ts';
import { ALL_TRAFFIC, type Ms } from '../units.ts';
import { cleaning } from './cleaning.ts';
import { freshLook, notWritten, podsMissing, type StageRule, stage, unverified } from './rule.ts';

const takesAllOf = ({ abilities }: Plan): boolean => abilities.allTraffic;
const takesAll = ({ plan }: Rollout): boolean => takesAllOf(plan);

/** Enough canary pods for everything stable serves now. */
export const fullReplicas = ({ plan, observation }: Rollout): number =>
  Math.max(plan.stableReplicas, observation?.stable?.ready ?? 0);

/** The first part of the traffic that returns to the updated stable. */
const SOME_ON_STABLE = ALL_TRAFFIC - 2_000;

const stableMissing = (rollout: Rollout): string | null => {
  const look = freshLook(rollout);
  if (look === null) return 'a look at stable';
  return look.progress?.kind === 'pending' ? look.progress.waitingFor : look.progress === null ? 'stable' : null;
};

/** Images that stable runs now and the canary did not, by digest; null when they agree or the nodes do not tell. */
export const movedImage = ({ stable, canary }: Observation): string | null => {
  if (stable === null || canary === null || stable.imageIds.length === 0 || canary.imageIds.length === 0) return null;
  return stable.imageIds.find((id) => !canary.imageIds.includes(id)) ?? null;
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

/** The canary died while traffic returns to a stable that answers: there is no better place than stable. */
export const canaryGone = ({ observation }: Rollout): boolean =>
  observation !== null && (observation.canary?.ready ?? 0) === 0 && (observation.stable?.ready ?? 0) > 0;

/** The stages in which the updated stable gets traffic for the first time. */
export const isReturning = (name: StageName): boolean => name === 'return-some' || name === 'return-all';

/**
 * The canary takes over, stable is updated, the traffic returns. From `commit` on there is no way back to the old
 * version: failures halt, and the healthy copy keeps serving.
 */
export const promoting: readonly StageRule[] = [
  stage('capacity', 'canary-not-ready', {
    applies: (rollout) => takesAll(rollout) && (rollout.observation?.canary?.replicas ?? 0) < fullReplicas(rollout),
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
  stage('stable-ready', 'promote-failed', {
    watches: () => ({ kind: 'update-stable' }),
    waitingFor: stableMissing,
    // A rolling update may bring pods up one after the other, and the canary serves all users meanwhile. One that is stuck
    // is told by the Deployment's own progress deadline.
    deadlineMs: ({ timings, stableReplicas }) => timings.readyMs * Math.max(1, stableReplicas),
    onFailure: 'halt',
  }),
  stage('return-some', 'promote-failed', {
    applies: (rollout) => takesAll(rollout) && !canaryGone(rollout) && !wasReset(rollout),
    wants: () => weightOnly(SOME_ON_STABLE),
    intent: () => ({ kind: 'traffic', want: weightOnly(SOME_ON_STABLE) }),
    waitingFor: (rollout, now) => (canaryGone(rollout) ? null : (unverified(rollout, now) ?? unjudged(rollout, now))),
    deadlineMs: ({ timings }) => timings.verifyMs + timings.returnMs + timings.noDataMs,
    onFailure: 'halt',
  }),
  stage('return-all', 'promote-failed', {
    applies: (rollout) => !wasReset(rollout),
    wants: () => weightOnly(0),
    intent: () => ({ kind: 'traffic', want: weightOnly(0) }),
    waitingFor: (rollout, now) => unverified(rollout, now) ?? (takesAll(rollout) ? unjudged(rollout, now) : null),
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

/** Only after a failure past the point of no return: everything goes to the copy that is known to be good, then it halts. */
export const keepCanary: StageRule = stage('keep-canary', 'promote-failed', {
  wants: () => weightOnly(ALL_TRAFFIC),
  intent: () => ({ kind: 'traffic', want: weightOnly(ALL_TRAFFIC) }),
  waitingFor: unverified,
  deadlineMs: ({ timings }) => timings.verifyMs,
  onFailure: 'halt',
});
