import { spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { type FakeGitHub, playGitHub } from './server.ts';

const servers: FakeGitHub[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** Proxies are read from the environment when the library is loaded: a process of its own. */
const callFrom = (apiUrl: string, environment: Record<string, string>): Promise<string> => {
  const client = pathToFileURL(join(process.cwd(), 'src/github/client.ts')).href;
  const script = `const { createClient } = await import(${JSON.stringify(client)});
    const answer = await createClient({ token: 't', apiUrl: ${JSON.stringify(apiUrl)}, timeoutMs: 5000, retryMs: 1 }).call('GET /user', {});
    process.stdout.write(JSON.stringify(answer));`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { PATH: process.env['PATH'], GITHUB_API_URL: apiUrl, ...environment },
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
    });
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
};

describe('GitHub behind a proxy', () => {
  test('is asked through HTTPS_PROXY', async () => {
    const asked: string[] = [];
    const proxy = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (chunk) => {
        asked.push(String(chunk).split('\r\n')[0] ?? '');
        socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

    const output = await callFrom('https://github.example.invalid/api/v3', { HTTPS_PROXY: address });
    await new Promise((resolve) => proxy.close(resolve));

    expect(asked[0]).toBe('CONNECT github.example.invalid:443 HTTP/1.1');
    expect(JSON.parse(output)).toMatchObject({ ok: false, problem: { kind: 'unreachable' } });
  });

  test('is asked directly where NO_PROXY says so, below the path of GITHUB_API_URL', async () => {
    const server = await playGitHub(() => ({ status: 200, body: { login: 'me' } }));
    servers.push(server);

    const output = await callFrom(`${server.url}/api/v3`, { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: '127.0.0.1' });

    expect(JSON.parse(output)).toEqual({ ok: true, value: { login: 'me' } });
    expect(server.calls[0]?.path).toBe('/api/v3/user');
    expect(server.calls[0]?.headers['authorization']).toBe('token t');
  });
});
