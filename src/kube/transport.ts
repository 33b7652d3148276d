import { type IncomingMessage, request as requestHttp } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import { retryAfterMs } from '../core/retry-after.ts';
import { CredentialError } from './credentials.ts';
import type { LoadedKubeconfig } from './kubeconfig.ts';

/** Above every answer that makes sense: a page of 500 objects of 1 MiB would be larger, and none is. */
const LARGEST_BODY_BYTES = 64 * 1024 * 1024;
/** Below the idle limits of API servers and load balancers, so that no request is sent on a connection about to close. */
const IDLE_CONNECTION_MS = 20_000;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With the query. */
  readonly path: string;
  readonly contentType: string | null;
  readonly body: string | null;
  readonly accept: string;
  /** It changes nothing though it is no GET: a question that is posted. */
  readonly isQuestion?: true;
  /** Not tried again: the next one comes soon anyway. */
  readonly isOnce?: true;
  readonly largestBytes?: number;
}

export const get = (path: string, accept = 'application/json'): Call => ({
  method: 'GET',
  path,
  contentType: null,
  body: null,
  accept,
});

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly retryAfterMs: number | null;
}

/** No answer came; the message holds no credentials. */
export class TransportError extends Error {
  /** Whether trying again can help. */
  readonly transient: boolean;
  constructor(message: string, transient: boolean) {
    super(message);
    this.name = 'TransportError';
    this.transient = transient;
  }
}

/** One request over client-node's TLS, authentication and proxy settings. Throws a TransportError when no answer came. */
export const exchange = async (
  loaded: LoadedKubeconfig,
  call: Call,
  userAgent: string,
  signal: AbortSignal,
): Promise<Answer> => {
  const response = await open(loaded, call, userAgent, signal);
  try {
    const body = await textOf(response, call.largestBytes ?? LARGEST_BODY_BYTES);
    const retryAfter = response.headers['retry-after'] ?? null;
    return { status: response.statusCode ?? 0, body, retryAfterMs: retryAfterMs(retryAfter, Date.now()) };
  } catch (error) {
    throw asTransportError(error, signal);
  }
};

/** As `exchange`, with the body still to be read: for watches. */
export const open = async (
  loaded: LoadedKubeconfig,
  call: Call,
  userAgent: string,
  signal: AbortSignal,
): Promise<IncomingMessage> => {
  try {
    const options = await optionsFor(loaded, call, userAgent, signal);
    const url = new URL(loaded.server + call.path);
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, resolve);
      request.on('error', reject);
      request.end(call.body ?? undefined);
    });
  } catch (error) {
    throw asTransportError(error, signal);
  }
};

const optionsFor = async (
  loaded: LoadedKubeconfig,
  call: Call,
  userAgent: string,
  signal: AbortSignal,
): Promise<RequestOptions> => {
  // `timeout` is for idle connections: it only marks an active request, whose deadline is the signal.
  const options: RequestOptions = { timeout: IDLE_CONNECTION_MS };
  await loaded.config.applyToHTTPSOptions(options);
  signal.throwIfAborted();
  // client-node makes one agent per configuration, but closes each connection after a request.
  if (typeof options.agent === 'object') Object.assign(options.agent, { keepAlive: true });
  const body = call.body === null ? {} : { 'Content-Length': String(Buffer.byteLength(call.body)) };
  const type = call.contentType === null ? {} : { 'Content-Type': call.contentType };
  const headers = { ...options.headers, Accept: call.accept, 'User-Agent': userAgent, ...type, ...body };
  return { ...options, method: call.method, headers, signal };
};

const textOf = async (response: IncomingMessage, largestBytes: number): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > largestBytes)
      throw new TransportError(`the answer is larger than ${largestBytes / 1024 / 1024} MiB`, false);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const asTransportError = (error: unknown, signal: AbortSignal): TransportError => {
  if (error instanceof TransportError) return error;
  if (error instanceof CredentialError) return new TransportError(error.message, false);
  if (signal.aborted) {
    const isDeadline = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
    return new TransportError(isDeadline ? 'no answer in time' : 'the call was given up', isDeadline);
  }
  if (!(error instanceof Error)) return new TransportError('the connection failed', true);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/CERT|SIGNATURE/.test(code)) return new TransportError(`its certificate is not trusted (${code})`, false);
  if (code === 'ENOENT') return new TransportError('a file that the kubeconfig names cannot be read', false);
  if (error.message.startsWith('Bad response: ')) {
    return new TransportError(`the proxy refused to connect (${error.message.slice(14)})`, false);
  }
  return new TransportError(error.message || code || 'the connection failed', true);
};
