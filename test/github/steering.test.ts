import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/core/outcome.ts';
import { rejection } from '../../src/core/rejection.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import { createClient } from '../../src/github/client.ts';
import { commentEventOf } from '../../src/github/comment-event.ts';
import type { RunContext } from '../../src/github/context.ts';
import { withPullRequest } from '../../src/github/pull-request.ts';
import { buildReporters } from '../../src/github/reporters.ts';
import { aPlan, at } from '../fakes/rollout.ts';
import { promoted } from '../fakes/stories.ts';
import { aContext, type Call, commentStore, type FakeGitHub, playGitHub } from './server.ts';

let store: ReturnType<typeof commentStore>;
let server: FakeGitHub;
beforeEach(async () => {
  store = commentStore();
  server = await playGitHub((call) => (call.path.includes('/statuses/') ? { status: 201 } : store.answer(call)));
});
afterEach(() => server.close());

const client = () => createClient({ token: 't', apiUrl: server.url, timeoutMs: 2_000, retryMs: 1 });
const reportersIn = (context: RunContext, steers: boolean) =>
  buildReporters({
    client: client(),
    context,
    settings: {
      target: { namespace: 'shop', deployment: 'checkout' },
      comment: 'auto',
      commitStatus: 'auto',
      podLogs: 'off',
      steers,
    },
    now: () => at('10:04:39'),
    warn: () => {},
  });
const conclude = async (context: RunContext, outcome: Outcome, steers = true): Promise<void> => {
  for (const reporter of reportersIn(context, steers).all) await reporter.conclude(outcome, [], []);
};
const written = () =>
  server.calls.filter(({ method }) => method !== 'GET').map(({ method, path }: Call) => `${method} ${path}`);

const commentedContext = aContext({
  event: 'issue_comment',
  comment: commentEventOf({ action: 'created', issue: { number: 7, pull_request: {} }, comment: { id: 1 } }),
});

/** A scheduled run on the tip of the default branch. */
const sweeping = aContext({ event: 'schedule', runId: '999', sha: 'tip', pullRequest: null });
const begunBy = (run: Partial<Rollout['plan']['run']>): Rollout => {
  const plan = aPlan();
  return { ...promoted, plan: { ...plan, run: { ...plan.run, ...run } } };
};

describe('a run that steers', () => {
  test.each([
    ['a refused command', rejection('command-refused', 'no')],
    [
      'a command that was handed over',
      { kind: 'accepted', reason: { code: 'handed-over', text: 'x', metric: null }, rollouts: [], failed: false },
    ],
  ] as const)('says nothing of %s where the rollout is reported', async (_, outcome) => {
    await conclude(aContext(), outcome);

    expect(server.calls).toEqual([]);
  });

  test('reports the rollout that it had to drive itself', async () => {
    await conclude(aContext(), { kind: 'finished', rollout: promoted });

    expect(written()).toEqual(['POST /repos/acme/shop/issues/7/comments', 'POST /repos/acme/shop/statuses/c0ffee']);
  });

  test.each(['command-refused', 'untrusted-event'] as const)(
    'says nothing of a comment that is refused as %s, whatever it asked for',
    async (code) => {
      const { comment } = commentedContext;

      await conclude(commentedContext, rejection(code, 'no'), false);
      expect(server.calls).toEqual([]);
      await conclude({ ...commentedContext, comment: null, origin: 'same' }, rejection(code, 'no'), false);
      expect([comment === null, written().length]).toEqual([false, 2]);
    },
  );

  test('is not what a release is: that reports its rejection', async () => {
    await conclude(aContext(), rejection('invalid-config', 'no'), false);

    expect(written()).toHaveLength(2);
  });
});

describe('a rollout that another run began', () => {
  test('is reported on its own pull request and commit', async () => {
    await conclude(sweeping, { kind: 'finished', rollout: begunBy({ pullRequest: 12, commit: 'beef' }) });

    expect(written()).toEqual(['POST /repos/acme/shop/issues/12/comments', 'POST /repos/acme/shop/statuses/beef']);
  });

  test('is not reported in another repository', async () => {
    await conclude(sweeping, { kind: 'finished', rollout: begunBy({ repository: 'acme/cart' }) });

    expect(server.calls).toEqual([]);
  });

  test('and is replaced by an own one is reported on both, each to its end', async () => {
    const { all } = reportersIn(aContext({ runId: '999', sha: 'beef', pullRequest: 12 }), false);
    const old = begunBy({ pullRequest: 7, commit: 'c0ffee' });
    const own = begunBy({ id: '999', pullRequest: 12, commit: 'beef' });
    await Promise.all(all.flatMap((reporter) => [reporter.report(old, []), reporter.report(own, [])]));

    expect(written().sort()).toEqual([
      'POST /repos/acme/shop/issues/12/comments',
      'POST /repos/acme/shop/issues/7/comments',
      'POST /repos/acme/shop/statuses/beef',
      'POST /repos/acme/shop/statuses/c0ffee',
    ]);
  });
});

describe('the pull request of a run', () => {
  const answering = async (status: number, body: unknown) => {
    const github = await playGitHub(() => ({ status, body }));
    const context = aContext({ pullRequest: null });
    const found = await withPullRequest(createClient({ token: 't', apiUrl: github.url, retryMs: 1 }), context);
    await github.close();
    return [found.pullRequest, github.calls.length];
  };

  test('is the one that its commit came from', async () => {
    expect(await answering(200, [{ number: 5, state: 'closed', merged_at: '2026-02-01T00:00:00Z' }])).toEqual([5, 1]);
  });

  test('is unknown when there is none, or GitHub does not say', async () => {
    expect(await answering(200, [])).toEqual([null, 1]);
    expect(await answering(403, { message: 'no' })).toEqual([null, 1]);
  });

  test('is unknown when GitHub takes too long to say', async () => {
    const github = await playGitHub(() => ({ status: 200, hang: true }));
    const context = aContext({ pullRequest: null });

    expect(await withPullRequest(createClient({ token: 't', apiUrl: github.url }), context, 50)).toEqual(context);
    await github.close();
  });

  test('is the event’s where that has one, and nobody is asked without a token', async () => {
    const context = aContext({ pullRequest: 7 });

    expect(await withPullRequest(client(), context)).toBe(context);
    expect(await withPullRequest(null, aContext({ pullRequest: null }))).toMatchObject({ pullRequest: null });
    expect(server.calls).toEqual([]);
  });
});
