import type { Labels } from '../counters.ts';
import { seriesKey } from './samples.ts';
import type { RangeSeries, Value, VectorSample } from './values.ts';
import { dropLabels, withoutName } from './values.ts';

type Kind = Value['kind'];

export interface PromFunction {
  readonly takes: readonly Kind[];
  /** How many of the arguments can be left out. */
  readonly optional?: number;
  readonly call: (args: readonly Value[], atMs: number, absentLabels: Labels) => Value;
}

const samplesOf = (value: Value | undefined): readonly VectorSample[] =>
  value?.kind === 'vector' ? value.samples : [];
const numberOf = (value: Value | undefined): number => (value?.kind === 'scalar' ? value.value : Number.NaN);
const vector = (samples: readonly VectorSample[]): Value => ({ kind: 'vector', samples });

const increaseOf = (points: RangeSeries['points']): number =>
  points.reduce((total, [, value], index) => {
    const before = points[index - 1]?.[1];
    if (before === undefined) return total;
    return total + (value < before ? value : value - before);
  }, 0);

/** Prometheus' extrapolation to the ends of the window: promql/functions.go, extrapolatedRate. */
const extrapolated = ({ points, fromMs, toMs }: RangeSeries): number | null => {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 2) return null;
  const increase = increaseOf(points);
  const sampledMs = last[0] - first[0];
  const averageMs = sampledMs / (points.length - 1);
  const reach = (gapMs: number): number => (gapMs >= averageMs * 1.1 ? averageMs / 2 : gapMs);
  const toZeroMs = increase > 0 && first[1] >= 0 ? sampledMs * (first[1] / increase) : Number.POSITIVE_INFINITY;
  const extendedMs = sampledMs + Math.min(reach(first[0] - fromMs), toZeroMs) + reach(toMs - last[0]);
  return increase * (extendedMs / sampledMs);
};

const overRange = (compute: (series: RangeSeries) => number | null): PromFunction => ({
  takes: ['matrix'],
  call: ([range]) =>
    vector(
      (range?.kind === 'matrix' ? range.series : []).flatMap((series) => {
        const value = compute(series);
        return value === null ? [] : [{ labels: withoutName(series.labels), value }];
      }),
    ),
});

const perSecond = (series: RangeSeries): number | null => {
  const increase = extrapolated(series);
  return increase === null ? null : increase / ((series.toMs - series.fromMs) / 1000);
};

const instantRate = ({ points }: RangeSeries): number | null => {
  const [before, last] = points.slice(-2);
  if (before === undefined || last === undefined) return null;
  return (last[1] < before[1] ? last[1] : last[1] - before[1]) / ((last[0] - before[0]) / 1000);
};

const values = ({ points }: RangeSeries): number[] => points.map(([, value]) => value);
const total = (numbers: readonly number[]): number => numbers.reduce((sum, value) => sum + value, 0);

const mapped = (takes: readonly Kind[], compute: (value: number, rest: readonly number[]) => number): PromFunction => ({
  takes,
  call: ([samples, ...rest]) =>
    vector(
      samplesOf(samples).map(({ labels, value }) => ({
        labels: withoutName(labels),
        value: compute(value, rest.map(numberOf)),
      })),
    ),
});

const bound = (text: string | undefined): number => (text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text));

/** promql/quantile.go, bucketQuantile. */
const bucketQuantile = (q: number, buckets: readonly (readonly [number, number])[]): number => {
  const last = buckets.at(-1);
  if (Number.isNaN(q) || last === undefined || last[0] !== Number.POSITIVE_INFINITY || buckets.length < 2)
    return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  if (last[1] === 0) return Number.NaN;
  const rank = q * last[1];
  const index = buckets.findIndex(([, count]) => count >= rank);
  const [upper, count] = buckets[index] ?? last;
  const [lower, below] = buckets[index - 1] ?? [0, 0];
  if (index === buckets.length - 1) return lower;
  return lower + (upper - lower) * ((rank - below) / (count - below));
};

const histogramQuantile = (q: number, samples: readonly VectorSample[]): VectorSample[] => {
  const groups = new Map<string, { labels: Labels; buckets: [number, number][] }>();
  for (const { labels, value } of samples) {
    if (labels['le'] === undefined) continue;
    const rest = dropLabels(labels, ['le']);
    const group = groups.get(seriesKey(rest)) ?? { labels: rest, buckets: [] };
    groups.set(seriesKey(rest), group);
    group.buckets.push([bound(labels['le']), value]);
  }
  return [...groups.values()].map(({ labels, buckets }) => ({
    labels,
    value: bucketQuantile(
      q,
      [...buckets].sort(([left], [right]) => left - right),
    ),
  }));
};

export const FUNCTIONS: Readonly<Record<string, PromFunction>> = {
  rate: overRange(perSecond),
  increase: overRange(extrapolated),
  irate: overRange(instantRate),
  avg_over_time: overRange((series) => total(values(series)) / series.points.length),
  sum_over_time: overRange((series) => total(values(series))),
  max_over_time: overRange((series) => Math.max(...values(series))),
  min_over_time: overRange((series) => Math.min(...values(series))),
  count_over_time: overRange((series) => series.points.length),
  last_over_time: overRange((series) => series.points.at(-1)?.[1] ?? null),
  clamp_min: mapped(['vector', 'scalar'], (value, [low = Number.NaN]) => Math.max(value, low)),
  clamp_max: mapped(['vector', 'scalar'], (value, [high = Number.NaN]) => Math.min(value, high)),
  abs: mapped(['vector'], Math.abs),
  ceil: mapped(['vector'], Math.ceil),
  floor: mapped(['vector'], Math.floor),
  histogram_quantile: {
    takes: ['scalar', 'vector'],
    call: ([q, buckets]) => vector(histogramQuantile(numberOf(q), samplesOf(buckets))),
  },
  vector: { takes: ['scalar'], call: ([value]) => vector([{ labels: {}, value: numberOf(value) }]) },
  scalar: {
    takes: ['vector'],
    call: ([value]) => {
      const [only, ...more] = samplesOf(value);
      return { kind: 'scalar', value: only === undefined || more.length > 0 ? Number.NaN : only.value };
    },
  },
  absent: {
    takes: ['vector'],
    call: ([value], _atMs, absentLabels) =>
      vector(samplesOf(value).length > 0 ? [] : [{ labels: absentLabels, value: 1 }]),
  },
  time: { takes: [], call: (_args, atMs) => ({ kind: 'scalar', value: atMs / 1000 }) },
};
