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

/** Longer messages are cut: an error page is no message. */
const LONGEST_MESSAGE = 500;

/** Reads what a Prometheus, or something that speaks like one, answered to /api/v1/query. */
export const readAnswer = (status: number, body: string, retryAfterMs: Ms | null): QueryAnswer => {
  if (status >= 200 && status < 300) return readSuccess(body);
  const message = errorIn(body);
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

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const errorIn = (body: string): string | null => {
  const content = parseJson(body);
  if (!isFields(content) || content['status'] !== 'error') return null;
  return typeof content['error'] === 'string' ? content['error'].slice(0, LONGEST_MESSAGE) : null;
};

const unreachable = (message: string, retryAfterMs: Ms | null = null): QueryAnswer =>
  problem({ code: 'metrics-unreachable', message, retryAfterMs });
const invalid = (message: string): QueryAnswer => problem({ code: 'metric-invalid', message, retryAfterMs: null });

const HISTOGRAM =
  'the query gives a native histogram; only numbers and the `_bucket` series of a classic one can be read';

const NOT_A_RESULT = 'it answered with JSON that is not a Prometheus query result';

/** https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats */
const readSuccess = (body: string): QueryAnswer => {
  const content = parseJson(body);
  if (content === undefined) return unreachable('it answered with something that is not JSON');
  const data = isFields(content) && content['status'] === 'success' ? content['data'] : null;
  if (!isFields(data)) return unreachable(NOT_A_RESULT);
  const { resultType: type, result } = data;
  switch (type) {
    case 'string':
      return invalid('the query gives a text where a number is needed');
    case 'scalar': {
      const point = toPoint(result);
      return point === null ? unreachable(NOT_A_RESULT) : ok({ type, series: [{ labels: {}, points: [point] }] });
    }
    case 'vector':
    case 'matrix':
      return Array.isArray(result) ? readSeries(type, result) : unreachable(NOT_A_RESULT);
    default:
      return unreachable(NOT_A_RESULT);
  }
};

const readSeries = (type: 'vector' | 'matrix', result: readonly unknown[]): QueryAnswer => {
  if (result.some((one) => isFields(one) && ('histogram' in one || 'histograms' in one))) return invalid(HISTOGRAM);
  const series = result.map((one) => toSeries(type, one));
  return series.every((one) => one !== null) ? ok({ type, series }) : unreachable(NOT_A_RESULT);
};

const toSeries = (type: 'vector' | 'matrix', one: unknown): LabelledSeries | null => {
  if (!isFields(one) || !isFields(one['metric'])) return null;
  const raw = type === 'vector' ? [one['value']] : one['values'];
  if (!Array.isArray(raw)) return null;
  const points = raw.map(toPoint);
  const labels = Object.fromEntries(Object.entries(one['metric']).map(([name, value]) => [name, String(value)]));
  return points.every((point) => point !== null) ? { labels, points } : null;
};

/** `[seconds, "value"]` */
const toPoint = (raw: unknown): readonly [Ms, number] | null => {
  if (!Array.isArray(raw)) return null;
  const [seconds, value] = raw;
  return typeof seconds === 'number' && typeof value === 'string'
    ? [Math.round(seconds * 1000), toNumber(value)]
    : null;
};

/** Prometheus writes infinities as `+Inf` and `-Inf`. NaN for what is no number. */
export const toNumber = (text: string): number =>
  Number(text.replace(/^([+-]?)Inf$/, '$1Infinity').replace(/^$/, 'NaN'));
