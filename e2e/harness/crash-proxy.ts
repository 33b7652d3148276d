import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { API_URL } from '../stack/settings.ts';
import { listAt, numberAt, textAt } from './json.ts';

/** One request that would change something in the cluster, but for mere renewals of the lock. */
export interface Write {
  /** `progressing/shift to 20 %`: what the last state that was saved says, this request's own included. */
  readonly stage: string;
  /** `PATCH httproutes/checkout`. */
  readonly request: string;
  /** How many of the same request came before, and how many of any. */
  readonly nth: number;
  readonly index: number;
  /** Epoch ms of its arrival. */
  readonly at: number;
}

/** Where something happens to a process: around one write, before the API server gets it or before its answer is passed on. */
export interface CrashPoint {
  /** The first write that it says yes to. */
  readonly isAt: (write: Write) => boolean;
  /** `later`: a second after the answer was passed on, in the quiet that follows. */
  readonly when: 'before' | 'after' | 'later';
}

export interface CrashProxy {
  /** In place of the API server's. */
  readonly url: string;
  readonly writes: readonly Write[];
  /** The write it died at, and when (epoch ms); undefined: the point was not reached. */
  struck(): { readonly write: Write; readonly at: number } | undefined;
  close(): void;
}

/** From the answer to a death in the quiet that follows. */
const LATER_MS = 1000;
const METHODS = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

const isQuestion = (url: string): boolean => url.includes('dryRun=All') || /selfsubject\w+reviews/.test(url);

/** A patch of the Lease that only says that its holder lives. */
const isRenewal = (url: string, body: unknown): boolean =>
  url.includes('/leases/') &&
  Array.isArray(body) &&
  body.every((operation) => textAt(operation, 'op') === 'test' || textAt(operation, 'path') === '/spec/renewTime');

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** The saved state in a request, if it is one that saves. */
const stateIn = (body: unknown): unknown => {
  const patched = listAt(body).find((operation) => textAt(operation, 'path') === '/data');
  const text = textAt(patched, 'value', 'state') || textAt(body, 'data', 'state');
  return text === '' ? null : parse(text);
};

/** `progressing/shift to 20 %`: the stage, and of a step which. */
const stageOf = (state: unknown): string => {
  const phase = textAt(state, 'phase');
  const weight = numberAt(state, 'plan', 'steps', numberAt(state, 'step'), 'weight') / 100;
  const step = phase === 'progressing' ? ` to ${weight} %` : '';
  return `${phase}/${textAt(state, 'stage', 'name')}${step}`;
};

/** `httproutes/checkout`, or the collection alone for what is created. */
const objectOf = (url: string): string => {
  const [path = ''] = url.split('?');
  const [, object = path] = /\/namespaces\/[^/]+\/(.+)$/.exec(path) ?? [];
  return object;
};

const readAll = async (incoming: http.IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

export type Fate = 'dead' | 'alive';

export interface CrashOptions {
  /** PEM, of the API server. */
  readonly certificate: string;
  /** null: only counts. */
  readonly point: CrashPoint | null;
  /** Called once, at the point. What was held goes on when this resolves, unless the process is dead. */
  readonly strike: (write: Write) => Fate | Promise<Fate>;
}

interface Incoming {
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  readonly body: Buffer;
}

/** Passes a request on and calls back with the whole answer of a write, or with its beginning of anything else. */
const forward = (agent: https.Agent, { request, response, body }: Incoming): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { method, url = '/', headers } = request;
    const upstream = https.request(new URL(url, API_URL), { method, agent, headers }, resolve);
    upstream.on('error', reject);
    response.once('close', () => response.writableFinished || upstream.destroy());
    upstream.end(body);
  });

const answer = (response: http.ServerResponse, from: http.IncomingMessage, body: Buffer | null): void => {
  response.writeHead(from.statusCode ?? 502, from.headers);
  if (body !== null) response.end(body);
  else from.on('error', () => response.destroy()).pipe(response);
};

/** What the proxy knows of one process. */
interface Book {
  readonly writes: Write[];
  stage: string;
  struck: { readonly write: Write; readonly at: number } | undefined;
  /** The point was met, even if nothing happened yet. */
  isOver: boolean;
  isDead: boolean;
}

const enter = (book: Book, incoming: http.IncomingMessage, body: unknown): Write => {
  const state = stateIn(body);
  if (state !== null) book.stage = stageOf(state);
  const request = `${incoming.method} ${objectOf(incoming.url ?? '')}`;
  const nth = book.writes.filter((earlier) => earlier.request === request).length;
  const write: Write = { stage: book.stage, request, nth, index: book.writes.length, at: Date.now() };
  book.writes.push(write);
  return write;
};

/** A proxy for one process, in front of the API server of the stack. */
export const startCrashProxy = async ({ certificate, point, strike }: CrashOptions): Promise<CrashProxy> => {
  const agent = new https.Agent({ keepAlive: true, ca: certificate });
  const book: Book = { writes: [], stage: 'before any state', struck: undefined, isOver: false, isDead: false };
  const hit = async (write: Write): Promise<Fate> => {
    book.struck = { write, at: Date.now() };
    const fate = await strike(write);
    if (fate === 'dead') {
      book.isDead = true;
      server.closeAllConnections();
    }
    return fate;
  };
  const passWrite = async (incoming: Incoming, write: Write): Promise<void> => {
    const here = book.isOver || !point?.isAt(write) ? undefined : point.when;
    book.isOver ||= here !== undefined;
    if (here === 'before' && (await hit(write)) === 'dead') return;
    const from = await forward(agent, incoming);
    const body = await readAll(from);
    if (here === 'after' && (await hit(write)) === 'dead') return;
    answer(incoming.response, from, body);
    if (here === 'later') setTimeout(hit, LATER_MS, write);
  };
  const pass = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const body = await readAll(request);
    if (book.isDead) return void request.destroy();
    const { method = '', url = '' } = request;
    const incoming = { request, response, body };
    const content = METHODS.has(method) && !isQuestion(url) ? parse(body.toString()) : null;
    const counts = content !== null && !isRenewal(url, content);
    if (counts) return passWrite(incoming, enter(book, request, content));
    answer(response, await forward(agent, incoming), null);
  };
  const server = http.createServer((request, response) => {
    pass(request, response).catch(() => request.destroy());
  });
  server.keepAliveTimeout = 120_000; // Longer than the client keeps a connection, which else might be closed under a request.
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    writes: book.writes,
    struck: () => book.struck,
    close: () => {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
};
