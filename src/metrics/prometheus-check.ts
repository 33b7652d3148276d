import type { Finding } from '../core/reason.ts';
import type { BoundQuery } from '../core/sample.ts';
import type { Ms } from '../core/units.ts';
import type { SourceCheck } from '../ports/metric-source.ts';
import { type Ask, type LabelledSeries, RANGE_MESSAGE } from './prometheus-answer.ts';
import { type Checked, errorOf, explain, failed, notFound, RAW_RANGE, whereOf } from './prometheus-findings.ts';
import { checkLatency } from './prometheus-latency-check.ts';
import { withoutReplicas } from './prometheus-series.ts';
import { rangeOf, selectorsIn } from './promql.ts';

/** Raw points are read whole each time: more often than this they would weigh more on the store than they tell. */
const PACE_MS = 5_000;

/** Asks every query once at the store's own now. An unreachable store is one finding, however many queries there are. */
export const checkQueries = async (
  ask: Ask,
  queries: readonly BoundQuery[],
  signal: AbortSignal,
): Promise<SourceCheck> => {
  const checked = await Promise.all(queries.map((query) => checkQuery(ask, query, signal)));
  const intervals = checked.flatMap(({ raw }) => scrapeInterval(raw) ?? []);
  return {
    findings: withoutRepeats(checked.flatMap(({ findings }) => findings)),
    // The slowest of them: no query may look at less than four scrapes.
    scrapeIntervalMs: intervals.length === 0 ? null : Math.max(...intervals),
    paceMs: PACE_MS,
  };
};

const checkQuery = (ask: Ask, query: BoundQuery, signal: AbortSignal): Promise<Checked> => {
  switch (query.kind) {
    case 'counted':
      return checkCounted(ask, query, signal);
    case 'latency':
      return checkLatency(ask, query, signal);
    case 'measured':
      return checkMeasured(ask, query, signal);
  }
};

const withoutRepeats = (findings: readonly Finding[]): readonly Finding[] => [
  ...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values(),
];

/** Failures that match nothing are no finding: there may have been none yet. */
const checkCounted = async (
  ask: Ask,
  query: BoundQuery & { readonly kind: 'counted' },
  signal: AbortSignal,
): Promise<Checked> => {
  const [requests, failures] = await Promise.all([
    ask(rangeOf(query.requests, RAW_RANGE), null, signal),
    ask(rangeOf(query.failures, RAW_RANGE), null, signal),
  ]);
  const problems = [requests, failures].flatMap((answer) => (answer.ok ? [] : [errorOf(query, answer.problem)]));
  if (!requests.ok || problems.length > 0) return { findings: problems, raw: [] };
  if (requests.value.series.length > 0) return { findings: [], raw: requests.value.series };
  const missing = await Promise.all(
    selectorsIn(query.requests).map((selector) => explain(ask, query, selector, signal)),
  );
  return { findings: [notFound(query, '`requests` has no data for stable.', missing)], raw: [] };
};

const checkMeasured = async (
  ask: Ask,
  query: BoundQuery & { readonly kind: 'measured' },
  signal: AbortSignal,
): Promise<Checked> => {
  const selectors = selectorsIn(query.query);
  const [answer, ...raw] = await Promise.all([
    ask(query.query, null, signal),
    ...selectors.map((selector) => ask(rangeOf(selector.text, RAW_RANGE), null, signal)),
  ]);
  if (!answer.ok) return failed(query, answer.problem);
  const { type } = answer.value;
  if (type === 'matrix') return failed(query, { code: 'metric-invalid', message: RANGE_MESSAGE, retryAfterMs: null });
  const found = raw.flatMap((one) => (one.ok ? one.value.series : []));
  const series = withoutReplicas(answer.value.series, query.replicaLabels);
  if (series.length > 1) return { findings: [several(query, series)], raw: found };
  const value = series[0]?.points[0]?.[1];
  if (value !== undefined) return { findings: Number.isFinite(value) ? [] : [notANumber(query, value)], raw: found };
  const without = selectors.filter((_, index) => isEmpty(raw[index]));
  const missing = await Promise.all(without.map((selector) => explain(ask, query, selector, signal)));
  const message = 'The query has no data for stable.';
  if (missing.length > 0) return { findings: [notFound(query, message, missing)], raw: found };
  const isNew = found.length > 0 && found.every(({ points }) => points.length < 2);
  return { findings: [isNew ? tooNew(query, message) : nothingJoined(query, message)], raw: found };
};

const isEmpty = (answer: Awaited<ReturnType<Ask>> | undefined): boolean =>
  answer?.ok === true && answer.value.series.length === 0;

const several = (query: BoundQuery, series: readonly LabelledSeries[]): Finding => ({
  severity: 'error',
  code: 'metric-invalid',
  message: `The query gives ${series.length} series for stable where one number is needed.`,
  where: whereOf(query),
  advice: `Sum them up: sum(…). They differ in: ${differingLabels(series).join(', ') || 'nothing but time'}.`,
});

/** At most ten, so that hostile labels do not flood a report. */
const differingLabels = (series: readonly LabelledSeries[]): readonly string[] => {
  const names = [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))];
  return names.filter((name) => new Set(series.map(({ labels }) => labels[name])).size > 1).slice(0, 10);
};

const notANumber = (query: BoundQuery, value: number): Finding => ({
  severity: 'warning',
  code: 'metric-not-found',
  message: `The query gives ${value} for stable now, which counts as no data.`,
  where: whereOf(query),
  advice: 'Without traffic on stable a ratio or quantile has no value. See that there is traffic during the rollout.',
});

/** `rate` and its like give nothing for one sample. */
const tooNew = (query: BoundQuery, message: string): Finding => ({
  severity: 'error',
  code: 'metric-not-found',
  message: `${message} The store has read each of stable's pods only once so far, and a rate needs two samples.`,
  where: whereOf(query),
  advice: 'Run again when stable has been scraped a few times.',
});

const nothingJoined = (query: BoundQuery, message: string): Finding => ({
  severity: 'error',
  code: 'metric-not-found',
  message: `${message} Its metrics have series, but the expression leaves none of them.`,
  where: whereOf(query),
  advice: 'See that both sides of an operator have the same labels; a comparison in a query filters values away.',
});

/** As many gaps make a median of them trustworthy. */
const ENOUGH_GAPS = 3;

/**
 * The time between two points of the slowest series; null when no series has two. A scrape that was missed makes a gap
 * longer, never shorter: of series with few points the shortest gap counts.
 */
const scrapeInterval = (series: readonly LabelledSeries[]): Ms | null => {
  const gaps = series.map(({ points }) => gapsOf(points));
  const medians = gaps.filter((one) => one.length >= ENOUGH_GAPS).map((one) => one[Math.floor(one.length / 2)] ?? 0);
  if (medians.length > 0) return medians.reduce((slowest, one) => Math.max(slowest, one));
  const shortest = gaps.flatMap((one) => one[0] ?? []);
  return shortest.length === 0 ? null : shortest.reduce((least, one) => Math.min(least, one));
};

/** Ascending. */
const gapsOf = (points: LabelledSeries['points']): readonly Ms[] => {
  const gaps = points.slice(1).map(([at], index) => at - (points[index]?.[0] ?? at));
  return gaps.filter((gap) => gap > 0).sort((a, b) => a - b);
};
