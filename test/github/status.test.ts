import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/core/outcome.ts';
import { createClient } from '../../src/github/client.ts';
import { resolveContext } from '../../src/github/context.ts';
import { createStatusReporter } from '../../src/github/status.ts';
import { aRollout, at } from '../fakes/rollout.ts';
import { promoted, rolledBack, STORIES } from '../fakes/stories.ts';
import { aContext, type FakeGitHub, playGitHub } from './server.ts';

let server: FakeGitHub;

beforeEach(async () => {
  server = await playGitHub(() => ({ status: 201 }));
});
afterEach(() => server.close());

const reporter = () =>
  createStatusReporter({
    client: createClient({ token: 't', apiUrl: server.url }),
    context: aContext(),
    target: { namespace: 'shop', deployment: 'checkout' },
    now: () => at('10:04:39'),
    warn: () => {},
  });

const stateOf = async (outcome: Outcome): Promise<unknown> => {
  await reporter().conclude(outcome, [], []);
  return server.calls.at(-1)?.body['state'];
};

describe('the commit status', () => {
  test('is pending with the first line while the rollout runs', async () => {
    await reporter().report(aRollout(), []);

    expect(server.calls[0]?.path).toBe('/repos/acme/shop/statuses/c0ffee');
    expect(server.calls[0]?.body).toEqual({
      state: 'pending',
      context: 'canary-rollout/shop/checkout',
      description: '🟡 checkout: 20 % of traffic on 1.4.2, healthy so far · step 3 of 5',
      target_url: 'https://example.invalid/acme/shop/actions/runs/812/attempts/1',
    });
  });

  test('of a comment’s event stands on the head of the pull request, not on the default branch', async () => {
    const github = await playGitHub(({ method }) =>
      method === 'GET'
        ? { status: 200, body: { head: { sha: 'head', repo: { full_name: 'acme/shop' } } } }
        : { status: 201 },
    );
    const commented = createStatusReporter({
      client: createClient({ token: 't', apiUrl: github.url }),
      context: aContext({ origin: 'unknown', sha: 'tip of main' }),
      target: { namespace: 'shop', deployment: 'checkout' },
      now: () => 0,
      warn: () => {},
    });

    await commented.report(aRollout(), []);
    await github.close();

    expect(github.calls.at(-1)?.path).toBe('/repos/acme/shop/statuses/head');
  });

  test('says how it ended', async () => {
    expect(await stateOf({ kind: 'finished', rollout: promoted })).toBe('success');
    expect(await stateOf({ kind: 'finished', rollout: rolledBack })).toBe('failure');
    expect(await stateOf(STORIES['halted-promoting']?.situation as Outcome)).toBe('error');
    expect(await stateOf(STORIES['rejected-by-config']?.situation as Outcome)).toBe('failure');
  });

  test('is left alone by a plan and by a run that found the lock held', async () => {
    await reporter().conclude(STORIES['planned']?.situation as Outcome, [], []);
    await reporter().conclude(STORIES['lock-held']?.situation as Outcome, [], []);

    expect(server.calls).toEqual([]);
  });

  test('is not sent again when nothing changed', async () => {
    const same = reporter();
    await same.report(aRollout(), []);
    await same.report(aRollout(), []);

    expect(server.calls).toHaveLength(1);
  });
});

describe('a comment’s event', () => {
  const commented = aContext({ origin: 'unknown', sha: 'tip of main' });
  const resolvedBy = async (pull: unknown) => {
    const github = await playGitHub(() => ({ status: 200, body: pull }));
    const context = await resolveContext(createClient({ token: 't', apiUrl: github.url }), commented);
    await github.close();
    return context;
  };

  test('is about the head of its pull request', async () => {
    const pull = { head: { sha: 'head', repo: { full_name: 'acme/shop' } } };

    expect(await resolvedBy(pull)).toMatchObject({ origin: 'same', sha: 'head' });
  });

  test('on a fork’s pull request comes from a fork', async () => {
    const pull = { head: { sha: 'head', repo: { full_name: 'mallory/shop' } } };

    expect(await resolvedBy(pull)).toMatchObject({ origin: 'fork', sha: 'head' });
  });

  test('stays unknown when GitHub does not say', async () => {
    expect(await resolvedBy({})).toEqual(commented);
    expect(await resolveContext(null, commented)).toEqual(commented);
  });
});
