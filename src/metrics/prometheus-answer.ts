import { z } from 'zod';
import type { ReasonCode } from '../core/reason.ts';
import type { Ms, Result } from '../core/units.ts';
import { ok, problem } from '../core/units.ts';

/** One series of an instant query: its labels, and points with the store's timestamps (epoch ms), oldest first. */
export interface LabelledSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [at: Ms, value: number])[];
}

export interface QueryProblem {
  readonly code: ReasonCode & ('metrics-unreachable' | 'metric-invalid');
  readonly message: string;
  readonly retryAfterMs: Ms | null;
}

/** What a query gives: a scalar counts as one series without labels. A point's value may be NaN or infinite. */
export type QueryAnswer = Result<
  { readonly type: 'matrix' | 'vector' | 'scalar'; readonly series: readonly LabelledSeries[] },
  QueryProblem
>;

/** Asks one instant query. `at` null: the store's own now. Never rejects. */
export type Ask = (query: string, at: Ms | null, signal: AbortSignal) => Promise<QueryAnswer>;

export const RANGE_MESSAGE = 'the query gives a range of values where one number is needed';

// https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats
const point = z.tuple([z.number(), z.string()]);
const labels = z.record(z.string(), z.string());
const failure = z.object({ status: z.literal('error'), errorType: z.string().optional(), error: z.string() });
const success = z.object({
  status: z.literal('success'),
  data: z.discriminatedUnion('resultType', [
    z.object({
      resultType: z.literal('matrix'),
      result: z.array(
        z.object({ metric: labels, values: z.array(point).default([]), histograms: z.array(z.unknown()).optional() }),
      ),
    }),
    z.object({
      resultType: z.literal('vector'),
      result: z.array(z.object({ metric: labels, value: point.optional(), histogram: z.unknown().optional() })),
    }),
    z.object({ resultType: z.literal('scalar'), result: point }),
    z.object({ resultType: z.literal('string'), result: point }),
  ]),
});

/** Longer messages are cut: an error page is no message. */
const LONGEST_MESSAGE = 500;

/** Reads what a Prometheus, or something that speaks like one, answered to /api/v1/query. */
export const readAnswer = (status: number, body: string, retryAfterMs: Ms | null): QueryAnswer => {
  if (status >= 200 && status < 300) return readSuccess(body);
  const said = failure.safeParse(parseJson(body));
  const message = said.success ? said.data.error.slice(0, LONGEST_MESSAGE) : null;
  switch (status) {
    case 400:
    case 422:
      return message === null ? unreachable(`it answered ${status}, without Prometheus's reason`) : invalid(message);
    case 401:
    case 403:
      return unreachable(`it refused the credentials (${status})`);
    case 404:
      return unreachable('it answered 404: there is no Prometheus API at this address');
    case 429:
      return unreachable('it answered 429: too many requests', retryAfterMs);
    default:
      return status >= 300 && status < 400
        ? unreachable(`it answered ${status}: redirects are not followed with credentials`)
        : unreachable(`it answered ${status}${message === null ? '' : `: ${message}`}`, retryAfterMs);
  }
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const unreachable = (message: string, retryAfterMs: Ms | null = null): QueryAnswer =>
  problem({ code: 'metrics-unreachable', message, retryAfterMs });
const invalid = (message: string): QueryAnswer => problem({ code: 'metric-invalid', message, retryAfterMs: null });

const HISTOGRAM = 'the query gives a native histogram where a number is needed';

const readSuccess = (body: string): QueryAnswer => {
  const content = parseJson(body);
  if (content === undefined) return unreachable('it answered with something that is not JSON');
  const parsed = success.safeParse(content);
  if (!parsed.success) return unreachable('it answered with JSON that is not a Prometheus query result');
  const { data } = parsed.data;
  switch (data.resultType) {
    case 'string':
      return invalid('the query gives a text where a number is needed');
    case 'scalar':
      return ok({ type: 'scalar', series: [{ labels: {}, points: [toPoint(data.result)] }] });
    case 'vector':
      return data.result.some((series) => series.value === undefined)
        ? invalid(HISTOGRAM)
        : ok({
            type: 'vector',
            series: data.result.map(({ metric, value }) => toSeries(metric, value ? [value] : [])),
          });
    case 'matrix':
      return data.result.some((series) => series.histograms !== undefined)
        ? invalid(HISTOGRAM)
        : ok({ type: 'matrix', series: data.result.map(({ metric, values }) => toSeries(metric, values)) });
  }
};

type RawPoint = readonly [seconds: number, value: string];

const toSeries = (metric: Readonly<Record<string, string>>, values: readonly RawPoint[]): LabelledSeries => ({
  labels: metric,
  points: values.map(toPoint),
});

const toPoint = ([seconds, value]: RawPoint): readonly [Ms, number] => [Math.round(seconds * 1000), toNumber(value)];

/** Prometheus writes infinities as `+Inf` and `-Inf`. */
const toNumber = (text: string): number => Number(text.replace(/^([+-]?)Inf$/, '$1Infinity').replace(/^$/, 'NaN'));
