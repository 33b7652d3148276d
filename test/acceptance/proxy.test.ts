import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Shop } from './shop.ts';
import { inShop } from './shop.ts';

interface Proxy {
  readonly url: string;
  /** `host:port`, as asked for. */
  readonly asked: string[];
}

/** A proxy of a company: it knows where prometheus.example:9090 is, and lets nobody to other places. */
const withProxy = async (shop: Shop, body: (proxy: Proxy) => Promise<void>): Promise<void> => {
  const asked: string[] = [];
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', ({ url = '' }: IncomingMessage, socket: Socket) => {
    asked.push(url);
    if (url !== 'prometheus.example:9090') return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const behind = connect(Number(new URL(shop.prometheus.url).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      behind.pipe(socket).pipe(behind);
    });
    behind.on('error', () => socket.destroy());
    socket.on('error', () => behind.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await body({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked });
  } finally {
    server.closeAllConnections();
    server.close();
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
        expect(new Set(asked)).toEqual(new Set(['prometheus.example:9090']));
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
        expect(new Set(asked)).toEqual(new Set(['prometheus.example:443']));
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
