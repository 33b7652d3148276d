import type { BucketSeries, Sample, Series } from '../../src/core/sample.ts';
import { seeded } from './random.ts';

/** Stable's last 15 minutes, drawn: what the store has of each pod at every scrape. */
export interface Past {
  readonly seed: number;
  readonly pods: number;
  /** Requests per second of all pods together. */
  readonly rate: number;
  readonly base: number;
  /** So many failures come at once, in one pod. */
  readonly clump?: number;
  /** For two minutes all pods fail so many times as often. */
  readonly incident?: number;
  /** How many times as often each pod fails. */
  readonly factors?: readonly number[];
  readonly scrapeMs?: number;
}

const LENGTH_MS = 15 * 60_000;
const isIncident = (at: number): boolean => at >= 300_000 && at < 420_000;

type Points = readonly (readonly [number, number])[];

/** What each pod counted at each scrape. Each has its own moment in the interval. */
const drawn = (
  past: Past,
): readonly { readonly pod: string; readonly requests: Points; readonly failures: Points }[] => {
  const { pods, rate, base, clump = 1, incident = 1, factors = [], scrapeMs = 5_000 } = past;
  const poisson = poissonFrom(seeded(past.seed));
  return Array.from({ length: pods }, (_, pod) => {
    let [requests, failures] = [1_000, 10];
    const points: { requests: [number, number][]; failures: [number, number][] } = { requests: [], failures: [] };
    for (let at = Math.floor((pod * scrapeMs) / pods / 7); at <= LENGTH_MS; at += scrapeMs) {
      points.requests.push([at, requests]);
      points.failures.push([at, failures]);
      const ratio = base * (factors[pod] ?? 1) * (isIncident(at) ? incident : 1);
      const expected = (rate / pods) * (scrapeMs / 1_000);
      const failed = clump * poisson((expected * ratio) / clump);
      failures += failed;
      requests += failed + poisson(expected * (1 - ratio));
    }
    return { pod: `shop-${pod}`, ...points };
  });
};

/** Knuth's for small means, the normal for large ones. */
const poissonFrom =
  (uniform: () => number) =>
  (mean: number): number => {
    if (mean > 50) {
      const normal = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
      return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
    }
    let [count, product] = [0, uniform()];
    for (const limit = Math.exp(-mean); product > limit; product *= uniform()) count += 1;
    return count;
  };

export const countersOf = (past: Past): Sample => {
  const all = drawn(past);
  const series = (of: 'requests' | 'failures'): readonly Series[] =>
    all.map((one) => ({ id: `pod=${one.pod}`, pod: one.pod, points: one[of] }));
  return {
    metric: 'errors',
    arm: 'stable',
    kind: 'counters',
    requests: series('requests'),
    failures: series('failures'),
  };
};

/** Requests above `slower[bound]`, a part of all, took longer than it. All pods alike. */
export const bucketsOf = (past: Past, slower: Readonly<Record<number, number>>): Sample => {
  const buckets: readonly BucketSeries[] = drawn({ ...past, base: 0 }).flatMap(({ pod, requests }) => [
    { id: pod, pod, bound: Number.POSITIVE_INFINITY, points: requests },
    ...Object.entries(slower).map(([bound, part]) => ({
      id: pod,
      pod,
      bound: Number(bound),
      points: requests.map(([at, value]) => [at, value - Math.round(part * value)] as const),
    })),
  ]);
  return { metric: 'latency', arm: 'stable', kind: 'buckets', buckets };
};
