import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/core/command.ts';
import type { Cluster, WatchEvent } from '../../src/ports/cluster.ts';
import type { Store } from '../../src/ports/store.ts';
import type { FakeCluster } from '../fakes/cluster.ts';
import { aRollout } from '../fakes/rollout.ts';
import { annotate, ours, STATE, setUp, theirs, withWatch } from './store-fixture.ts';

const { signal } = new AbortController();
const COMMAND = 'canary-rollout.github.io/command';
const BY = `${COMMAND}-by`;
const ID = `${COMMAND}-id`;

/** A run with a saved state; every request is counted by its verb. */
const running = async (watching: (cluster: FakeCluster) => Cluster = (cluster) => cluster) => {
  const { cluster, clock, store } = setUp();
  const first = store({ cluster: watching(cluster) });
  await first.acquire(ours, signal);
  await first.save(aRollout(), signal);
  const asked: string[] = [];
  cluster.interfere((verb) => void asked.push(verb));
  return { cluster, clock, store: first, other: store(), asked };
};

/** Listens until told to stop; what was heard so far. */
const listen = (store: Store, acknowledges = false) => {
  const over = new AbortController();
  const heard: Command[] = [];
  const done = (async () => {
    for await (const command of store.commands(over.signal)) {
      heard.push(command);
      if (acknowledges) await store.acknowledge(command, signal);
    }
  })();
  const stop = async (): Promise<readonly Command[]> => {
    over.abort();
    await done;
    return heard;
  };
  return { heard, stop };
};

/** Gives the other side turns to act; a sleep of the fake clock takes one. */
const turns = async (count: number): Promise<void> => {
  for (let passed = 0; passed < count; passed += 1) await turn();
};

const refused = (cluster: FakeCluster): Cluster => withWatch(cluster, async function* () {});

describe('commands', () => {
  test('come by a watch of the one name, without a request each', async () => {
    const { cluster, store, asked } = await running();
    const ear = listen(store);
    await turns(1);
    const before = asked.filter((verb) => verb === 'read').length;

    annotate(cluster, { [COMMAND]: 'abort@r-812-1' });
    await turns(1);
    const heard = await ear.stop();

    expect(heard).toEqual([{ name: 'abort', rolloutId: 'r-812-1', by: null, id: null, raw: 'abort@r-812-1' }]);
    expect([before, asked.filter((verb) => verb === 'watch').length]).toEqual([0, 1]);
  });

  test.each([
    ['by a watch', (cluster: FakeCluster): Cluster => cluster],
    ['by reading', refused],
  ])('given by hand one after the other act each, %s', async (_how, watching) => {
    const { cluster, store } = await running(watching);
    const ear = listen(store, true);
    await turns(3);

    for (const name of ['pause', 'resume', 'pause', 'pause']) {
      annotate(cluster, { [COMMAND]: name });
      await turns(6);
    }

    expect((await ear.stop()).map(({ name }) => name)).toEqual(['pause', 'resume', 'pause', 'pause']);
    expect(cluster.get(STATE)?.metadata.annotations).not.toHaveProperty([COMMAND]);
  });

  test('that stand there unacknowledged come once', async () => {
    const { cluster, store } = await running(refused);
    annotate(cluster, { [COMMAND]: 'pause' });
    const ear = listen(store);

    await turns(20);

    expect(await ear.stop()).toHaveLength(1);
  });

  test('equal to one before, with another id, are another', async () => {
    const { cluster, store } = await running();
    const ear = listen(store);
    annotate(cluster, { [COMMAND]: 'pause', [BY]: 'mona', [ID]: '1' });
    await turns(2);
    annotate(cluster, { [ID]: '2' });
    await turns(2);

    const heard = await ear.stop();

    expect(heard.map(({ by, id, raw }) => [by, id, raw])).toEqual([
      ['mona', '1', 'pause 1'],
      ['mona', '2', 'pause 2'],
    ]);
  });

  test.each([
    ['by a watch', (cluster: FakeCluster): Cluster => cluster],
    ['by reading', refused],
  ])('that are given again right after they were acknowledged act again, %s', async (_how, watching) => {
    const { cluster, store } = await running(watching);
    annotate(cluster, { [COMMAND]: 'pause' });
    const heard: string[] = [];

    for await (const command of store.commands(AbortSignal.timeout(5000))) {
      heard.push(command.name);
      await store.acknowledge(command, signal);
      if (heard.length === 3) break;
      annotate(cluster, { [COMMAND]: 'pause' });
    }

    expect(heard).toEqual(['pause', 'pause', 'pause']);
  });

  test('are not heard twice by a read that was under way when one was acknowledged', async () => {
    let meanwhile: (() => Promise<unknown>) | null = null;
    const slow = (all: FakeCluster): Cluster => ({
      ...refused(all),
      read: async (ref, over) => {
        const found = await all.read(ref, over);
        const act = meanwhile;
        meanwhile = null;
        await act?.();
        return found;
      },
    });
    const { cluster, store } = await running(slow);
    annotate(cluster, { [COMMAND]: 'resume' });
    const ear = listen(store);
    await turns(4);

    // Acknowledged after the API server answered the next look, before the answer arrives.
    meanwhile = () => store.acknowledge({ ...theCommand, raw: 'resume' }, signal);
    await turns(12);

    expect(await ear.stop()).toHaveLength(1);
    expect(cluster.get(STATE)?.metadata.annotations).not.toHaveProperty([COMMAND]);
  });

  test.each([
    'abort; rm -rf /',
    'rollback',
    'ABORT',
    'abort@',
    `abort@${'x'.repeat(64)}`,
    `${' '.repeat(300)}abort`,
    'abort@a b',
    '',
  ])('that nobody knows are left alone: %j', async (text) => {
    const { cluster, store } = await running();
    annotate(cluster, { [COMMAND]: text });
    const ear = listen(store);

    await turns(4);

    expect(await ear.stop()).toEqual([]);
    expect(await store.pending(signal)).toEqual({ kind: 'ok', value: null });
    expect(cluster.get(STATE)?.metadata.annotations?.[COMMAND]).toBe(text);
  });

  test('have bounded, harmless texts of who sent them', async () => {
    const { cluster, store } = await running();
    annotate(cluster, { [COMMAND]: 'abort', [BY]: `mona\n::error::\u2028\u202e${'x'.repeat(999)}`, [ID]: ' \t ' });

    const found = await store.pending(signal);

    const command = found.kind === 'ok' ? found.value : null;
    expect(command?.by).toMatch(/^mona ::error:: {2}x{180,190}$/);
    expect(command?.id).toBeNull();
    expect(await store.acknowledge({ ...theCommand, raw: command?.raw ?? '' }, signal)).toEqual({ kind: 'saved' });
    expect(Object.keys(cluster.get(STATE)?.metadata.annotations ?? {})).not.toContain(BY);
  });
});

const theCommand: Command = { name: 'abort', rolloutId: null, by: null, id: null, raw: 'abort' };

describe('a watch', () => {
  test('that is refused is replaced by a look every two seconds, and tried again after a minute', async () => {
    const { clock, store, cluster } = await running();
    const asked: [string, number][] = [];
    const start = clock.now();
    cluster.interfere((verb) => {
      asked.push([verb, clock.now() - start]);
      return verb === 'watch' ? { kind: 'forbidden', message: 'no' } : undefined;
    });
    const ear = listen(store);

    while (clock.now() < start + 90_000) await turn();
    await ear.stop();

    const inFirst = asked.filter(([, at]) => at < 60_000);
    expect(inFirst.filter(([verb]) => verb === 'read').map(([, at]) => at)).toEqual(
      Array.from({ length: 30 }, (_, index) => index * 2000),
    );
    expect(asked.filter(([verb]) => verb === 'watch').map(([, at]) => at)).toEqual([0, 60_000]);
  });

  test('that something on its way holds back is given up after two seconds', async () => {
    const { clock, store, cluster } = await running((all) => withWatch(all, (_ref, over) => silent(over)));
    const start = clock.now();
    annotate(cluster, { [COMMAND]: 'abort' });
    const ear = listen(store);

    while (ear.heard.length === 0) await turn();
    const heardAfter = clock.now() - start;
    await ear.stop();

    expect(heardAfter).toBe(2000);
  });

  test('whose connection died unnoticed misses a command for ten seconds at most', async () => {
    const first = async function* (all: FakeCluster, over: AbortSignal): AsyncGenerator<WatchEvent> {
      const object = all.get(STATE);
      if (object !== null) yield { type: 'ADDED', object };
      yield* silent(over);
    };
    let opened = 0;
    const { clock, store, cluster } = await running((all) =>
      withWatch(all, (ref, over) => {
        opened += 1;
        return opened === 1 ? first(all, over) : all.watch(ref, over);
      }),
    );
    const ear = listen(store);
    await turns(1);
    const start = clock.now();
    annotate(cluster, { [COMMAND]: 'abort' });

    while (ear.heard.length === 0) await turn();
    const heardAfter = clock.now() - start;
    await ear.stop();

    expect(heardAfter).toBeLessThanOrEqual(10_000);
    expect(opened).toBe(2);
  });

  test('that the server ends is opened again, and what stood there already is no news', async () => {
    let opened = 0;
    const { clock, store, cluster } = await running((all) =>
      withWatch(all, async function* () {
        opened += 1;
        const object = all.get(STATE);
        if (object !== null) yield { type: 'ADDED', object };
        await clock.sleepUntil(clock.now() + 240_000, signal);
      }),
    );
    annotate(cluster, { [COMMAND]: 'pause' });
    const ear = listen(store);

    while (opened < 4) await turn();

    expect(await ear.stop()).toHaveLength(1);
  });

  test('that works costs at most seven requests a minute, whatever else is saved', async () => {
    const { clock, store, asked } = await running();
    const start = clock.now();
    const ear = listen(store);

    while (clock.now() < start + 600_000) await turn();
    await ear.stop();

    expect(asked.length / 10).toBeLessThanOrEqual(7);
  });
});

const silent = async function* (over: AbortSignal): AsyncGenerator<WatchEvent> {
  await new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
};

describe('a command that is handed over', () => {
  test('stands in the cluster with who sent it, and is heard as such', async () => {
    const { cluster, store, other } = await running();
    const ear = listen(store, true);
    await turns(2);

    const handed = await other.hand({ name: 'promote', rolloutId: 'r-812-1', by: 'mona', id: 'job-7' }, signal);
    await turns(8);
    const heard = await ear.stop();

    const command = { name: 'promote', rolloutId: 'r-812-1', by: 'mona', id: 'job-7', raw: 'promote@r-812-1 job-7' };
    expect(handed).toEqual({ kind: 'ok', value: command });
    expect(heard).toEqual([command]);
    expect(
      Object.keys(cluster.get(STATE)?.metadata.annotations ?? {}).filter((key) => key.includes('command')),
    ).toEqual([]);
  });

  test('is the last word: what stood there before goes with all that belongs to it', async () => {
    const { store, other } = await running();
    await other.hand({ name: 'resume', rolloutId: null, by: 'mona', id: '1' }, signal);

    await other.hand({ name: 'abort', rolloutId: null, by: null, id: null }, signal);

    expect(await store.pending(signal)).toEqual({ kind: 'ok', value: theCommand });
  });

  test('has nowhere to go when no rollout is open', async () => {
    const { store } = setUp();

    expect(await store().hand({ name: 'abort', rolloutId: null, by: null, id: null }, signal)).toMatchObject({
      kind: 'missing',
    });
    expect(await store().pending(signal)).toEqual({ kind: 'ok', value: null });
  });

  test('tests nothing but which ConfigMap it is', async () => {
    const { cluster, other } = await running();
    await other.hand({ name: 'abort', rolloutId: null, by: 'mona', id: '1' }, signal);

    const body = cluster.writes.at(-1)?.request.body;

    expect(Array.isArray(body) ? body.filter((one) => Object(one)['op'] === 'test') : null).toEqual([
      { op: 'test', path: '/metadata/uid', value: cluster.get(STATE)?.metadata.uid },
    ]);
  });

  test('finds a place where somebody took all annotations away', async () => {
    const { cluster, store, other } = await running();
    const object = cluster.get(STATE);
    const { annotations: _annotations, ...metadata } = object?.metadata ?? { name: '' };
    if (object !== null) cluster.put(STATE, { ...object, metadata });

    await other.hand({ name: 'abort', rolloutId: null, by: null, id: null }, signal);

    expect(await store.pending(signal)).toEqual({ kind: 'ok', value: theCommand });
  });

  test('has bounded texts, and is known by them again', async () => {
    const { store, other } = await running();

    const handed = await other.hand(
      { name: 'abort', rolloutId: null, by: 'x'.repeat(500), id: 'y'.repeat(500) },
      signal,
    );

    expect(await store.pending(signal)).toEqual(handed);
  });

  test.each([
    ['a conflict', { kind: 'conflict', message: 'changed' }, 'ok'],
    ['a refusal', { kind: 'forbidden', message: 'no' }, 'forbidden'],
  ] as const)('meets %s', async (_what, problem, kind) => {
    const { cluster, other } = await running();
    cluster.interfere((verb) => {
      if (verb !== 'patch') return undefined;
      cluster.interfere(null);
      return problem;
    });

    expect((await other.hand({ name: 'abort', rolloutId: null, by: null, id: null }, signal)).kind).toBe(kind);
  });
});

describe('an acknowledgement', () => {
  test('leaves a command alone that came since', async () => {
    const { cluster, store } = await running();
    annotate(cluster, { [COMMAND]: 'abort' });

    const done = await store.acknowledge({ ...theCommand, name: 'pause', raw: 'pause' }, signal);

    expect(done).toEqual({ kind: 'saved' });
    expect(cluster.get(STATE)?.metadata.annotations).toMatchObject({ [COMMAND]: 'abort' });
  });

  test('leaves a command alone that came between its read and its patch', async () => {
    const { cluster, store } = await running();
    annotate(cluster, { [COMMAND]: 'pause', [BY]: 'mona', [ID]: '1' });
    cluster.interfere((verb) => {
      if (verb !== 'patch') return undefined;
      cluster.interfere(null);
      annotate(cluster, { [ID]: '2' });
      return undefined;
    });

    await store.acknowledge({ ...theCommand, name: 'pause', id: '1', raw: 'pause 1' }, signal);

    expect(cluster.get(STATE)?.metadata.annotations).toMatchObject({ [COMMAND]: 'pause', [BY]: 'mona', [ID]: '2' });
  });

  test('is done where there is nothing to take away, and says when it could not be', async () => {
    const { cluster, store } = await running();
    annotate(cluster, { [COMMAND]: 'abort' });
    cluster.interfere((verb) => (verb === 'patch' ? { kind: 'unreachable', message: 'reset' } : undefined));
    const failed = await store.acknowledge(theCommand, signal);
    cluster.interfere(null);
    cluster.remove(STATE);
    const gone = await store.acknowledge(theCommand, signal);

    expect(failed).toMatchObject({ kind: 'failed', problem: { kind: 'unreachable' } });
    expect(gone).toEqual({ kind: 'saved' });
  });

  test('needs no lock: whoever drives takes away what was asked', async () => {
    const { cluster, other } = await running();
    annotate(cluster, { [COMMAND]: 'abort' });
    await other.acquire(theirs, signal);

    await other.acknowledge(theCommand, signal);

    expect(await other.pending(signal)).toEqual({ kind: 'ok', value: null });
  });
});
