import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Exposed, Labels } from '../counters.ts';
import { evaluate } from './promql.ts';
import type { Samples } from './samples.ts';
import { append, seriesKey } from './samples.ts';
import type { Value } from './values.ts';
import { ExecutionError, ParseError } from './values.ts';

export interface PrometheusFault {
  /** Without it every query. */
  readonly matches?: (query: string) => boolean;
  readonly answer:
    | { readonly kind: 'status'; readonly code: number; readonly retryAfterSeconds?: number }
    | { readonly kind: 'stall' }
    | { readonly kind: 'broken-json' }
    | { readonly kind: 'reset' }
    | { readonly kind: 'redirect'; readonly location: string }
    | { readonly kind: 'result'; readonly data: object };
  times?: number;
}

export interface MetricsRequest {
  readonly at: number;
  readonly path: string;
  readonly query: string;
  readonly time: number | null;
  readonly headers: IncomingMessage['headers'];
}

/** What a scrape finds: one list per target, with a name that stays while the target lives. */
export type Targets = () => ReadonlyMap<string, readonly Exposed[]>;

export interface PrometheusOptions {
  readonly scrapeIntervalMs?: number;
  /** What a client must send, whole: `Bearer TOKEN` or `Basic BASE64`. */
  readonly authorization?: string;
}

export interface Prometheus {
  readonly url: string;
  readonly faults: PrometheusFault[];
  readonly requests: MetricsRequest[];
  readonly samples: Samples;
  /** A series that every scrape finds from now on; null ends it. */
  set(labels: Labels, value: number | null): void;
  /** Without scrapes no sample is added, and what was found grows old. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

interface State {
  readonly samples: Samples;
  readonly faults: PrometheusFault[];
  readonly requests: MetricsRequest[];
  readonly extra: Map<string, Exposed>;
  /** Series of the last scrape, by target. */
  readonly seen: Map<string, readonly Exposed[]>;
  readonly control: { paused: boolean };
  readonly authorization: string | null;
}

const goNumber = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);

const dataOf = (value: Value, atMs: number): object => {
  const at = atMs / 1000;
  switch (value.kind) {
    case 'scalar':
      return { resultType: 'scalar', result: [at, goNumber(value.value)] };
    case 'string':
      return { resultType: 'string', result: [at, value.value] };
    case 'vector':
      return {
        resultType: 'vector',
        result: value.samples.map((sample) => ({ metric: sample.labels, value: [at, goNumber(sample.value)] })),
      };
    case 'matrix':
      return {
        resultType: 'matrix',
        result: value.series.map(({ labels, points }) => ({
          metric: labels,
          values: points.map(([pointMs, number]) => [pointMs / 1000, goNumber(number)]),
        })),
      };
  }
};

const json = (response: ServerResponse, code: number, body: object): ServerResponse => {
  response.writeHead(code, { 'content-type': 'application/json' });
  return response.end(JSON.stringify(body));
};

const refuse = (response: ServerResponse, code: number, errorType: string, error: string): ServerResponse =>
  json(response, code, { status: 'error', errorType, error });

const text = (response: ServerResponse, code: number, body: string, headers = {}): ServerResponse => {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', ...headers });
  return response.end(body);
};

/** Unix seconds or RFC 3339; NaN for neither. */
const timeOf = (given: string | null): number => {
  if (given === null || given === '') return Date.now();
  return /^[\d.]+$/.test(given) ? Number(given) * 1000 : Date.parse(given);
};

const answerQuery = (state: State, parameters: URLSearchParams, response: ServerResponse): ServerResponse => {
  const atMs = timeOf(parameters.get('time'));
  if (Number.isNaN(atMs))
    return refuse(
      response,
      400,
      'bad_data',
      `invalid parameter "time": Invalid time value for 'time': cannot parse "${parameters.get('time')}" to a valid timestamp`,
    );
  try {
    const value = evaluate(parameters.get('query') ?? '', state.samples, atMs);
    return json(response, 200, { status: 'success', data: dataOf(value, atMs) });
  } catch (error) {
    if (error instanceof ParseError)
      return refuse(response, 400, 'bad_data', `invalid parameter "query": ${error.message}`);
    if (error instanceof ExecutionError) return refuse(response, 422, 'execution', error.message);
    throw error;
  }
};

const suffer = (fault: PrometheusFault['answer'], response: ServerResponse): ServerResponse => {
  switch (fault.kind) {
    case 'status': {
      const { code, retryAfterSeconds } = fault;
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      return text(response, code, `${code} by order of the sandbox\n`, headers);
    }
    case 'broken-json':
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end('{"status":"success","data":{"resultType":"vec');
    case 'reset':
      return response.destroy();
    case 'redirect':
      return text(response, 302, '', { location: fault.location });
    case 'result':
      return json(response, 200, { status: 'success', data: fault.data });
    case 'stall':
      return response;
  }
};

const faultFor = (state: State, query: string): PrometheusFault['answer'] | null => {
  const fault = state.faults.find(({ matches, times }) => times !== 0 && (matches?.(query) ?? true));
  if (fault === undefined) return null;
  if (fault.times !== undefined) fault.times -= 1;
  return fault.answer;
};

const parametersOf = async (request: IncomingMessage, url: URL): Promise<URLSearchParams> => {
  if (request.method !== 'POST') return url.searchParams;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams([...url.searchParams, ...new URLSearchParams(Buffer.concat(chunks).toString('utf8'))]);
};

const serve = async (state: State, request: IncomingMessage, response: ServerResponse): Promise<ServerResponse> => {
  const url = new URL(request.url ?? '/', 'http://prometheus');
  const parameters = await parametersOf(request, url);
  const query = parameters.get('query') ?? '';
  const time = parameters.get('time') === null ? null : timeOf(parameters.get('time'));
  state.requests.push({ at: Date.now(), path: url.pathname, query, time, headers: request.headers });
  if (state.authorization !== null && request.headers.authorization !== state.authorization)
    return text(response, 401, 'Unauthorized\n', { 'www-authenticate': 'Basic' });
  if (url.pathname === '/-/ready') return text(response, 200, 'Prometheus Server is Ready.\n');
  if (url.pathname === '/-/healthy') return text(response, 200, 'Prometheus Server is Healthy.\n');
  if (url.pathname !== '/api/v1/query') return text(response, 404, '404 page not found\n');
  const fault = faultFor(state, query);
  return fault === null ? answerQuery(state, parameters, response) : suffer(fault, response);
};

/** One round: values of what is there, an end mark for what was there before. */
const scrape = (state: State, targets: Targets): void => {
  if (state.control.paused) return;
  const now = Date.now();
  const found = new Map([...targets(), ['', [...state.extra.values()]] as const]);
  for (const exposed of found.values()) {
    for (const { labels, value } of exposed) append(state.samples, labels, now, value);
  }
  for (const [target, exposed] of state.seen) {
    const still = new Set((found.get(target) ?? []).map(({ labels }) => seriesKey(labels)));
    for (const { labels } of exposed) if (!still.has(seriesKey(labels))) append(state.samples, labels, now, null);
  }
  state.seen.clear();
  for (const [target, exposed] of found) state.seen.set(target, exposed);
};

const listen = async (server: Server): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** Prometheus' HTTP API over what it scrapes from the targets, on 127.0.0.1. */
export const startPrometheus = async (targets: Targets, options: PrometheusOptions = {}): Promise<Prometheus> => {
  const state: State = {
    samples: new Map(),
    faults: [],
    requests: [],
    extra: new Map(),
    seen: new Map(),
    control: { paused: false },
    authorization: options.authorization ?? null,
  };
  const server = createServer((request, response) => {
    serve(state, request, response).catch((error: unknown) => refuse(response, 500, 'internal', String(error)));
  });
  server.keepAliveTimeout = 180_000;
  const url = await listen(server);
  const timer = setInterval(() => scrape(state, targets), options.scrapeIntervalMs ?? 1000);
  const { samples, faults, requests, extra, control } = state;
  return {
    url,
    faults,
    requests,
    samples,
    set: (labels, value) => {
      if (value === null) extra.delete(seriesKey(labels));
      else extra.set(seriesKey(labels), { labels, value });
    },
    pause: () => {
      control.paused = true;
    },
    resume: () => {
      control.paused = false;
    },
    stop: async () => {
      clearInterval(timer);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
};
