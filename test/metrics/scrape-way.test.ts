import { describe, expect, test } from 'vitest';
import { createScrape } from '../../src/metrics/scrape/index.ts';
import type { HttpAnswer } from '../../src/ports/http.ts';
import { counted, NOW, podNamed, podWorld, requestsTotal, signal } from './pods.ts';

const SPEC = { kind: 'port', port: '9102', path: '/metrics' } as const;
const DIRECT = 'direct http://10.1.2.3:9102/metrics';
const PROXY = 'proxy http:s-1:9102/metrics';

const answer = (body: string, status = 200): HttpAnswer => ({ kind: 'answer', status, body, retryAfterMs: null });
const started = (at: number): string => `${requestsTotal(1)}process_start_time_seconds ${at}\n`;

/** What is asked for in two rounds. */
const askedOf = async (near: HttpAnswer | null, far: string | null, ip = '10.1.2.3') => {
  const world = podWorld([podNamed('s-1', { ip })]);
  if (near !== null) world.near.set('10.1.2.3:9102', near);
  if (far !== null) world.pages.set('s-1', far);
  const source = createScrape({ ...world, spec: SPEC });
  const first = await source.sample([counted()], NOW, NOW, signal);
  world.at(NOW + 1_000);
  const second = await source.sample([counted()], NOW, NOW, signal);
  return { asked: world.asked.filter((one) => one !== 'list'), kinds: [...first, ...second].map(({ kind }) => kind) };
};

describe('the way to a pod', () => {
  test('is its own address when that answers, and stays so', async () => {
    const { asked, kinds } = await askedOf(answer(started(5)), started(5));

    expect(asked).toEqual([DIRECT, PROXY, DIRECT]);
    expect(kinds).toEqual(['counters', 'counters']);
  });

  test('is its own address when the API server may not be asked', async () => {
    expect(await askedOf(answer(started(5)), null)).toEqual({
      asked: [DIRECT, PROXY, DIRECT],
      kinds: ['counters', 'counters'],
    });
  });

  test('is the API server when the address does not answer, and stays so', async () => {
    expect(await askedOf(null, started(5))).toEqual({ asked: [DIRECT, PROXY, PROXY], kinds: ['counters', 'counters'] });
  });

  test.each<[string, HttpAnswer]>([
    ['another process', answer(started(6))],
    ['another app', answer('go_goroutines 1\nother_total 2\n')],
    ['a portal', answer('<html>log in</html>')],
    ['a page without metrics', answer('')],
    ['a redirect', answer('', 302)],
    ['an error', answer(started(5), 404)],
  ])('is the API server when what answers at the address is %s', async (_name, near) => {
    expect((await askedOf(near, started(5))).asked).toEqual([DIRECT, PROXY, PROXY]);
  });

  test('is not decided while nobody answers', async () => {
    expect(await askedOf(null, null)).toEqual({ asked: [DIRECT, PROXY, DIRECT, PROXY], kinds: ['error', 'error'] });
  });

  test('is not an address that answers with an empty page, where the API server may not be asked', async () => {
    expect(await askedOf(answer(''), null)).toEqual({
      asked: [DIRECT, PROXY, DIRECT, PROXY],
      kinds: ['error', 'error'],
    });
  });

  test('leads through the API server for a pod that does not answer at its address', async () => {
    const world = podWorld([podNamed('s-1'), podNamed('s-2', { ip: '10.1.2.4' })]);
    world.near.set('10.1.2.3:9102', answer(started(5)));
    world.pages.set('s-1', started(5)).set('s-2', requestsTotal(7));
    const source = createScrape({ ...world, spec: SPEC });

    const [sample] = await source.sample([counted()], NOW, NOW, signal);

    expect(sample).toMatchObject({ requests: [{ pod: 's-1' }, { pod: 's-2' }] });
    expect(world.asked.slice(-2)).toEqual(['direct http://10.1.2.4:9102/metrics', 'proxy http:s-2:9102/metrics']);
  });

  test('is found with one pod, before others are asked', async () => {
    const names = ['s-1', 's-2', 's-3'];
    const world = podWorld(names.map((name) => podNamed(name)));
    for (const name of names) world.pages.set(name, started(5));

    await createScrape({ ...world, spec: SPEC }).sample([counted()], NOW, NOW, signal);

    expect(world.asked.filter((one) => one.startsWith('direct'))).toHaveLength(1);
  });

  test.each(['127.0.0.1', ''])('is never the address %j', async (ip) => {
    expect((await askedOf(answer(started(5)), started(5), ip)).asked).toEqual([PROXY, PROXY]);
  });

  test('brackets an address of IPv6', async () => {
    const world = podWorld([podNamed('s-1', { ip: 'fd00::12' })]);
    await createScrape({ ...world, spec: SPEC }).sample([counted()], NOW, NOW, signal);

    expect(world.asked).toContain('direct http://[fd00::12]:9102/metrics');
  });

  test('carries no credentials, follows nothing and takes 2 MiB at most', async () => {
    const world = podWorld([podNamed('s-1')]);
    const options: unknown[] = [];
    const http = {
      get: async (_url: string, given: object): Promise<HttpAnswer> => {
        options.push(given);
        return answer(started(5));
      },
    };

    await createScrape({ ...world, http, spec: SPEC }).sample([counted()], NOW, NOW, signal);

    expect(options).toEqual([
      {
        headers: [['accept', 'text/plain;version=0.0.4;q=1,*/*;q=0.1']],
        ca: null,
        timeoutMs: 300,
        signal,
        largestBytes: 2 * 1024 * 1024,
        retries: 0,
      },
    ]);
  });
});
