import { describe, expect, test } from 'vitest';
import { calibrate, partsOf } from '../../src/core/calibration.ts';
import type { Calibration } from '../../src/core/plan.ts';
import type { Sample } from '../../src/core/sample.ts';
import type { CountedSpec, LatencySpec, MetricSpec } from '../../src/core/spec.ts';
import { bucketsOf, countersOf, type Past } from './past.ts';

const common = { onNoData: 'wait', dryRun: false, replicaLabels: [], ceiling: null, floor: null, slo: null } as const;
const ERRORS: CountedSpec = { ...common, kind: 'counted', name: 'errors', requests: 'a', failures: 'b' };
const LATENCY: LatencySpec = { ...common, kind: 'latency', name: 'latency', histogram: 'c', bound: null, unit: 's' };
const CPU: MetricSpec = {
  name: 'cpu',
  onNoData: 'wait',
  dryRun: false,
  replicaLabels: [],
  kind: 'measured',
  query: 'x',
  min: null,
  max: 1,
  maxIncrease: null,
  unit: null,
  failureLimit: 0,
  failedChecks: null,
  everyMs: 10_000,
};

const SEEDS = Array.from({ length: 30 }, (_, seed) => seed);
const TRAFFIC = [
  { rate: 100, base: 0.001 },
  { rate: 100, base: 0.01 },
  { rate: 1_000, base: 0.01 },
] as const;

const byTraffic = (some: Omit<Past, 'seed' | 'rate' | 'base'>): readonly (readonly Omit<Calibration, 'part'>[])[] =>
  TRAFFIC.map((traffic) => SEEDS.map((seed) => calibrate(ERRORS, countersOf({ seed, ...traffic, ...some }), 1)));

const middle = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

describe('phi', () => {
  test.each([3, 10])('is 1 for failures that come one by one, on %i pods', (pods) => {
    for (const found of byTraffic({ pods })) {
      expect(found.filter(({ phi }) => phi === 1).length).toBeGreaterThanOrEqual(27);
      expect(Math.max(...found.map(({ phi }) => phi))).toBeLessThan(2);
    }
  });

  test.each([
    [2, 3],
    [3, 3],
    [5, 3],
    [2, 10],
    [3, 10],
    [5, 10],
  ])('is about %i for clumps of so many, on %i pods', (clump, pods) => {
    for (const found of byTraffic({ pods, clump })) {
      const phis = found.map(({ phi }) => phi);

      expect(middle(phis)).toBeGreaterThan(0.93 * clump);
      expect(middle(phis)).toBeLessThan(1.1 * clump);
      expect(Math.min(...phis)).toBeGreaterThan(0.75 * clump);
    }
  });

  test('is 1 through an incident that all pods share', () => {
    for (const found of byTraffic({ pods: 10, incident: 8 }))
      expect(found.filter(({ phi }) => phi === 1).length).toBeGreaterThanOrEqual(27);
  });

  test('of a single pod, or of series without one, cannot tell an incident from clumps', () => {
    const past = { seed: 5, pods: 1, rate: 100, base: 0.01 };
    const nameless = (sample: Sample): Sample =>
      sample.kind === 'counters'
        ? {
            ...sample,
            requests: sample.requests.map((one) => ({ ...one, pod: null })),
            failures: sample.failures.map((one) => ({ ...one, pod: null })),
          }
        : sample;

    const [calm, clumps, incident] = [{}, { clump: 3 }, { incident: 8 }].map(
      (trouble) => calibrate(ERRORS, countersOf({ ...past, ...trouble }), 1).phi,
    );

    expect(calm).toBe(1);
    expect(clumps).toBeGreaterThan(2.3);
    expect(incident).toBeGreaterThan(20);
    expect(calibrate(ERRORS, nameless(countersOf({ ...past, pods: 3, incident: 8 })), 1).phi).toBeGreaterThan(20);
  });

  test('sees clumps through scrapes that are longer than its blocks', () => {
    const past = { seed: 3, pods: 4, rate: 200, base: 0.01, scrapeMs: 15_000 };

    expect(calibrate(ERRORS, countersOf(past), 1).phi).toBe(1);
    expect(calibrate(ERRORS, countersOf({ ...past, clump: 4 }), 1).phi).toBeGreaterThan(3);
  });

  test('is 1 with single failures, but not where a handful came at once in one of three pods', () => {
    const lone = (...at: readonly (readonly [pod: number, scrape: number, failures: number])[]): Sample => {
      const pods = [0, 1, 2];
      const scrapes = Array.from({ length: 180 }, (_, index) => index);
      const points = (of: (scrape: number) => number): readonly (readonly [number, number])[] =>
        scrapes.map((scrape) => [scrape * 5_000, of(scrape)]);
      const failed = (pod: number, until: number): number =>
        at.reduce((sum, [on, scrape, failures]) => sum + (on === pod && scrape <= until ? failures : 0), 0);
      return {
        metric: 'errors',
        arm: 'stable',
        kind: 'counters',
        requests: pods.map((pod) => ({ id: `${pod}`, pod: `${pod}`, points: points((scrape) => scrape * 17) })),
        failures: pods.map((pod) => ({ id: `${pod}`, pod: `${pod}`, points: points((scrape) => failed(pod, scrape)) })),
      };
    };

    expect(calibrate(ERRORS, lone(), 1).phi).toBe(1);
    expect(calibrate(ERRORS, lone([0, 9, 1], [1, 50, 1], [0, 80, 1], [2, 120, 1]), 1).phi).toBe(1);
    expect(calibrate(ERRORS, lone([0, 9, 5], [2, 80, 5]), 1).phi).toBeGreaterThan(4);
  });
});

describe('the tolerance', () => {
  test('stays at 1.1 where pods are alike, with clumps too', () => {
    const found = [...byTraffic({ pods: 10 }), ...byTraffic({ pods: 10, clump: 3 })].flat();

    expect(found.filter(({ tolerance }) => tolerance === 1.1).length).toBeGreaterThan(0.95 * found.length);
  });

  test('rises by how much pods differ, less with more canary pods, and leaves phi alone', () => {
    const factors = [0.6, 1.4, 0.7, 1.3, 0.8, 1.2, 0.9, 1.1, 0.75, 1.25];
    const history = countersOf({ seed: 1, pods: 10, rate: 1_000, base: 0.01, factors });
    // Standard deviation of the factors.
    const deviation = 0.284;

    const [one, five] = [1, 5].map((pods) => calibrate(ERRORS, history, pods));

    expect(one?.tolerance).toBeCloseTo(1 + 2 * deviation * Math.sqrt(1 + 1 / 10), 1);
    expect(five?.tolerance).toBeCloseTo(1 + 2 * deviation * Math.sqrt(1 / 5 + 1 / 10), 1);
    expect(one?.phi).toBe(1);
  });

  test('does not follow one broken pod of stable', () => {
    const factors = [1, 1, 1, 40, 1, 1, 1, 1];
    const history = countersOf({ seed: 1, pods: 8, rate: 400, base: 0.01, factors });

    expect(calibrate(ERRORS, history, 1).tolerance).toBe(2);
  });
});

describe('bounds of a latency', () => {
  const past = { seed: 9, pods: 3, rate: 300, base: 0 };
  const slower = {
    0.005: 1,
    0.01: 0.9,
    0.025: 0.25,
    0.05: 0.2,
    0.1: 0.1,
    0.25: 0.05,
    0.5: 0.02,
    1: 0.01,
    2.5: 0.004,
    5: 0,
  };

  test('are at most six that some of stable’s requests exceed, over the whole range', () => {
    expect(calibrate(LATENCY, bucketsOf(past, slower), 1).bounds).toEqual([0.05, 0.1, 0.25, 0.5, 1, 2.5]);
    expect(calibrate(LATENCY, bucketsOf(past, { 0.1: 0.3, 0.5: 0.02, 1: 0.00001 }), 1).bounds).toEqual([0.5]);
  });

  test('have the metric’s own in front, once, whatever stable’s share is', () => {
    const history = bucketsOf(past, slower);

    expect(calibrate({ ...LATENCY, bound: 5 }, history, 1).bounds).toEqual([5, 0.05, 0.1, 0.25, 0.5, 1, 2.5]);
    expect(calibrate({ ...LATENCY, bound: 0.5 }, history, 1).bounds).toEqual([0.5, 0.05, 0.1, 0.25, 1, 2.5]);
  });

  test('leave out those that the same requests exceed', () => {
    const history = bucketsOf(past, { 0.1: 0.1, 0.2: 0.02, 0.3: 0.02, 0.4: 0.02, 1: 0.001 });

    expect(calibrate(LATENCY, history, 1).bounds).toEqual([0.1, 0.2, 1]);
  });

  test('are the metric’s own without a history, or none', () => {
    expect(calibrate({ ...LATENCY, bound: 0.5 }, null, 1).bounds).toEqual([0.5]);
    expect(calibrate(LATENCY, null, 1).bounds).toEqual([]);
  });
});

describe('the history', () => {
  test('says how long it is, and what stable does', () => {
    const { history } = calibrate(ERRORS, countersOf({ seed: 2, pods: 3, rate: 100, base: 0.01 }), 1);

    expect(history?.ms).toBeGreaterThan(895_000);
    expect(history?.requestsPerSecond).toBeGreaterThan(98);
    expect(history?.requestsPerSecond).toBeLessThan(102);
    expect(history?.failureRatio).toBeCloseTo(0.01, 2);
  });

  test('of a latency counts by its first bound', () => {
    const past = { seed: 9, pods: 3, rate: 300, base: 0 };

    const { history } = calibrate({ ...LATENCY, bound: 0.5 }, bucketsOf(past, { 0.1: 0.2, 0.5: 0.05 }), 1);

    expect(history?.failureRatio).toBeCloseTo(0.05, 3);
  });

  test('is known where the metric’s own bound is not one of the histogram’s', () => {
    const past = { seed: 9, pods: 3, rate: 300, base: 0 };

    const { bounds, history } = calibrate({ ...LATENCY, bound: 0.7 }, bucketsOf(past, { 0.1: 0.2 }), 1);

    expect(bounds).toEqual([0.7, 0.1]);
    expect(history?.failureRatio).toBeCloseTo(0.2, 3);
  });

  test.each<[string, Sample | null]>([
    ['no history', null],
    ['no data', { metric: 'errors', arm: 'stable', kind: 'no-data', why: 'empty' }],
    ['no series', { metric: 'errors', arm: 'stable', kind: 'counters', requests: [], failures: [] }],
    ['no traffic', countersOf({ seed: 1, pods: 2, rate: 0, base: 0 })],
  ])('is none with %s, and all else is as if failures came one by one', (_, history) => {
    expect(calibrate(ERRORS, history, 1)).toEqual({ phi: 1, tolerance: 1.1, bounds: [], history: null });
  });
});

describe('parts of the evidence', () => {
  const named = (metric: MetricSpec, name: string, dryRun = false): MetricSpec => ({ ...metric, name, dryRun });

  test.each<[string, readonly MetricSpec[], Record<string, number>]>([
    ['a single metric is all', [ERRORS], { errors: 1 }],
    ['a single latency is all', [LATENCY], { latency: 1 }],
    ['errors have two thirds', [ERRORS, LATENCY], { errors: 2 / 3, latency: 1 / 3 }],
    [
      'metrics of one kind share alike',
      [named(ERRORS, 'a'), named(ERRORS, 'b'), named(LATENCY, 'c'), named(LATENCY, 'd'), CPU],
      { a: 1 / 3, b: 1 / 3, c: 1 / 6, d: 1 / 6 },
    ],
    [
      'a dry run has no part, and stands for itself',
      [named(ERRORS, 'a', true), named(LATENCY, 'b'), named(LATENCY, 'c', true)],
      { a: 1, b: 1, c: 1 },
    ],
    ['a dry run alone', [named(ERRORS, 'a', true)], { a: 1 }],
    ['measured ones have none', [CPU], {}],
  ])('%s', (_, metrics, parts) => {
    const found = partsOf(metrics);

    expect(Object.keys(found)).toEqual(Object.keys(parts));
    for (const [name, part] of Object.entries(parts)) expect(found[name]).toBeCloseTo(part, 12);
  });

  test('are by name, whatever the name', () => {
    expect(Object.entries(partsOf([named(ERRORS, '__proto__')]))).toEqual([['__proto__', 1]]);
  });
});
