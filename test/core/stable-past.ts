import type { PodTick } from '../../src/core/history.ts';
import type { Calibration, PlannedJudgement } from '../../src/core/plan.ts';
import type { Sample } from '../../src/core/sample.ts';
import { ERRORS, JUDGEMENT as PLANNED } from './plan.ts';
import { seeded } from './random.ts';

export { ERRORS };

export const aCalibration = (changes: Partial<Calibration> = {}): Calibration => ({
  phi: 1,
  tolerance: 1.1,
  bounds: [],
  part: 1,
  history: null,
  ...changes,
});

export const JUDGEMENT: PlannedJudgement = { ...PLANNED, metrics: { errors: aCalibration() } };

/** Knuth's for small means, a rounded normal above. */
export const poisson = (random: () => number, mean: number): number => {
  if (mean > 60) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  let [count, left] = [-1, 1];
  const end = Math.exp(-mean);
  do {
    count += 1;
    left *= random();
  } while (left > end);
  return count;
};

export interface Traffic {
  readonly pods: number;
  readonly requestsPerSecond: number;
  readonly failureRatio: number;
  readonly seconds: number;
  /** Failures come so many at a time, all on one pod. */
  readonly clump?: number;
  readonly scrapeMs?: number;
  readonly seed: number;
}

export const NOW = Date.parse('2026-03-01T10:00:00Z');

/** Stable's past: Poisson traffic, split evenly between pods that are each scraped in their own moment. */
export const aPast = (traffic: Traffic): readonly PodTick[] => {
  const { pods, requestsPerSecond, failureRatio, seconds, clump = 1, scrapeMs = 5_000, seed } = traffic;
  const random = seeded(seed);
  const start = NOW - seconds * 1000;
  const requests = (requestsPerSecond * scrapeMs) / 1000 / pods;
  return Array.from({ length: pods }, (_, pod) => {
    const phase = Math.floor(random() * scrapeMs);
    return Array.from({ length: Math.floor((seconds * 1000) / scrapeMs) - 1 }, (_each, index): PodTick => {
      const from = start + phase + index * scrapeMs;
      const failures = clump * poisson(random, (requests * failureRatio) / clump);
      return {
        pod: `checkout-7d9f-${pod}`,
        from,
        to: from + scrapeMs,
        requests: Math.max(failures, poisson(random, requests)),
        failures,
      };
    });
  }).flat();
};

/** Counters that rise as the ticks say, one series a pod. */
const risen = (ticks: readonly PodTick[], of: (tick: PodTick) => number) => {
  const pods = [...new Set(ticks.map(({ pod }) => pod))];
  return pods.map((pod) => {
    const own = ticks.filter((tick) => tick.pod === pod);
    let value = 1_000;
    const first = [own[0]?.from ?? 0, value] as const;
    const rest = own.map((tick) => {
      value += of(tick);
      return [tick.to, value] as const;
    });
    return { id: pod, pod, points: [first, ...rest] };
  });
};

export const countersOf = (ticks: readonly PodTick[], metric = 'errors'): Sample => ({
  metric,
  arm: 'stable',
  kind: 'counters',
  requests: risen(ticks, ({ requests }) => requests),
  failures: risen(ticks, ({ failures }) => failures),
});

export const bucketsOf = (ticks: readonly PodTick[]): Sample => ({
  metric: 'slow',
  arm: 'stable',
  kind: 'buckets',
  buckets: [
    ...risen(ticks, ({ requests, failures }) => requests - failures).map((one) => ({ ...one, bound: 0.5 })),
    ...risen(ticks, ({ requests }) => requests).map((one) => ({ ...one, bound: Number.POSITIVE_INFINITY })),
  ],
});
