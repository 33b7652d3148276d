import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import type { FakeCluster } from '../fakes/cluster.ts';
import { aPlan, aRollout } from '../fakes/rollout.ts';
import { HTTP_ROUTE, LOCK, ours, STATE, setUp, theirs } from './store-fixture.ts';

const { signal } = new AbortController();

const edit = (cluster: FakeCluster, change: (state: Record<string, unknown>) => unknown): void => {
  const object = cluster.get(STATE);
  const data = Object(object?.['data']);
  const state: unknown = change(JSON.parse(data.state));
  if (object !== null) cluster.put(STATE, { ...object, data: { state: JSON.stringify(state) } });
};

describe('the state', () => {
  test('is read back as it was saved, without open effects and cursors', async () => {
    const { store } = setUp();
    const rollout = { ...aRollout(), open: [{ id: 1, since: 0, kind: 'wake', at: 5 }] as const };
    const first = store();
    await first.acquire(ours, signal);

    const saved = await first.save(rollout, signal);
    const loaded = await store().load(signal);

    expect(saved).toEqual({ kind: 'saved' });
    const metrics = rollout.metrics.map((metric) => ({ ...metric, cursors: {} }));
    expect(loaded).toMatchObject({
      kind: 'open',
      saved: { kind: 'rollout', rollout: { ...rollout, open: [], metrics } },
      lock: { kind: 'held', by: 'run-1', runUrl: ours.runUrl },
    });
  });

  test('names who made it, and for which run', async () => {
    const { store, cluster } = setUp();
    const first = store();
    await first.acquire(ours, signal);

    await first.save(aRollout(), signal);

    expect(cluster.get(STATE)?.metadata.labels).toEqual({ 'app.kubernetes.io/managed-by': 'canary-rollout' });
    expect(cluster.get(STATE)?.metadata.annotations?.['canary-rollout.github.io/run-url']).toBe(ours.runUrl);
  });

  test('is none where there is no ConfigMap', async () => {
    expect(await setUp().store().load(signal)).toEqual({ kind: 'none', lock: null });
  });

  test('that is larger than a ConfigMap is trusted with is not sent', async () => {
    const { store, cluster } = setUp();
    const first = store();
    await first.acquire(ours, signal);
    const before = cluster.writes.length;

    const saved = await first.save({ ...aRollout(), plan: aPlan({ original: 'x'.repeat(600_000) }) }, signal);

    expect(saved).toMatchObject({ kind: 'failed', problem: { kind: 'invalid' } });
    expect(cluster.writes.length).toBe(before);
  });

  test.each<[string, (state: Record<string, unknown>) => unknown, RegExp]>([
    ['of a newer version', (state) => ({ ...state, schemaVersion: 2 }), /newer version/],
    ['without a plan', ({ plan: _plan, ...state }) => state, /plan/],
    ['of another namespace', (state) => withTarget(state, { namespace: 'kube-system' }), /kube-system/],
    ['of another Deployment', (state) => withTarget(state, { deployment: 'billing' }), /billing/],
    ['with a name that is a path', (state) => withTarget(state, { canaryDeployment: '../../x' }), /canaryDeployment/],
    [
      'with a route elsewhere',
      (state) => withTarget(state, { routes: [{ ...HTTP_ROUTE, namespace: 'x', name: 'y' }] }),
      /HTTPRoute x\/y/,
    ],
    ['with a route of no known kind', (state) => withTarget(state, { routes: [SECRET] }), /Secret shop\/y/],
    [
      'with a weight above all',
      (state) => ({ ...state, traffic: { wanted: { canary: 10_001, cohort: null, mirror: 0 } } }),
      /traffic/,
    ],
    ['in a step that is not planned', (state) => ({ ...state, step: 99 }), /step/],
    ['that is a list', () => [], /wrong form/],
    ['that is a text', () => 'promoted', /not a JSON object/],
  ])('%s is unreadable, and says why', async (_name, change, why) => {
    const { store, cluster } = setUp();
    const first = store();
    await first.acquire(ours, signal);
    await first.save(aRollout(), signal);
    edit(cluster, change);

    const loaded = await store().load(signal);

    expect(loaded).toMatchObject({ kind: 'open', saved: { kind: 'unreadable', why: expect.stringMatching(why) } });
  });
});

const SECRET = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespace: 'shop', name: 'y' };

const withTarget = (state: Record<string, unknown>, changes: Record<string, unknown>): unknown => {
  const plan = Object(state['plan']);
  return { ...state, plan: { ...plan, target: { ...plan.target, ...changes } } };
};

describe('the lock', () => {
  test('is refused while its holder renews it, and tells who holds it and where they are', async () => {
    const { store, clock, cluster } = setUp();
    const first = store();
    await first.acquire(ours, signal);
    await first.save(aRollout(), signal);
    cluster.interfere((verb, ref) => {
      // The holder renews whenever the other looks for the tenth time.
      if (verb === 'read' && ref.kind === 'Lease' && clock.now() % 10_000 === 0) touch(cluster);
      return undefined;
    });

    const second = await store().acquire(theirs, signal);

    expect(second).toMatchObject({ kind: 'held', by: 'run-1', runUrl: ours.runUrl, step: expect.any(String) });
  });

  test('is taken over when it stood still for its whole duration on the observer clock, not before', async () => {
    const { store, clock } = setUp();
    await store().acquire(ours, signal);
    const start = clock.now();

    const second = await store().acquire(theirs, signal);

    expect(second).toEqual({ kind: 'acquired', token: 'token-2', rollout: null });
    expect(clock.now() - start).toBe(30_000);
  });

  test('is taken at once by the same holder, with a new token', async () => {
    const { store, clock } = setUp();
    await store().acquire(ours, signal);
    const start = clock.now();

    const again = await store().acquire(ours, signal);

    expect(again).toEqual({ kind: 'acquired', token: 'token-2', rollout: null });
    expect(clock.now()).toBe(start);
  });

  test('is taken at once when it was given back, with the state that was kept', async () => {
    const { store, clock } = setUp();
    const first = store();
    await first.acquire(ours, signal);
    await first.save(aRollout(), signal);
    await first.release(true, signal);
    const start = clock.now();

    const second = await store().acquire(theirs, signal);

    expect(second).toMatchObject({ kind: 'acquired', rollout: { kind: 'rollout' } });
    expect(clock.now()).toBe(start);
  });

  test('of two who find a dead holder goes to one', async () => {
    const { store } = setUp();
    await store().acquire(ours, signal);

    const both = await Promise.all([
      store().acquire(theirs, signal),
      store().acquire({ id: 'run-3', runUrl: null }, signal),
    ]);

    expect(both.map(({ kind }) => kind).sort()).toEqual(['acquired', 'held']);
  });

  test('that was taken over is lost to the one who had it: no renewal, no save, no release', async () => {
    const { store, cluster } = setUp();
    const first = store();
    await first.acquire(ours, signal);
    await first.save(aRollout(), signal);
    await store().acquire(theirs, signal);
    const before = cluster.get(STATE);

    const results = [
      await first.renew(signal),
      await first.save({ ...aRollout(), phase: 'promoted' }, signal),
      await first.release(false, signal),
      await first.release(true, signal),
    ];

    expect(results).toEqual(Array.from({ length: 4 }, () => ({ kind: 'lost', how: 'run-2 took the lock' })));
    expect(cluster.get(STATE)).toEqual(before);
  });

  test('keeps out a run that lost it and finds no state to save into', async () => {
    const { store, cluster } = setUp();
    const first = store();
    await first.acquire(ours, signal);
    const second = store();
    await second.acquire(theirs, signal);

    const zombie = await first.save(aRollout(), signal);

    expect(zombie).toEqual({ kind: 'lost', how: 'run-2 took the lock' });
    expect(cluster.get(STATE)).toBeNull();
  });

  test('whose creation was answered to nobody is ours all the same', async () => {
    const { store, cluster } = setUp();
    cluster.interfere((verb, ref, request) => {
      if (verb !== 'create' || ref.kind !== 'Lease' || request === null) return undefined;
      cluster.interfere(null);
      cluster.put(LOCK, request.body as unknown as KubeObject);
      return { kind: 'unreachable', message: 'socket hang up' };
    });

    expect(await store().acquire(ours, signal)).toMatchObject({ kind: 'acquired' });
  });

  test('that was deleted is lost, to nobody', async () => {
    const { store, cluster } = setUp();
    const first = store();
    await first.acquire(ours, signal);
    cluster.remove(LOCK);

    expect(await first.renew(signal)).toMatchObject({ kind: 'lost', how: expect.stringContaining('deleted') });
  });

  test('is renewed by its holder', async () => {
    const { store, cluster, clock } = setUp();
    const first = store();
    await first.acquire(ours, signal);
    clock.advance(10_000);

    expect(await first.renew(signal)).toEqual({ kind: 'saved' });
    expect(cluster.get(LOCK)?.['spec']).toMatchObject({ renewTime: '2026-03-01T10:00:10.000000Z' });
  });

  test('was not taken when its request could not be sent', async () => {
    const { store, cluster } = setUp();
    cluster.interfere((verb) => (verb === 'create' ? { kind: 'forbidden', message: 'no' } : undefined));

    expect(await store().acquire(ours, signal)).toEqual({
      kind: 'failed',
      problem: { kind: 'forbidden', message: 'no' },
    });
  });
});

const touch = (cluster: FakeCluster): void => {
  const lease = cluster.get(LOCK);
  if (lease !== null) cluster.put(LOCK, lease);
};

describe('the end', () => {
  test('leaves nothing behind', async () => {
    const { store, cluster } = setUp();
    const first = store();
    await first.acquire(ours, signal);
    await first.save(aRollout(), signal);

    const released = await first.release(false, signal);

    expect(released).toEqual({ kind: 'saved' });
    expect([cluster.get(STATE), cluster.get(LOCK)]).toEqual([null, null]);
  });

  test('deletes only what it has read', async () => {
    const { store, cluster } = setUp();
    const first = store();
    await first.acquire(ours, signal);
    await first.save(aRollout(), signal);

    await first.release(false, signal);

    const deletes = cluster.writes.filter(({ request }) => request.verb === 'delete');
    expect(deletes).toHaveLength(2);
    for (const { request } of deletes) {
      expect(request.body).toMatchObject({
        preconditions: { uid: expect.stringMatching(/^uid-/), resourceVersion: expect.stringMatching(/^\d+$/) },
      });
    }
  });
});
