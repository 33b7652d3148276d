import { redactor } from '../core/redact.ts';
import type { BoundQuery, Sample, Series } from '../core/sample.ts';
import type { PrometheusSpec } from '../core/spec.ts';
import type { Ms } from '../core/units.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Http } from '../ports/http.ts';
import type { MetricSource } from '../ports/metric-source.ts';
import { bounded } from './bounded.ts';
import { type Ask, type LabelledSeries, type QueryAnswer, RANGE_MESSAGE, readAnswer } from './prometheus-answer.ts';
import { checkQueries } from './prometheus-check.ts';
import { rangeOf } from './promql.ts';

/**
 * How far before `from` raw points are asked for, so that each series' last point before it is there. As long as
 * Prometheus itself takes a series without new points to be alive.
 */
export const LOOKBACK_MS = 5 * 60_000;
const TIMEOUT_MS = 10_000;
const PARALLEL_QUERIES = 6;

export interface PrometheusOptions {
  readonly spec: PrometheusSpec;
  readonly http: Http;
  readonly cluster: Pick<Cluster, 'proxy'>;
  /** Of one query; 10 s when left out. */
  readonly timeoutMs?: number;
}

/**
 * Prometheus and what speaks its query API (Thanos, Mimir, VictoriaMetrics), at a URL or behind a Service. Only GET
 * /api/v1/query. Headers are sent to URLs only: the API server's proxy would not pass credentials on.
 */
export const createPrometheus = (options: PrometheusOptions): MetricSource => {
  const ask = bounded(createAsk(options), PARALLEL_QUERIES);
  return {
    check: (queries, signal) => checkQueries(ask, queries, signal),
    sample: (queries, from, to, signal) =>
      Promise.all(
        queries.map((query) =>
          query.kind === 'counted'
            ? sampleCounted(ask, query, from, to, signal)
            : sampleMeasured(ask, query, to, signal),
        ),
      ),
  };
};

const createAsk = ({ spec, http, cluster, timeoutMs = TIMEOUT_MS }: PrometheusOptions): Ask => {
  const { address } = spec;
  const redact = redactor([...spec.headers.map(([, value]) => value), ...secretsOf(spec)]);
  const words = (answer: QueryAnswer): QueryAnswer =>
    answer.ok ? answer : { ok: false, problem: { ...answer.problem, message: redact(answer.problem.message) } };
  const unreachable = (message: string, retryAfterMs: Ms | null = null): QueryAnswer => ({
    ok: false,
    problem: { code: 'metrics-unreachable', message, retryAfterMs },
  });
  return async (query, at, signal) => {
    const parameters = new URLSearchParams({ query, ...(at === null ? {} : { time: (at / 1000).toFixed(3) }) });
    if (address.kind === 'url') {
      const url = queryUrl(address.url, parameters);
      const answer = await http.get(url, { headers: spec.headers, ca: spec.ca, timeoutMs, signal });
      if (answer.kind === 'unreachable') return words(unreachable(answer.message));
      return words(readAnswer(answer.status, answer.body, answer.retryAfterMs));
    }
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const answer = await cluster.proxy(address, `/api/v1/query?${parameters}`, deadline);
    if (answer.kind !== 'ok') {
      const retryAfterMs = answer.kind === 'throttled' ? answer.retryAfterMs : null;
      return words(unreachable(`through the API server: ${answer.message}`, retryAfterMs));
    }
    return words(readAnswer(answer.value.status, answer.value.body, answer.value.retryAfterMs ?? null));
  };
};

/** A path and query in the address stay: many stores live below one. */
const queryUrl = (base: string, parameters: URLSearchParams): string => {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/query`;
  for (const [name, value] of parameters) url.searchParams.set(name, value);
  return url.href;
};

const secretsOf = ({ address }: PrometheusSpec): readonly string[] => {
  if (address.kind !== 'url' || !URL.canParse(address.url)) return [];
  const { password } = new URL(address.url);
  return [password, safeDecode(password)];
};

const safeDecode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

type Counted = BoundQuery & { readonly kind: 'counted' };
type Measured = BoundQuery & { readonly kind: 'measured' };

/** Raw points of both selectors. A selector of failures that matches nothing means that there were none. */
const sampleCounted = async (ask: Ask, query: Counted, from: Ms, to: Ms, signal: AbortSignal): Promise<Sample> => {
  const { metric, arm } = query;
  const range = `${Math.max(0, Math.round(to - from)) + LOOKBACK_MS}ms`;
  const [requests, failures] = await Promise.all([
    ask(rangeOf(query.requests, range), to, signal),
    ask(rangeOf(query.failures, range), to, signal),
  ]);
  if (!requests.ok) return { metric, arm, kind: 'error', ...requests.problem };
  if (!failures.ok) return { metric, arm, kind: 'error', ...failures.problem };
  const counted = toCounters(requests.value.series);
  if (counted.length === 0) return { metric, arm, kind: 'no-data', why: 'empty' };
  if (newestOf(counted) < to - LOOKBACK_MS) return { metric, arm, kind: 'no-data', why: 'stale' };
  return { metric, arm, kind: 'counters', requests: counted, failures: toCounters(failures.value.series) };
};

const newestOf = (series: readonly Series[]): Ms => Math.max(...series.map(({ points }) => points.at(-1)?.[0] ?? 0));

/** A counter is a finite number of at least 0: other points are no counts. */
const toCounters = (found: readonly LabelledSeries[]): readonly Series[] => {
  const names = new Set(found.map((series) => series.labels['__name__']));
  return found.flatMap((series) => {
    const points = series.points.filter(([, value]) => Number.isFinite(value) && value >= 0);
    if (points.length === 0) return [];
    return [{ id: seriesId(series.labels, names.size > 1), pod: series.labels['pod'] ?? null, points }];
  });
};

/** The metric's name is left out, except where a selector matches several metrics: they would fall into one. */
const seriesId = (labels: Readonly<Record<string, string>>, withName: boolean): string => {
  const entries = Object.entries(labels).filter(([name]) => withName || name !== '__name__');
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
};

const sampleMeasured = async (ask: Ask, query: Measured, to: Ms, signal: AbortSignal): Promise<Sample> => {
  const { metric, arm } = query;
  const answer = await ask(query.query, to, signal);
  if (!answer.ok) return { metric, arm, kind: 'error', ...answer.problem };
  if (answer.value.type === 'matrix') {
    return { metric, arm, kind: 'error', code: 'metric-invalid', message: RANGE_MESSAGE, retryAfterMs: null };
  }
  if (answer.value.series.length > 1) return { metric, arm, kind: 'no-data', why: 'several' };
  const point = answer.value.series[0]?.points[0];
  if (point === undefined) return { metric, arm, kind: 'no-data', why: 'empty' };
  const [at, value] = point;
  return Number.isFinite(value)
    ? { metric, arm, kind: 'value', value, at }
    : { metric, arm, kind: 'no-data', why: 'nan' };
};
