import type { Sample, Series } from './sample.ts';
import type { Ms } from './units.ts';

/** What one pod counted between two scrapes of the past. */
export interface PodTick {
  /** '' for series without a pod. */
  readonly pod: string;
  readonly from: Ms;
  readonly to: Ms;
  readonly requests: number;
  readonly failures: number;
}

/** The counters of one pod: what to add up, and what to take away from it. */
interface Side {
  readonly of: 'requests' | 'failures';
  readonly sign: 1 | -1;
  readonly series: Series;
}

/**
 * Increments of a `counters` or `buckets` sample of the past, by pod and scrape; none of other samples. Buckets: failures
 * are requests that took longer than `bound`, one of the histogram's own; null: none. What a series counted before its
 * first point is not known and left out. A decrease may be a reset or a second store: that time of that pod is left out.
 */
export const podTicks = (sample: Sample, bound: number | null): readonly PodTick[] => {
  const pods = new Map<string, Side[]>();
  for (const side of sidesOf(sample, bound)) {
    const pod = side.series.pod ?? '';
    const sides = pods.get(pod);
    if (sides === undefined) pods.set(pod, [side]);
    else sides.push(side);
  }
  return [...pods].flatMap(([pod, sides]) => ticksOf(pod, sides));
};

const sidesOf = (sample: Sample, bound: number | null): readonly Side[] => {
  if (sample.kind === 'counters')
    return [
      ...sample.requests.map((series): Side => ({ of: 'requests', sign: 1, series })),
      ...sample.failures.map((series): Side => ({ of: 'failures', sign: 1, series })),
    ];
  if (sample.kind !== 'buckets') return [];
  const fast = sample.buckets.filter((series) => series.bound === bound);
  const known = new Set(fast.map(({ id }) => id));
  const all = sample.buckets.filter(
    (series) => series.bound === Number.POSITIVE_INFINITY && (bound === null || known.has(series.id)),
  );
  return [
    ...all.map((series): Side => ({ of: 'requests', sign: 1, series })),
    ...(bound === null ? [] : all.map((series): Side => ({ of: 'failures', sign: 1, series }))),
    ...fast.map((series): Side => ({ of: 'failures', sign: -1, series })),
  ];
};

/** Series of one pod share their scrapes, or nearly so: the one with the most points says when these were. */
const ticksOf = (pod: string, sides: readonly Side[]): readonly PodTick[] => {
  const scrapes = sides.reduce<Series['points']>(
    (most, { of, series }) => (of === 'requests' && series.points.length > most.length ? series.points : most),
    [],
  );
  const sums = { requests: scrapes.map(() => 0), failures: scrapes.map(() => 0) };
  const broken = new Set<number>();
  for (const { of, sign, series } of sides) {
    let [index, begin] = [0, 0];
    let last: Series['points'][number] | null = null;
    for (const point of series.points) {
      index = nearest(scrapes, point[0], index);
      const more = last === null ? 0 : point[1] - last[1];
      if (more >= 0 && Number.isFinite(more)) sums[of][index] = (sums[of][index] ?? 0) + sign * more;
      else for (let tick = Math.min(begin + 1, index); tick <= index; tick += 1) broken.add(tick);
      [last, begin] = [point, index];
    }
  }
  return scrapes.flatMap(([to], index) => {
    const before = scrapes[index - 1];
    if (before === undefined || broken.has(index)) return [];
    const requests = Math.max(0, sums.requests[index] ?? 0);
    const failures = Math.min(requests, Math.max(0, sums.failures[index] ?? 0));
    return [{ pod, from: before[0], to, requests, failures }];
  });
};

/** The index of the scrape nearest to a time, from one that is not after it. */
const nearest = (scrapes: Series['points'], at: Ms, from: number): number => {
  const distance = (index: number): number => Math.abs((scrapes[index]?.[0] ?? 0) - at);
  let index = from;
  while (index + 1 < scrapes.length && distance(index + 1) <= distance(index)) index += 1;
  return index;
};
