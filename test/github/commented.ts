import { commentEvent } from '../../sandbox/github/events.ts';
import { type Comment, type GitHub, startGitHub } from '../../sandbox/github/index.ts';
import { createClient, type GitHubClient } from '../../src/github/client.ts';
import { commentEventOf } from '../../src/github/comment-event.ts';
import type { RunContext } from '../../src/github/context.ts';
import { aContext } from './server.ts';

export const WRITTEN_AT = Date.parse('2026-03-01T10:30:00Z');

/** GitHub with pull request 7, and its description read: that takes longer than a client waits. */
export const openGitHub = async (): Promise<GitHub> => {
  const github = await startGitHub({ pulls: [{ number: 7, headSha: 'c0ffee' }] });
  await fetch(`${github.url}/repos/acme/checkout/pulls/7`, { headers: { authorization: `token ${github.token}` } });
  return github;
};

/** Tests share one, and begin anew: mona may write. */
export const empty = (github: GitHub): void => {
  for (const list of [github.comments, github.reactions, github.requests, github.faults, github.violations])
    list.length = 0;
  for (const login of Object.keys(github.roles)) delete github.roles[login];
  github.roles['mona'] = 'write';
};

export const clientOf = (github: GitHub): GitHubClient =>
  createClient({ token: github.token, apiUrl: github.url, timeoutMs: 20_000, retryMs: 1 });

export const saying = (github: GitHub, body: string, author = 'mona'): Comment =>
  github.say({ issue: 7, body, author, at: WRITTEN_AT });

/** What a run that this comment has started knows. */
export const contextOf = (comment: Comment, changes: Parameters<typeof commentEvent>[1] = {}): RunContext =>
  aContext({
    event: 'issue_comment',
    repository: { owner: 'acme', name: 'checkout' },
    pullRequest: comment.issue,
    origin: 'unknown',
    comment: commentEventOf(commentEvent(comment, changes).payload),
  });
