import { setTimeout as sleep } from 'node:timers/promises';
import { ok, type Result } from '../core/units.ts';
import type { GitHubClient, GitHubProblem } from './client.ts';
import type { RunContext } from './context.ts';
import { listOf, numberAt, textAt } from './json.ts';

/**
 * The pull request to comment on: the event's, else one that has the commit: open before merged, the newest first. A
 * closed one is nobody's concern any more. null: there is none.
 */
export const findPullRequest = async (
  client: GitHubClient,
  context: RunContext,
): Promise<Result<number | null, GitHubProblem>> => {
  if (context.pullRequest !== null) return ok(context.pullRequest);
  const { repository, sha } = context;
  if (repository === null || sha === null) return ok(null);
  const answer = await client.call('GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls', {
    owner: repository.owner,
    repo: repository.name,
    commit_sha: sha,
    per_page: 100,
  });
  if (!answer.ok) return isUnknownCommit(answer.problem) ? ok(null) : answer;
  return ok(best(listOf(answer.value)));
};

/** A release must not wait for GitHub for longer. */
const PATIENCE_MS = 5_000;

/**
 * With the pull request that a run for a commit belongs to: the rollout keeps it, and comments there may steer it. GitHub
 * that does not answer leaves it unknown, and the rollout is steered by jobs alone.
 */
export const withPullRequest = async (
  client: GitHubClient | null,
  context: RunContext,
  patienceMs = PATIENCE_MS,
): Promise<RunContext> => {
  if (client === null || context.pullRequest !== null) return context;
  const found = await Promise.race([findPullRequest(client, context), sleep(patienceMs, null, { ref: false })]);
  return found?.ok === true ? { ...context, pullRequest: found.value } : context;
};

/** GitHub answers 422 (and 409 in an empty repository) for a commit that it does not have. */
const isUnknownCommit = ({ status }: GitHubProblem): boolean => status === 422 || status === 409;

const best = (pulls: readonly unknown[]): number | null => {
  const open = pulls.filter((pull) => textAt(pull, 'state') === 'open');
  const merged = pulls.filter((pull) => textAt(pull, 'merged_at') !== null);
  return newest(open, 'created_at') ?? newest(merged, 'merged_at');
};

/** ISO times compare as text. */
const newest = (pulls: readonly unknown[], time: string): number | null => {
  const sorted = [...pulls].sort((a, b) => (textAt(b, time) ?? '').localeCompare(textAt(a, time) ?? ''));
  return numberAt(sorted[0], 'number');
};
