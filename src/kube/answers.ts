import type { CallProblem, CallResult } from '../ports/cluster.ts';
import type { Answer, Call } from './transport.ts';

interface Cause {
  readonly field: string;
  readonly message: string;
}

interface StatusBody {
  readonly message: string;
  readonly causes: readonly Cause[];
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** The Status object of the API server in a body; null when the body is none. */
export const statusIn = (body: string): StatusBody | null => {
  const content = parseJson(body);
  if (!isFields(content) || content['kind'] !== 'Status' || content['apiVersion'] !== 'v1') return null;
  const details = isFields(content['details']) ? content['details'] : {};
  const causes = Array.isArray(details['causes']) ? details['causes'].filter(isFields) : [];
  return {
    message: typeof content['message'] === 'string' ? content['message'].slice(0, 2000) : '',
    causes: causes.map((cause) => ({ field: String(cause['field'] ?? ''), message: String(cause['message'] ?? '') })),
  };
};

/** What an answer that is no success means; `redact` removes credentials from its message. */
export const problemOf = (call: Call, answer: Answer, redact: (text: string) => string): CallProblem => {
  const status = statusIn(answer.body);
  const said = redact(status?.message ?? '');
  const message = said === '' ? `the API server answered ${answer.status}` : said;
  switch (answer.status) {
    case 401:
      return { kind: 'unauthorised', message: `the API server refuses the credentials: ${message}` };
    case 403:
      return { kind: 'forbidden', message };
    case 404:
      return { kind: 'missing', message };
    case 409:
    case 410:
    case 412:
      return { kind: 'conflict', message };
    case 422:
      return isFailedTest(call, status)
        ? { kind: 'conflict', message: 'the object is not as it was when the change was planned' }
        : { kind: 'invalid', message, causes: status?.causes ?? [] };
    case 429:
      return { kind: 'throttled', message, retryAfterMs: answer.retryAfterMs };
    default:
      return otherProblem(answer, message, status);
  }
};

/**
 * A JSON Patch that cannot be applied (a `test` that fails, a path that is gone) is answered with 422 and empty details:
 * https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go
 * An admission webhook may answer 422 without causes too, and says who it is.
 */
const isFailedTest = (call: Call, status: StatusBody | null): boolean =>
  call.contentType === 'application/json-patch+json' &&
  status !== null &&
  status.causes.length === 0 &&
  !status.message.startsWith('admission webhook');

const otherProblem = (answer: Answer, message: string, status: StatusBody | null): CallProblem => {
  if (answer.status === 503 && answer.retryAfterMs !== null) {
    return { kind: 'throttled', message, retryAfterMs: answer.retryAfterMs };
  }
  if (answer.status >= 500) return { kind: 'unreachable', message };
  if (answer.status >= 300 && answer.status < 400) {
    return { kind: 'unreachable', message: `answered ${answer.status}: redirects are not followed with credentials` };
  }
  return { kind: 'invalid', message, causes: status?.causes ?? [] };
};

/** Sends a call and reads the JSON object that answers it. */
export type AskJson = (call: Call, signal: AbortSignal) => Promise<CallResult<Fields>>;

/** The JSON of a success, or why there is none. */
export const jsonOf = (call: Call, answer: Answer, redact: (text: string) => string): CallResult<Fields> => {
  if (answer.status < 200 || answer.status >= 300) return problemOf(call, answer, redact);
  const value = parseJson(answer.body);
  return isFields(value)
    ? { kind: 'ok', value }
    : { kind: 'unreachable', message: 'what answers is not a Kubernetes API server: it sent no JSON object' };
};
