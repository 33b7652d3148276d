import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Shop } from './shop.ts';
import { inShop } from './shop.ts';

interface Proxy {
  readonly url: string;
  /** `GET http://host:port` and `CONNECT host:port`. */
  readonly asked: string[];
}

/** A proxy of a company: it knows where prometheus.example is, and tunnels nothing. */
const withProxy = async (shop: Shop, body: (proxy: Proxy) => Promise<void>): Promise<void> => {
  const asked: string[] = [];
  const forward = (incoming: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(incoming.url ?? '');
    asked.push(`${incoming.method} ${url.origin}`);
    const behind = new URL(`${url.pathname}${url.search}`, shop.prometheus.url);
    const { method, headers } = incoming;
    const forwarded = request(behind, { method: method ?? 'GET', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    incoming.pipe(forwarded);
  };
  const server = createServer(forward).on('connect', (incoming, socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await body({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
};

const METRICS = { command: 'plan', metrics: ERRORS_METRIC };

describe.concurrent('a proxy', () => {
  test(
    'is used for the metrics store, and not for the cluster beside us',
    inShop({ rps: 100 }, (shop) =>
      withProxy(shop, async ({ url, asked }) => {
        const release = await shop.release(
          { ...METRICS, prometheus: 'http://prometheus.example:9090' },
          { env: { HTTP_PROXY: url, HTTPS_PROXY: url } },
        );

        expect(release.outputs, release.stdout).toMatchObject({ status: 'planned' });
        expect(new Set(asked)).toEqual(new Set(['GET http://prometheus.example:9090']));
      }),
    ),
  );

  test(
    'tunnels what is encrypted; when it does not, the metrics store is not reached',
    inShop({}, (shop) =>
      withProxy(shop, async ({ url, asked }) => {
        const release = await shop.release(
          { ...METRICS, prometheus: 'https://prometheus.example' },
          { env: { HTTPS_PROXY: url } },
        );

        expect(release.outputs).toMatchObject({ status: 'rejected', 'reason-code': 'metrics-unreachable' });
        expect(new Set(asked)).toEqual(new Set(['CONNECT prometheus.example:443']));
      }),
    ),
  );

  test(
    'is left alone for what NO_PROXY names',
    inShop({}, (shop) =>
      withProxy(shop, async ({ url, asked }) => {
        const release = await shop.release(
          { ...METRICS, prometheus: 'http://prometheus.invalid:9090' },
          { env: { HTTP_PROXY: url, NO_PROXY: 'intern.example, .invalid' } },
        );

        expect(release.outputs).toMatchObject({ status: 'rejected', 'reason-code': 'metrics-unreachable' });
        expect(asked).toEqual([]);
      }),
    ),
  );
});
