import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Exposed, Labels } from '../counters.ts';
import { evaluate } from './promql.ts';
import type { Replica, ReplicaOptions } from './replicas.ts';
import { answering, createReplicas, scrapeInto } from './replicas.ts';
import type { Samples } from './samples.ts';
import { seriesKey } from './samples.ts';
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
  /** Two stores behind the one address; one when absent. */
  readonly replicas?: ReplicaOptions;
}

export interface Prometheus {
  readonly url: string;
  readonly faults: PrometheusFault[];
  readonly requests: MetricsRequest[];
  /** Of the first replica, where there are two. */
  readonly samples: Samples;
  readonly replicas: readonly Replica[];
  readonly scrapeIntervalMs: number;
  /** A series that every scrape finds from now on; null ends it. */
  set(labels: Labels, value: number | null): void;
  /** Without scrapes no sample is added, and what was found grows old. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

interface State {
  readonly replicas: readonly [Replica, ...Replica[]];
  /** The samples that the next query is answered from. */
  readonly samples: () => Samples;
  readonly faults: PrometheusFault[];
  readonly requests: MetricsRequest[];
  readonly extra: Map<string, Exposed>;
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
    const value = evaluate(parameters.get('query') ?? '', state.samples(), atMs);
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

const listen = async (server: Server): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** Each replica at its own moments. */
const startScrapes = (state: State, targets: Targets, intervalMs: number): ReadonlySet<NodeJS.Timeout> => {
  const timers = new Set<NodeJS.Timeout>();
  const scrape = (replica: Replica): void => {
    if (state.control.paused) return;
    scrapeInto(replica, new Map([...targets(), ['', [...state.extra.values()]] as const]), Date.now());
  };
  for (const replica of state.replicas) {
    const begin = (): void => void timers.add(setInterval(() => scrape(replica), intervalMs));
    if (replica.skewMs === 0) begin();
    else timers.add(setTimeout(begin, replica.skewMs));
  }
  return timers;
};

const createState = ({ replicas: asked, authorization }: PrometheusOptions): State => {
  const replicas = createReplicas(asked);
  const samples = answering(replicas, asked);
  const empty = { faults: [], requests: [], extra: new Map<string, Exposed>(), control: { paused: false } };
  return { ...empty, replicas, samples, authorization: authorization ?? null };
};

/** Prometheus' HTTP API over what it scrapes from the targets, on 127.0.0.1. */
export const startPrometheus = async (targets: Targets, options: PrometheusOptions = {}): Promise<Prometheus> => {
  const { scrapeIntervalMs = 1000 } = options;
  const state = createState(options);
  const server = createServer((request, response) => {
    serve(state, request, response).catch((error: unknown) => refuse(response, 500, 'internal', String(error)));
  });
  server.keepAliveTimeout = 180_000;
  const url = await listen(server);
  const timers = startScrapes(state, targets, scrapeIntervalMs);
  const { replicas, faults, requests, extra, control } = state;
  return {
    url,
    faults,
    requests,
    samples: replicas[0].samples,
    replicas,
    scrapeIntervalMs,
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
      for (const timer of timers) clearInterval(timer);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
};
