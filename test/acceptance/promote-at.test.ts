import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Release, Shop } from './shop.ts';
import { BAD, expectClean, expectUntouched, GOOD, inShop, of, operationsOf, STABLE, weightsIn } from './shop.ts';
import { begin, expectStatus, imageOfStable } from './steering.ts';

const IN_PLACE = { 'promote-at': 'last-step', weights: '20, 50', metrics: ERRORS_METRIC };
/** The lease of a dead run is watched for its whole 30 s. */
const DEAD_MS = 180_000;

/** Weights that the canary was given, in order. */
const canaryWeights = (shop: Shop): unknown[] =>
  of(shop.cluster.writes(), 'patch', 'httproutes').flatMap((call) =>
    weightsIn(call).flatMap(({ path, value }) => (path.endsWith('/backendRefs/1/weight') ? [value] : [])),
  );

const canarySizes = (shop: Shop): unknown[] =>
  of(shop.cluster.writes(), 'patch', 'deployments')
    .filter(({ name }) => name === 'checkout-canary')
    .flatMap(operationsOf)
    .filter(({ op, path }) => op !== 'test' && path === '/spec/replicas')
    .map(({ value }) => value);

/** The fewest ready pods that stable's status ever told of, while something runs. */
const watchStable = async <Value>(shop: Shop, running: Promise<Value>): Promise<readonly [Value, number]> => {
  const seen: number[] = [];
  const look = (): void => {
    const { readyReplicas = 0 } = shop.object('Deployment', 'checkout')['status'] as { readyReplicas?: number };
    seen.push(readyReplicas);
  };
  const timer = setInterval(look, 20);
  try {
    return [await running, Math.min(...seen)];
  } finally {
    clearInterval(timer);
  }
};

const expectAllServed = (shop: Shop): void => expect(shop.traffic.report().lostBy).toEqual({});

describe.concurrent('promote-at: last-step', () => {
  test(
    'updates stable in place while the canary keeps the last weight, without a second full set of pods',
    inShop({ rps: 100 }, async (shop) => {
      const [release, least] = await watchStable(shop, shop.release(IN_PLACE));

      expectStatus(release, 'promoted', 'completed', 0);
      expect(release.stdout).toContain('updating the Deployment checkout in place, with 50 % on the canary');
      expect(release.stdout).toContain('stable is updated; judging it with the 50 % it has');
      // 25 % of three, the default, is no pod.
      expect(least).toBe(3);
      expect(canarySizes(shop)).toEqual([2]);
      expect(canaryWeights(shop).filter((weight) => weight === 100)).toEqual([]);
      expect(imageOfStable(shop)).toBe(GOOD);
      expectAllServed(shop);
      await expectClean(shop);
    }),
  );

  test(
    'rolls a bad version back before stable is touched',
    inShop({ rps: 100 }, async (shop) => {
      const release = await shop.release({ ...IN_PLACE, image: BAD, interval: '20s' });

      expectStatus(release, 'rolled-back', 'metric-failed', 1);
      expect(imageOfStable(shop)).toBe(STABLE);
      await expectClean(shop);
    }),
  );

  test(
    'is what the plan says, with the pods that it needs at most',
    inShop({ rps: 100 }, async (shop) => {
      const release = await shop.release({ ...IN_PLACE, command: 'plan' });

      expectStatus(release, 'planned', 'planned', 0);
      expect(release.report).toContain('After the last step stable is updated in place');
      expect(release.report).toContain('up to 6 pods of stable and canary at a time');
      expectUntouched(shop);
    }),
  );
});

const STAGES: readonly (readonly [stage: string, line: RegExp])[] = [
  ['the point of no return', /giving up the way back/],
  ["stable's update", /updating the Deployment checkout in place/],
  ['the wait for stable', /waiting for the updated stable/],
  ['the judgement of the updated stable', /stable is updated; judging it/],
  ["the traffic's return", /returning all traffic to stable/],
  ['the cleaning up', /putting the route back/],
];

describe.concurrent('promote-at: last-step, after a runner that died at', () => {
  test.each(STAGES)(
    '%s: the next run finishes it, and nobody is lost',
    (_, line) =>
      inShop({ rps: 20 }, async (shop) => {
        const run = begin(shop, { ...IN_PLACE, weights: '50' });
        await run.said(line);
        expect((await run.die()).signal).toBe('SIGKILL');
        const next: Release = await shop.release({ ...IN_PLACE, weights: '50' });

        expect(next.outputs, next.stdout).toMatchObject({ status: 'promoted' });
        expect(imageOfStable(shop)).toBe(GOOD);
        expectAllServed(shop);
        await expectClean(shop);
      })(),
    DEAD_MS,
  );
});
