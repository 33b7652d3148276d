import type { RunEvent } from '../runner/index.ts';

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
