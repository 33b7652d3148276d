import http from 'node:http';
import http2 from 'node:http2';

export interface Reply {
  readonly version: string;
  readonly code: number;
}

/** Sends one request. Rejects when no whole answer came. */
export interface Sender {
  send(): Promise<Reply>;
  close(): void;
}

export interface Where {
  readonly url: string;
  readonly host: string;
  /** A proxy repeats a GET on its own when a connection breaks, a POST never. */
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly connections?: number;
}

const timedOut = (): Error => Object.assign(new Error('timeout'), { code: 'TIMEOUT' });

export const createHttpSender = (where: Where): Sender => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: where.connections ?? 2000, scheduling: 'lifo' });
  const options: http.RequestOptions = {
    agent,
    method: where.method ?? 'GET',
    path: where.path ?? '/',
    headers: { ...where.headers, host: where.host },
    timeout: where.timeoutMs ?? 10_000,
  };
  const send = (): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const request = http.request(where.url, options, (response) => {
        response.resume();
        response.on('error', reject);
        response.on('end', () =>
          resolve({ version: String(response.headers['x-version'] ?? 'none'), code: response.statusCode ?? 0 }),
        );
      });
      request.on('timeout', () => request.destroy(timedOut()));
      request.on('error', reject);
      request.end();
    });
  return { send, close: () => agent.destroy() };
};

const callOn = (
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  timeoutMs: number,
): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const stream = session.request(headers);
    let version = 'none';
    let status: string | undefined;
    stream.setTimeout(timeoutMs, () => stream.destroy(timedOut()));
    stream.on('response', (head) => {
      version = String(head['x-version'] ?? 'none');
      status = head['grpc-status'] === undefined ? undefined : String(head['grpc-status']); // A trailers-only answer.
    });
    stream.on('trailers', (trailers) => {
      status = String(trailers['grpc-status']);
    });
    stream.on('error', reject);
    stream.on('close', () => {
      if (status === undefined) reject(Object.assign(new Error('no status'), { code: 'NO_GRPC_STATUS' }));
      else resolve({ version, code: status === '0' ? 200 : 500 });
    });
    stream.resume();
    stream.end(Buffer.alloc(5)); // An uncompressed message of no bytes.
  });

/** Calls by gRPC's own framing over HTTP/2 with prior knowledge, on a few long connections as gRPC clients have. */
export const createGrpcSender = (where: Where): Sender => {
  const sessions: (http2.ClientHttp2Session | undefined)[] = Array.from({ length: where.connections ?? 4 });
  let turn = 0;
  const session = (): http2.ClientHttp2Session => {
    turn = (turn + 1) % sessions.length;
    const open = sessions[turn];
    if (open && !open.closed && !open.destroyed) return open;
    const fresh = http2.connect(where.url);
    fresh.on('error', () => {}); // Its streams report it.
    sessions[turn] = fresh;
    return fresh;
  };
  const headers = {
    ...where.headers,
    ':method': 'POST',
    ':path': where.path ?? '/shop.Checkout/Pay',
    ':scheme': 'http',
    ':authority': where.host,
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  const timeoutMs = where.timeoutMs ?? 10_000;
  return {
    send: () => callOn(session(), headers, timeoutMs),
    close: () => sessions.forEach((open) => void open?.close()),
  };
};
