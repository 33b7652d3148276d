import type { GitHubProblem } from './client.ts';

/** One warning for a reporter in a whole run, and no more requests once it is clear that none can work. */
export interface Trouble {
  readonly isHopeless: () => boolean;
  readonly meet: (problem: GitHubProblem) => void;
  readonly say: (text: string) => void;
}

/** `what`: "comment on the pull request"; `permission`: the key of `permissions:` that allows it. */
export const createTrouble = (what: string, permission: string, warn: (text: string) => void): Trouble => {
  let said = false;
  let hopeless = false;
  const say = (text: string): void => {
    if (!said) warn(text);
    said = true;
  };
  return {
    isHopeless: () => hopeless,
    meet: (problem) => {
      hopeless = hopeless || problem.kind === 'forbidden' || problem.kind === 'unauthorised';
      say(`Could not ${what}: ${words(problem, permission)}. The rollout is not affected.`);
    },
    say,
  };
};

const words = ({ kind, status, message }: GitHubProblem, permission: string): string => {
  switch (kind) {
    case 'forbidden':
      return `GitHub answered 403 (${message}); the job needs \`permissions: ${permission}\``;
    case 'unauthorised':
      return `GitHub does not accept the token (401, ${message})`;
    case 'not-found':
      return `GitHub answered ${status ?? 404} (${message}); does the token reach this repository with \`permissions: ${permission}\`?`;
    case 'rate-limited':
      return `GitHub's rate limit is reached (${status ?? 429}, ${message})`;
    case 'invalid':
    case 'server':
      return `GitHub answered ${status ?? ''} (${message})`;
    case 'unreachable':
      return `GitHub was not reached (${message})`;
  }
};
