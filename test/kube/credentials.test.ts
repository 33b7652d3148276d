import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { DEPLOYMENT, objectRef } from '../../src/core/objects.ts';
import { connect } from '../../src/kube/cluster.ts';
import { credentialReader } from '../../src/kube/credentials.ts';
import { proxyFor } from '../../src/net/proxy.ts';
import { startProxy, startServer } from '../net/server.ts';
import { connected, kubeconfigFor } from './kubeconfig.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const { signal } = new AbortController();
const REF = objectRef(DEPLOYMENT, 'shop', 'checkout');
const OBJECT = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'checkout' } };

const directory = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'canary-kubeconfig-'));
  closing.push(() => rmSync(path, { recursive: true }));
  return path;
};

/** Accepts the tokens that `isValid` accepts. */
const serve = async (isValid: (token: string) => boolean = () => true) => {
  const server = await startServer((request, response) => {
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    response.writeHead(isValid(token) ? 200 : 401).end(JSON.stringify(isValid(token) ? OBJECT : { kind: 'Status' }));
  });
  closing.push(server.close);
  return { ...server, tokens: () => server.requests.map(({ headers }) => headers.authorization) };
};

const messageOf = (options: Partial<Parameters<typeof connect>[0]>): string => {
  const result = connect({
    kubeconfig: null,
    context: null,
    environment: {},
    userAgent: 'x',
    proxyFor: () => null,
    ...options,
  });
  return result.ok ? 'connected' : result.problem.message;
};

const jwt = (claims: object): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

/** Of a key that nobody has, base64 of PEM as a kubeconfig holds it. */
const CERTIFICATE = Buffer.from(
  `-----BEGIN CERTIFICATE-----\n${[
    'MIIBdTCCARugAwIBAgIUYkRqQlUL0cEfTe3omUvi/i4XCVQwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEx',
    'NjU1NTBaGA8yMDgxMDgyNDE2NTU1MFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFopyLvTleTA',
    'OghWeQ0IB9xCCiEgxLgXtwdOQj+eagt969hXXHRBfQqlLFpzLUt7CsRt/Em0nOsFZFtDDtYgO8ejUzBRMB0GA1UdDgQWBBThgtzQ',
    '/8+l4Dav2xXnuNEGtfLsUTAfBgNVHSMEGDAWgBThgtzQ/8+l4Dav2xXnuNEGtfLsUTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49',
    'BAMCA0gAMEUCIGe5UhFy+VaRFW6jEUfwl95c8Tj6akg1xjWaAeh+xmP4AiEAvaB41JqyoKKOVRzbE9RMUb9ME+xSd56DSuTIY2oA',
    'Gec=',
  ].join('\n')}\n-----END CERTIFICATE-----\n`,
).toString('base64');

describe('the kubeconfig', () => {
  test('may be content or a path, and names server and namespace', () => {
    const path = join(directory(), 'config');
    writeFileSync(path, kubeconfigFor('https://k8s.example:6443/'));

    for (const kubeconfig of [kubeconfigFor('https://k8s.example:6443/'), path]) {
      const { server, defaultNamespace } = connected({ kubeconfig });
      expect({ server, defaultNamespace }).toEqual({ server: 'https://k8s.example:6443', defaultNamespace: 'shop' });
    }
  });

  test('comes from the files of $KUBECONFIG, the first of two entries with one name counting', () => {
    const folder = directory();
    writeFileSync(join(folder, 'a'), kubeconfigFor('https://a.example'));
    writeFileSync(join(folder, 'b'), kubeconfigFor('https://b.example'));
    const paths = ['missing', 'a', 'b'].map((name) => join(folder, name));

    expect(connected({ environment: { KUBECONFIG: paths.join(delimiter) } }).server).toBe('https://a.example');
  });

  test('comes from the home folder last', () => {
    const home = directory();
    const environment = { HOME: home };
    const before = messageOf({ environment });
    mkdirSync(join(home, '.kube'));
    writeFileSync(join(home, '.kube', 'config'), kubeconfigFor('https://home.example'));
    writeFileSync(join(home, 'other'), kubeconfigFor('https://other.example'));

    expect(before).toContain('no kubeconfig');
    expect(connected({ environment }).server).toBe('https://home.example');
    expect(connected({ environment: { ...environment, KUBECONFIG: join(home, 'other') } }).server).toBe(
      'https://other.example',
    );
  });

  test('uses the context that was asked for', () => {
    expect(connected({ kubeconfig: kubeconfigFor('https://a.example'), context: 'other' }).defaultNamespace).toBe(
      'default',
    );
  });

  test.each<[string, Partial<Parameters<typeof connect>[0]>, string]>([
    [
      'an unknown context names the known ones',
      { kubeconfig: kubeconfigFor('https://a.example'), context: 'x' },
      'it has: main, other',
    ],
    ['a path that is not there', { kubeconfig: 'no/such/file' }, 'cannot read no/such/file'],
    ['something that is no kubeconfig', { kubeconfig: 'a: 1\nb: 2\n' }, 'names no clusters'],
    ['something that is no YAML', { kubeconfig: '{ token: "s3cr3t"\n: [' }, 'is not YAML'],
    ['a server that is no URL', { kubeconfig: kubeconfigFor('k8s') }, 'not an http or https URL'],
    ['plain http to another machine', { kubeconfig: kubeconfigFor('http://k8s.example') }, 'unencrypted'],
  ])('is refused with words: %s', (_name, options, words) => {
    const message = messageOf(options);

    expect(message).toContain(words);
    expect(message).not.toContain('s3cr3t');
  });
});

describe('credentials', () => {
  test('of a token file are read from the file, relative to the kubeconfig, without its newline', async () => {
    const folder = directory();
    const server = await serve();
    writeFileSync(join(folder, 'token'), 'from-file\n');
    writeFileSync(join(folder, 'config'), kubeconfigFor(server.origin, { tokenFile: 'token' }));

    await connected({ kubeconfig: join(folder, 'config') }).read(REF, signal);

    expect(server.tokens()).toEqual(['Bearer from-file']);
  });

  test('that the server refuses are read anew once, for writes too', async () => {
    const folder = directory();
    const server = await serve((token) => token === 'new');
    writeFileSync(join(folder, 'token'), 'old');
    const cluster = connected({ kubeconfig: kubeconfigFor(server.origin, { tokenFile: join(folder, 'token') }) });
    await cluster.read(REF, signal);
    writeFileSync(join(folder, 'token'), 'new');

    const answer = await cluster.send(
      { verb: 'create', ref: REF, contentType: 'application/json', body: OBJECT },
      { dryRun: false, signal },
    );

    expect(answer.kind).toBe('ok');
    expect(server.tokens()).toEqual(['old', 'old', 'old', 'new'].map((token) => `Bearer ${token}`));
  });

  const plugin = (script: string) => ({
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', script],
      env: [{ name: 'A', value: 'b' }],
    },
  });

  test('of a plugin are asked for once while they last', async () => {
    const server = await serve();
    const script = `console.log(JSON.stringify({status: {token: process.env.A + JSON.parse(process.env.KUBERNETES_EXEC_INFO).kind,
      expirationTimestamp: '2999-01-01T00:00:00Z'}}))`;
    const cluster = connected({ kubeconfig: kubeconfigFor(server.origin, plugin(script)) });

    await cluster.read(REF, signal);
    await cluster.read(REF, signal);

    expect(server.tokens()).toEqual(['Bearer bExecCredential', 'Bearer bExecCredential']);
    expect(cluster.credentialsExpireAt()).toBeNull();
  });

  test('of a plugin that fails come with its last line, without anything that looks like a token', async () => {
    const server = await serve();
    const script = "console.error('log in first: ' + 'x'.repeat(40)); process.exit(3)";
    const cluster = connected({ kubeconfig: kubeconfigFor(server.origin, plugin(script)) });

    const answer = await cluster.read(REF, signal);

    expect(answer).toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/exit code 3\): log in first: \*\*\*$/),
    });
    expect(server.requests).toEqual([]);
  });

  test('of a plugin that is not there are told', async () => {
    const user = { exec: { command: 'no-such-plugin-anywhere' } };
    const cluster = connected({ kubeconfig: kubeconfigFor('http://127.0.0.1:1', user) });

    expect(await cluster.read(REF, signal)).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('no-such-plugin-anywhere cannot be started'),
    });
  });

  test('of user and password are sent', async () => {
    const server = await serve();
    const cluster = connected({ kubeconfig: kubeconfigFor(server.origin, { username: 'u', password: 'p4ssw0rd' }) });

    await cluster.read(REF, signal);

    expect(server.tokens()).toEqual([`Basic ${Buffer.from('u:p4ssw0rd').toString('base64')}`]);
  });

  test.each<[string, object, number | null]>([
    ['a token with an end', { token: jwt({ exp: 2_000_000_000 }) }, 2_000_000_000_000],
    ['a token without an end', { token: jwt({}) }, null],
    ['a token that is no JWT', { token: 'abc' }, null],
    ['a plugin', { exec: { command: 'x' } }, null],
    ['a client certificate', { 'client-certificate-data': CERTIFICATE }, Date.parse('2081-08-24T16:55:50Z')],
    ['a plugin beside a certificate', { exec: { command: 'x' }, 'client-certificate-data': CERTIFICATE }, null],
  ])('%s: their end is told where it can be', (_name, user, expected) => {
    expect(connected({ kubeconfig: kubeconfigFor('https://a.example', user) }).credentialsExpireAt()).toBe(expected);
  });
});

describe('credentials that end soon', () => {
  test('are looked for in the kubeconfig before they end, so that no call is refused', async () => {
    const path = join(directory(), 'config');
    const soon = jwt({ exp: Math.floor(Date.now() / 1000) + 30 });
    const server = await serve();
    writeFileSync(path, kubeconfigFor(server.origin, { token: soon }));
    const cluster = connected({ kubeconfig: path });
    writeFileSync(path, kubeconfigFor(server.origin, { token: 'renewed' }));

    await cluster.read(REF, signal);

    expect(server.tokens()).toEqual(['Bearer renewed']);
    expect(cluster.credentialsExpireAt()).toBeNull();
  });

  test('are sent on while the kubeconfig has no others, or is being written', async () => {
    const path = join(directory(), 'config');
    const soon = jwt({ exp: Math.floor(Date.now() / 1000) + 30 });
    const server = await serve();
    writeFileSync(path, kubeconfigFor(server.origin, { token: soon }));
    const cluster = connected({ kubeconfig: path });
    writeFileSync(path, '{ half');

    expect((await cluster.read(REF, signal)).kind).toBe('ok');
    expect(server.tokens()).toEqual([`Bearer ${soon}`]);
  });

  test('and are refused make many calls at once reload them once', async () => {
    const folder = directory();
    const count = join(folder, 'count');
    const server = await serve((token) => token === 'token-2');
    const script = `const fs = require('fs'); fs.appendFileSync(${JSON.stringify(count)}, 'x');
      console.log(JSON.stringify({status: {token: 'token-' + fs.readFileSync(${JSON.stringify(count)}).length}}))`;
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: ['-e', script] };
    const cluster = connected({ kubeconfig: kubeconfigFor(server.origin, { exec }) });

    const answers = await Promise.all(Array.from({ length: 6 }, () => cluster.read(REF, signal)));

    expect(answers.map(({ kind }) => kind)).toEqual(Array.from({ length: 6 }, () => 'ok'));
    expect(readFileSync(count, 'utf8')).toBe('xx');
  });
});

describe('the reader of a plugin', () => {
  const reader = (changes: { readonly failsFrom?: number } = {}) => {
    const count = join(directory(), 'count');
    const time = { now: Date.parse('2026-03-01T10:00:00Z') };
    const script = `const fs = require('fs'); fs.appendFileSync(${JSON.stringify(count)}, 'x');
      const calls = fs.readFileSync(${JSON.stringify(count)}).length;
      if (calls >= ${changes.failsFrom ?? 99}) process.exit(1);
      console.log(JSON.stringify({status: {token: 'token-' + calls,
        expirationTimestamp: calls === 1 ? '2026-03-01T10:10:00Z' : '2026-03-01T11:00:00Z'}}))`;
    const own = {
      kind: 'exec',
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', script],
      env: {},
    } as const;
    const read = credentialReader(own, {}, { server: 'https://k8s.example' }, () => time.now);
    return { read, time, calls: () => readFileSync(count, 'utf8').length };
  };
  const tokenOf = async (read: () => Promise<{ readonly token: string | null }>): Promise<string | null> =>
    (await read()).token;

  test('asks again a minute before the end, and gives the old credential until the new one is there', async () => {
    const { read, time, calls } = reader();
    await read();
    time.now = Date.parse('2026-03-01T10:08:59Z');
    const early = await tokenOf(read);
    time.now = Date.parse('2026-03-01T10:09:01Z');
    const meanwhile = await tokenOf(read);
    while ((await tokenOf(read)) === 'token-1') await turn();

    expect([early, meanwhile, await tokenOf(read)]).toEqual(['token-1', 'token-1', 'token-2']);
    expect(calls()).toBe(2);
  });

  test('waits for a new credential when the old one is over', async () => {
    const { read, time } = reader();
    await read();
    time.now = Date.parse('2026-03-01T10:09:58Z');

    expect(await tokenOf(read)).toBe('token-2');
  });

  test('gives the old credential as long as it lasts when the plugin fails', async () => {
    const { read, time, calls } = reader({ failsFrom: 2 });
    await read();
    time.now = Date.parse('2026-03-01T10:09:01Z');
    const tokens = [await tokenOf(read)];
    while (calls() < 2) await turn();
    tokens.push(await tokenOf(read));
    time.now = Date.parse('2026-03-01T10:10:01Z');

    expect(tokens).toEqual(['token-1', 'token-1']);
    await expect(read()).rejects.toThrow('exit code 1');
  });
});

describe('a proxy for the API server', () => {
  const cluster = { 'insecure-skip-tls-verify': true };

  test('is taken from the environment', async () => {
    const server = await serve();
    const proxy = await startProxy(server.port);
    closing.push(proxy.close);
    const environment = { HTTP_PROXY: `http://me:pr0xypass@127.0.0.1:${proxy.port}` };
    const kubeconfig = kubeconfigFor('http://k8s.example:8080', undefined, cluster);

    const answer = await connected({ kubeconfig, proxyFor: (url) => proxyFor(url, environment) }).read(REF, signal);

    expect(answer.kind).toBe('ok');
    expect(proxy.tunnels).toEqual(['k8s.example:8080']);
    expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('me:pr0xypass').toString('base64')}`]);
  });

  test('is not used where NO_PROXY names the server', async () => {
    const server = await serve();
    const environment = { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: '127.0.0.1' };
    const kubeconfig = kubeconfigFor(server.origin);

    const answer = await connected({ kubeconfig, proxyFor: (url) => proxyFor(url, environment) }).read(REF, signal);

    expect(answer.kind).toBe('ok');
  });

  test('of the kubeconfig wins over the environment', async () => {
    const server = await serve();
    const proxy = await startProxy(server.port);
    closing.push(proxy.close);
    const kubeconfig = kubeconfigFor('http://k8s.example:8080', undefined, { ...cluster, 'proxy-url': proxy.origin });

    const answer = await connected({ kubeconfig, proxyFor: () => 'http://127.0.0.1:1' }).read(REF, signal);

    expect(answer.kind).toBe('ok');
  });
});
