import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { startServer } from '../net/server.ts';
import { connected, kubeconfigFor } from './kubeconfig.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const { signal } = new AbortController();
const POD = { namespace: 'shop', name: 'checkout-abc-1', port: 9102, scheme: 'http' } as const;

const serve = async (handle: (response: ServerResponse) => void) => {
  const server = await startServer((_request, response) => handle(response));
  closing.push(server.close);
  const kinds: string[] = [];
  const cluster = connected({ kubeconfig: kubeconfigFor(server.origin), onRequest: (kind) => kinds.push(kind) });
  return { cluster, requests: server.requests, kinds };
};

const status = (code: number, message: string): string =>
  JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code });

describe('the pod proxy', () => {
  test('gives what the pod answers, at its port and path', async () => {
    const { cluster, requests, kinds } = await serve((response) => response.end('up 1\n'));

    expect(await cluster.podProxy(POD, '/metrics?a=b', signal)).toMatchObject({
      kind: 'ok',
      value: { status: 200, body: 'up 1\n' },
    });
    expect(requests).toMatchObject([
      {
        line: 'GET /api/v1/namespaces/shop/pods/checkout-abc-1:9102/proxy/metrics?a=b',
        headers: { accept: 'text/plain;version=0.0.4;q=1,*/*;q=0.1' },
      },
    ]);
    expect(kinds).toEqual(['proxied']);
  });

  test('speaks TLS to a pod that wants it', async () => {
    const { cluster, requests } = await serve((response) => response.end());
    await cluster.podProxy({ ...POD, scheme: 'https' }, '/metrics', signal);

    expect(requests[0]?.line).toBe('GET /api/v1/namespaces/shop/pods/https:checkout-abc-1:9102/proxy/metrics');
  });

  test.each([
    '/../../../secrets/token',
    '/%2e%2e/x',
    '/a/%2E./b',
    '/a%2f..',
    '/a\\..\\..',
    'metrics',
    '',
    '/a b',
    '/a\n',
  ])('never sends the path %j, which could leave the pod', async (path) => {
    const { cluster, requests } = await serve((response) => response.end());

    expect(await cluster.podProxy(POD, path, signal)).toMatchObject({ kind: 'invalid' });
    expect(requests).toEqual([]);
  });

  test("gives a pod's own errors as answers, and is tried once", async () => {
    const { cluster, requests } = await serve((response) => response.writeHead(500).end('broken'));

    expect(await cluster.podProxy(POD, '/metrics', signal)).toMatchObject({ kind: 'ok', value: { status: 500 } });
    expect(requests).toHaveLength(1);
  });

  test.each<[number, string, string]>([
    [403, 'pods "checkout-abc-1:9102" is forbidden', 'forbidden'],
    [503, 'error trying to reach service: connection refused', 'unreachable'],
    [404, 'pods "checkout-abc-1" not found', 'missing'],
  ])('tells %i of the API server from an answer', async (code, message, kind) => {
    const { cluster, requests } = await serve((response) => response.writeHead(code).end(status(code, message)));

    expect(await cluster.podProxy(POD, '/metrics', signal)).toEqual({ kind, message });
    expect(requests).toHaveLength(1);
  });

  test('takes 2 MiB at most', async () => {
    const { cluster, requests } = await serve((response) => response.end('x'.repeat(2 * 1024 * 1024 + 1)));

    expect(await cluster.podProxy(POD, '/metrics', signal)).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('larger than 2 MiB'),
    });
    expect(requests).toHaveLength(1);
  });

  test('is given up with its signal', async () => {
    const controller = new AbortController();
    const { cluster } = await serve(() => controller.abort());

    expect(await cluster.podProxy(POD, '/metrics', controller.signal)).toMatchObject({ kind: 'unreachable' });
  });
});
