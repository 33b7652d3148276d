import type { RunEvent } from '../runner/index.ts';
import { userOf } from './people.ts';
import type { Comment } from './routes.ts';

/** What a workflow on a pull request gets. From a fork, head and base are different repositories. */
export const pullRequestEvent = (pull: {
  readonly number: number;
  readonly headSha: string;
  readonly repository?: string;
  readonly headRepository?: string;
}): RunEvent => {
  const { number, headSha, repository = 'acme/checkout', headRepository = repository } = pull;
  const repo = (full_name: string): object => ({ full_name, fork: full_name !== repository });
  return {
    name: 'pull_request',
    // GITHUB_SHA is the merge commit, not the head.
    sha: '0123456789abcdef0123456789abcdef01234567',
    ref: `refs/pull/${number}/merge`,
    payload: {
      action: 'synchronize',
      number,
      pull_request: {
        number,
        state: 'open',
        head: { sha: headSha, ref: 'feature', repo: repo(headRepository) },
        base: { ref: 'main', repo: repo(repository) },
      },
      repository: { full_name: repository, private: false },
    },
  };
};

export const pushEvent = (sha: string, repository = 'acme/checkout'): RunEvent => ({
  name: 'push',
  sha,
  ref: 'refs/heads/main',
  payload: { ref: 'refs/heads/main', after: sha, repository: { full_name: repository, private: false } },
});

/** What a workflow on comments gets: it runs on the default branch, whatever the pull request holds. */
export const commentEvent = (
  comment: Comment,
  changes: {
    readonly action?: 'created' | 'edited' | 'deleted';
    readonly repository?: string;
    /** A comment on an issue that is no pull request. */
    readonly isIssue?: boolean;
  } = {},
): RunEvent => {
  const { action = 'created', repository = 'acme/checkout', isIssue = false } = changes;
  return {
    name: 'issue_comment',
    ref: 'refs/heads/main',
    payload: {
      action,
      issue: { number: comment.issue, ...(!isIssue && { pull_request: {} }) },
      comment: {
        id: comment.id,
        body: comment.body,
        user: userOf(comment.author),
        created_at: comment.createdAt,
        updated_at: comment.updatedAt,
        author_association: 'OWNER',
        performed_via_github_app: null,
      },
      sender: userOf(comment.author),
      repository: { full_name: repository, private: false },
    },
  };
};
