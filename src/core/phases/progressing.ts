import { bakeWaits, endUnseen } from '../bake.ts';
import type { PlannedStep } from '../plan.ts';
import type { Rollout } from '../rollout.ts';
import { weightOnly } from '../traffic.ts';
import { ALL_TRAFFIC } from '../units.ts';
import {
  canaryScalesItself,
  notWritten,
  podsMissing,
  type StageRule,
  splitsRequests,
  stage,
  unverified,
} from './rule.ts';

/** The step that runs; the plan has at least one. */
export const currentStep = (rollout: Rollout): PlannedStep => {
  const step = rollout.plan.steps[Math.max(0, rollout.step)];
  if (step === undefined) throw new Error(`the plan has no step ${rollout.step}`);
  return step;
};

/** Pods that the step's weight needs: of what stable had at the start, or has ready now when somebody scaled it up. */
export const stepReplicas = (rollout: Rollout): number => {
  const { weight, canaryReplicas } = currentStep(rollout);
  const ready = rollout.observation?.stable?.ready ?? 0;
  return Math.max(canaryReplicas, Math.ceil((weight * Math.max(rollout.plan.stableReplicas, ready)) / ALL_TRAFFIC));
};

/** One step: capacity first, then the weight, then the time it is held and judged. */
export const progressing: readonly StageRule[] = [
  stage('scale', 'canary-not-ready', {
    applies: (rollout) =>
      splitsRequests(rollout) &&
      (canaryScalesItself(rollout) || (rollout.observation?.canary?.replicas ?? 0) < stepReplicas(rollout)),
    intent: (rollout) => ({ kind: 'workload', stage: { kind: 'canary', replicas: stepReplicas(rollout) } }),
    watches: (rollout) => ({ kind: 'canary', replicas: stepReplicas(rollout) }),
    waitingFor: (rollout) => notWritten(rollout) ?? podsMissing(rollout, stepReplicas(rollout)),
    deadlineMs: ({ timings }) => timings.readyMs,
  }),
  stage('shift', 'weight-not-confirmed', {
    wants: (rollout) => weightOnly(currentStep(rollout).weight),
    intent: (rollout) => ({ kind: 'traffic', want: weightOnly(currentStep(rollout).weight) }),
    // Where pods are the weight, it is they who keep it waiting, and their problem is what to tell.
    waitingFor: (rollout, now) =>
      (splitsRequests(rollout)
        ? null
        : (notWritten(rollout) ?? podsMissing(rollout, currentStep(rollout).canaryReplicas))) ??
      unverified(rollout, now),
    // Where pods are the weight, a new one has to become ready first.
    deadlineMs: ({ abilities, timings }) => (abilities.unit === 'pods' ? timings.readyMs : timings.verifyMs),
  }),
  stage('bake', 'metric-no-data', {
    waitingFor: (rollout) => {
      const left = currentStep(rollout).intervalMs - rollout.stage.heldMs;
      if (left > 0) return 'the interval';
      return bakeWaits(rollout)[0]?.why ?? (endUnseen(rollout) ? 'a sample of the end of the interval' : null);
    },
    deadlineMs: () => Number.POSITIVE_INFINITY,
  }),
];
