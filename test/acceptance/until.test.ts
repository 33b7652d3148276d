import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Shop } from './shop.ts';
import { expectClean, GOOD, inShop, STABLE, specOf } from './shop.ts';
import {
  deploy,
  expectLeft,
  expectStatus,
  give,
  imageOfStable,
  LOCK,
  lastVersions,
  stateOf,
  weightsOf,
} from './steering.ts';

const AT_20 = { weights: '20, 60', until: '20' } as const;
const AT_PROMOTION = { until: 'promotion' } as const;

/** Helm renders the route as it stands in the chart. */
const resetRoute = (shop: Shop, spec: unknown): void =>
  shop.cluster.apply([{ ...shop.object('HTTPRoute', 'checkout'), spec } as object]);

const expectNobodyLost = (shop: Shop): void => expect(shop.traffic.report().lostBy).toEqual({});

describe.concurrent('a release until a weight', () => {
  test(
    'ends the job there as paused, and a later job resumes and promotes it',
    inShop({ rps: 100, post: true }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      const release = await shop.release({ ...AT_20, metrics: ERRORS_METRIC, interval: '2s' });
      expectLeft(shop, release, 20);
      expect(release.outputs['steps-completed']).toBe('1');
      expect(release.summary).toMatch(/nobody judges the canary/);
      const resume = await give(shop, 'resume');

      expectStatus(resume, 'promoted', 'completed', 0);
      expect(resume.result.steps.map(({ weight, verdict }) => [weight, verdict])).toEqual([
        [20, 'passed'],
        [60, 'passed'],
      ]);
      expect(resume.result.rollout?.id).toBe(release.result.rollout?.id);
      expect(imageOfStable(shop)).toBe(GOOD);
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'is aborted by a later job',
    inShop({ rps: 20 }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      expectLeft(shop, await shop.release(AT_20), 20);
      const abort = await give(shop, 'abort');

      expectStatus(abort, 'aborted', 'aborted-by-user', 1);
      expect(imageOfStable(shop)).toBe(STABLE);
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'is resumed by the same release run again, and goes past it',
    inShop({ rps: 20 }, async (shop) => {
      expectLeft(shop, await shop.release(AT_20), 20);
      const again = await shop.release(AT_20);

      expectStatus(again, 'promoted', 'completed', 0);
      expect(imageOfStable(shop)).toBe(GOOD);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'is resumed up to another place, where the job ends again',
    inShop({ rps: 20 }, async (shop) => {
      expectLeft(shop, await shop.release(AT_20), 20);
      const further = await give(shop, 'resume', { until: '60' });
      expectLeft(shop, further, 60);
      const last = await give(shop, 'resume');

      expectStatus(last, 'promoted', 'completed', 0);
      await expectClean(shop);
    }),
  );

  test(
    'refuses commands that do not fit, and stays as it is',
    inShop({ rps: 100 }, async (shop) => {
      expectLeft(shop, await shop.release({ ...AT_20, metrics: ERRORS_METRIC, interval: '2s' }), 20);
      const pause = await give(shop, 'pause');
      const blind = await give(shop, 'resume', { prometheus: '' });

      expectStatus(pause, 'rejected', 'command-refused', 1);
      expect(pause.outputs['reason']).toMatch(/paused already/);
      expectStatus(blind, 'rejected', 'command-refused', 1);
      expect(blind.outputs['reason']).toMatch(/`prometheus`/);
      expect([weightsOf(shop), stateOf(shop)?.phase]).toEqual([[80, 20], 'left']);
    }),
  );
});

describe.concurrent('a release until the promotion', () => {
  test(
    'ends the job with all traffic on the canary, and is finished once the deploy step has updated stable',
    inShop({ rps: 20, post: true }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      const release = await shop.release(AT_PROMOTION);
      expectLeft(shop, release, 100);
      await shop.until('the canary to have it all', () => lastVersions(shop).join() === '1.4.2');
      expect(imageOfStable(shop)).toBe(STABLE);
      await deploy(shop, GOOD);
      const resume = await give(shop, 'resume');

      expectStatus(resume, 'promoted', 'completed', 0);
      expect(imageOfStable(shop)).toBe(GOOD);
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'accepts that the deploy step has put the route back',
    inShop({ rps: 20 }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      expectLeft(shop, await shop.release(AT_PROMOTION), 100);
      await deploy(shop, GOOD);
      resetRoute(shop, before);
      const resume = await give(shop, 'resume');

      expectStatus(resume, 'promoted', 'completed', 0);
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'waits for the deploy step as long as pods may take, then halts, and is finished later',
    inShop({ rps: 20 }, async (shop) => {
      expectLeft(shop, await shop.release({ ...AT_PROMOTION, 'ready-timeout': '3s' }), 100);
      const resume = await give(shop, 'resume');
      expectStatus(resume, 'halted', 'stable-not-updated', 1);
      expect([weightsOf(shop), lastVersions(shop), imageOfStable(shop)]).toEqual([[0, 100], ['1.4.2'], STABLE]);
      expect(resume.summary).toContain('**What to do.**');
      await deploy(shop, GOOD);
      const again = await give(shop, 'resume');

      expectStatus(again, 'promoted', 'completed', 0);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'is promoted without a deploy step: stable is updated here',
    inShop({ rps: 20 }, async (shop) => {
      expectLeft(shop, await shop.release(AT_PROMOTION), 100);
      const promote = await give(shop, 'promote');

      expectStatus(promote, 'promoted', 'completed', 0);
      expect(imageOfStable(shop)).toBe(GOOD);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'is aborted by a verified return to the old version',
    inShop({ rps: 20 }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      expectLeft(shop, await shop.release(AT_PROMOTION), 100);
      const abort = await give(shop, 'abort');

      expectStatus(abort, 'aborted', 'aborted-by-user', 1);
      expect(abort.outputs['final-weight']).toBe('0');
      expect([imageOfStable(shop), lastVersions(shop)]).toEqual([STABLE, ['1.4.1']]);
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'and a deploy step that brought something else leaves the canary serving',
    inShop({ rps: 20 }, async (shop) => {
      expectLeft(shop, await shop.release(AT_PROMOTION), 100);
      await deploy(shop, 'registry.example/checkout:1.6.0');
      const abort = await give(shop, 'abort');

      expectStatus(abort, 'halted', 'stable-not-updated', 1);
      expect([weightsOf(shop), lastVersions(shop)]).toEqual([[0, 100], ['1.4.2']]);
      expect(shop.object('ConfigMap', LOCK)).toBeDefined();
      expectNobodyLost(shop);
    }),
  );
});
