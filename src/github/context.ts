import { readFileSync } from 'node:fs';
import type { Run } from '../core/plan.ts';
import type { GitHubClient } from './client.ts';
import { type CommentEvent, commentEventOf } from './comment-event.ts';
import type { Environment } from './inputs.ts';
import { field, flagAt, numberAt, textAt } from './json.ts';

/** Where a run comes from and what it reports on. Unknown is null. */
export interface RunContext {
  readonly repository: { readonly owner: string; readonly name: string } | null;
  readonly event: string;
  /** The commit that people look at: a pull request's head, never its merge commit. */
  readonly sha: string | null;
  readonly pullRequest: number | null;
  /** `unknown`: a comment on a pull request; the event does not say where that comes from, see `resolveContext`. */
  readonly origin: 'same' | 'fork' | 'unknown';
  readonly isPrivate: boolean | null;
  readonly runId: string;
  readonly runUrl: string | null;
  readonly actor: string | null;
  /** Who started this attempt: of a re-run that is not the actor. */
  readonly triggeringActor: string | null;
  /** Where the workflow that this run belongs to can be started by hand. */
  readonly workflowUrl: string | null;
  /** null: the event is not about a comment on an issue or a pull request. */
  readonly comment: CommentEvent | null;
  readonly apiUrl: string;
  readonly workspace: string | null;
  readonly temporary: string | null;
  readonly summaryPath: string | null;
}

/** `GITHUB_EVENT_PATH` that cannot be read gives a context without an event: reports then have less to go by. */
export const readContext = (environment: Environment): RunContext => {
  const payload = eventOf(environment);
  const event = environment['GITHUB_EVENT_NAME'] ?? '';
  const [owner = '', name = ''] = (environment['GITHUB_REPOSITORY'] ?? '').split('/');
  return {
    repository: owner === '' || name === '' ? null : { owner, name },
    event,
    sha: shaOf(payload) ?? nonEmpty(environment['GITHUB_SHA']),
    pullRequest: pullRequestOf(payload),
    origin: originOf(payload, environment['GITHUB_REPOSITORY'] ?? ''),
    isPrivate: flagAt(payload, 'repository', 'private'),
    runId: environment['GITHUB_RUN_ID'] ?? '',
    runUrl: runUrlOf(environment),
    actor: nonEmpty(environment['GITHUB_ACTOR']),
    triggeringActor: nonEmpty(environment['GITHUB_TRIGGERING_ACTOR']),
    workflowUrl: workflowUrlOf(environment),
    comment: event === 'issue_comment' ? commentEventOf(payload) : null,
    apiUrl: nonEmpty(environment['GITHUB_API_URL']) ?? 'https://api.github.com',
    workspace: nonEmpty(environment['GITHUB_WORKSPACE']),
    temporary: nonEmpty(environment['RUNNER_TEMP']),
    summaryPath: nonEmpty(environment['GITHUB_STEP_SUMMARY']),
  };
};

/** What the plan keeps about the run. */
export const runOf = (context: RunContext): Run => ({
  id: context.runId,
  url: context.runUrl,
  commit: context.sha,
  repository: context.repository === null ? null : `${context.repository.owner}/${context.repository.name}`,
  actor: context.actor,
  pullRequest: context.pullRequest,
});

const nonEmpty = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text);

const eventOf = (environment: Environment): unknown => {
  const path = nonEmpty(environment['GITHUB_EVENT_PATH']);
  if (path === null) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
};

const runUrlOf = (environment: Environment): string | null => {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: id } = environment;
  const attempt = environment['GITHUB_RUN_ATTEMPT'];
  if (!server || !repository || !id) return null;
  return `${server}/${repository}/actions/runs/${id}${attempt ? `/attempts/${attempt}` : ''}`;
};

/** `GITHUB_WORKFLOW_REF` is `acme/shop/.github/workflows/chatops.yml@refs/heads/main`. */
const workflowUrlOf = (environment: Environment): string | null => {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_WORKFLOW_REF: ref } = environment;
  const file = /\/\.github\/workflows\/([^/@]+)@/.exec(ref ?? '')?.[1];
  if (!server || !repository || file === undefined) return null;
  return `${server}/${repository}/actions/workflows/${encodeURIComponent(file)}`;
};

/** Events that run for a commit which is not `GITHUB_SHA`. */
const shaOf = (payload: unknown): string | null =>
  textAt(payload, 'pull_request', 'head', 'sha') ??
  textAt(payload, 'workflow_run', 'head_sha') ??
  textAt(payload, 'merge_group', 'head_sha') ??
  textAt(payload, 'check_suite', 'head_sha') ??
  textAt(payload, 'check_run', 'head_sha') ??
  textAt(payload, 'deployment', 'sha');

const isCommentOnPull = (payload: unknown): boolean =>
  field(payload, 'comment') !== null && field(payload, 'issue', 'pull_request') !== null;

const pullRequestOf = (payload: unknown): number | null => {
  const own = numberAt(payload, 'pull_request', 'number');
  if (own !== null) return own;
  return field(payload, 'issue', 'pull_request') === null ? null : numberAt(payload, 'issue', 'number');
};

/** A head whose repository was deleted was a fork: it has none any more. */
const originOf = (payload: unknown, repository: string): RunContext['origin'] => {
  if (field(payload, 'pull_request') !== null) return headOrigin(field(payload, 'pull_request'), repository);
  if (field(payload, 'workflow_run') !== null) {
    const head = textAt(payload, 'workflow_run', 'head_repository', 'full_name');
    return sameRepository(head, repository) ? 'same' : 'fork';
  }
  return isCommentOnPull(payload) ? 'unknown' : 'same';
};

const headOrigin = (pull: unknown, repository: string): 'same' | 'fork' =>
  sameRepository(textAt(pull, 'head', 'repo', 'full_name'), repository) ? 'same' : 'fork';

const sameRepository = (a: string | null, b: string): boolean => a !== null && a.toLowerCase() === b.toLowerCase();

/**
 * A comment's event says neither where the pull request comes from nor which commit it is at: GitHub is asked. Without an
 * answer the origin stays `unknown`, which must be treated as a fork.
 */
export const resolveContext = async (client: GitHubClient | null, context: RunContext): Promise<RunContext> => {
  const { repository, pullRequest } = context;
  if (context.origin !== 'unknown' || client === null || repository === null || pullRequest === null) return context;
  const answer = await client.call('GET /repos/{owner}/{repo}/pulls/{pull_number}', {
    owner: repository.owner,
    repo: repository.name,
    pull_number: pullRequest,
  });
  if (!answer.ok || textAt(answer.value, 'head', 'sha') === null) return context;
  return {
    ...context,
    origin: headOrigin(answer.value, `${repository.owner}/${repository.name}`),
    sha: textAt(answer.value, 'head', 'sha'),
  };
};
