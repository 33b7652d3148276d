import type { Rollout } from './rollout.ts';

/** The current step has all it needs but somebody's approval. */
export const waitsForApproval = ({ approval, step }: Rollout): boolean =>
  approval?.step === step && approval.by === null;
