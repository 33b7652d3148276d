import { setTimeout as sleep } from 'node:timers/promises';
import { getOctokit } from '@actions/github';
import { ok, problem, type Result } from '../core/units.ts';
import { plain } from '../report/escape.ts';
import { field, numberAt, textAt } from './json.ts';

export interface GitHubProblem {
  readonly kind: 'unauthorised' | 'forbidden' | 'not-found' | 'invalid' | 'rate-limited' | 'server' | 'unreachable';
  /** null when nothing answered. */
  readonly status: number | null;
  /** One line, without secrets. */
  readonly message: string;
}

/** GitHub, for reports only. Never throws; never waits longer than about twice its timeout. */
export interface GitHubClient {
  /** `route` as in GitHub's reference: `PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}`. The answer's body. */
  call(route: string, parameters: Readonly<Record<string, unknown>>): Promise<Result<unknown, GitHubProblem>>;
}

export interface ClientOptions {
  readonly token: string;
  /** `GITHUB_API_URL`: GitHub Enterprise Server has its own. Proxies are what `@actions/http-client` finds in the environment. */
  readonly apiUrl: string;
  readonly timeoutMs?: number;
  /** The longest `retry-after` that is waited for. */
  readonly patienceMs?: number;
  /** How long to wait before a request that failed for no stated reason is sent again. */
  readonly retryMs?: number;
}

const TIMEOUT_MS = 10_000;
const PATIENCE_MS = 5_000;
const RETRY_MS = 500;

export const createClient = (options: ClientOptions): GitHubClient => {
  const { token, apiUrl, timeoutMs = TIMEOUT_MS, patienceMs = PATIENCE_MS, retryMs = RETRY_MS } = options;
  const octokit = getOctokit(token, { baseUrl: apiUrl, userAgent: 'canary-rollout', log: SILENT });
  const once = async (route: string, parameters: Readonly<Record<string, unknown>>): Promise<Attempt> => {
    try {
      const { data } = await octokit.request(route, {
        ...parameters,
        request: { signal: AbortSignal.timeout(timeoutMs) },
      });
      return { result: ok(data), retryMs: null };
    } catch (error) {
      return failure(error, { timeoutMs, retryMs });
    }
  };
  return {
    call: async (route, parameters) => {
      const first = await once(route, parameters);
      if (first.retryMs === null || first.retryMs > patienceMs || !mayRepeat(route, first)) return first.result;
      await sleep(first.retryMs);
      return (await once(route, parameters)).result;
    },
  };
};

interface Attempt {
  readonly result: Result<unknown, GitHubProblem>;
  /** When the same request may help; null: it cannot. */
  readonly retryMs: number | null;
}

const nothing = (): void => {};
/** Octokit's own warnings would go to the console past the neutralising log. */
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** A POST that nobody answered may have worked: a second one would make a second comment. One that was refused did not. */
const mayRepeat = (route: string, attempt: Attempt): boolean =>
  !route.startsWith('POST ') || (!attempt.result.ok && attempt.result.problem.kind === 'rate-limited');

const failure = (
  error: unknown,
  { timeoutMs, retryMs }: { readonly timeoutMs: number; readonly retryMs: number },
): Attempt => {
  const status = numberAt(error, 'status');
  const headers = field(error, 'response', 'headers');
  if (status === null || headers === null) {
    return {
      result: problem({ kind: 'unreachable', status: null, message: networkMessage(error, timeoutMs) }),
      retryMs,
    };
  }
  const said = textAt(error, 'response', 'data', 'message') ?? `HTTP ${status}`;
  const message = plain(said, 200);
  const limited = status === 429 || (status === 403 && isRateLimit(headers, said));
  if (limited) return { result: problem({ kind: 'rate-limited', status, message }), retryMs: waitOf(headers) };
  return { result: problem({ kind: kindOf(status), status, message }), retryMs: status >= 500 ? retryMs : null };
};

const kindOf = (status: number): GitHubProblem['kind'] => {
  if (status === 401) return 'unauthorised';
  if (status === 403) return 'forbidden';
  if (status === 404 || status === 410) return 'not-found';
  return status >= 500 ? 'server' : 'invalid';
};

/** GitHub answers 403 for both limits; only these tell them from a missing right. */
const isRateLimit = (headers: unknown, message: string): boolean =>
  textAt(headers, 'retry-after') !== null ||
  textAt(headers, 'x-ratelimit-remaining') === '0' ||
  /rate limit/i.test(message);

/** Without `retry-after` the documentation asks for a minute at least: longer than a report may take. */
const waitOf = (headers: unknown): number | null => {
  const seconds = Number(textAt(headers, 'retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
};

/** Octokit and undici put the useful error into `cause`. */
const networkMessage = (error: unknown, timeoutMs: number): string => {
  const chain = [error, field(error, 'cause'), field(error, 'cause', 'cause')];
  const isTimeout = chain.some((link) => link instanceof Error && /^(TimeoutError|AbortError)$/.test(link.name));
  if (isTimeout) return `no answer within ${timeoutMs / 1000} s`;
  const code = chain.map((link) => textAt(link, 'code')).find((text) => text !== null);
  return code ?? (error instanceof Error ? plain(error.message, 200) : 'no answer');
};
