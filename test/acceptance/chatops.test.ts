import { describe, expect, test } from 'vitest';
import { commentEvent, pullRequestEvent, pushEvent } from '../../sandbox/github/events.ts';
import type { Comment } from '../../sandbox/github/index.ts';
import type { RunOptions } from '../../sandbox/runner/index.ts';
import type { Release, Shop, ShopOptions } from './shop.ts';
import { expectClean, GOOD, HEAD, inShop, STABLE, when } from './shop.ts';

const PULLS = [
  { number: 7, headSha: HEAD },
  { number: 8, headSha: 'abad1deaabad1deaabad1deaabad1deaabad1dea' },
];
const OPTIONS: ShopOptions = { github: { pulls: PULLS, roles: { mona: 'write', tessa: 'triage' } } };
const ON_PULL = pullRequestEvent({ number: 7, headSha: HEAD });
const WORKFLOW = '/acme/checkout/actions/workflows/chatops.yml';

/** A release that holds its only weight until somebody says something. */
interface Held {
  readonly ended: Promise<Release>;
  /** It holds its weight, and a comment written now is newer than its start: GitHub's times are whole seconds. */
  readonly holds: Promise<void>;
}

const hold = (shop: Shop, event = ON_PULL, run: Partial<RunOptions> = {}): Held => {
  const { promise: line, resolve } = Promise.withResolvers<void>();
  const ended = shop.release(
    { interval: '120s', comment: 'auto', 'commit-status': 'auto' },
    { event, onLine: when(/holding it for/, resolve), ...run },
  );
  const second = Math.ceil(Date.now() / 1000) * 1000 + 1000;
  const holds = Promise.race([line, ended]).then(() => shop.until('the next second', () => Date.now() > second));
  return { ended, holds };
};

const say = (shop: Shop, body: string, author = 'mona', issue = 7): Comment => shop.github.say({ issue, body, author });

/** The run that this comment starts. `command`: what its workflow passes on. */
const commented = (shop: Shop, comment: Comment, command: string, run: Partial<RunOptions> = {}): Promise<Release> =>
  shop.release(
    { command, image: '', comment: 'auto', 'commit-status': 'auto' },
    {
      event: commentEvent(comment),
      env: {
        GITHUB_ACTOR: comment.author,
        GITHUB_TRIGGERING_ACTOR: comment.author,
        GITHUB_WORKFLOW_REF: 'acme/checkout/.github/workflows/chatops.yml@refs/heads/main',
      },
      ...run,
    },
  );

const reactionsTo = (shop: Shop, { id }: Comment): string[] =>
  shop.github.reactions.filter(({ comment }) => comment === id).map(({ content }) => content);
const answers = (shop: Shop): string[] =>
  shop.github.comments
    .filter(({ author, body }) => author.endsWith('[bot]') && !body.startsWith('<!--'))
    .map(({ body }) => body);
const report = (shop: Shop): string => shop.github.comments.find(({ body }) => body.startsWith('<!--'))?.body ?? '';

/** `reactions`: an eye first where the comment itself is in order and only does not fit the rollout. */
const expectRefused = (shop: Shop, release: Release, comment: Comment, reactions: string[], words: RegExp): void => {
  expect(release.outputs, release.stdout).toMatchObject({ status: 'rejected', 'reason-code': 'command-refused' });
  expect([release.code, reactionsTo(shop, comment)]).toEqual([1, reactions]);
  expect(answers(shop).at(-1)).toMatch(words);
};

const imageOfStable = (shop: Shop): unknown =>
  (shop.object('Deployment', 'checkout').spec as { template: { spec: { containers: { image: string }[] } } }).template
    .spec.containers[0]?.image;

describe.concurrent('a comment on the pull request of a rollout', () => {
  test(
    'aborts it, is answered, and stands in the report, also after the merge',
    inShop({ ...OPTIONS, rps: 50 }, async (shop) => {
      const release = hold(shop, pushEvent(HEAD));
      await release.holds;
      const comment = say(shop, '/canary abort\r\nthe basket is empty');
      const command = await commented(shop, comment, 'abort');
      const ended = await release.ended;

      expect(command.outputs, command.stdout).toMatchObject({ status: 'accepted', 'reason-code': 'handed-over' });
      expect([command.code, reactionsTo(shop, comment)]).toEqual([0, ['eyes', '+1']]);
      expect(ended.outputs, ended.stdout).toMatchObject({ status: 'aborted', 'reason-code': 'aborted-by-user' });
      expect(answers(shop)).toEqual([]);
      expect(report(shop)).toMatch(/mona/);
      expect(report(shop)).not.toContain('@mona');
      expect(shop.traffic.report().lostBy).toEqual({});
      expect(imageOfStable(shop)).toBe(STABLE);
      await expectClean(shop);
    }),
  );

  test(
    'asks where it stands, pauses and promotes it, each comment once',
    inShop(OPTIONS, async (shop) => {
      const release = hold(shop);
      await release.holds;
      const question = say(shop, '/canary status');
      const status = await commented(shop, question, 'status');
      const pause = say(shop, '/canary pause');
      const paused = await commented(shop, pause, 'pause');
      const again = await commented(shop, pause, 'pause');
      const promoted = await commented(shop, say(shop, '/canary promote'), 'promote');
      const ended = await release.ended;

      expect([paused.outputs['status'], promoted.outputs['status']], paused.stdout).toEqual(['accepted', 'accepted']);
      expect(again.outputs, again.stdout).toMatchObject({ status: 'rejected', 'reason-code': 'command-refused' });
      expect(status.outputs, status.stdout).toMatchObject({ status: 'accepted', 'reason-code': 'listed' });
      expect(reactionsTo(shop, question)).toEqual(['eyes', '+1']);
      expect(answers(shop)).toEqual([
        expect.stringMatching(/checkout[\s\S]*50 %/),
        expect.stringMatching(/acted on already/),
      ]);
      expect(ended.outputs, ended.stdout).toMatchObject({ status: 'promoted' });
      expect(imageOfStable(shop)).toBe(GOOD);
      await expectClean(shop);
    }),
  );

  test(
    'by somebody who may not write, on another pull request, or too old does nothing',
    inShop(OPTIONS, async (shop) => {
      const early = say(shop, '/canary abort');
      const release = hold(shop);
      await release.holds;
      const refused = async (comment: Comment, words: RegExp, ...reactions: string[]): Promise<void> =>
        expectRefused(shop, await commented(shop, comment, 'abort'), comment, [...reactions, '-1'], words);
      await refused(say(shop, '/canary abort', 'tessa'), /role `triage`/);
      await refused(say(shop, '/canary abort', 'mona', 8), /pull request acme\/checkout#&#8203;7/, 'eyes');
      await refused(early, /older than the rollout/, 'eyes');
      const [before, statuses] = [report(shop), shop.github.statuses.map(({ state }) => state)];
      await commented(shop, say(shop, '/canary abort'), 'abort');
      const ended = await release.ended;

      expect(before).toMatch(/healthy so far/);
      expect([...new Set(statuses)]).toEqual(['pending']);
      expect(ended.outputs, ended.stdout).toMatchObject({ status: 'aborted' });
    }),
  );

  test(
    'ends a rollout whose runner is dead by itself',
    inShop(OPTIONS, async (shop) => {
      const die = new AbortController();
      const release = hold(shop, ON_PULL, { die: die.signal });
      await release.holds;
      die.abort();
      await release.ended;
      const comment = say(shop, '/canary abort');
      const command = await commented(shop, comment, 'abort');

      expect(command.outputs, command.stdout).toMatchObject({ status: 'aborted', 'reason-code': 'aborted-by-user' });
      expect(reactionsTo(shop, comment)).toEqual(['eyes', 'rocket']);
      expect(report(shop)).toMatch(/aborted/);
      expect(shop.github.comments.filter(({ body }) => body.startsWith('<!--'))).toHaveLength(1);
      await expectClean(shop);
    }),
  );
});

describe.concurrent('a comment that must not be trusted', () => {
  test(
    'is refused before the cluster is asked for anything',
    inShop(OPTIONS, async (shop) => {
      const calls = shop.cluster.calls.length;
      const bot = say(shop, '/canary abort', 'helper[bot]');
      const changed = say(shop, '/canary abort');
      const changing = commentEvent({ ...changed });
      changed.body = '/canary promote';
      const elsewhere = say(shop, '/canary abort');
      const runs = [
        await commented(shop, bot, 'abort'),
        await commented(shop, changed, 'abort', { event: changing }),
        await commented(shop, elsewhere, 'abort', { event: commentEvent(elsewhere, { isIssue: true }) }),
        await commented(shop, say(shop, '/canary abort'), 'abort', {
          event: { ...commentEvent(say(shop, '/canary abort')), name: 'pull_request_review' },
        }),
      ];

      expect(runs.map(({ outputs }) => outputs['reason-code'])).toEqual([
        'untrusted-event',
        'command-refused',
        'untrusted-event',
        'untrusted-event',
      ]);
      expect(runs.map(({ code }) => code)).toEqual(runs.map(() => 1));
      expect(reactionsTo(shop, bot)).toEqual([]);
      expect(shop.cluster.calls.slice(calls)).toEqual([]);
    }),
  );

  test(
    'is refused while GitHub does not say who may write',
    inShop(OPTIONS, async (shop) => {
      const calls = shop.cluster.calls.length;
      const comment = say(shop, '/canary abort');
      shop.github.faults.push({
        matches: ({ path }) => path.includes('/permission'),
        answer: { kind: 'status', code: 500 },
      });
      const command = await commented(shop, comment, 'abort');

      expectRefused(shop, command, comment, ['-1'], /did not say/);
      expect(shop.cluster.calls.slice(calls)).toEqual([]);
    }),
  );

  test(
    'for a rollback is answered with the place to start it, and does nothing',
    inShop(OPTIONS, async (shop) => {
      await shop.release();
      const [calls, state] = [shop.cluster.calls.length, imageOfStable(shop)];
      const comment = say(shop, '/canary rollback');
      const command = await commented(shop, comment, 'rollback');
      const stranger = say(shop, '/canary rollback', 'stranger');
      const refused = await commented(shop, stranger, 'rollback');

      expect(command.outputs, command.stdout).toMatchObject({ status: 'rejected', 'reason-code': 'command-refused' });
      expect(refused.outputs, refused.stdout).toMatchObject({ status: 'rejected', 'reason-code': 'command-refused' });
      expect(answers(shop)).toEqual([expect.stringContaining(`${WORKFLOW})`), expect.stringMatching(/role `read`/)]);
      expect(shop.cluster.calls.slice(calls)).toEqual([]);
      expect([state, imageOfStable(shop)]).toEqual([GOOD, GOOD]);
      expect(shop.github.statuses).toEqual([]);
    }),
  );
});
