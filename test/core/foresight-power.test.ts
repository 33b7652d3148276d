import { describe, expect, test } from 'vitest';
import { addTick, NO_EVIDENCE, oddsOf } from '../../src/core/evidence.ts';
import { settingsOf } from '../../src/core/judgement.ts';
import {
  costOfTotalFailure,
  type Outlook,
  type Scene,
  type Sight,
  sightsIn,
  type Worse,
} from '../../src/core/power.ts';
import { seeded } from './random.ts';
import { aCalibration, ERRORS, JUDGEMENT, poisson } from './stable-past.ts';

const scene: Scene = {
  steps: [0.05, 0.1, 0.2, 0.5, 0.8].map((share) => ({ share, ms: 60_000 })),
  judgement: JUDGEMENT,
  sampleMs: 5_000,
  scrapeMs: 0,
};

const outlook = (requestsPerSecond: number, failureRatio: number, phi = 1): Outlook => ({
  spec: ERRORS,
  calibration: aCalibration({ phi }),
  requestsPerSecond,
  rates: [{ bound: null, failureRatio }],
});

const sightOf = (sights: readonly Sight[], worse: Worse): Sight => {
  const sight = sights.find((one) => one.worse === worse);
  if (sight === undefined) throw new Error(`${worse} is not among the regressions`);
  return sight;
};

const RUNS = 240;

interface Simulated {
  /** null: half of the releases were not seen. */
  readonly median: number | null;
  readonly seen: number;
}

/** Real walks of the evidence, sampled every 5 s, with the rule of 30:1 and three failures. */
const simulate = (
  { spec, calibration, requestsPerSecond, rates }: Outlook,
  worse: Worse,
  from: number,
  to: number,
): Simulated => {
  const [rate] = rates;
  const good = rate?.failureRatio ?? 0;
  const random = seeded(7);
  const settings = settingsOf(spec, calibration, scene.steps.length, rate?.bound ?? null);
  const { phi } = calibration;
  const failuresOf = (requests: number, ratio: number): number =>
    Math.min(requests, phi * poisson(random, (requests * ratio) / phi));
  const once = (): number => {
    let evidence = NO_EVIDENCE;
    let ms = 0;
    for (const [step, { share, ms: length }] of scene.steps.slice(0, to + 1).entries())
      for (let at = 0; at < length; at += scene.sampleMs) {
        const ratio = step < from ? good : worse === 'all' ? 1 : Math.min(1, good * worse);
        const arm = (part: number, failing: number) => {
          const requests = poisson(random, requestsPerSecond * 5 * part);
          return { requests, failures: failing === 1 ? requests : failuresOf(requests, failing) };
        };
        const tick = { step, subject: arm(share, ratio), reference: arm(1 - share, good), frozen: null };
        evidence = addTick(evidence, tick, settings);
        if (step < from) continue;
        ms += scene.sampleMs;
        if (oddsOf(evidence, settings) >= 30 && evidence.subject.failures >= 3) return ms;
      }
    return Number.POSITIVE_INFINITY;
  };
  const times = Array.from({ length: RUNS }, once).sort((a, b) => a - b);
  const median = times[RUNS / 2] ?? Number.POSITIVE_INFINITY;
  return { median: Number.isFinite(median) ? median : null, seen: times.filter(Number.isFinite).length / RUNS };
};

/** Requests per second, failure ratio, clumps, times worse. */
const CASES: readonly (readonly [number, number, number, Worse])[] = [
  [100, 0.01, 1, 2],
  [100, 0.01, 1, 3],
  [100, 0.01, 1, 5],
  [100, 0.01, 1, 10],
  [100, 0.01, 3, 3],
  [100, 0.01, 3, 10],
  [100, 0.001, 1, 5],
  [100, 0.001, 1, 10],
  [1000, 0.01, 1, 1.5],
  [1000, 0.01, 1, 2],
  [1000, 0.001, 1, 2],
  [1000, 0.001, 1, 5],
  [1000, 0.001, 4, 5],
  [10, 0.01, 1, 10],
  [10, 0.01, 1, 'all'],
  [3, 0.01, 1, 'all'],
  [100, 0.01, 1, 'all'],
];

describe('what a plan can see', () => {
  for (const [rate, ratio, phi, worse] of CASES)
    test(`${rate}/s, ${100 * ratio} %, clumps of ${phi}, ${worse}x: foretold within 25 % of the simulated median`, () => {
      const { ms, isSure } = sightOf(sightsIn(outlook(rate, ratio, phi), scene, 0, 4), worse);
      const { median, seen } = simulate(outlook(rate, ratio, phi), worse, 0, 4);
      if (ms === null || median === null) throw new Error('not seen');

      expect(Math.abs(ms - median)).toBeLessThanOrEqual(Math.max(0.25 * median, scene.sampleMs));
      expect(isSure).toBe(true);
      expect(seen).toBeGreaterThanOrEqual(0.9);
    });

  for (const [rate, ratio, phi, worse] of [
    [100, 0.001, 1, 2],
    [100, 0.01, 1, 1.3],
    [10, 0.001, 1, 5],
    [100, 0.01, 10, 2],
  ] as const)
    test(`${rate}/s, ${100 * ratio} %, clumps of ${phi}, ${worse}x: not promised, and most are missed`, () => {
      const { ms, isSure } = sightOf(sightsIn(outlook(rate, ratio, phi), scene, 0, 4), worse);

      expect(isSure).toBe(false);
      expect(ms).toBeNull();
      expect(simulate(outlook(rate, ratio, phi), worse, 0, 4).seen).toBeLessThan(0.6);
    });

  test('a fault that begins in a step is timed from there', () => {
    for (const [step, worse] of [
      [1, 10],
      [3, 3],
      [4, 3],
    ] as const) {
      const { ms } = sightOf(sightsIn(outlook(100, 0.01), scene, step, step), worse);
      const { median } = simulate(outlook(100, 0.01), worse, step, step);
      if (ms === null || median === null) throw new Error(`step ${step}: not seen`);

      expect(ms).toBeLessThanOrEqual(60_000);
      expect(Math.abs(ms - median)).toBeLessThanOrEqual(Math.max(0.25 * median, scene.sampleMs));
    }
  });

  test('what is seen by half of the releases in a step, but not by most, is not called sure', () => {
    const sights = sightsIn(outlook(100, 0.01), scene, 0, 0);

    expect(sights.map(({ worse, ms, isSure }) => `${worse}: ${ms} ${isSure}`)).toEqual([
      '1.3: null false',
      '1.5: null false',
      '2: null false',
      '3: null false',
      '5: 30000 false',
      '10: 10000 true',
      'all: 5000 true',
    ]);
    expect(simulate(outlook(100, 0.01), 5, 0, 0).seen).toBeLessThan(0.95);
  });

  test('more traffic, larger regressions and smaller clumps are never seen later', () => {
    const time = (sight: Sight): number => sight.ms ?? Number.POSITIVE_INFINITY;
    const random = seeded(11);
    for (let turn = 0; turn < 60; turn += 1) {
      const [rate, ratio, phi] = [10 ** (3 * random()), 10 ** (-3 + 2 * random()), 1 + 4 * random()];
      const sights = sightsIn(outlook(rate, ratio, phi), scene, 0, 4);
      for (const [index, sight] of sights.entries())
        expect(time(sight)).toBeLessThanOrEqual(time(sights[index - 1] ?? { ...sight, ms: null }));
      for (const better of [outlook(2 * rate, ratio, phi), outlook(rate, ratio, 1)])
        for (const sight of sightsIn(better, scene, 0, 4)) {
          const before = sights.find(({ worse }) => worse === sight.worse);
          expect(time(sight)).toBeLessThanOrEqual(before === undefined ? Number.POSITIVE_INFINITY : time(before));
        }
    }
  });

  test('where stable never fails, only a total failure is foretold', () => {
    const sights = sightsIn(outlook(100, 0), scene, 0, 4);

    expect(sights).toEqual([{ worse: 'all', ms: 5_000, isSure: true }]);
  });

  test('a regression that would fail more than every request is not listed', () => {
    expect(sightsIn(outlook(100, 0.4), scene, 0, 4).map(({ worse }) => worse)).toEqual([1.3, 1.5, 2, 'all']);
  });

  test('a rare scrape delays what is seen by half of it, and a step at 100 % is judged against the past', () => {
    const late = sightsIn(outlook(100, 0.01), { ...scene, sampleMs: 15_000, scrapeMs: 15_000 }, 0, 4);
    const full = { ...scene, steps: [...scene.steps.slice(0, 4), { share: 1, ms: 60_000 }] };

    expect(sightOf(late, 'all').ms).toBe(15_000);
    expect(sightOf(sightsIn(outlook(100, 0.01), full, 4, 4), 5).ms).not.toBeNull();
  });
});

describe('the cost of a total failure', () => {
  test('is what the canary gets until the first look that can see it', () => {
    expect(costOfTotalFailure(outlook(100, 0.01), scene)).toEqual({ ms: 5_000, requests: 25, mostRequests: 25 });
    expect(costOfTotalFailure(outlook(1000, 0.01), { ...scene, scrapeMs: 15_000, sampleMs: 15_000 })).toEqual({
      ms: 15_000,
      requests: 750,
      mostRequests: 1_500,
    });
  });

  test('goes on into the next step where the first has too few requests', () => {
    const cost = costOfTotalFailure(outlook(0.6, 0.01), scene);

    // 1.8 requests in the first minute, the third after 20 s more.
    expect(cost?.ms).toBeGreaterThan(60_000);
    expect(cost?.requests).toBeGreaterThanOrEqual(3);
    expect(cost?.requests).toBeLessThan(5);
  });

  test('is not known where the whole plan has too few requests', () => {
    expect(costOfTotalFailure(outlook(0.01, 0.01), scene)).toBeNull();
  });
});
