import type { BucketSeries, Series } from '../core/sample.ts';
import type { Ms } from '../core/units.ts';
import { type LabelledSeries, toNumber } from './prometheus-answer.ts';

type Labels = LabelledSeries['labels'];
type Points = LabelledSeries['points'];

/** The upper end of a bucket; Infinity for all requests. null: no bucket of a classic histogram. */
export const boundOf = (labels: Labels): number | null => {
  const bound = toNumber(labels['le'] ?? '');
  return Number.isNaN(bound) || bound === Number.NEGATIVE_INFINITY ? null : bound;
};

/** Counters as they are judged: series that differ in nothing but `replicaLabels`, or in time, are one. */
export const toSeries = (answer: readonly LabelledSeries[], replicaLabels: readonly string[]): readonly Series[] => {
  const found = countsOf(answer);
  const idOf = naming(found, replicaLabels);
  return grouped(found, ({ labels }) => idOf(labels)).map(([first, ...rest]) => ({
    id: idOf(first.labels),
    pod: first.labels['pod'] ?? null,
    points: merged([first, ...rest]),
  }));
};

/** The same of a classic histogram; what has no bound is left out. */
export const toBuckets = (
  answer: readonly LabelledSeries[],
  replicaLabels: readonly string[],
): readonly BucketSeries[] => {
  const found = countsOf(answer);
  const idOf = naming(found, [...replicaLabels, 'le']);
  return grouped(found, ({ labels }) => JSON.stringify([idOf(labels), String(boundOf(labels))])).flatMap(
    ([first, ...rest]) => {
      const bound = boundOf(first.labels);
      const { labels } = first;
      return bound === null
        ? []
        : [{ id: idOf(labels), pod: labels['pod'] ?? null, bound, points: merged([first, ...rest]) }];
    },
  );
};

/** One of each set of series that differ only in `replicaLabels`: of one replica's, as far as it has a number. */
export const withoutReplicas = (
  found: readonly LabelledSeries[],
  replicaLabels: readonly string[],
): readonly LabelledSeries[] => {
  const idOf = naming(found, replicaLabels);
  return grouped(found, ({ labels }) => idOf(labels)).map(
    ([first, ...rest]) => [first, ...rest].find(({ points }) => Number.isFinite(points[0]?.[1])) ?? first,
  );
};

const textOf = (labels: Labels, leftOut: ReadonlySet<string>): string =>
  JSON.stringify(
    Object.entries(labels)
      .filter(([name]) => !leftOut.has(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

/** The metric's name is left out, except where a selector matches several metrics: they would fall into one. */
const naming = (found: readonly LabelledSeries[], without: readonly string[]): ((labels: Labels) => string) => {
  const names = new Set(found.map(({ labels }) => labels['__name__']));
  const leftOut = new Set(names.size > 1 ? without : [...without, '__name__']);
  return (labels) => textOf(labels, leftOut);
};

type Group = readonly [LabelledSeries, ...LabelledSeries[]];

const NOTHING: ReadonlySet<string> = new Set();

/** The replicas of a group come in the order of their labels, so that the same one is the first every time. */
const grouped = (found: readonly LabelledSeries[], keyOf: (series: LabelledSeries) => string): readonly Group[] => {
  const groups = new Map<string, [LabelledSeries, ...LabelledSeries[]]>();
  const ordered = found.map((series) => ({ series, text: textOf(series.labels, NOTHING) }));
  for (const { series } of ordered.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))) {
    const key = keyOf(series);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [series]);
    else group.push(series);
  }
  return [...groups.values()];
};

/** By time, each time once: what the first replica read. */
const merged = ([first, ...rest]: Group): Points => {
  if (rest.length === 0) return first.points;
  const byTime = new Map<Ms, number>();
  for (const [at, value] of [first, ...rest].flatMap(({ points }) => points)) {
    if (!byTime.has(at)) byTime.set(at, value);
  }
  return [...byTime].sort(([a], [b]) => a - b);
};

/** A count is a finite number of at least 0: other points are no counts, and a series without any is none. */
const countsOf = (found: readonly LabelledSeries[]): readonly LabelledSeries[] =>
  found.flatMap(({ labels, points }) => {
    const counts = points.filter(([, value]) => Number.isFinite(value) && value >= 0);
    return counts.length === 0 ? [] : [{ labels, points: counts }];
  });
