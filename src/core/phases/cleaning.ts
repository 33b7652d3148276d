import type { Rollout, StageName, WorkloadStage } from '../rollout.ts';
import { freshLook, notWritten, type StageRule, splitsRequests, stage } from './rule.ts';

const restored = (rollout: Parameters<StageRule['applies']>[0]): string | null => {
  const unwritten = notWritten(rollout);
  if (unwritten !== null) return unwritten;
  return freshLook(rollout)?.restored === true ? null : 'the route to be as it was';
};

const canaryLeft = (rollout: Parameters<StageRule['applies']>[0]): string | null => {
  const unwritten = notWritten(rollout);
  if (unwritten !== null) return unwritten;
  const look = freshLook(rollout);
  return look !== null && look.canary === null ? null : 'the canary Deployment to be gone';
};

/** After a promotion the pair keeps the version that stable has now: the old one beside it would be a step back for its users. */
const givenBack = ({ phase, undoes }: Rollout): WorkloadStage => ({
  kind: 'give-back',
  images: phase === 'promoting' && !undoes ? 'released' : 'found',
});

const pairLeft = (rollout: Rollout): string | null => {
  const unwritten = notWritten(rollout);
  if (unwritten !== null) return unwritten;
  const progress = freshLook(rollout)?.progress ?? null;
  if (progress?.kind === 'done') return null;
  return progress?.kind === 'pending' ? progress.waitingFor : 'a look at the canary Deployment';
};

/**
 * The end of every rollout. The Service goes last, and only after the route names it no more: a route to a missing
 * Service answers 500 (Gateway API). A route that cannot be put back stops here; what else stays behind is a warning.
 */
export const cleaning = (onRoute: 'halt'): readonly StageRule[] => [
  stage('restore-route', 'promote-failed', {
    applies: splitsRequests,
    intent: () => ({ kind: 'restore-route' }),
    waitingFor: restored,
    onFailure: onRoute,
  }),
  stage('remove-canary', 'promote-failed', {
    applies: ({ plan }) => plan.target.pair === null,
    intent: () => ({ kind: 'workload', stage: { kind: 'remove-canary' } }),
    waitingFor: canaryLeft,
    deadlineMs: ({ timings }) => timings.readyMs,
    onFailure: 'go-on',
  }),
  stage('give-back', 'promote-failed', {
    applies: ({ plan }) => plan.target.pair !== null,
    intent: (rollout) => ({ kind: 'workload', stage: givenBack(rollout) }),
    watches: givenBack,
    waitingFor: pairLeft,
    deadlineMs: ({ timings }) => timings.readyMs,
    onFailure: 'go-on',
  }),
  stage('remove-service', 'promote-failed', {
    applies: ({ plan }) => plan.target.canaryService !== null,
    intent: () => ({ kind: 'workload', stage: { kind: 'remove-service' } }),
    onFailure: 'go-on',
  }),
  stage('remove-companions', 'promote-failed', {
    applies: ({ plan }) => plan.target.companions.length > 0,
    intent: () => ({ kind: 'workload', stage: { kind: 'remove-companions' } }),
    onFailure: 'go-on',
  }),
  stage('release-autoscaler', 'promote-failed', {
    applies: ({ plan }) => plan.target.autoscaler !== null,
    intent: () => ({ kind: 'workload', stage: { kind: 'release-autoscaler' } }),
    onFailure: 'go-on',
  }),
  stage('unclaim', 'promote-failed', { intent: () => ({ kind: 'unclaim' }), onFailure: 'go-on' }),
];

const CLEANING: readonly StageName[] = [
  'drain',
  'restore-route',
  'remove-canary',
  'give-back',
  'remove-service',
  'remove-companions',
  'release-autoscaler',
  'unclaim',
];

/** Whether all traffic is where it belongs, so that only what was added is left to remove. */
export const isCleaning = (name: StageName): boolean => CLEANING.includes(name);
