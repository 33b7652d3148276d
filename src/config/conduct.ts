import type { Conduct, Spec, Step } from '../core/spec.ts';
import type { Ms } from '../core/units.ts';
import { formatDuration } from './durations.ts';
import { choiceOf, durationOf, flagOf, type Reading, soundOf } from './fields.ts';
import { readLogins } from './logins.ts';
import { readUntil } from './until.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const LONGEST_HOLD: Ms = 24 * HOUR;

/** What a rollout does where a person, or nobody, is in charge. */
export const readConduct = (reading: Reading): Conduct => {
  const until = soundOf(reading, 'until');
  const approvers = soundOf(reading, 'approvers');
  return {
    until: until === null ? null : readUntil(until, reading.report),
    holdMs: durationOf(reading, 'hold', HOUR, SECOND, LONGEST_HOLD),
    onCancel: choiceOf(reading, 'on-cancel', ['rollback', 'keep'], 'rollback'),
    approval: {
      approvers: approvers === null ? [] : readLogins(approvers, reading.report),
      selfApproval: flagOf(reading, 'self-approval'),
      timeoutMs: durationOf(reading, 'approval-timeout', HOUR, SECOND),
    },
  };
};

/** What it does about another rollout of the same Deployment. */
export const readOthers = (reading: Reading): Pick<Spec, 'lockWaitMs' | 'onExpired'> => ({
  lockWaitMs: durationOf(reading, 'lock-wait', 0, 0),
  onExpired: choiceOf(reading, 'on-expired', ['resume', 'rollback'], 'resume'),
});

/** The whole rollout would end first, for another reason than the one that is meant. */
export const warnOfLateApproval = (
  steps: readonly Step[],
  approvalMs: Ms,
  timeoutMs: Ms,
  warn: Reading['warn'],
): void => {
  if (!steps.some(({ approval }) => approval) || approvalMs < timeoutMs) return;
  warn(
    `an approval may take \`${formatDuration(approvalMs)}\` (\`approval-timeout\`), but the \`timeout\` of \`${formatDuration(timeoutMs)}\` ends the rollout before`,
  );
};
