import type { Command } from './command.ts';
import { formatDuration, formatWeight } from './format.ts';
import type { Entry } from './journal.ts';
import type { Event, Rollout } from './rollout.ts';
import { waitsForApproval } from './waiting.ts';

type Say = (rollout: Rollout, text: string, level?: Entry['level']) => Entry;

/** What commands, pauses and approvals have to say, in sentences. Pure. */
export const steeringOf = (before: Rollout, event: Event, after: Rollout, say: Say): readonly Entry[] => [
  ...(event.kind === 'commanded' ? answered(before, event.command, after, say) : []),
  ...approvalOf(before, after, say),
];

const answered = (before: Rollout, command: Command, after: Rollout, say: Say): readonly Entry[] => {
  const asked = after.asked.at(-1);
  if (after.asked.length === before.asked.length || asked === undefined) return [];
  const who = command.by ?? 'somebody with access to the cluster';
  if (asked.refused !== null)
    return [say(before, `${who} asked to ${command.name}; refused: ${asked.refused}`, 'warning')];
  return [say(before, `${who} asked to ${command.name}${consequence(before, command, after)}`)];
};

const consequence = (before: Rollout, { name }: Command, after: Rollout): string => {
  const weight = formatWeight(after.traffic.wanted.canary);
  switch (name) {
    case 'pause':
      return `: the weight stands at ${weight} for ${formatDuration(after.plan.conduct.holdMs)} at most, and is judged`;
    case 'resume':
      return waitsForApproval(before) ? ': that approves this step' : '';
    case 'promote':
      return before.phase === 'progressing' ? ': what is left of the steps is skipped' : '';
    case 'abort':
      return '';
  }
};

const approvalOf = (before: Rollout, after: Rollout, say: Say): readonly Entry[] => {
  if (!waitsForApproval(after) || waitsForApproval(before)) return [];
  const { approvers, timeoutMs } = after.plan.conduct.approval;
  const who = approvers.length === 0 ? 'anybody who may send commands' : approvers.join(', ');
  return [
    say(after, `waiting for approval by ${who}, ${formatDuration(timeoutMs)} at most; the weight is judged meanwhile`),
  ];
};
