import { describe, expect, test } from 'vitest';
import { createRandom } from '../../bench/judgement/random.ts';
import {
  CALM,
  createWorld,
  drawHistory,
  drawPods,
  type Scenario,
  STABLE_PODS,
  type Traffic,
} from '../../bench/judgement/world.ts';
import { addTallies } from '../../src/core/evidence.ts';

const scenario: Scenario = { ...CALM, rate: 1_000, base: 0.01 };

const passed = (trouble: Partial<Scenario>, canaryBase: number, weight: number, seed: string): readonly Traffic[] => {
  const random = createRandom(seed);
  const all = { ...scenario, ...trouble };
  const world = createWorld(all, drawPods(STABLE_PODS, all, random), canaryBase, random);
  return Array.from({ length: 60 }, () => world.pass(5, weight));
};

const sumOf = (all: readonly Traffic[]): Traffic =>
  all.reduce((sum, one) => ({
    canary: addTallies(sum.canary, one.canary),
    stable: addTallies(sum.stable, one.stable),
  }));

const ratio = ({ requests, failures }: { requests: number; failures: number }): number => failures / requests;

/** Variance of the failures of stable over their mean. */
const unevenness = (all: readonly Traffic[]): number => {
  const counts = all.map(({ stable }) => stable.failures);
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length / mean;
};

describe('the simulated world', () => {
  test('splits the traffic by weight and fails each version by its own ratio', () => {
    const { canary, stable } = sumOf(passed({}, 0.05, 0.2, 'calm'));

    expect(Math.abs(canary.requests / 60_000 - 1)).toBeLessThan(0.02);
    expect(Math.abs(stable.requests / 240_000 - 1)).toBeLessThan(0.02);
    expect(Math.abs(ratio(canary) / 0.05 - 1)).toBeLessThan(0.1);
    expect(Math.abs(ratio(stable) / 0.01 - 1)).toBeLessThan(0.1);
  });

  test('lets failures come in clumps, as many as without', () => {
    const all = passed({ clump: 4 }, 0.01, 0.2, 'clumps');

    expect(all.every(({ stable, canary }) => stable.failures % 4 === 0 && canary.failures % 4 === 0)).toBe(true);
    expect(Math.abs(ratio(sumOf(all).stable) / 0.01 - 1)).toBeLessThan(0.1);
    expect(unevenness(all)).toBeGreaterThan(2);
    expect(unevenness(passed({}, 0.01, 0.2, 'clumps'))).toBeLessThan(2);
  });

  test('lets both versions fail eight times as often for a minute', () => {
    const all = passed({ incident: true }, 0.01, 0.5, 'incident');

    for (const arm of ['canary', 'stable'] as const) {
      const high = all.filter((traffic) => ratio(traffic[arm]) > 0.04);
      expect(high.length).toBeGreaterThanOrEqual(11);
      expect(high.length).toBeLessThanOrEqual(13);
    }
  });

  test('lets pods differ, and drift, around the same mean', () => {
    const means = (trouble: Partial<Scenario>): number => {
      const ratios = Array.from({ length: 200 }, (_, run) => ratio(sumOf(passed(trouble, 0.01, 0.5, `${run}`)).canary));
      return ratios.reduce((sum, one) => sum + one, 0) / ratios.length;
    };

    expect(Math.abs(means({ podSpread: 0.3 }) / 0.01 - 1)).toBeLessThan(0.05);
    expect(Math.abs(means({ drift: 0.3 }) / 0.01 - 1)).toBeLessThan(0.05);
    expect(unevenness(passed({ drift: 0.6 }, 0.01, 0.05, 'drift'))).toBeGreaterThan(2);
  });

  test('passes a minute of drift as the seconds in it', () => {
    const random = createRandom('minute');
    const drifting = { ...scenario, drift: 0.3 };
    const world = createWorld(drifting, drawPods(STABLE_PODS, drifting, random), 0.01, random);

    const { canary, stable } = world.pass(60, 0.5);

    expect(Math.abs((canary.requests + stable.requests) / 60_000 - 1)).toBeLessThan(0.05);
  });
});

describe('the history of stable', () => {
  test('has cumulative counters of every pod over 15 minutes', () => {
    const random = createRandom('history');

    const history = drawHistory('errors', scenario, drawPods(STABLE_PODS, scenario, random), random);

    if (history.kind !== 'counters') throw new Error('not counters');
    expect(history.requests.map(({ pod }) => pod)).toEqual(Array.from({ length: 10 }, (_, pod) => `pod-${pod}`));
    for (const { points } of [...history.requests, ...history.failures]) {
      expect(points).toHaveLength(181);
      expect(points[0]).toEqual([0, 0]);
      expect(points.at(-1)?.[0]).toBe(900_000);
      expect(points.every(([, value], index) => value >= (points[index - 1]?.[1] ?? 0))).toBe(true);
    }
    const last = (all: typeof history.requests): number =>
      all.reduce((sum, { points }) => sum + (points.at(-1)?.[1] ?? 0), 0);
    expect(Math.abs(last(history.requests) / 900_000 - 1)).toBeLessThan(0.01);
    expect(Math.abs(last(history.failures) / 9_000 - 1)).toBeLessThan(0.05);
  });
});
