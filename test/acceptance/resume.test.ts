import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Shop } from './shop.ts';
import { expectClean, GOOD, inShop, of, STABLE, weightsIn } from './shop.ts';
import { begin, expectStatus, give, HOLDING, imageOfStable, stateOf } from './steering.ts';

const OTHER = 'registry.example/checkout:1.4.3';
/** The lease of a dead run is watched for its whole 30 s. */
const DEAD_MS = 180_000;

/** Weights that the canary was given since the call with this number. */
const canaryWeights = (shop: Shop, from = 0): unknown[] =>
  of(shop.cluster.writes().slice(from), 'patch', 'httproutes').flatMap((call) =>
    weightsIn(call).flatMap(({ path, value }) => (path.endsWith('/backendRefs/1/weight') ? [value] : [])),
  );

/** A run that dies while it holds its last weight; what was written by then. */
const diesAtLastWeight = async (shop: Shop, inputs: Record<string, string>): Promise<number> => {
  const run = begin(shop, inputs);
  await run.said(/holding it for 50 s/);
  const dead = await run.die();
  expect(dead.signal).toBe('SIGKILL');
  return shop.cluster.writes().length;
};

const TWO_STEPS = {
  weights: '',
  interval: '',
  steps: '- { weight: 20, interval: 2s }\n- { weight: 60, interval: 50s }\n',
};
const FIFTY = { interval: '50s' };

const expectNobodyLost = (shop: Shop): void => expect(shop.traffic.report().lostBy).toEqual({});

describe.concurrent('after a runner that died', () => {
  test(
    'the same release goes on, with its evidence, and repeats no step',
    inShop({ rps: 100 }, async (shop) => {
      const writes = await diesAtLastWeight(shop, { ...TWO_STEPS, metrics: ERRORS_METRIC });
      const id = stateOf(shop)?.plan.target.rolloutId;
      const next = begin(shop, { ...TWO_STEPS, metrics: ERRORS_METRIC });
      await next.said(HOLDING);
      await give(shop, 'promote');
      const ended = await next.ended;

      expectStatus(ended, 'promoted', 'completed', 0);
      expect(ended.result.rollout?.id).toBe(id);
      expect(ended.result.steps).toMatchObject([
        { weight: 20, verdict: 'passed', metrics: [{ name: 'errors', verdict: 'pass' }] },
        { weight: 60, verdict: 'skipped' },
      ]);
      expect(canaryWeights(shop, writes)).toEqual([100, 80, 0]);
      expect(ended.report).toMatch(/nobody (looked|judged)/i);
      expect(imageOfStable(shop)).toBe(GOOD);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
    DEAD_MS,
  );

  test(
    'a release of another image takes its place, from the start',
    inShop({ rps: 20 }, async (shop) => {
      const writes = await diesAtLastWeight(shop, FIFTY);
      const next = await shop.release({ image: OTHER });

      expectStatus(next, 'promoted', 'completed', 0);
      expect(next.everything).toContain(`a release of ${OTHER} takes its place`);
      expect(canaryWeights(shop, writes).slice(0, 2)).toEqual([0, 50]);
      expect(imageOfStable(shop)).toBe(OTHER);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
    DEAD_MS,
  );

  test(
    'the same release begins anew where on-expired says so',
    inShop({ rps: 20 }, async (shop) => {
      const writes = await diesAtLastWeight(shop, FIFTY);
      const id = stateOf(shop)?.plan.target.rolloutId;
      const next = await shop.release({ 'on-expired': 'rollback' });

      expectStatus(next, 'promoted', 'completed', 0);
      expect(canaryWeights(shop, writes).slice(0, 2)).toEqual([0, 50]);
      expect(next.result.rollout?.id).not.toBe(id);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
    DEAD_MS,
  );
});

describe.concurrent('two releases of one Deployment', () => {
  test(
    'the second waits as long as lock-wait says, and then releases its own',
    inShop({ rps: 20 }, async (shop) => {
      const first = begin(shop, { interval: '3s' });
      await first.said(HOLDING);
      const second = begin(shop, { image: OTHER, 'lock-wait': '60s' });
      await second.said(/waiting for another rollout/);
      const [one, two] = [await first.ended, await second.ended];

      expectStatus(one, 'promoted', 'completed', 0);
      expectStatus(two, 'promoted', 'completed', 0);
      expect(two.result.rollout).toMatchObject({ fromImages: [GOOD], toImages: [OTHER] });
      expect(imageOfStable(shop)).toBe(OTHER);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'the second is rejected without lock-wait, and told of the first: its run, its step, and since when',
    inShop({ rps: 20 }, async (shop) => {
      const first = begin(shop, { weights: '20, 60', interval: '60s' });
      await first.said(HOLDING);
      const writes = shop.cluster.writes().map(({ userAgent }) => userAgent);
      const second = await shop.release({ image: OTHER, 'lock-wait': '0s' });
      const after = shop.cluster.writes().map(({ userAgent }) => userAgent);
      await give(shop, 'abort');
      const one = await first.ended;

      expectStatus(second, 'rejected', 'lock-held', 1);
      expect(second.outputs['reason']).toMatch(/\/acme\/checkout\/actions\/runs\/4711/);
      expect(second.outputs['reason']).toMatch(/since \d{4}-\d\d-\d\dT\d\d:\d\d/);
      expect(second.outputs['reason']).toMatch(/step 1|20 %/);
      expect(new Set(after)).toEqual(new Set(writes));
      expectStatus(one, 'aborted', 'aborted-by-user', 1);
      expect(imageOfStable(shop)).toBe(STABLE);
    }),
  );
});
