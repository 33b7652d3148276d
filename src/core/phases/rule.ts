import type { Plan } from '../plan.ts';
import type { ReasonCode } from '../reason.ts';
import type { Intent, Rollout, StageName, WorkloadStage } from '../rollout.ts';
import type { Traffic } from '../traffic.ts';
import type { Ms } from '../units.ts';

/** One stage as data: what it writes, when it is over, and what its failure means. */
export interface StageRule {
  readonly name: StageName;
  /** A stage that does not apply is passed over. */
  readonly applies: (rollout: Rollout) => boolean;
  /** Traffic that is wanted from here on; null leaves it. */
  readonly wants: (rollout: Rollout) => Traffic | null;
  /** What it writes; null for a stage that only waits. */
  readonly intent: (rollout: Rollout) => Intent | null;
  /** What the workload adapter is asked to report on meanwhile. */
  readonly watches: (rollout: Rollout) => WorkloadStage | null;
  /** null: over. Otherwise what it waits for, in words. */
  readonly waitingFor: (rollout: Rollout, now: Ms) => string | null;
  readonly deadlineMs: (plan: Plan) => Ms;
  /** `go-on`: a leftover is reported as a warning and nothing more. */
  readonly onFailure: 'roll-back' | 'halt' | 'go-on';
  readonly code: ReasonCode;
}

const SHORT: Ms = 60_000;

/** A stage with everything that most have in common. */
export const stage = (
  name: StageName,
  code: ReasonCode,
  rule: Partial<Omit<StageRule, 'name' | 'code'>>,
): StageRule => ({
  name,
  code,
  applies: () => true,
  wants: () => null,
  intent: () => null,
  watches: () => null,
  waitingFor: (rollout) => notWritten(rollout),
  deadlineMs: () => SHORT,
  onFailure: 'roll-back',
  ...rule,
});

export const notWritten = (rollout: Rollout): string | null =>
  rollout.stage.write.kind === 'done'
    ? null
    : `the write${rollout.stage.trouble === null ? '' : ` (${rollout.stage.trouble})`}`;

/** The last look, if it began after this stage's write was answered (or after the stage began, when it
 * writes nothing), and asked about the traffic that is wanted now. */
export const freshLook = (rollout: Rollout): NonNullable<Rollout['observation']> | null => {
  const since = rollout.stage.write.kind === 'done' ? rollout.stage.write.at : rollout.stage.since;
  const look = rollout.observation;
  return look !== null && look.at >= since && look.asked.canary === rollout.traffic.wanted.canary ? look : null;
};

/** Whether the traffic wanted is in force, on the highest rung that the router reaches without traffic, or settled. */
export const unverified = (rollout: Rollout, now: Ms): string | null => {
  const unwritten = notWritten(rollout);
  if (unwritten !== null) return unwritten;
  const look = freshLook(rollout);
  if (look === null) return 'a look at the route';
  const { verification } = look;
  if (verification === null || verification.kind === 'pending') return verification?.waitingFor ?? 'the router';
  if (verification.kind === 'refused') return verification.reason;
  if (verification.rung === rollout.plan.abilities.rung) return null;
  const writtenAt = rollout.stage.write.kind === 'done' ? rollout.stage.write.at : now;
  return now - writtenAt >= rollout.plan.timings.settleMs
    ? null
    : `the router's settle time (rung ${verification.rung})`;
};

/** Pods ready and, where there is a Service, in its endpoints. */
export const podsMissing = (rollout: Rollout, wanted: number): string | null => {
  const look = freshLook(rollout);
  if (look === null) return 'a look at the pods';
  const { canary } = look;
  // Pods of the user's own canary Deployment may be those of the version before: only the adapter tells.
  if (rollout.plan.target.pair !== null && look.progress?.kind === 'pending') return look.progress.waitingFor;
  if (canary === null) return 'the canary Deployment';
  const ready = canary.endpoints === null ? canary.ready : Math.min(canary.ready, canary.endpoints);
  if (ready >= wanted && canary.replicas >= wanted) return null;
  const problem = canary.problem === null ? '' : `: ${canary.problem}`;
  return `${ready} of ${wanted} canary pods ready${problem}`;
};

/** The canary has an autoscaler of its own, whose minimum has to follow what is needed, however many pods there are now. */
export const canaryScalesItself = ({ plan }: Rollout): boolean =>
  plan.target.companions.some(({ ref }) => ref.kind === 'HorizontalPodAutoscaler');

export const splitsRequests = ({ plan }: Rollout): boolean => plan.abilities.unit === 'requests';
