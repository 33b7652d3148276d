import { describe, expect, test } from 'vitest';
import { ABORT, BY, COMMAND, ID, listen, running, turns } from './listening.ts';
import { annotate, STATE, setUp, theirs } from './store-fixture.ts';

const { signal } = new AbortController();

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

    expect(await store.pending(signal)).toEqual({ kind: 'ok', value: ABORT });
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

    expect(await store.pending(signal)).toEqual({ kind: 'ok', value: ABORT });
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

    const done = await store.acknowledge({ ...ABORT, name: 'pause', raw: 'pause' }, signal);

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

    await store.acknowledge({ ...ABORT, name: 'pause', id: '1', raw: 'pause 1' }, signal);

    expect(cluster.get(STATE)?.metadata.annotations).toMatchObject({ [COMMAND]: 'pause', [BY]: 'mona', [ID]: '2' });
  });

  test('is done where there is nothing to take away, and says when it could not be', async () => {
    const { cluster, store } = await running();
    annotate(cluster, { [COMMAND]: 'abort' });
    cluster.interfere((verb) => (verb === 'patch' ? { kind: 'unreachable', message: 'reset' } : undefined));
    const failed = await store.acknowledge(ABORT, signal);
    cluster.interfere(null);
    cluster.remove(STATE);
    const gone = await store.acknowledge(ABORT, signal);

    expect(failed).toMatchObject({ kind: 'failed', problem: { kind: 'unreachable' } });
    expect(gone).toEqual({ kind: 'saved' });
  });

  test('needs no lock: whoever drives takes away what was asked', async () => {
    const { cluster, other } = await running();
    annotate(cluster, { [COMMAND]: 'abort' });
    await other.acquire(theirs, signal);

    await other.acknowledge(ABORT, signal);

    expect(await other.pending(signal)).toEqual({ kind: 'ok', value: null });
  });
});
