import { afterEach, describe, expect, test } from 'vitest';
import { createClient } from '../../src/github/client.ts';
import { createCommentReporter, markerOf } from '../../src/github/comment.ts';
import { aRollout, at } from '../fakes/rollout.ts';
import { promoted, STORIES } from '../fakes/stories.ts';
import { type Answer, aContext, type Call, commentStore, type FakeGitHub, playGitHub } from './server.ts';

const MARKER = '<!-- canary-rollout:shop/checkout -->';
const servers: FakeGitHub[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const reporterAgainst = async (
  answer: (call: Call) => Answer,
  changes: { pullRequest?: number | null; isRequired?: boolean } = {},
) => {
  const server = await playGitHub(answer);
  servers.push(server);
  const warnings: string[] = [];
  const reporter = createCommentReporter({
    client: createClient({ token: 't', apiUrl: server.url, timeoutMs: 2_000 }),
    context: aContext({ pullRequest: changes.pullRequest === undefined ? 7 : changes.pullRequest }),
    target: { namespace: 'shop', deployment: 'checkout' },
    isRequired: changes.isRequired ?? false,
    podLines: false,
    now: () => at('10:04:39'),
    warn: (text) => warnings.push(text),
  });
  return { server, reporter, warnings };
};

const other = (id: number, body = `comment ${id}`, user: object = { type: 'User', login: 'mona' }) => ({
  id,
  body,
  user,
});

describe('the pull request comment', () => {
  test('is written once and then edited', async () => {
    const store = commentStore();
    const { server, reporter, warnings } = await reporterAgainst(store.answer);

    await reporter.report(aRollout(), []);
    await reporter.conclude({ kind: 'finished', rollout: promoted }, [], []);

    expect(store.comments).toHaveLength(1);
    expect(store.comments[0]?.['body']).toMatch(/^<!-- canary-rollout:shop\/checkout -->\n### 🟢 checkout/);
    expect(server.calls.map(({ method }) => method)).toEqual(['GET', 'POST', 'PATCH']);
    expect(reporter.url()).toBe('https://example.invalid/c/1000');
    expect(warnings).toEqual([]);
  });

  test('is found among 250 others', async () => {
    const mine = other(77, `${MARKER}\nold`, { type: 'Bot', login: 'github-actions[bot]' });
    const store = commentStore([...Array.from({ length: 249 }, (_, index) => other(5000 + index)), mine]);
    const { reporter } = await reporterAgainst(store.answer);

    await reporter.report(aRollout(), []);

    expect(store.comments).toHaveLength(250);
    expect(store.comments[249]?.['body']).toContain('20 % of traffic');
  });

  test('of somebody else is never edited, though it holds the marker', async () => {
    const store = commentStore([
      other(1, `${MARKER}\nmine`),
      other(2, `quote: ${MARKER}`, { type: 'Bot', login: 'other[bot]' }),
    ]);
    const { reporter } = await reporterAgainst((call) =>
      call.path === '/user' ? { status: 403, body: { message: 'no' } } : store.answer(call),
    );

    await reporter.report(aRollout(), []);

    expect(store.comments).toHaveLength(3);
    expect(store.comments[0]?.['body']).toBe(`${MARKER}\nmine`);
  });

  test('that the token’s own user wrote is edited', async () => {
    const store = commentStore([other(1, `${MARKER}\nmine`, { type: 'User', login: 'release-user' })]);
    const { reporter } = await reporterAgainst((call) =>
      call.path === '/user' ? { status: 200, body: { login: 'release-user' } } : store.answer(call),
    );

    await reporter.report(aRollout(), []);

    expect(store.comments).toHaveLength(1);
  });

  test('is written anew when somebody deleted it', async () => {
    const store = commentStore();
    const { reporter, warnings } = await reporterAgainst(store.answer);
    await reporter.report(aRollout(), []);
    store.comments.length = 0;

    await reporter.conclude({ kind: 'finished', rollout: promoted }, [], []);

    expect(store.comments).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  test('shows the last state though many came while one was being written', async () => {
    const store = commentStore();
    const { server, reporter } = await reporterAgainst(store.answer);

    const reports = Array.from({ length: 20 }, (_, step) => reporter.report(aRollout({ step }), []));
    await Promise.all([...reports, reporter.conclude({ kind: 'finished', rollout: promoted }, [], [])]);

    expect(store.comments).toHaveLength(1);
    expect(store.comments[0]?.['body']).toContain('serves all traffic');
    expect(server.calls.length).toBeLessThanOrEqual(4);
  });

  test('is not sent again when nothing changed', async () => {
    const { server, reporter } = await reporterAgainst(commentStore().answer);

    await reporter.report(aRollout(), []);
    await reporter.report(aRollout(), []);

    expect(server.calls).toHaveLength(2);
  });

  test('of a run that found the lock held does not replace what the other run wrote', async () => {
    const body = `${MARKER}\nthe other run`;
    const store = commentStore([other(1, body, { type: 'Bot', login: 'github-actions[bot]' })]);
    const { reporter } = await reporterAgainst(store.answer);

    await reporter.conclude(STORIES['lock-held']?.situation as never, [], []);

    expect(store.comments).toEqual([other(1, body, { type: 'Bot', login: 'github-actions[bot]' })]);
  });

  test('goes to the newest open pull request that has the commit', async () => {
    const pulls = [
      { number: 3, state: 'closed', merged_at: '2026-02-01T00:00:00Z', created_at: '2026-01-09T00:00:00Z' },
      { number: 4, state: 'open', merged_at: null, created_at: '2026-01-02T00:00:00Z' },
      { number: 5, state: 'open', merged_at: null, created_at: '2026-01-03T00:00:00Z' },
    ];
    const store = commentStore();
    const { server, reporter } = await reporterAgainst(
      (call) => (call.path.endsWith('/commits/c0ffee/pulls') ? { status: 200, body: pulls } : store.answer(call)),
      { pullRequest: null },
    );

    await reporter.report(aRollout(), []);

    expect(server.calls.at(-1)?.path).toBe('/repos/acme/shop/issues/5/comments');
  });

  test('without a pull request is left out, with a warning only when it was asked for', async () => {
    const none = (): Answer => ({ status: 200, body: [{ number: 3, state: 'closed', merged_at: null }] });
    const quiet = await reporterAgainst(none, { pullRequest: null });
    const asked = await reporterAgainst(none, { pullRequest: null, isRequired: true });

    for (const { reporter } of [quiet, asked]) {
      await reporter.report(aRollout(), []);
      await reporter.conclude({ kind: 'finished', rollout: promoted }, [], []);
    }

    expect(quiet.warnings).toEqual([]);
    expect(asked.warnings).toEqual(['`comment: true`, but no pull request has this commit.']);
    expect(quiet.server.calls).toHaveLength(1);
  });

  test('has a marker that no name can break out of', () => {
    expect(markerOf({ namespace: 'a-->', deployment: '<img>' })).toMatch(/^<!-- [^<>]* -->$/);
  });
});
