import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

export interface TestServer {
  readonly origin: string;
  readonly port: number;
  /** `GET /path` of every request, in order. */
  readonly requests: readonly {
    readonly line: string;
    readonly headers: IncomingMessage['headers'];
    readonly body: string;
  }[];
  close(): Promise<void>;
}

/** Answers on a free port of this machine. `handle` may also not answer at all. */
export const startServer = async (
  handle: (request: IncomingMessage & { readonly text: string }, response: ServerResponse) => void,
): Promise<TestServer> => {
  const requests: { line: string; headers: IncomingMessage['headers']; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    requests.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: text });
    handle(Object.assign(request, { text }), response);
  });
  return { ...(await listen(server)), requests };
};

export interface TestProxy {
  readonly origin: string;
  readonly port: number;
  /** `host:port` of every CONNECT. */
  readonly tunnels: readonly string[];
  readonly authorizations: readonly (string | undefined)[];
  close(): Promise<void>;
}

/** A CONNECT proxy that knows one address behind every name. */
export const startProxy = async (targetPort: number): Promise<TestProxy> => {
  const tunnels: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request, client) => {
    tunnels.push(request.url ?? '');
    authorizations.push(request.headers['proxy-authorization']);
    const upstream = connect(targetPort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
  });
  return { ...(await listen(server)), tunnels, authorizations };
};

const listen = async (server: Server): Promise<{ origin: string; port: number; close: () => Promise<void> }> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { origin: `http://127.0.0.1:${port}`, port, close };
};
