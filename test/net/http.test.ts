import type { LookupFunction } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttp } from '../../src/net/http.ts';
import { isRefusedAddress, isRefusedHost } from '../../src/net/refused-address.ts';
import type { HttpOptions } from '../../src/ports/http.ts';
import { startProxy, startServer } from './server.ts';

const SECRET = 'Bearer s3cr3t-t0k3n';
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const serve = async (...args: Parameters<typeof startServer>) => {
  const server = await startServer(...args);
  closing.push(server.close);
  return server;
};

const options = (changes: Partial<HttpOptions> = {}): HttpOptions => ({
  headers: [['Authorization', SECRET]],
  ca: null,
  timeoutMs: 5_000,
  signal: new AbortController().signal,
  ...changes,
});

describe('a GET', () => {
  test('sends the headers and gives status and body', async () => {
    const server = await serve((_request, response) => response.writeHead(418).end('tea'));

    const answer = await createHttp({ environment: {} }).get(`${server.origin}/x?y=1`, options());

    expect(answer).toEqual({ kind: 'answer', status: 418, body: 'tea', retryAfterMs: null });
    expect(server.requests[0]).toMatchObject({ line: 'GET /x?y=1', headers: { authorization: SECRET } });
  });

  test('turns user and password of the URL into a Basic header', async () => {
    const server = await serve((_request, response) => response.end('ok'));

    await createHttp({ environment: {} }).get(
      `http://us%20er:p%40ss@127.0.0.1:${server.port}/`,
      options({ headers: [] }),
    );

    const expected = `Basic ${Buffer.from('us er:p@ss').toString('base64')}`;
    expect(server.requests[0]?.headers.authorization).toBe(expected);
  });

  test('does not follow a redirect, and drops its body', async () => {
    const server = await serve((_request, response) => response.writeHead(302, { location: '/stolen' }).end('moved'));

    const answer = await createHttp({ environment: {} }).get(server.origin, options());

    expect(answer).toMatchObject({ kind: 'answer', status: 302, body: '' });
    expect(server.requests).toHaveLength(1);
  });

  test('is tried again after a 5xx, three times in all, and the last answer counts', async () => {
    const server = await serve((_request, response) => response.writeHead(502).end('bad gateway'));

    const answer = await createHttp({ environment: {} }).get(server.origin, options());

    expect(answer).toMatchObject({ kind: 'answer', status: 502 });
    expect(server.requests).toHaveLength(3);
  });

  test('is tried again after a broken connection', async () => {
    const server = await serve((request, response) => {
      if (server.requests.length === 1) request.socket.destroy();
      else response.end('ok');
    });

    const answer = await createHttp({ environment: {} }).get(server.origin, options());

    expect(answer).toMatchObject({ kind: 'answer', status: 200, body: 'ok' });
  });

  test('is not tried again after a 429, and tells when to come back', async () => {
    const server = await serve((_request, response) => response.writeHead(429, { 'retry-after': '7' }).end());

    const answer = await createHttp({ environment: {} }).get(server.origin, options());

    expect(answer).toMatchObject({ status: 429, retryAfterMs: 7_000 });
    expect(server.requests).toHaveLength(1);
  });

  test('ends when no answer comes in time', async () => {
    const server = await serve(() => {});

    const answer = await createHttp({ environment: {} }).get(server.origin, options({ timeoutMs: 100 }));

    expect(answer).toEqual({ kind: 'unreachable', message: `${server.origin}: no answer within 0.1 s` });
  });

  test('ends when it is given up', async () => {
    const controller = new AbortController();
    const server = await serve(() => controller.abort());

    const answer = await createHttp({ environment: {} }).get(server.origin, options({ signal: controller.signal }));

    expect(answer).toEqual({ kind: 'unreachable', message: `${server.origin}: the call was given up` });
  });

  test('reads no more than 16 MiB', async () => {
    const server = await serve((_request, response) => response.end(Buffer.alloc(16 * 1024 * 1024 + 1, 'x')));

    const answer = await createHttp({ environment: {} }).get(server.origin, options());

    expect(answer).toEqual({ kind: 'unreachable', message: `${server.origin}: the answer is larger than 16 MiB` });
    expect(server.requests).toHaveLength(1);
  });

  test('of something that is no web address sends nothing', async () => {
    expect(await createHttp({ environment: {} }).get('file:///etc/passwd', options())).toMatchObject({
      kind: 'unreachable',
    });
  });
});

describe('messages', () => {
  test('name neither headers nor the password of the URL', async () => {
    const lookup: LookupFunction = (_name, _options, callback) =>
      callback(Object.assign(new Error(`no such host, ${SECRET}, hunter22`), { code: 'ENOTFOUND' }), '', 4);
    const http = createHttp({ environment: {}, lookup });

    const answer = await http.get('http://admin:hunter22@store.example/', options({ timeoutMs: 2_000 }));

    expect(answer).toMatchObject({ kind: 'unreachable', message: expect.stringContaining('no such host') });
    expect(JSON.stringify(answer)).not.toMatch(/s3cr3t|hunter22/);
  });
});

describe('a proxy', () => {
  test('is used for names, with its credentials, and they stay out of messages', async () => {
    const server = await serve((_request, response) => response.end('through'));
    const proxy = await startProxy(server.port);
    closing.push(proxy.close);
    const environment = { HTTP_PROXY: `http://me:pr0xypass@127.0.0.1:${proxy.port}` };

    const answer = await createHttp({ environment }).get('http://store.example:9090/q', options());

    expect(answer).toMatchObject({ kind: 'answer', body: 'through' });
    expect(proxy.tunnels).toEqual(['store.example:9090']);
    expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('me:pr0xypass').toString('base64')}`]);
  });

  test('does not reach metadata addresses either', async () => {
    const proxy = await startProxy(1);
    closing.push(proxy.close);
    const http = createHttp({ environment: { HTTP_PROXY: proxy.origin } });

    const answer = await http.get('http://169.254.169.254/latest/meta-data', options());

    expect(answer).toMatchObject({ kind: 'unreachable', message: expect.stringContaining('metadata') });
    expect(proxy.tunnels).toEqual([]);
  });
});

describe('link-local and metadata addresses', () => {
  test.each([
    '169.254.169.254',
    '169.254.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'fd00:ec2::254',
    '100.100.100.200',
    '168.63.129.16',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
  ])('%s is refused', (address) => {
    expect(isRefusedAddress(address)).toBe(true);
  });

  test.each(['127.0.0.1', '10.0.0.1', '169.253.255.255', '192.168.1.1', 'fd00::1', '::1', '100.100.100.201'])(
    '%s is not refused',
    (address) => {
      expect(isRefusedAddress(address)).toBe(false);
    },
  );

  test.each([
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://metadata.google.internal./',
  ])('%s is refused as a host', (url) => {
    expect(isRefusedHost(new URL(url).hostname)).toBe(true);
  });

  test.each<[string, LookupFunction]>([
    ['one address', (_name, _options, callback) => callback(null, '169.254.169.254', 4)],
    [
      'one of several addresses',
      (_name, _options, callback) =>
        callback(null, [
          { address: '127.0.0.1', family: 4 },
          { address: 'fd00:ec2::254', family: 6 },
        ]),
    ],
  ])('are refused after a name was resolved to %s', async (_name, lookup) => {
    const answer = await createHttp({ environment: {}, lookup }).get('http://rebind.example/', options());

    expect(answer).toMatchObject({ kind: 'unreachable', message: expect.stringContaining('metadata address') });
  });
});
