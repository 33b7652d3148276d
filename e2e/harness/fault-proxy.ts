import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** One request as the proxy got it, with its whole body. */
export interface ProxiedRequest {
  readonly at: number;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export type Fault =
  /** The connection is closed before anything was sent on. */
  | { readonly kind: 'reset' }
  /** The request is carried out, the connection closed instead of an answer. */
  | { readonly kind: 'lose-answer' }
  /** Sent on after `ms`. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Not carried out: silence for `ms`, then the connection is closed. */
  | { readonly kind: 'stall'; readonly ms: number }
  /** Not carried out: this answer instead. */
  | {
      readonly kind: 'status';
      readonly code: number;
      readonly body: string;
      readonly contentType?: string;
      readonly retryAfterSeconds?: number;
    }
  /** Carried out; half of the answer's body, and the connection is closed. */
  | { readonly kind: 'truncate' }
  /** Carried out; the answer's body as `rewrite` makes it. */
  | { readonly kind: 'rewrite'; readonly rewrite: (body: string, request: ProxiedRequest) => string };

/** When a fault acts: every condition given has to hold. Without any it always does. */
export interface Rule {
  /** For the log. */
  readonly name: string;
  readonly methods?: readonly string[];
  readonly path?: RegExp;
  readonly matches?: (request: ProxiedRequest) => boolean;
  /** Only the n-th request that meets the other conditions, from 1. */
  readonly nth?: number;
  /** Epoch ms. */
  readonly from?: number;
  readonly until?: number;
  /** For so long from the first request that it hits. */
  readonly forMs?: number;
  /** While it holds. */
  readonly when?: () => boolean;
  readonly fault: Fault;
}

/** A fault that acted. */
export interface Acted {
  readonly at: number;
  readonly rule: string;
  readonly method: string;
  readonly path: string;
}

export interface FaultProxyOptions {
  /** `http://` or `https://`, without a path. */
  readonly upstream: string;
  /** PEM, of an upstream with TLS. */
  readonly upstreamCa?: string;
  /** PEM, of what the proxy's clients see; without it they speak plain HTTP. */
  readonly tls?: { readonly key: string; readonly certificate: string };
  /** Called for each request, before the rules are asked. */
  readonly onRequest?: (request: ProxiedRequest) => void;
}

export interface FaultProxy {
  readonly url: string;
  /** The first one that holds acts. They may be changed at any time. */
  readonly rules: Rule[];
  readonly log: readonly Acted[];
  /** Nobody listens any more and every connection is cut, streams too, until `up`. */
  down(): void;
  up(): Promise<void>;
  stop(): void;
}

interface State {
  readonly options: FaultProxyOptions;
  readonly agent: http.Agent;
  readonly rules: Rule[];
  readonly log: Acted[];
  /** How often a rule with `nth` was met. */
  readonly met: Map<Rule, number>;
  /** When a rule with `forMs` was met first. */
  readonly first: Map<Rule, number>;
}

const readAll = async (stream: AsyncIterable<Buffer>): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const holds = (rule: Rule, request: ProxiedRequest): boolean =>
  (rule.methods?.includes(request.method) ?? true) &&
  (rule.path?.test(request.path) ?? true) &&
  request.at >= (rule.from ?? 0) &&
  request.at < (rule.until ?? Number.POSITIVE_INFINITY) &&
  (rule.when?.() ?? true) &&
  (rule.matches?.(request) ?? true);

const isOver = ({ first }: State, rule: Rule, at: number): boolean => {
  if (rule.forMs === undefined) return false;
  const since = first.get(rule) ?? at;
  first.set(rule, since);
  return at - since >= rule.forMs;
};

const ruleFor = (state: State, request: ProxiedRequest): Rule | null => {
  const { rules, met } = state;
  for (const rule of rules) {
    if (!holds(rule, request) || isOver(state, rule, request.at)) continue;
    if (rule.nth === undefined) return rule;
    const count = (met.get(rule) ?? 0) + 1;
    met.set(rule, count);
    if (count === rule.nth) return rule;
  }
  return null;
};

/** The upstream's answer, its body still to be read. Its fate is the client's: who leaves ends both. */
const forward = (
  { options, agent }: State,
  request: ProxiedRequest,
  response: http.ServerResponse,
): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { 'accept-encoding': _encoding, ...headers } = request.headers; // Bodies are rewritten as text.
    const ask = options.upstream.startsWith('https:') ? https.request : http.request;
    const tls = options.upstreamCa === undefined ? {} : { ca: options.upstreamCa };
    const sent = ask(
      new URL(request.path, options.upstream),
      { method: request.method, headers, agent, ...tls },
      resolve,
    );
    sent.on('error', reject);
    response.on('close', () => sent.destroy());
    sent.end(request.body === '' ? undefined : request.body);
  });

const pass = async (state: State, request: ProxiedRequest, response: http.ServerResponse): Promise<void> => {
  const answer = await forward(state, request, response);
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  response.flushHeaders(); // Of a watch nothing else may come for minutes.
  answer.on('error', () => response.destroy());
  answer.pipe(response);
};

const passWhole = async (
  state: State,
  request: ProxiedRequest,
  response: http.ServerResponse,
  rewrite: (body: string, request: ProxiedRequest) => string,
): Promise<void> => {
  const answer = await forward(state, request, response);
  const body = rewrite((await readAll(answer)).toString('utf8'), request);
  const { 'content-length': _length, 'transfer-encoding': _encoding, ...headers } = answer.headers;
  response.writeHead(answer.statusCode ?? 502, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
};

const truncate = async (state: State, request: ProxiedRequest, response: http.ServerResponse): Promise<void> => {
  const answer = await forward(state, request, response);
  const body = await readAll(answer);
  response.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'content-length': body.length + 1 });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
};

const sleep = (ms: number, response: http.ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    response.on('close', () => clearTimeout(timer));
  });

const suffer = async (
  state: State,
  fault: Fault,
  request: ProxiedRequest,
  response: http.ServerResponse,
): Promise<void> => {
  switch (fault.kind) {
    case 'reset':
      return void response.destroy();
    case 'lose-answer':
      await readAll(await forward(state, request, response));
      return void response.destroy();
    case 'delay':
      await sleep(fault.ms, response);
      return pass(state, request, response);
    case 'stall':
      await sleep(fault.ms, response);
      return void response.destroy();
    case 'status': {
      const { code, body, contentType = 'application/json', retryAfterSeconds } = fault;
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      response.writeHead(code, { 'content-type': contentType, ...headers });
      return void response.end(body);
    }
    case 'truncate':
      return truncate(state, request, response);
    case 'rewrite':
      return passWhole(state, request, response, fault.rewrite);
  }
};

const serve = async (state: State, incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
  const { method = 'GET', url: path = '/', headers } = incoming;
  const body = (await readAll(incoming)).toString('utf8');
  const request: ProxiedRequest = { at: Date.now(), method, path, headers, body };
  state.options.onRequest?.(request);
  const rule = ruleFor(state, request);
  if (rule === null) return pass(state, request, response);
  state.log.push({ at: request.at, rule: rule.name, method, path });
  return suffer(state, rule.fault, request, response);
};

const listen = (server: http.Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });

/** A reverse proxy on 127.0.0.1 that does what its rules say; everything else passes, streams and credentials too. */
export const startFaultProxy = async (options: FaultProxyOptions): Promise<FaultProxy> => {
  const agent = options.upstream.startsWith('https:')
    ? new https.Agent({ keepAlive: true })
    : new http.Agent({ keepAlive: true });
  const state: State = { options, agent, rules: [], log: [], met: new Map(), first: new Map() };
  const onRequest = (incoming: http.IncomingMessage, response: http.ServerResponse): void => {
    serve(state, incoming, response).catch(() => response.destroy()); // The upstream is gone, or the client is.
  };
  const { tls } = options;
  const server =
    tls === undefined
      ? http.createServer(onRequest)
      : https.createServer({ key: tls.key, cert: tls.certificate }, onRequest);
  server.keepAliveTimeout = 180_000; // As real servers: a client that was slow must not find its connection closed.
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket)).on('error', () => socket.destroy());
  });
  const port = await listen(server, 0);
  const down = (): void => {
    server.close();
    for (const socket of connections) socket.destroy();
  };
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    rules: state.rules,
    log: state.log,
    down,
    up: async () => {
      if (!server.listening) await listen(server, port);
    },
    stop: () => {
      down();
      agent.destroy();
    },
  };
};
