import type { Reason } from '../core/reason.ts';
import { plain } from '../report/escape.ts';
import { type Proof, provenCommand } from './chatops.ts';
import type { GitHubClient } from './client.ts';
import type { RunContext } from './context.ts';

export interface Asker {
  /** `Command.by`: a login. */
  readonly by: string | null;
  /** null: a job asks, started by somebody who may write to the repository. */
  readonly comment: Proof | null;
}

/**
 * Events that only people (or tokens) with rights in the repository can cause. Comments, reviews, issues, stars, forks
 * and wiki pages anybody can, and they run with secrets. A fork's pull request or workflow run is told by its origin.
 */
const OWN_EVENTS: ReadonlySet<string> = new Set([
  'create',
  'delete',
  'deployment',
  'deployment_status',
  'merge_group',
  'pull_request',
  'pull_request_target',
  'push',
  'registry_package',
  'release',
  'repository_dispatch',
  'schedule',
  'workflow_dispatch',
  'workflow_run',
]);

/** The login of whoever started this attempt: on a re-run that is not the actor, whose rights the run still has. */
export const whoAsks = (context: RunContext): string | null => context.triggeringActor ?? context.actor;

/**
 * Who gives the command that this run passes on, and whether it may come from there: a comment is proven, any other
 * event must be one that strangers cannot cause. An event without a name is a machine that is no GitHub runner.
 */
export const findAsker = async (
  context: RunContext,
  github: GitHubClient | null,
  command: string,
): Promise<{ readonly ok: Asker } | { readonly refused: Reason }> => {
  if (context.event === 'issue_comment') {
    const proven = await provenCommand(context, github, command);
    if (!('ok' in proven)) return proven;
    return command === 'rollback'
      ? { refused: rollbackByHand(context) }
      : { ok: { by: proven.ok.by, comment: proven.ok } };
  }
  if (context.event !== '' && !OWN_EVENTS.has(context.event)) {
    return {
      refused: untrusted(
        `anybody can cause the event \`${plain(context.event, 60)}\`; a comment on the pull request is proven instead`,
      ),
    };
  }
  if (context.origin !== 'same') return { refused: untrusted('the event comes from a fork') };
  return { ok: { by: whoAsks(context), comment: null } };
};

const rollbackByHand = ({ workflowUrl }: RunContext): Reason => ({
  code: 'command-refused',
  text: `a finished rollout leaves no state that a comment could be bound to; start the rollback by hand${workflowUrl === null ? '' : `: ${workflowUrl}`}`,
  metric: null,
});

const untrusted = (text: string): Reason => ({ code: 'untrusted-event', text, metric: null });
