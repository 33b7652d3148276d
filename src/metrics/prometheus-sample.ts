import type { BoundQuery, Sample } from '../core/sample.ts';
import type { Ms } from '../core/units.ts';
import type { Ask, LabelledSeries, QueryAnswer, QueryProblem } from './prometheus-answer.ts';
import { RANGE_MESSAGE } from './prometheus-answer.ts';
import { boundOf, toBuckets, toSeries, withoutReplicas } from './prometheus-series.ts';
import { rangeOf } from './promql.ts';

/**
 * How far before `from` raw points are asked for, so that each series' last point before it is there. As long as
 * Prometheus itself takes a series without new points to be alive.
 */
export const LOOKBACK_MS = 5 * 60_000;

/** History comes in such pieces: one answer of hours of raw points is more than a store gives. */
const PIECE_MS = 10 * 60_000;
/** Of one selector. Beyond it the older pieces are left out. */
const MOST_POINTS = 500_000;

type Counters = BoundQuery & { readonly kind: 'counted' | 'latency' };
type Measured = BoundQuery & { readonly kind: 'measured' };

/** Raw points of a selector, series for series. */
type Raw = (selector: string) => Promise<QueryAnswer>;

/** A whole tick of one query. */
export const sampleQuery = (ask: Ask, query: BoundQuery, from: Ms, to: Ms, signal: AbortSignal): Promise<Sample> => {
  if (query.kind === 'measured') return sampleMeasured(ask, query, to, signal);
  const range = `${Math.max(0, Math.round(to - from)) + LOOKBACK_MS}ms`;
  return sampleCounters(query, (selector) => ask(rangeOf(selector, range), to, signal), to - LOOKBACK_MS);
};

/** Raw points from `from` to `to`, as far back as the store has them and they are not too many; nothing for a measured query. */
export const historyOf = async (
  ask: Ask,
  query: BoundQuery,
  from: Ms,
  to: Ms,
  signal: AbortSignal,
): Promise<readonly Sample[]> =>
  query.kind === 'measured'
    ? []
    : [await sampleCounters(query, (selector) => askBackwards(ask, selector, from, to, signal), from)];

/** From the newest piece to the oldest. A piece that fails fails all: what is missing in between would be taken for silence. */
const askBackwards = async (
  ask: Ask,
  selector: string,
  from: Ms,
  to: Ms,
  signal: AbortSignal,
): Promise<QueryAnswer> => {
  const found: LabelledSeries[] = [];
  let points = 0;
  for (let end = Math.round(to); end > from && points < MOST_POINTS; end -= PIECE_MS) {
    const length = Math.min(PIECE_MS, Math.round(end - from));
    const answer = await ask(rangeOf(selector, `${length}ms`), end, signal);
    if (!answer.ok) return answer;
    for (const series of answer.value.series) {
      found.push(series);
      points += series.points.length;
    }
  }
  return { ok: true, value: { type: 'matrix', series: found } };
};

const sampleCounters = (query: Counters, raw: Raw, oldest: Ms): Promise<Sample> =>
  query.kind === 'counted' ? sampleCounted(query, raw, oldest) : sampleLatency(query, raw, oldest);

const errorOf = ({ metric, arm }: BoundQuery, { code, message, retryAfterMs }: QueryProblem): Sample => ({
  metric,
  arm,
  kind: 'error',
  code,
  message,
  retryAfterMs,
});

const invalid = (query: BoundQuery, message: string): Sample =>
  errorOf(query, { code: 'metric-invalid', message, retryAfterMs: null });

/** Raw points of both selectors. A selector of failures that matches nothing means that there were none. */
const sampleCounted = async (query: Counters & { readonly kind: 'counted' }, raw: Raw, oldest: Ms): Promise<Sample> => {
  const { metric, arm, replicaLabels } = query;
  const [requests, failures] = await Promise.all([raw(query.requests), raw(query.failures)]);
  if (!requests.ok) return errorOf(query, requests.problem);
  if (!failures.ok) return errorOf(query, failures.problem);
  const counted = toSeries(requests.value.series, replicaLabels);
  return (
    missing(query, counted, oldest) ?? {
      metric,
      arm,
      kind: 'counters',
      requests: counted,
      failures: toSeries(failures.value.series, replicaLabels),
    }
  );
};

export const NO_BOUNDS_MESSAGE =
  'the series have no label `le`: they are not the `_bucket` series of a classic histogram';

const sampleLatency = async (query: Counters & { readonly kind: 'latency' }, raw: Raw, oldest: Ms): Promise<Sample> => {
  const { metric, arm, histogram, replicaLabels } = query;
  const answer = await raw(histogram);
  if (!answer.ok) return errorOf(query, answer.problem);
  const { series } = answer.value;
  if (series.length > 0 && series.every(({ labels }) => boundOf(labels) === null)) {
    return invalid(query, NO_BOUNDS_MESSAGE);
  }
  const buckets = toBuckets(series, replicaLabels);
  return missing(query, buckets, oldest) ?? { metric, arm, kind: 'buckets', buckets };
};

/** Why there is nothing to count: no series, or none with a point since `oldest`. */
const missing = (
  { metric, arm }: BoundQuery,
  series: readonly { readonly points: LabelledSeries['points'] }[],
  oldest: Ms,
): Sample | null => {
  if (series.length === 0) return { metric, arm, kind: 'no-data', why: 'empty' };
  const isFresh = series.some(({ points }) => (points.at(-1)?.[0] ?? 0) >= oldest);
  return isFresh ? null : { metric, arm, kind: 'no-data', why: 'stale' };
};

const sampleMeasured = async (ask: Ask, query: Measured, to: Ms, signal: AbortSignal): Promise<Sample> => {
  const { metric, arm } = query;
  const answer = await ask(query.query, to, signal);
  if (!answer.ok) return errorOf(query, answer.problem);
  if (answer.value.type === 'matrix') return invalid(query, RANGE_MESSAGE);
  const [only, ...others] = withoutReplicas(answer.value.series, query.replicaLabels);
  if (others.length > 0) return { metric, arm, kind: 'no-data', why: 'several' };
  const point = only?.points[0];
  if (point === undefined) return { metric, arm, kind: 'no-data', why: 'empty' };
  const [at, value] = point;
  return Number.isFinite(value)
    ? { metric, arm, kind: 'value', value, at }
    : { metric, arm, kind: 'no-data', why: 'nan' };
};
