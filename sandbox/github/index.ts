import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Contract } from './contract.ts';
import { loadContract } from './contract.ts';
import type { Answer, Comment, GitHubState } from './routes.ts';
import { findRoute, keepComment } from './routes.ts';

export type { Reaction } from './people.ts';
export type { Comment, CommitStatus, PullRequest } from './routes.ts';

export interface GitHubRequest {
  readonly at: number;
  readonly method: string;
  /** Without the base path, with the query. */
  readonly path: string;
  readonly body: unknown;
  readonly userAgent: string;
  code: number;
}

export interface GitHubFault {
  /** Without it every request. */
  readonly matches?: (request: GitHubRequest) => boolean;
  readonly answer:
    | { readonly kind: 'status'; readonly code: number; readonly message?: string; readonly retryAfterSeconds?: number }
    | { readonly kind: 'reset' }
    | { readonly kind: 'stall' };
  times?: number;
}

export interface GitHubOptions {
  readonly repository?: string;
  readonly isPrivate?: boolean;
  readonly pulls?: GitHubState['pulls'];
  /** By login: `admin`, `maintain`, `write`, `triage`, `read`. */
  readonly roles?: Readonly<Record<string, string>>;
  /** `/api/v3` as on an Enterprise Server, or `''` as on github.com. */
  readonly basePath?: string;
}

export interface GitHub extends GitHubState {
  /** `GITHUB_API_URL`. */
  readonly url: string;
  readonly serverUrl: string;
  readonly token: string;
  readonly requests: GitHubRequest[];
  readonly faults: GitHubFault[];
  /** What did not fit GitHub's own description, in requests and in our answers. Must be empty. */
  readonly violations: string[];
  /** Somebody writes a comment in the browser: `at` is when. */
  say(comment: {
    readonly issue: number;
    readonly body: string;
    readonly author: string;
    readonly at?: number;
  }): Comment;
  stop(): Promise<void>;
}

interface Server {
  readonly state: GitHubState;
  readonly requests: GitHubRequest[];
  readonly faults: GitHubFault[];
  readonly violations: string[];
  readonly basePath: string;
  readonly token: string;
  readonly contract: () => Contract;
}

const DOCUMENTATION = 'https://docs.github.com/rest';

const send = (response: ServerResponse, { code, body, headers = {} }: Answer): void => {
  const limits = { 'x-ratelimit-limit': '1000', 'x-ratelimit-remaining': '900', 'x-ratelimit-used': '100' };
  response.writeHead(code, { 'content-type': 'application/json; charset=utf-8', ...limits, ...headers });
  response.end(code === 204 ? undefined : JSON.stringify(body));
};

const failure = (code: number, message: string, headers: Record<string, string> = {}): Answer => ({
  code,
  body: { message, documentation_url: DOCUMENTATION, status: String(code) },
  headers,
});

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? null : JSON.parse(text);
};

/** True when the fault has dealt with the request. */
const suffered = (server: Server, request: GitHubRequest, response: ServerResponse): boolean => {
  const fault = server.faults.find(({ matches, times }) => times !== 0 && (matches?.(request) ?? true));
  if (fault === undefined) return false;
  if (fault.times !== undefined) fault.times -= 1;
  const { answer } = fault;
  if (answer.kind === 'reset') response.destroy();
  if (answer.kind === 'status') {
    const { code, message = 'by order of the sandbox', retryAfterSeconds } = answer;
    send(
      response,
      failure(code, message, retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    );
  }
  return true;
};

const answerTo = (server: Server, entry: GitHubRequest, url: URL): Answer => {
  const route = findRoute(entry.method, url.pathname.slice(server.basePath.length));
  if (route === null) {
    server.violations.push(`${entry.method} ${entry.path} is not played`);
    return failure(404, 'Not Found');
  }
  const contract = server.contract();
  server.violations.push(...contract.request(route.template, entry.method, entry.body));
  const [owner, repository] = route.parameters;
  if (route.template !== '/user' && `${owner}/${repository}` !== server.state.repository)
    return failure(404, 'Not Found');
  const answer = route.handle({ state: server.state, contract, url, parameters: route.parameters, body: entry.body });
  if (answer.code !== 204)
    server.violations.push(...contract.answer(route.template, entry.method, answer.code, answer.body));
  return answer;
};

const serve = async (server: Server, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
  const entry: GitHubRequest = {
    at: Date.now(),
    method: request.method ?? 'GET',
    path: `${url.pathname.slice(server.basePath.length)}${url.search}`,
    body: await bodyOf(request),
    userAgent: request.headers['user-agent'] ?? '',
    code: 0,
  };
  server.requests.push(entry);
  response.on('close', () => {
    entry.code = response.headersSent ? response.statusCode : 0;
  });
  if (suffered(server, entry, response)) return;
  if (!url.pathname.startsWith(server.basePath)) return send(response, failure(404, 'Not Found'));
  const credentials = (request.headers.authorization ?? '').replace(/^(token|bearer) /i, '');
  if (credentials !== server.token) return send(response, failure(401, 'Bad credentials'));
  return send(response, answerTo(server, entry, url));
};

const lazily = <Value>(make: () => Value): (() => Value) => {
  const made: Value[] = [];
  return () => {
    if (made.length === 0) made.push(make());
    return made[0] as Value;
  };
};

/** The same for all: schemas are compiled once for a process. */
const contract = lazily(loadContract);

/** GitHub's REST API as far as a release uses it, held to @octokit/openapi, on 127.0.0.1. */
export const startGitHub = async (options: GitHubOptions = {}): Promise<GitHub> => {
  const state: GitHubState = {
    repository: options.repository ?? 'acme/checkout',
    isPrivate: options.isPrivate ?? false,
    pulls: options.pulls ?? [],
    comments: [],
    reactions: [],
    roles: { ...options.roles },
    statuses: [],
  };
  const token = 'ghs_sandbox0123456789abcdefghijklmnopqrstuv';
  const basePath = options.basePath ?? '/api/v3';
  const shared = { requests: [], faults: [], violations: [] };
  const server: Server = { state, ...shared, basePath, token, contract };
  const http = createServer((request, response) => {
    serve(server, request, response).catch((error: unknown) => send(response, failure(500, String(error))));
  });
  http.keepAliveTimeout = 180_000;
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const serverUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    ...state,
    ...shared,
    url: `${serverUrl}${basePath}`,
    serverUrl,
    token,
    say: (comment) => keepComment(state, comment),
    stop: async () => {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      http.closeAllConnections();
      await closed;
    },
  };
};
