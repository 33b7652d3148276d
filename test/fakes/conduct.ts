import type { Conduct } from '../../src/core/spec.ts';

/** Nobody is asked, nothing is waited for. */
export const CONDUCT: Conduct = {
  until: null,
  holdMs: 3_600_000,
  onCancel: 'rollback',
  approval: { approvers: [], selfApproval: true, timeoutMs: 3_600_000 },
};
