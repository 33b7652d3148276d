import type { Plan } from '../plan.ts';
import type { Reason } from '../reason.ts';
import type { Rollout } from '../rollout.ts';
import { ALL_TRAFFIC, type BasisPoints } from '../units.ts';

/** `promote-at: last-step` with a router: stable is updated while both arms have users. */
export const isInPlace = ({ abilities, promoteAt }: Plan): boolean => abilities.allTraffic && promoteAt === 'last-step';

/** Enough canary pods for everything stable serves now. */
export const fullReplicas = ({ plan, observation }: Rollout): number =>
  Math.max(plan.stableReplicas, observation?.stable?.ready ?? 0);

const canaryReady = ({ observation }: Rollout): number => observation?.canary?.ready ?? 0;
const stableReady = ({ observation }: Rollout): number => observation?.stable?.ready ?? 0;

/** The canary died and stable answers: there is no better place than stable. */
export const canaryGone = (rollout: Rollout): boolean =>
  rollout.observation !== null && canaryReady(rollout) === 0 && stableReady(rollout) > 0;

/** Stable has users and nobody left to answer them. */
export const stableGone = (rollout: Rollout): boolean =>
  rollout.observation !== null && stableReady(rollout) === 0 && rollout.traffic.wanted.canary < ALL_TRAFFIC;

/** As much as the canary's pods can take, of what stable's took. */
const carriedWeight = (rollout: Rollout): BasisPoints => {
  const { granularity } = rollout.plan.abilities;
  const share = (canaryReady(rollout) / fullReplicas(rollout)) * ALL_TRAFFIC;
  return Math.min(ALL_TRAFFIC, Math.floor(share / granularity) * granularity);
};

/**
 * What the canary gets when stable may not have more: everything, where it has the pods or stable has none; else what its
 * pods can take. Where nothing speaks against stable it is what it has.
 */
export const keptWeight = (rollout: Rollout): BasisPoints => {
  // Its pods were just seen to be ready.
  const hasPods = !isInPlace(rollout.plan) || rollout.stage.name === 'keep-capacity';
  if (hasPods || stableReady(rollout) === 0) return ALL_TRAFFIC;
  const { canary } = rollout.traffic.wanted;
  return canary > 0 && !speaksAgainstStable(rollout, rollout.reason) ? canary : carriedWeight(rollout);
};

/** Whether it is the updated stable that is bad, and not only something that kept it from getting the traffic. */
export const speaksAgainstStable = (rollout: Rollout, reason: Reason | null): boolean =>
  stableReady(rollout) === 0 || reason?.code === 'image-moved' || (reason !== null && reason.metric !== null);

/** It has more than its pods were made for, or should have what it has no pods for yet. */
export const needsCapacity = (rollout: Rollout): boolean =>
  isInPlace(rollout.plan) &&
  (rollout.traffic.wanted.canary < ALL_TRAFFIC
    ? speaksAgainstStable(rollout, rollout.reason)
    : (rollout.observation?.canary?.replicas ?? 0) < fullReplicas(rollout));

/** In the middle of the update the canary's users have nobody left, and stable's have. */
export const losesCanary = (rollout: Rollout): boolean =>
  isInPlace(rollout.plan) &&
  rollout.stage.name === 'stable-ready' &&
  rollout.traffic.wanted.canary > 0 &&
  canaryGone(rollout);
