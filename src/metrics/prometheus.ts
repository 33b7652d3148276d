import { redactor } from '../core/redact.ts';
import type { PrometheusSpec } from '../core/spec.ts';
import type { Ms } from '../core/units.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Http } from '../ports/http.ts';
import type { MetricSource } from '../ports/metric-source.ts';
import { bounded } from './bounded.ts';
import { type Ask, type QueryAnswer, readAnswer } from './prometheus-answer.ts';
import { checkQueries } from './prometheus-check.ts';
import { historyOf, sampleQuery } from './prometheus-sample.ts';

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
      Promise.all(queries.map((query) => sampleQuery(ask, query, from, to, signal))),
    history: async (queries, from, to, signal) =>
      (await Promise.all(queries.map((query) => historyOf(ask, query, from, to, signal)))).flat(),
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
