import { describe, expect, test } from 'vitest';
import { pullRequestEvent, pushEvent } from '../../sandbox/github/events.ts';
import type { GitHubFault } from '../../sandbox/github/index.ts';
import type { Release } from './shop.ts';
import { expectClean, HEAD, inShop } from './shop.ts';

const EVENT = pullRequestEvent({ number: 7, headSha: HEAD });
const REPORTS = { comment: 'auto', 'commit-status': 'auto' };
const PULLS = [{ number: 7, headSha: HEAD }];

const warnings = ({ annotations }: Release, about: RegExp): string[] =>
  annotations.flatMap(({ level, message }) => (level === 'warning' && about.test(message) ? [message] : []));

const ANSWERS: readonly (readonly [what: string, answer: GitHubFault['answer'], words: RegExp])[] = [
  ['403', { kind: 'status', code: 403 }, /403/],
  ['404', { kind: 'status', code: 404 }, /404/],
  ['422', { kind: 'status', code: 422 }, /422/],
  ['429', { kind: 'status', code: 429, retryAfterSeconds: 600 }, /rate limit/],
  ['500', { kind: 'status', code: 500 }, /500/],
  ['nothing', { kind: 'reset' }, /not reached/],
];

describe.concurrent('a release whose reports GitHub answers with', () => {
  test.each(ANSWERS)('%s is not affected, and says so once for comment and status', async (_what, answer, words) => {
    await inShop({ post: true, github: { pulls: PULLS } }, async (shop) => {
      shop.github.faults.push({ answer });
      const release = await shop.release(REPORTS, { event: EVENT });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted', 'comment-url': '' });
      expect([release.code, release.post?.code]).toEqual([0, 0]);
      for (const about of [/comment on the pull request/, /set the commit status/]) {
        expect(warnings(release, about)).toHaveLength(1);
        expect(warnings(release, about)[0]).toMatch(words);
      }
      expect(release.summary).toContain('serves all traffic');
      await expectClean(shop);
    })();
  });
});

describe.concurrent('GitHub', () => {
  test(
    'that nobody reaches does not affect the release',
    inShop({ github: { pulls: PULLS } }, async (shop) => {
      await shop.github.stop();
      const release = await shop.release(REPORTS, { event: EVENT });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted' });
      expect(warnings(release, /not reached \(ECONNREFUSED\)/)).toHaveLength(2);
    }),
  );

  test(
    'of an enterprise is asked at its own address',
    inShop({ github: { pulls: PULLS, basePath: '/enterprise/api/v3' } }, async (shop) => {
      const release = await shop.release({ ...REPORTS, command: 'plan' }, { event: EVENT });

      expect(release.outputs['status']).toBe('planned');
      expect(shop.github.comments).toHaveLength(1);
      expect(shop.github.requests.every(({ path }) => path.startsWith('/repos/acme/checkout/'))).toBe(true);
    }),
  );

  test(
    'is asked for the pull request of the commit where the event does not name it',
    inShop({ github: { pulls: PULLS } }, async (shop) => {
      await shop.release({ ...REPORTS, command: 'plan' }, { event: pushEvent(HEAD) });

      expect(shop.github.comments.map(({ issue }) => issue)).toEqual([7]);
    }),
  );

  test(
    'without a token is left alone, with one warning',
    inShop({ github: { pulls: PULLS } }, async (shop) => {
      const release = await shop.release({ ...REPORTS, command: 'plan', 'github-token': '' }, { event: EVENT });

      expect(shop.github.requests).toEqual([]);
      expect(warnings(release, /github-token/)).toHaveLength(1);
    }),
  );

  test(
    'keeps one comment over several runs',
    inShop({ github: { pulls: PULLS } }, async (shop) => {
      await shop.release({ ...REPORTS, command: 'plan' }, { event: EVENT });
      await shop.release({ ...REPORTS, image: 'registry.example/checkout:1.4.1' }, { event: EVENT });

      expect(shop.github.comments).toHaveLength(1);
      expect(shop.github.comments[0]?.edits).toBe(1);
      expect(shop.github.statuses.map(({ state }) => state)).toEqual(['success']);
    }),
  );
});
