import { afterEach, describe, expect, test } from 'vitest';
import { createClient } from '../../src/github/client.ts';
import { buildReporters } from '../../src/github/reporters.ts';
import { aRollout, at } from '../fakes/rollout.ts';
import { promoted } from '../fakes/stories.ts';
import { type Answer, aContext, type FakeGitHub, playGitHub } from './server.ts';

const servers: FakeGitHub[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** `timeoutMs`: short only where no answer will come; a busy machine answers late. */
const wholeRun = async (apiUrl: string, timeoutMs = 10_000) => {
  const warnings: string[] = [];
  const { all, commentUrl } = buildReporters({
    client: createClient({ token: 'secret-token', apiUrl, timeoutMs, patienceMs: 1_000, retryMs: 5 }),
    context: aContext(),
    settings: {
      target: { namespace: 'shop', deployment: 'checkout' },
      comment: 'auto',
      commitStatus: 'auto',
      podLogs: 'auto',
    },
    now: () => at('10:04:39'),
    warn: (text) => warnings.push(text),
  });
  const gitHubOnly = all.filter(({ name }) => name !== 'summary');
  for (const step of [1, 2, 3]) {
    const steps = aRollout().steps.slice(0, step);
    for (const reporter of gitHubOnly) await reporter.report(aRollout({ steps }), []);
  }
  for (const reporter of gitHubOnly) await reporter.conclude({ kind: 'finished', rollout: promoted }, [], []);
  return { warnings, commentUrl: commentUrl() };
};

const against = async (answer: () => Answer, timeoutMs?: number) => {
  const server = await playGitHub(answer);
  servers.push(server);
  return { ...(await wholeRun(server.url, timeoutMs)), server };
};

describe('GitHub in trouble', () => {
  test('403 is one warning for each reporter, names the permission, and ends the tries', async () => {
    const { warnings, server } = await against(() => ({
      status: 403,
      body: { message: 'Resource not accessible by integration' },
    }));

    expect(warnings).toEqual([
      'Could not comment on the pull request: GitHub answered 403 (Resource not accessible by integration); the job needs `permissions: pull-requests: write`. The rollout is not affected.',
      'Could not set the commit status: GitHub answered 403 (Resource not accessible by integration); the job needs `permissions: statuses: write`. The rollout is not affected.',
    ]);
    expect(server.calls).toHaveLength(2);
  });

  test.each([
    ['401', { status: 401, body: { message: 'Bad credentials' } }, 'does not accept the token (401, Bad credentials)'],
    ['404', { status: 404, body: { message: 'Not Found' } }, 'answered 404 (Not Found)'],
    [
      '422',
      { status: 422, body: { message: 'Validation Failed: body is too long' } },
      'answered 422 (Validation Failed',
    ],
    [
      '429 with a long wait',
      { status: 429, headers: { 'retry-after': '3600' }, body: { message: 'slow down' } },
      'rate limit is reached (429, slow down)',
    ],
    [
      '403 of the secondary limit',
      { status: 403, body: { message: 'You have exceeded a secondary rate limit' } },
      'rate limit is reached (403',
    ],
    ['500', { status: 500, body: { message: 'oops' } }, 'answered 500 (oops)'],
    [
      'an answer that is not JSON',
      { status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>' },
      'answered 502',
    ],
    ['no answer', { status: 200, hang: true }, 'was not reached (no answer within 0.3 s)'],
    ['JSON of another shape', { status: 200, body: { unexpected: true } }, null],
  ] as const)('%s is at most one warning for each reporter and no throw', async (_, answer, words) => {
    const { warnings, commentUrl } = await against(() => answer, 'hang' in answer ? 300 : undefined);

    expect(warnings).toHaveLength(words === null ? 0 : 2);
    for (const warning of warnings) expect(warning).toContain(words);
    expect(commentUrl).toBeNull();
  });

  test('nobody listening is one warning for each reporter', async () => {
    const server = await playGitHub(() => ({ status: 200 }));
    await server.close();

    const { warnings } = await wholeRun(server.url);

    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('was not reached (ECONNREFUSED)');
    expect(warnings.join()).not.toContain('secret-token');
  });

  test('a hostile message stays on one line', async () => {
    const { warnings } = await against(() => ({ status: 422, body: { message: 'a\n::error::b\u202e' } }));

    expect(warnings[0]).toContain('(a ::error::b⟨U+202E⟩)');
  });

  test('a short retry-after is honoured, once', async () => {
    let calls = 0;
    const server = await playGitHub(() => {
      calls += 1;
      return calls === 1 ? { status: 429, headers: { 'retry-after': '0' } } : { status: 200, body: [] };
    });
    servers.push(server);

    const answer = await createClient({ token: 't', apiUrl: server.url }).call('GET /user', {});

    expect(answer).toEqual({ ok: true, value: [] });
    expect(calls).toBe(2);
  });

  test('a POST that met a server error is not repeated, since it may have worked', async () => {
    const server = await playGitHub(() => ({ status: 500 }));
    servers.push(server);

    await createClient({ token: 't', apiUrl: server.url }).call('POST /repos/{owner}/{repo}/statuses/{sha}', {
      owner: 'a',
      repo: 'b',
      sha: 'c',
    });

    expect(server.calls).toHaveLength(1);
  });

  test('without a token there is one warning, and the summary is still written', () => {
    const warnings: string[] = [];

    const { all } = buildReporters({
      client: null,
      context: aContext(),
      settings: {
        target: { namespace: null, deployment: 'd' },
        comment: 'auto',
        commitStatus: 'auto',
        podLogs: 'auto',
      },
      now: () => 0,
      warn: (text) => warnings.push(text),
    });

    expect(all.map(({ name }) => name)).toEqual(['summary']);
    expect(warnings).toEqual(['Without `github-token` there is no pull request comment and no commit status.']);
  });
});
