import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Cluster, WatchEvent } from '../../src/ports/cluster.ts';
import type { FakeCluster } from '../fakes/cluster.ts';
import { ABORT, BY, COMMAND, ID, listen, running, turns } from './listening.ts';
import { annotate, STATE, withWatch } from './store-fixture.ts';

const { signal } = new AbortController();

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
    meanwhile = () => store.acknowledge({ ...ABORT, raw: 'resume' }, signal);
    await turns(12);

    expect(await ear.stop()).toHaveLength(1);
    expect(cluster.get(STATE)?.metadata.annotations).not.toHaveProperty([COMMAND]);
  });

  test('are not heard twice by a watch that was opened before one was acknowledged', async () => {
    const gate = { open: (): void => undefined };
    let opened = 0;
    const { cluster, store } = await running((all) =>
      withWatch(all, async function* (ref, over) {
        opened += 1;
        if (opened > 1) yield* all.watch(ref, over);
        const object = all.get(STATE);
        await new Promise<void>((resolve) => {
          gate.open = resolve;
        });
        if (object !== null) yield { type: 'ADDED', object };
      }),
    );
    annotate(cluster, { [COMMAND]: 'resume' });
    const ear = listen(store);

    // Found at a takeover, acted on and acknowledged before the watch says anything.
    await store.acknowledge({ ...ABORT, raw: 'resume' }, signal);
    gate.open();
    await turns(2);
    annotate(cluster, { [COMMAND]: 'pause' });
    await turns(4);

    expect((await ear.stop()).map(({ name }) => name)).toEqual(['pause']);
    expect(opened).toBe(2);
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
    expect(await store.acknowledge({ ...ABORT, raw: command?.raw ?? '' }, signal)).toEqual({ kind: 'saved' });
    expect(Object.keys(cluster.get(STATE)?.metadata.annotations ?? {})).not.toContain(BY);
  });
});

describe('a watch', () => {
  test('that is refused is replaced by a look every four seconds, and tried again after a minute', async () => {
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
      Array.from({ length: 15 }, (_, index) => index * 4000),
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

  test('whose connection died unnoticed misses a command for thirteen seconds at most', async () => {
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

    expect(heardAfter).toBeLessThanOrEqual(13_000);
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

  test('that is a little behind a read is not opened again', async () => {
    let opened = 0;
    const { clock, store, cluster } = await running((all) =>
      withWatch(all, (ref, over) => {
        opened += 1;
        return all.watch(ref, over);
      }),
    );
    const ear = listen(store);
    await turns(1);
    cluster.interfere((verb) => {
      // Saved just before the read that the silence asks for: its event is on its way.
      if (verb === 'read') annotate(cluster, { saved: String(clock.now()) });
      return undefined;
    });
    const start = clock.now();

    while (clock.now() < start + 120_000) await turn();
    await ear.stop();

    expect(opened).toBe(1);
  });

  test('that works costs at most six requests a minute', async () => {
    const { clock, store, asked } = await running();
    const start = clock.now();
    const ear = listen(store);

    while (clock.now() < start + 600_000) await turn();
    await ear.stop();

    expect(asked.length / 10).toBeLessThanOrEqual(6);
  });
});

const silent = async function* (over: AbortSignal): AsyncGenerator<WatchEvent> {
  await new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
};
