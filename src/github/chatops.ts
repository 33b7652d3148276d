import { ROLLOUT_COMMANDS } from '../core/command.ts';
import type { Reason, ReasonCode } from '../core/reason.ts';
import type { Rollout } from '../core/rollout.ts';
import type { Ms } from '../core/units.ts';
import { plain } from '../report/escape.ts';
import type { GitHubClient } from './client.ts';
import { type CommentEvent, type CommentSeen, commentOf } from './comment-event.ts';
import type { RunContext } from './context.ts';
import { type Permission, permissionOf } from './permission.ts';

/** A comment that may steer: re-read from GitHub, by somebody who may write to the repository. */
export interface Proof {
  /** The login, and nothing else: approvers are compared with it. */
  readonly by: string;
  /** `Command.id`: each comment acts once. */
  readonly id: string;
  readonly commentId: number;
  readonly createdAt: Ms;
  /** `owner/name`: numbers of pull requests mean nothing without it. */
  readonly repository: string;
  readonly pullRequest: number;
  /** `/canary abort ROLLOUT-ID`; null: whichever is open. */
  readonly rolloutId: string | null;
}

export type Proven = { readonly ok: Proof } | Refused;

interface Refused {
  readonly refused: Reason;
}

/** What a comment can ask for. `rollback` is answered, never done: no state is left that a comment could be bound to. */
export const COMMENT_COMMANDS: readonly string[] = ['status', ...ROLLOUT_COMMANDS, 'rollback'];

const refusal = (code: ReasonCode, text: string): Refused => ({
  refused: { code, text, metric: null },
});
const untrusted = (text: string): Refused => refusal('untrusted-event', text);
const refused = (text: string): Refused => refusal('command-refused', text);

export interface CommandLine {
  readonly name: string;
  readonly rolloutId: string | null;
}

/** The first line of a comment, from its first character on: `/canary promote`, `/canary promote ROLLOUT-ID`; else null. */
export const parseCommandLine = (body: string): CommandLine | null => {
  const [line = ''] = body.split(/\r?\n/, 1);
  const found = /^\/canary ([a-z]{1,20})(?: ([A-Za-z0-9._-]{1,63}))?[ \t]*$/.exec(line);
  return found?.[1] === undefined ? null : { name: found[1], rolloutId: found[2] ?? null };
};

/**
 * Whether the comment that started this run asks for `command`, and its author may. Whatever the workflow's `if:` let
 * through is proven here: the event is the workflow author's word, GitHub's answers decide. Everything that cannot be
 * found out refuses. Whether it fits the rollout is `fitsRollout`.
 */
export const provenCommand = async (
  context: RunContext,
  github: GitHubClient | null,
  command: string,
): Promise<Proven> => {
  const { repository, comment: event } = context;
  if (context.event !== 'issue_comment' || event === null) return untrusted('the event is not a comment');
  const wrong = eventProblem(event) ?? lineProblem(event.comment.body, command);
  if (wrong !== null) return wrong;
  const { id, issue, author } = event.comment;
  if (repository === null || id === null || issue === null || author.login === null || author.id === null) {
    return untrusted('the event does not say which comment it is about');
  }
  if (github === null) return refused('without `github-token` nobody can check who wrote the comment');
  const person = { login: author.login, id: author.id };
  const [createdAt, permission] = await Promise.all([
    readAgain(github, repository, id, event.comment),
    permissionOf(github, repository, person),
  ]);
  if (typeof createdAt !== 'number') return createdAt;
  const unfit = rightProblem(permission, person.login);
  if (unfit !== null) return unfit;
  return {
    ok: {
      by: person.login,
      id: `comment-${id}`,
      commentId: id,
      createdAt,
      repository: `${repository.owner}/${repository.name}`,
      pullRequest: issue,
      rolloutId: parseCommandLine(event.comment.body)?.rolloutId ?? null,
    },
  };
};

/** When GitHub says that it was written, if it is still the comment of the event. */
const readAgain = async (
  github: GitHubClient,
  repository: NonNullable<RunContext['repository']>,
  id: number,
  then: CommentSeen,
): Promise<Ms | Refused> => {
  const answer = await github.call('GET /repos/{owner}/{repo}/issues/comments/{comment_id}', {
    owner: repository.owner,
    repo: repository.name,
    comment_id: id,
  });
  if (!answer.ok && answer.problem.kind === 'not-found') return refused('the comment is not there any more');
  if (!answer.ok) return refused(`the comment could not be read again (${answer.problem.message})`);
  const now = commentOf(answer.value);
  if (!isSame(now, then)) return refused('the comment was changed; write a new one');
  const createdAt = Date.parse(now.createdAt ?? '');
  return Number.isFinite(createdAt) ? createdAt : refused('GitHub does not say when the comment was written');
};

const rightProblem = (permission: Permission, login: string): Refused | null => {
  if (permission.kind === 'may') return null;
  const who = plain(login, 60);
  return permission.kind === 'may-not'
    ? refused(`${who} has the role \`${permission.role}\` in this repository; it takes \`write\` or more`)
    : refused(`GitHub did not say whether ${who} may write to this repository (${permission.why})`);
};

const eventProblem = ({ action, sender, isOnPullRequest, comment }: CommentEvent): Refused | null => {
  if (action !== 'created') return untrusted('only new comments are obeyed, none that was edited or deleted');
  if (!isOnPullRequest) return untrusted('the comment does not stand on a pull request');
  if (sender.type !== 'User' || comment.author.type !== 'User' || comment.isByApp) {
    return untrusted('bots and apps are not obeyed, only people');
  }
  if (sender.id === null || sender.id !== comment.author.id) return untrusted('somebody else than its author sent it');
  return isEdited(comment) ? refused('the comment was edited; write a new one') : null;
};

const lineProblem = (body: string, command: string): Refused | null => {
  const line = parseCommandLine(body);
  if (line === null) {
    return refused('the first line must be `/canary COMMAND`, or `/canary COMMAND ROLLOUT-ID`, and nothing else');
  }
  if (!COMMENT_COMMANDS.includes(line.name)) {
    return refused(`there is no command \`${line.name}\`; known: ${COMMENT_COMMANDS.join(', ')}`);
  }
  if (line.name !== command) {
    return refused(`the comment asks for \`${line.name}\`, but the workflow passed \`command: ${plain(command, 20)}\``);
  }
  return null;
};

const isEdited = ({ createdAt, updatedAt }: CommentSeen): boolean => createdAt === null || createdAt !== updatedAt;

/** GitHub's times have whole seconds: an edit in the first one shows in the text alone. */
const isSame = (now: CommentSeen, then: CommentSeen): boolean =>
  !isEdited(now) &&
  !now.isByApp &&
  now.author.type === 'User' &&
  now.createdAt === then.createdAt &&
  now.id === then.id &&
  now.issue === then.issue &&
  now.author.id === then.author.id &&
  now.body === then.body;

/** Why a proven comment cannot steer this rollout, as a sentence; null: it can. */
export const fitsRollout = (proof: Proof, { plan, startedAt, asked }: Rollout): string | null => {
  const { pullRequest, repository } = plan.run;
  if (pullRequest === null) return 'the rollout belongs to no pull request; steer it from the workflow by hand';
  const isOurs = repository?.toLowerCase() === proof.repository.toLowerCase() && pullRequest === proof.pullRequest;
  if (!isOurs) {
    return `the rollout belongs to pull request ${plain(repository ?? '', 140)}#${pullRequest}; only comments there can steer it`;
  }
  if (proof.rolloutId !== null && proof.rolloutId !== plan.target.rolloutId) {
    return `the open rollout is \`${plan.target.rolloutId}\`, not \`${proof.rolloutId}\``;
  }
  if (proof.createdAt <= startedAt) return 'the comment is older than the rollout; write a new one';
  return asked.some(({ id }) => id === proof.id) ? 'this comment was acted on already; write a new one' : null;
};
