import { describe, expect, test } from 'vitest';
import { pullRequestEvent } from '../../sandbox/github/events.ts';
import type { Release, Shop } from './shop.ts';
import { expectClean, HEAD, inShop, outsideFences, weightsIn } from './shop.ts';

const CRASHING = 'registry.example/checkout:1.5.0-crash';
const ESCAPE = String.fromCharCode(27);

const HOSTILE = [
  '::error::a command in a log',
  '##[error]an older command',
  '| a | table |',
  '```',
  '<img src=x onerror=alert(1)>',
  `${ESCAPE}[31mred${ESCAPE}[0m and ${ESCAPE}]0;a title`,
  '@everyone see #1 <!-- ',
].join('\n');

const neverHadTraffic = (shop: Shop): void => {
  const weights = shop.cluster
    .writes()
    .flatMap((call) => weightsIn(call).filter(({ path }) => path.endsWith('/1/weight')));
  expect(weights.filter(({ value }) => value !== 0)).toEqual([]);
  expect(Object.keys(shop.traffic.report().versions)).toEqual(['1.4.1']);
  expect(shop.traffic.report().lost).toBe(0);
};

const expectNotReady = async (shop: Shop, release: Release): Promise<void> => {
  expect(release.outputs, release.stdout).toMatchObject({
    status: 'rolled-back',
    'reason-code': 'canary-not-ready',
    'final-weight': '0',
    'steps-completed': '0',
  });
  expect(release.code).toBe(1);
  neverHadTraffic(shop);
  await expectClean(shop);
};

describe.concurrent('a canary that never becomes ready', () => {
  test(
    'for want of its image is rolled back without ever having had traffic',
    inShop({ rps: 50 }, async (shop) => {
      const image = 'registry.example/checkout:1.5.0-missing';
      const release = await shop.release({ image, 'ready-timeout': '2s', 'pod-logs': 'summary' });

      await expectNotReady(shop, release);
      expect(release.outputs['reason']).toContain('ImagePullBackOff');
      expect(release.summary).toContain('The canary never had traffic.');
    }),
  );

  test(
    'because it crashes is rolled back with its last state and its log',
    inShop({ rps: 50 }, async (shop) => {
      const release = await shop.release({ image: CRASHING, 'ready-timeout': '2s', 'pod-logs': 'summary' });

      await expectNotReady(shop, release);
      expect(release.outputs['reason']).toContain('CrashLoopBackOff');
      expect(release.summary).toMatch(/CrashLoopBackOff.*last exit 1/s);
      expect(release.summary).toContain('panic: DATABASE_URL is not set');
    }),
  );

  test(
    'keeps its log to itself in a public repository unless it is asked for',
    inShop({ rps: 50 }, async (shop) => {
      const release = await shop.release({ image: CRASHING, 'ready-timeout': '2s' });

      await expectNotReady(shop, release);
      expect(release.everything).not.toContain('DATABASE_URL');
    }),
  );

  test(
    'cannot do harm by what it logs',
    inShop(
      {
        rps: 50,
        app: { templateAnnotations: { 'sandbox/logs': HOSTILE } },
        github: { pulls: [{ number: 7, headSha: HEAD }] },
      },
      async (shop) => {
        const release = await shop.release(
          { image: CRASHING, 'ready-timeout': '2s', 'pod-logs': 'comment', comment: 'auto' },
          { event: pullRequestEvent({ number: 7, headSha: HEAD }) },
        );

        await expectNotReady(shop, release);
        const [comment] = shop.github.comments;
        for (const text of [release.summary, comment?.body ?? '']) {
          expect(text).toContain('a command in a log');
          expect(text).not.toContain(ESCAPE);
          expect(outsideFences(text)).not.toMatch(/<img|a command in a log|@everyone/);
        }
        expect(release.annotations.map(({ message }) => message).join('\n')).not.toContain('a command in a log');
        expect(release.stdout.split('\n').filter((line) => /^\s*(::error::a|##\[)/.test(line))).toEqual([]);
      },
    ),
  );
});
