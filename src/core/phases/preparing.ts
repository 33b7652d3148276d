import type { Rollout } from '../rollout.ts';
import { weightOnly } from '../traffic.ts';
import { freshLook, notWritten, podsMissing, type StageRule, splitsRequests, stage, unverified } from './rule.ts';

const firstReplicas = (rollout: Parameters<StageRule['applies']>[0]): number =>
  splitsRequests(rollout) ? (rollout.plan.steps[0]?.canaryReplicas ?? 1) : 0;

/** Scaled down in the moment between the check and the hold: its minimum brings it back. */
const stableShrunk = (rollout: Rollout): string | null => {
  const replicas = freshLook(rollout)?.stable?.replicas;
  if (replicas === undefined) return 'a look at stable';
  const { stableReplicas } = rollout.plan;
  return replicas < stableReplicas ? `stable to be scaled back from ${replicas} to ${stableReplicas} pods` : null;
};

/** The new version beside the stable one, without a request on it yet. */
export const preparing: readonly StageRule[] = [
  stage('claim', 'refused-by-cluster', { intent: () => ({ kind: 'claim' }) }),
  // Before pods are counted on: from here on stable is not scaled below its start.
  stage('hold-autoscaler', 'autoscaler', {
    applies: ({ plan }) => plan.target.autoscaler !== null,
    intent: () => ({ kind: 'workload', stage: { kind: 'hold-autoscaler' } }),
    waitingFor: (rollout) => notWritten(rollout) ?? stableShrunk(rollout),
    deadlineMs: ({ timings }) => timings.readyMs,
  }),
  stage('canary-service', 'refused-by-cluster', {
    applies: ({ plan }) => plan.target.canaryService !== null,
    intent: () => ({ kind: 'workload', stage: { kind: 'canary-service' } }),
  }),
  // Before the pods that they are for.
  stage('companions', 'refused-by-cluster', {
    applies: ({ plan }) => plan.target.companions.length > 0,
    intent: () => ({ kind: 'workload', stage: { kind: 'companions' } }),
  }),
  stage('canary', 'canary-not-ready', {
    intent: (rollout) => ({ kind: 'workload', stage: { kind: 'canary', replicas: firstReplicas(rollout) } }),
    watches: (rollout) => ({ kind: 'canary', replicas: firstReplicas(rollout) }),
    waitingFor: (rollout) => notWritten(rollout) ?? podsMissing(rollout, firstReplicas(rollout)),
    deadlineMs: ({ timings }) => timings.readyMs,
  }),
  stage('route-entry', 'weight-not-confirmed', {
    applies: (rollout) => splitsRequests(rollout) && rollout.plan.abilities.zeroWeightEntry,
    wants: () => weightOnly(0),
    intent: () => ({ kind: 'traffic', want: weightOnly(0) }),
    waitingFor: unverified,
    deadlineMs: ({ timings }) => timings.verifyMs,
  }),
  // A controller that reverts foreign fields is found here, before any traffic was moved.
  stage('settle', 'route-changed', {
    applies: (rollout) => splitsRequests(rollout) && rollout.plan.abilities.zeroWeightEntry,
    waitingFor: (rollout, now) => {
      const over = rollout.stage.since + rollout.plan.timings.standMs;
      const look = freshLook(rollout);
      return now >= over && look !== null && look.at >= over ? null : 'the route entry to stand';
    },
    deadlineMs: ({ timings }) => timings.standMs + timings.verifyMs,
  }),
  // Before the first request: from here on the runner may die.
  stage('watchdog', 'refused-by-cluster', {
    applies: ({ plan }) => plan.watchdog !== null,
    intent: () => ({ kind: 'watchdog' }),
  }),
];
