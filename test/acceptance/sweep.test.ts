import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Release, Shop } from './shop.ts';
import { expectClean, expectUntouched, GOOD, inShop, STABLE, specOf } from './shop.ts';
import {
  annotate,
  begin,
  deploy,
  entriesOf,
  expectLeft,
  expectStatus,
  give,
  HOLDING,
  holderOf,
  imageOfStable,
  lastVersions,
  spoilCanary,
  stateOf,
  weightsOf,
} from './steering.ts';

/** The lease of a dead run is watched for its whole 30 s. */
const DEAD_MS = 180_000;
const AT_PROMOTION = { until: 'promotion' } as const;
const AT_20 = { weights: '20, 60', until: '20' } as const;

/** A scheduled workflow knows no Deployment. */
const sweep = (shop: Shop, namespace = 'shop'): Promise<Release> => give(shop, 'sweep', { deployment: '', namespace });

const expectSwept = (release: Release, entry: object): void => {
  expectStatus(release, 'accepted', 'swept', 0);
  expect(entriesOf(release), release.stdout).toMatchObject([{ namespace: 'shop', deployment: 'checkout', ...entry }]);
};

const holdIsOver = async (shop: Shop): Promise<void> => {
  const over = Date.now() + 1_100;
  await shop.until('the end of hold', () => Date.now() > over);
};

const failuresInStore = ({ prometheus }: Shop): number =>
  [...prometheus.samples.values()]
    .filter(({ labels }) => labels['__name__'] === 'http_requests_total' && labels['code'] === '500')
    .reduce((sum, { points }) => sum + (points.at(-1)?.[1] ?? 0), 0);

const expectNobodyLost = (shop: Shop): void => expect(shop.traffic.report().lostBy).toEqual({});

describe.concurrent('a sweep of a paused rollout', () => {
  test(
    'leaves it as it is while nothing speaks against it',
    inShop({ rps: 100 }, async (shop) => {
      expectLeft(shop, await shop.release({ ...AT_20, metrics: ERRORS_METRIC, interval: '2s' }), 20);
      const asked = shop.prometheus.requests.length;
      const swept = await sweep(shop, '*');

      expectSwept(swept, { phase: 'paused', weight: 20, lock: 'free', failed: false });
      expect(entriesOf(swept)[0]?.note).toMatch(/paused on purpose/);
      expect(shop.prometheus.requests.length).toBeGreaterThan(asked);
      expect([weightsOf(shop), holderOf(shop), stateOf(shop)?.phase]).toEqual([[80, 20], '', 'left']);
      expectNobodyLost(shop);
    }),
  );

  test(
    'rolls it back when its hold is over',
    inShop({ rps: 20 }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      expectLeft(shop, await shop.release({ ...AT_20, hold: '1s' }), 20);
      await holdIsOver(shop);
      const swept = await sweep(shop);

      expectSwept(swept, { phase: 'rolled-back', weight: 0, failed: false });
      expect(swept.everything).toMatch(/nobody resumed it within 1 s/);
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
      expect(imageOfStable(shop)).toBe(STABLE);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'acts on a command that was left for it by kubectl',
    inShop({ rps: 20 }, async (shop) => {
      expectLeft(shop, await shop.release(AT_20), 20);
      await annotate(shop, `resume@${stateOf(shop)?.plan.target.rolloutId}`);
      const swept = await sweep(shop);

      expectSwept(swept, { phase: 'promoted', weight: 100, failed: false });
      expect(swept.stdout).toMatch(/shop\/checkout: somebody with access to the cluster asked to resume/);
      expect(imageOfStable(shop)).toBe(GOOD);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'rolls it back when the canary has turned bad meanwhile',
    inShop({ rps: 200 }, async (shop) => {
      expectLeft(shop, await shop.release({ ...AT_20, metrics: ERRORS_METRIC, interval: '2s' }), 20);
      spoilCanary(shop);
      await shop.until('failures that the store knows', () => failuresInStore(shop) > 60);
      const swept = await sweep(shop);

      expectSwept(swept, { phase: 'rolled-back', weight: 0, failed: false });
      expect(swept.everything).toMatch(/errors/);
      expect(imageOfStable(shop)).toBe(STABLE);
      await expectClean(shop);
    }),
  );
});

describe.concurrent('a sweep after until: promotion', () => {
  test(
    'finishes what the deploy step has updated',
    inShop({ rps: 20 }, async (shop) => {
      expectLeft(shop, await shop.release(AT_PROMOTION), 100);
      await deploy(shop, GOOD);
      const swept = await sweep(shop);

      expectSwept(swept, { phase: 'promoted', weight: 100, failed: false });
      expect(imageOfStable(shop)).toBe(GOOD);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'leaves the deploy step its time',
    inShop({ rps: 20 }, async (shop) => {
      expectLeft(shop, await shop.release(AT_PROMOTION), 100);
      const swept = await sweep(shop);

      expectSwept(swept, { phase: 'paused', weight: 100, failed: false });
      expect([weightsOf(shop), holderOf(shop), lastVersions(shop)]).toEqual([[0, 100], '', ['1.4.2']]);
      expectNobodyLost(shop);
    }),
  );

  test(
    'returns to the old version when its hold is over and nothing was deployed',
    inShop({ rps: 20 }, async (shop) => {
      expectLeft(shop, await shop.release({ ...AT_PROMOTION, hold: '1s' }), 100);
      await holdIsOver(shop);
      const swept = await sweep(shop);

      expectSwept(swept, { phase: 'rolled-back', weight: 0, failed: false });
      expect([imageOfStable(shop), lastVersions(shop)]).toEqual([STABLE, ['1.4.1']]);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'keeps the canary serving, and fails, when its hold is over and something else was deployed',
    inShop({ rps: 20 }, async (shop) => {
      expectLeft(shop, await shop.release({ ...AT_PROMOTION, hold: '1s' }), 100);
      await deploy(shop, 'registry.example/checkout:1.6.0');
      await holdIsOver(shop);
      const swept = await sweep(shop);

      expectStatus(swept, 'accepted', 'sweep-failed', 1);
      expect(entriesOf(swept)).toMatchObject([{ phase: 'halted', weight: 100, failed: true }]);
      expect([weightsOf(shop), lastVersions(shop)]).toEqual([[0, 100], ['1.4.2']]);
      expectNobodyLost(shop);
    }),
  );
});

describe.concurrent('a sweep of what a dead runner left', () => {
  test(
    'rolls it back',
    inShop({ rps: 20 }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      const run = begin(shop, { interval: '60s' });
      await run.said(HOLDING);
      await run.die();
      const swept = await sweep(shop);

      expectSwept(swept, { phase: 'rolled-back', weight: 0, failed: false });
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
      expect(imageOfStable(shop)).toBe(STABLE);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
    DEAD_MS,
  );

  test(
    'past the point of no return finishes it',
    inShop({ rps: 20 }, async (shop) => {
      shop.cluster.pace.startDelayMs = 1_000;
      const run = begin(shop);
      await run.said(/waiting for the updated stable/);
      await run.die();
      const swept = await sweep(shop);

      expectSwept(swept, { phase: 'promoted', weight: 100, failed: false });
      expect(imageOfStable(shop)).toBe(GOOD);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
    DEAD_MS,
  );

  test(
    'leaves alone what a run drives, and finds nothing where nothing is open',
    inShop({ rps: 20 }, async (shop) => {
      const none = await sweep(shop);
      expectUntouched(shop);
      const run = begin(shop, { interval: '60s' });
      await run.said(HOLDING);
      const swept = await sweep(shop, '*');
      await give(shop, 'abort');
      const ended = await run.ended;

      expectStatus(none, 'accepted', 'swept', 0);
      expect(entriesOf(none)).toEqual([]);
      expectSwept(swept, { phase: 'progressing', weight: 50, lock: 'held', note: 'a run drives it', failed: false });
      expectStatus(ended, 'aborted', 'aborted-by-user', 1);
    }),
  );
});
