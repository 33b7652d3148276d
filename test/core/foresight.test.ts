import { describe, expect, test } from 'vitest';
import { type Foresight, foresee, type Known } from '../../src/core/foresight.ts';
import type { Calibration, Plan } from '../../src/core/plan.ts';
import type { Sample } from '../../src/core/sample.ts';
import type { LatencySpec, MetricSpec } from '../../src/core/spec.ts';
import { aPlan, LATENCY as MEASURED } from './plan.ts';
import { aCalibration, aPast, bucketsOf, countersOf, ERRORS, JUDGEMENT, type Traffic } from './stable-past.ts';

const SLOW: LatencySpec = { ...ERRORS, kind: 'latency', name: 'slow', histogram: 'h', bound: 0.5, unit: 's' };
const THREE_HOURS = 3 * 3_600_000;

const traffic: Traffic = { pods: 4, requestsPerSecond: 100, failureRatio: 0.01, seconds: 3_600, seed: 3 };

const aCourse = (metrics: readonly MetricSpec[], changes: Partial<Plan> = {}, all: Partial<Calibration> = {}): Plan =>
  aPlan({
    metrics,
    judgement: {
      ...JUDGEMENT,
      metrics: Object.fromEntries(
        metrics.map(({ name }) => [name, aCalibration({ part: 1 / metrics.length, ...all })]),
      ),
    },
    ...changes,
  });

const foreseen = (plan: Plan, samples: readonly Sample[]): Foresight => {
  const foresight = foresee(plan, samples, THREE_HOURS);
  if (foresight === null) throw new Error('nothing to foresee');
  return foresight;
};

const knownOf = ({ metrics }: Foresight, name: string): Known => {
  const metric = metrics.find((one) => one.name === name);
  if (metric?.kind !== 'known') throw new Error(`${name} is not known`);
  return metric;
};

describe('foresight', () => {
  test('tells traffic and failures of the past, and what was calibrated', () => {
    const known = knownOf(
      foreseen(aCourse([ERRORS], {}, { phi: 1.7, tolerance: 1.25 }), [countersOf(aPast(traffic))]),
      'errors',
    );

    expect(known).toMatchObject({ phi: 1.7, tolerance: 1.25, unit: null });
    expect(known.requestsPerSecond).toBeGreaterThan(97);
    expect(known.requestsPerSecond).toBeLessThan(103);
    expect(known.rates).toHaveLength(1);
    expect(known.rates[0]?.failureRatio).toBeCloseTo(0.01, 3);
    expect(known.ms).toBeGreaterThan(3_500_000);
  });

  test('has a row for each step of the plan and one for all of it', () => {
    const known = knownOf(foreseen(aCourse([ERRORS]), [countersOf(aPast(traffic))]), 'errors');

    expect(known.steps.map(({ weight, ms }) => [weight, ms])).toEqual([
      [500, 30_000],
      [2_000, 30_000],
      [5_000, 30_000],
    ]);
    expect(known.whole.map(({ worse }) => worse)).toEqual([1.3, 1.5, 2, 3, 5, 10, 'all']);
    expect(known.cost?.requests).toBeGreaterThan(20);
  });

  test('replays and foretells a latency by the requests above its bounds', () => {
    const foresight = foreseen(aCourse([SLOW], {}, { bounds: [0.5] }), [bucketsOf(aPast(traffic))]);

    expect(knownOf(foresight, 'slow')).toMatchObject({ unit: 's', rates: [{ bound: 0.5 }] });
    expect(knownOf(foresight, 'slow').rates[0]?.failureRatio).toBeCloseTo(0.01, 3);
    expect(foresight.placebo).toMatchObject({ kind: 'replayed', pods: 4 });
  });

  test('metrics that share the evidence see later than alone', () => {
    const errors = countersOf(aPast(traffic));
    const alone = knownOf(foreseen(aCourse([ERRORS]), [errors]), 'errors');
    const shared = knownOf(foreseen(aCourse([ERRORS, SLOW], {}, { bounds: [0.5] }), [errors]), 'errors');
    const time = (known: Known): number => known.whole.find(({ worse }) => worse === 3)?.ms ?? Number.POSITIVE_INFINITY;

    expect(time(shared)).toBeGreaterThanOrEqual(time(alone));
    expect(time(alone)).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  test('says why a metric has no past', () => {
    const idle = countersOf(aPast({ ...traffic, requestsPerSecond: 0 }));
    const refused: Sample = {
      metric: 'errors',
      arm: 'stable',
      kind: 'error',
      code: 'metrics-unreachable',
      message: '503',
      retryAfterMs: null,
    };
    const none: Sample = { metric: 'errors', arm: 'stable', kind: 'no-data', why: 'empty' };
    const why = (samples: readonly Sample[]) => foreseen(aCourse([ERRORS]), samples).metrics[0];

    expect(why([idle])).toMatchObject({ kind: 'unknown', why: { kind: 'idle' } });
    expect(why([none])).toMatchObject({ kind: 'unknown', why: { kind: 'empty' } });
    expect(foreseen(aCourse([SLOW]), [bucketsOf(aPast(traffic))]).metrics).toMatchObject([{ why: { kind: 'bounds' } }]);
    expect(why([])).toMatchObject({ kind: 'unknown', why: { kind: 'empty' } });
    expect(why([refused])).toMatchObject({ kind: 'unknown', why: { kind: 'error', message: '503' } });
    expect(foreseen(aCourse([ERRORS]), [none])).toMatchObject({ placebo: null, advice: [] });
  });

  test('a plan without anything judged on evidence has no foresight', () => {
    expect(foresee(aPlan({ metrics: [MEASURED] }), [], THREE_HOURS)).toBeNull();
  });

  test('is the same for the same past', () => {
    const samples = [countersOf(aPast(traffic))];

    expect(foreseen(aCourse([ERRORS]), samples)).toEqual(foreseen(aCourse([ERRORS]), samples));
  });
});

describe('advice', () => {
  const steps = (weights: readonly number[], intervalMs: number): Plan['steps'] =>
    weights.map((weight) => ({ asked: weight, weight, intervalMs, canaryReplicas: 1, approval: false }));
  const adviceFor = (changes: Partial<Plan>, past: Partial<Traffic>) =>
    foreseen(aCourse([ERRORS], changes), [countersOf(aPast({ ...traffic, ...past }))]).advice;

  test('a busy service can begin with a smaller weight', () => {
    const advice = adviceFor({ steps: steps([500, 2_000, 5_000], 60_000) }, { requestsPerSecond: 2_000, seconds: 600 });
    const first = advice.find(({ kind }) => kind === 'first-weight');
    if (first?.kind !== 'first-weight') throw new Error('no such advice');

    expect(first.weight).toBe(100);
    expect(first.better.requests).toBeLessThan(first.now.requests / 4);
  });

  test('no smaller first weight where pods are what is split', () => {
    const { abilities } = aPlan();
    const pods = { ...abilities, unit: 'pods' as const };
    const advice = adviceFor(
      { steps: steps([2_500, 5_000], 60_000), abilities: pods },
      { requestsPerSecond: 2_000, seconds: 600 },
    );

    expect(advice.filter(({ kind }) => kind === 'first-weight')).toEqual([]);
  });

  test('intervals that see no 2x are made long enough, and not longer', () => {
    const advice = adviceFor({ steps: steps([500, 1_000, 2_000, 5_000, 8_000], 20_000) }, { requestsPerSecond: 100 });
    const longer = advice.find(({ kind }) => kind === 'interval');
    if (longer?.kind !== 'interval') throw new Error('no such advice');
    const then = { steps: steps([500, 1_000, 2_000, 5_000, 8_000], longer.firstMs) };

    expect(longer.now).toBe(3);
    expect(longer.better).toBe(2);
    expect(longer.firstMs).toBeLessThanOrEqual(100_000);
    expect(adviceFor(then, {}).filter(({ kind }) => kind === 'interval')).toEqual([]);
  });

  test('where no sensible interval shows even 5x, it says that there is too little traffic', () => {
    const advice = adviceFor(
      { steps: steps([500, 2_000, 5_000], 60_000) },
      { requestsPerSecond: 0.5, failureRatio: 0.002, seconds: 10_800 },
    );

    expect(advice).toContainEqual({ kind: 'little-traffic', worse: 5 });
  });

  test('a plan that sees 2x and begins small gets none', () => {
    const advice = adviceFor(
      { steps: steps([100, 500, 2_000, 5_000, 8_000], 60_000) },
      { requestsPerSecond: 1_000, seconds: 600 },
    );

    expect(advice).toEqual([]);
  });

  test('a slow scrape is named where reading the pods would save requests', () => {
    const { timings } = aPlan();
    const slow = { ...timings, sampleMs: 15_000, minWindowMs: 60_000 };
    const advice = adviceFor({ steps: steps([500, 5_000], 120_000), timings: slow }, { scrapeMs: 15_000 });

    expect(advice.map(({ kind }) => kind)).toContain('sooner');
  });
});
