import { formatDuration } from './format.ts';
import type { Reason } from './reason.ts';
import type { Rollout } from './rollout.ts';
import type { Ms } from './units.ts';

/** The current step has all it needs but somebody's approval. */
export const waitsForApproval = ({ approval, step }: Rollout): boolean =>
  approval?.step === step && approval.by === null;

/** Why a pause may not last any longer; null while it may. */
export const holdOver = ({ paused, plan }: Rollout, now: Ms): Reason | null => {
  const { holdMs } = plan.conduct;
  if (paused === null || now - paused.since < holdMs) return null;
  const text = `nobody resumed it within ${formatDuration(holdMs)} (\`hold\`); it was paused by ${paused.by}`;
  return { code: 'hold-expired', text, metric: null };
};

/** Why an approval may not be waited for any longer; null while it may. */
export const approvalOver = (rollout: Rollout, now: Ms): Reason | null => {
  const { timeoutMs } = rollout.plan.conduct.approval;
  if (rollout.approval === null || !waitsForApproval(rollout) || now - rollout.approval.since < timeoutMs) return null;
  const text = `nobody approved within ${formatDuration(timeoutMs)}`;
  return { code: 'approval-timeout', text, metric: null };
};
