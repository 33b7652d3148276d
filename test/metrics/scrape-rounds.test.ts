import { describe, expect, test } from 'vitest';
import { createScrape } from '../../src/metrics/scrape/index.ts';
import type { HttpAnswer } from '../../src/ports/http.ts';
import { counted, NOW, podNamed, podsOf, podWorld, requestsTotal, signal } from './pods.ts';

const SPEC = { kind: 'port', port: '9102', path: '/metrics' } as const;

const many = (count: number, page: string, app = 'stable') => {
  const names = Array.from({ length: count }, (_, index) => `s-${app}-${String(index).padStart(2, '0')}`);
  const world = podWorld(names.map((name) => podNamed(name, { app })));
  for (const name of names) world.pages.set(name, page);
  return { world, names, source: createScrape({ ...world, spec: SPEC }) };
};

const readIn = (asked: readonly string[]): readonly string[] =>
  asked.flatMap((one) => /^proxy http:(.*):9102/.exec(one)?.[1] ?? []);

describe('rounds', () => {
  test('are a second apart, whoever asks', async () => {
    const { world, source } = many(1, requestsTotal(1));

    await source.sample([counted(), counted({ metric: 'other' })], NOW, NOW, signal);
    world.at(NOW + 500);
    const [again] = await source.sample([counted()], NOW, NOW, signal);
    expect(readIn(world.asked)).toHaveLength(1);
    expect(again).toMatchObject({ kind: 'counters', requests: [{ points: [[NOW, 1]] }] });

    world.at(NOW + 1_000);
    await source.sample([counted()], NOW, NOW, signal);
    expect(readIn(world.asked)).toHaveLength(2);
  });

  test('list the pods at most every five seconds', async () => {
    const { world, source } = many(1, requestsTotal(1));

    for (let second = 0; second < 11; second += 1) {
      world.at(NOW + second * 1_000);
      await source.sample([counted()], NOW, NOW, signal);
    }

    expect(world.asked.filter((one) => one === 'list')).toHaveLength(3);
  });

  test('go on with the old list while a new one cannot be had', async () => {
    const { world, source } = many(1, requestsTotal(1));
    await source.sample([counted()], NOW, NOW, signal);
    world.cluster.interfere((verb) => (verb === 'list' ? { kind: 'unreachable', message: 'gone' } : undefined));
    world.at(NOW + 6_000);

    expect(await source.sample([counted()], NOW, NOW, signal)).toMatchObject([{ kind: 'counters' }]);
  });

  test('read at most ten pods of an arm, and all of them in turn', async () => {
    const { world, source, names } = many(25, requestsTotal(1));
    const rounds: (readonly string[])[] = [];

    for (let second = 0; second < 5; second += 1) {
      world.at(NOW + second * 1_000);
      const before = readIn(world.asked).length;
      await source.sample([counted()], NOW, NOW, signal);
      rounds.push(readIn(world.asked).slice(before));
    }

    expect(rounds.map((round) => new Set(round).size)).toEqual([10, 10, 10, 10, 10]);
    expect(new Set(rounds.slice(0, 3).flat())).toEqual(new Set(names));
    const turns = names.map((name) => rounds.flat().filter((one) => one === name).length);
    expect(turns).toEqual(names.map(() => 2));
  });

  test('begin with pods that are new', async () => {
    const { world, source } = many(12, requestsTotal(1));
    await source.sample([counted()], NOW, NOW, signal);
    const late = podNamed('s-late');
    world.cluster.put({ apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespace: 'shop', name: 's-late' }, late);
    world.pages.set('s-late', requestsTotal(7));
    world.at(NOW + 5_000);

    const [sample] = await source.sample([counted()], NOW, NOW, signal);

    expect(sample).toMatchObject({ requests: expect.arrayContaining([expect.objectContaining({ pod: 's-late' })]) });
  });

  test('read at most 1 MiB a second of each arm, and every pod in turn', async () => {
    const page = `${requestsTotal(1)}${'# a long comment\n'.repeat(25_000)}`;
    const { world, source, names } = many(6, page);
    const perSecond: number[] = [];

    for (let second = 0; second < 12; second += 1) {
      world.at(NOW + second * 1_000);
      const before = readIn(world.asked).length;
      await source.sample([counted()], NOW, NOW, signal);
      perSecond.push(readIn(world.asked).length - before);
    }

    expect(page.length).toBeGreaterThan(400 * 1024);
    // Nothing is known of the size before the first round.
    const later = perSecond.slice(1).reduce((sum, reads) => sum + reads, 0) + (perSecond[0] ?? 0);
    expect(later * page.length).toBeLessThan(13 * 1024 * 1024);
    expect(new Set(readIn(world.asked))).toEqual(new Set(names));
  });

  test('of one arm leave what may be read to the other', async () => {
    const page = `${requestsTotal(1)}${'# a long comment\n'.repeat(60_000)}`;
    const stable = Array.from({ length: 10 }, (_, index) => podNamed(`s-${index}`));
    const world = podWorld([...stable, podNamed('s-canary', { app: 'canary' })]);
    for (const { metadata } of stable) world.pages.set(metadata.name, page);
    world.pages.set('s-canary', requestsTotal(1));
    const source = createScrape({ ...world, spec: SPEC });
    const canary = counted({ arm: 'canary', pods: podsOf('canary') });
    const kinds: string[] = [];

    for (let second = 0; second < 5; second += 1) {
      world.at(NOW + second * 1_000);
      const samples = await source.sample([counted(), canary], NOW, NOW, signal);
      kinds.push(samples[1]?.kind ?? '');
    }

    expect(kinds).toEqual(['counters', 'counters', 'counters', 'counters', 'counters']);
  });

  test('that had to leave all pods out say that there is nothing new', async () => {
    const { world, source } = many(1, `${requestsTotal(1)}${'# a long comment\n'.repeat(120_000)}`);
    await source.sample([counted()], NOW, NOW, signal);
    world.at(NOW + 1_000);

    expect(await source.sample([counted()], NOW, NOW, signal)).toEqual([
      { metric: 'errors', arm: 'stable', kind: 'no-data', why: 'stale' },
    ]);
  });

  test('pay for answers that are too large, which are not asked for twice', async () => {
    const { world, names } = many(3, requestsTotal(1));
    const tooLarge: HttpAnswer = { kind: 'unreachable', message: 'the answer is larger than 2 MiB' };
    const source = createScrape({ ...world, spec: SPEC });
    world.near.set('10.1.2.3:9102', { kind: 'answer', status: 200, body: requestsTotal(1), retryAfterMs: null });
    await source.sample([counted()], NOW, NOW, signal);
    world.near.set('10.1.2.3:9102', tooLarge);
    world.asked.length = 0;

    for (let second = 5; second < 15; second += 1) {
      world.at(NOW + second * 1_000);
      await source.sample([counted()], NOW, NOW, signal);
    }

    const asked = world.asked.filter((one) => one !== 'list');
    expect(asked.every((one) => one.startsWith('direct'))).toBe(true);
    // Of 30 turns: the first round owes 5 MiB, and then each one waits until it can be paid.
    expect(asked).toHaveLength(names.length + 2);
  });

  test('do not run two at a time: an answer that comes late must not be told after a newer one', async () => {
    const { world, source } = many(1, requestsTotal(1));
    await source.sample([counted()], NOW, NOW, signal);
    const held: (() => void)[] = [];
    const slow = {
      ...world.cluster,
      podProxy: () =>
        new Promise<{ kind: 'ok'; value: { status: number; body: string } }>((resolve) => {
          held.push(() => resolve({ kind: 'ok', value: { status: 200, body: requestsTotal(held.length) } }));
        }),
    };
    const late = createScrape({ ...world, cluster: slow, spec: SPEC });
    const first = late.sample([counted()], NOW, NOW, signal);
    await new Promise((resolve) => setImmediate(resolve));
    world.at(NOW + 1_000);
    const second = late.sample([counted()], NOW, NOW, signal);
    await new Promise((resolve) => setImmediate(resolve));
    for (const answer of held) answer();

    expect(await first).toEqual(await second);
    expect(held).toHaveLength(1);
  });
});
