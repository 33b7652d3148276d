import type { Labels } from '../counters.ts';

/** `null` marks the end of a series: its target was gone at that scrape. */
export type Point = readonly [atMs: number, value: number | null];

export interface StoredSeries {
  readonly labels: Labels;
  readonly points: Point[];
}

export type Samples = Map<string, StoredSeries>;

export const seriesKey = (labels: Labels): string =>
  Object.keys(labels)
    .sort()
    .map((name) => `${name}=${JSON.stringify(labels[name])}`)
    .join(',');

export const append = (samples: Samples, labels: Labels, atMs: number, value: number | null): void => {
  const key = seriesKey(labels);
  const series = samples.get(key) ?? { labels, points: [] };
  samples.set(key, series);
  series.points.push([atMs, value]);
};

export interface Matcher {
  readonly name: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

const matches = (labels: Labels, { name, op, value }: Matcher): boolean => {
  const actual = labels[name] ?? '';
  if (op === '=') return actual === value;
  if (op === '!=') return actual !== value;
  return new RegExp(`^(?:${value})$`, 's').test(actual) === (op === '=~');
};

export const select = (samples: Samples, matchers: readonly Matcher[]): StoredSeries[] =>
  [...samples.values()].filter(({ labels }) => matchers.every((matcher) => matches(labels, matcher)));

const LOOKBACK_MS = 300_000;

/** The newest value at `atMs`, at most five minutes old; null where there is none or the series had ended. */
export const valueAt = ({ points }: StoredSeries, atMs: number): number | null => {
  const last = points.findLast(([at]) => at <= atMs);
  return last === undefined || last[0] <= atMs - LOOKBACK_MS ? null : last[1];
};

/** Raw points with `from < at <= to`. */
export const pointsIn = ({ points }: StoredSeries, fromMs: number, toMs: number): (readonly [number, number])[] =>
  points.flatMap(([at, value]) => (at > fromMs && at <= toMs && value !== null ? [[at, value] as const] : []));
