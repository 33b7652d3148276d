import { afterEach, expect, test } from 'vitest';
import { createHttp } from '../../src/net/http.ts';
import { startServer } from './server.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const OPTIONS = { headers: [], ca: null, timeoutMs: 2_000, signal: new AbortController().signal };

const answering = async (status: number, body: string) => {
  const server = await startServer((_request, response) => response.writeHead(status).end(body));
  closing.push(server.close);
  return server;
};

test('an answer may have a limit of its own', async () => {
  const { origin } = await answering(200, 'x'.repeat(1024 * 1024 + 1));
  const http = createHttp({ environment: {} });

  expect(await http.get(origin, { ...OPTIONS, largestBytes: 1024 * 1024 })).toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('larger than 1 MiB'),
  });
  expect(await http.get(origin, OPTIONS)).toMatchObject({ kind: 'answer', status: 200 });
});

test('a call may be one that is not tried again', async () => {
  const { origin, requests } = await answering(503, 'no');
  const http = createHttp({ environment: {} });

  expect(await http.get(origin, { ...OPTIONS, retries: 0 })).toMatchObject({ kind: 'answer', status: 503 });
  expect(requests).toHaveLength(1);
});
