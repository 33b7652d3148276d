import type { BoundQuery, BucketSeries, Sample, Series } from '../../core/sample.ts';
import type { Ms, Result } from '../../core/units.ts';
import { ok, problem } from '../../core/units.ts';
import type { Exposed } from '../exposition.ts';
import type { Endpoint } from './endpoint.ts';
import type { Reading } from './rounds.ts';
import { readSelector, type Selector } from './selector.ts';

/** The queries that a scrape can answer. */
export type CounterQuery = BoundQuery & { readonly kind: 'counted' | 'latency' };

/** Keeps what it needs of earlier readings, so that a counter that appears is known to have begun at zero. */
export interface Counters {
  /** The query's counters in these readings of its arm's pods. */
  sample(query: CounterQuery, readings: readonly Reading[]): Sample;
}

/** A series of a pod as Prometheus would store it, without the metric's name. */
export interface Found {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const MOST_FOUND = 20_000;
const MOST_SELECTORS = 200;
const MOST_PODS_KNOWN = 2_000;

/** A selector that was read before is not read again. */
export type Selectors = (text: string) => Result<Selector, string>;

export const createSelectors = (): Selectors => {
  const known = new Map<string, Result<Selector, string>>();
  return (text) => {
    const selector = known.get(text) ?? readSelector(text);
    // Names of pods are part of them, and pods come and go.
    if (known.size >= MOST_SELECTORS) known.clear();
    known.set(text, selector);
    return selector;
  };
};

export const createCounters = (selectors: Selectors): Counters => {
  const memory: Memory = new Map();
  const seriesOf = <Kind extends Series>(
    side: Side<Kind>,
    text: string,
    readings: readonly Reading[],
  ): Result<readonly Kind[], string> => {
    const selector = selectors(text);
    if (!selector.ok) return problem(`the query cannot be used: ${selector.problem}`);
    const found = readings.flatMap((reading) => pointsOf(memory, side, selector.value, reading));
    return found.length <= MOST_FOUND ? ok(found) : problem(`the query matches more than ${MOST_FOUND} series`);
  };
  return {
    sample: (query, readings) => {
      const { metric, arm } = query;
      const key = (name: string): string => JSON.stringify([metric, arm, name]);
      if (query.kind === 'latency') {
        const buckets = seriesOf({ key: key('histogram'), toSeries: toBucket }, query.histogram, readings);
        if (!buckets.ok) return invalid(query, buckets.problem);
        return buckets.value.length === 0 ? noData(query) : { metric, arm, kind: 'buckets', buckets: buckets.value };
      }
      const requests = seriesOf({ key: key('requests'), toSeries: toCounter }, query.requests, readings);
      if (!requests.ok) return invalid(query, requests.problem);
      const failures = seriesOf({ key: key('failures'), toSeries: toCounter }, query.failures, readings);
      if (!failures.ok) return invalid(query, failures.problem);
      if (requests.value.length === 0) return noData(query);
      return { metric, arm, kind: 'counters', requests: requests.value, failures: failures.value };
    },
  };
};

const invalid = ({ metric, arm }: BoundQuery, message: string): Sample => ({
  metric,
  arm,
  kind: 'error',
  code: 'metric-invalid',
  message,
  retryAfterMs: null,
});

export const noData = ({ metric, arm }: BoundQuery): Sample => ({ metric, arm, kind: 'no-data', why: 'empty' });

/** What a selector matches in a reading, each series once. */
export const matchesIn = (
  selector: Selector,
  { endpoint, series }: Pick<Reading, 'endpoint' | 'series'>,
): readonly Found[] =>
  series.flatMap((one) => {
    if (!selector.matchesName(one.name)) return [];
    const labels = withTarget(one.labels, endpoint);
    return selector.matchesLabels(labels) ? [{ name: one.name, labels, value: one.value }] : [];
  });

/** What Prometheus does without `honor_labels`: the target's labels win, and what they displace is renamed. */
const withTarget = (own: Exposed['labels'], { namespace, pod, container }: Endpoint): ReadonlyMap<string, string> => {
  const target = Object.entries({ namespace, pod, container }).filter(([, value]) => value !== '');
  const labels = new Map([...own].filter(([, value]) => value !== ''));
  for (const [label, value] of target) {
    const displaced = labels.get(label);
    labels.set(label, value);
    if (displaced === undefined) continue;
    let renamed = `exported_${label}`;
    while (labels.has(renamed)) renamed = `exported_${renamed}`;
    labels.set(renamed, displaced);
  }
  return labels;
};

/** By side and pod: when it was last read, and the series that were there up to then. */
type Memory = Map<string, { readonly at: Ms; readonly ids: Set<string> }>;

/** One selector of a query, and what its series become. null: it is none of them. */
interface Side<Kind> {
  readonly key: string;
  readonly toSeries: (labels: Found['labels'], name: string | null, rest: Omit<Series, 'id'>) => Kind | null;
}

/**
 * The newest point of each series. One that was not there when the pod was read before has begun at zero since: the first
 * failures of a pod count from the first.
 */
const pointsOf = <Kind extends Series>(
  memory: Memory,
  { key, toSeries }: Side<Kind>,
  selector: Selector,
  { endpoint, at, series }: Reading,
): readonly Kind[] => {
  const podKey = `${key}|${endpoint.id}`;
  const before = memory.get(podKey);
  const ids = before?.ids ?? new Set<string>();
  const found = new Map<string, Kind>();
  for (const { name, labels, value } of matchesIn(selector, { endpoint, series })) {
    // A counter is a finite number of at least 0: anything else is no count.
    if (!Number.isFinite(value) || value < 0) continue;
    const one = toSeries(labels, selector.metric === null ? name : null, { pod: endpoint.pod, points: [[at, value]] });
    const seriesKey = one === null ? '' : keyOf(one);
    if (one === null || found.has(seriesKey)) continue;
    const isNew = before !== undefined && before.at < at && !ids.has(seriesKey);
    found.set(seriesKey, isNew ? { ...one, points: [[before.at, 0], ...one.points] } : one);
  }
  for (const seriesKey of found.keys()) ids.add(seriesKey);
  memory.delete(podKey);
  memory.set(podKey, { at, ids });
  for (const oldest of memory.keys()) if (memory.size > MOST_PODS_KNOWN) memory.delete(oldest);
  return [...found.values()];
};

const keyOf = (one: Series | BucketSeries): string => ('bound' in one ? `${one.bound} ${one.id}` : one.id);

const toCounter: Side<Series>['toSeries'] = (labels, name, rest) => ({ id: idOf(labels, name), ...rest });

const toBucket: Side<BucketSeries>['toSeries'] = (labels, name, rest) => {
  const le = labels.get('le') ?? '';
  const bound = /^\+?inf$/i.test(le) ? Number.POSITIVE_INFINITY : Number(le === '' ? Number.NaN : le);
  const others = new Map([...labels].filter(([label]) => label !== 'le'));
  return Number.isNaN(bound) ? null : { id: idOf(others, name), bound, ...rest };
};

/**
 * The metric's name is a part only where the selector leaves it open. Labels that tell replicas of a store apart stay:
 * there is no store here, so they are the pod's own and tell counters apart.
 */
const idOf = (labels: Found['labels'], name: string | null): string => {
  const entries = [...labels, ...(name === null ? [] : [['__name__', name] as const])];
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
};
