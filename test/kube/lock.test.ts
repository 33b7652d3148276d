import { describe, expect, test } from 'vitest';
import { clockOf } from '../../src/drive/clock.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { aRollout } from '../fakes/rollout.ts';
import { LOCK, ours, STATE, setUp, theirs } from './store-fixture.ts';

const { signal } = new AbortController();

const running = async () => {
  const world = setUp();
  const first = world.store();
  await first.acquire(ours, signal);
  await first.save(aRollout(), signal);
  return { ...world, first };
};

const holder = ({ cluster }: Pick<ReturnType<typeof setUp>, 'cluster'>): unknown =>
  Object(cluster.get(LOCK)?.['spec'])['holderIdentity'];

describe('a Lease that a person deleted', () => {
  test('is made again by the next renewal of the run that the state belongs to', async () => {
    const world = await running();
    world.cluster.remove(LOCK);

    expect(await world.first.renew(signal)).toEqual({ kind: 'saved' });
    expect(holder(world)).toBe('run-1');
    expect(await world.first.save(aRollout(), signal)).toEqual({ kind: 'saved' });
  });

  test('is nobody else’s to take once it was made again', async () => {
    const world = await running();
    world.cluster.remove(LOCK);
    await world.first.renew(signal);
    world.cluster.interfere((verb, ref) => {
      // The run goes on renewing while the other watches.
      if (verb === 'read' && ref.kind === 'Lease' && world.clock.now() % 5000 === 0) {
        const lease = world.cluster.get(LOCK);
        if (lease !== null) world.cluster.put(LOCK, lease);
      }
      return undefined;
    });

    expect(await world.store().acquire(theirs, signal)).toMatchObject({ kind: 'held', by: 'run-1' });
  });

  test('is lost when another run took the lock before it was noticed', async () => {
    const world = await running();
    world.cluster.remove(LOCK);
    await world.store().acquire(theirs, signal);

    expect(await world.first.renew(signal)).toEqual({ kind: 'lost', how: 'run-2 took the lock' });
    expect(holder(world)).toBe('run-2');
  });

  test('is lost when another run took the lock, and finished', async () => {
    const world = await running();
    world.cluster.remove(LOCK);
    const second = world.store();
    await second.acquire(theirs, signal);
    await second.release(false, signal);

    expect(await world.first.renew(signal)).toMatchObject({ kind: 'lost', how: expect.stringContaining('deleted') });
    expect(world.cluster.get(LOCK)).toBeNull();
  });

  test('is lost when another run had the lock and left its own token on the state', async () => {
    const world = await running();
    world.cluster.remove(LOCK);
    const second = world.store();
    await second.acquire(theirs, signal);
    await second.release(true, signal);
    world.cluster.remove(LOCK);

    expect(await world.first.renew(signal)).toMatchObject({ kind: 'lost' });
    expect(world.cluster.get(LOCK)).toBeNull();
  });

  test('goes to one of two who want it at the same moment', async () => {
    const world = await running();
    world.cluster.remove(LOCK);
    world.cluster.interfere((verb, ref, request) => {
      if (verb !== 'create' || ref.kind !== 'Lease' || request === null) return undefined;
      world.cluster.interfere(null);
      // The other's create arrives first.
      const { metadata } = request.body as unknown as { metadata: { name: string; annotations: object } };
      const annotations = { ...metadata.annotations, 'canary-rollout.github.io/run-url': 'https://ci.example/2' };
      world.cluster.put(LOCK, {
        apiVersion: LOCK.apiVersion,
        kind: LOCK.kind,
        metadata: { ...metadata, annotations },
        spec: { holderIdentity: 'x' },
      });
      return undefined;
    });

    expect(await world.first.renew(signal)).toEqual({ kind: 'lost', how: 'https://ci.example/2 took the lock' });
  });

  test('whose new one was made and answered to nobody is ours all the same', async () => {
    const world = await running();
    world.cluster.remove(LOCK);
    world.cluster.interfere((verb, ref, request) => {
      if (verb !== 'create' || ref.kind !== 'Lease' || request === null) return undefined;
      world.cluster.interfere(null);
      void world.cluster.send(request, { dryRun: false, signal });
      return { kind: 'unreachable', message: 'socket hang up' };
    });

    const first = await world.first.renew(signal);
    const second = await world.first.renew(signal);

    expect([first.kind, second.kind]).toEqual(['failed', 'saved']);
  });

  test.each([true, false])('does not keep the run from ending (the state kept: %s)', async (keepsState) => {
    const world = await running();
    world.cluster.remove(LOCK);

    expect(await world.first.release(keepsState, signal)).toEqual({ kind: 'saved' });
    expect(world.cluster.get(STATE) === null).toBe(!keepsState);
    expect(holder(world)).toBeUndefined();
  });
});

describe('how long the lock is known to be held', () => {
  test('is nothing before it was taken, and its duration after', async () => {
    const { store, clock } = setUp();
    const first = store();
    const before = first.heldUntil();
    const sentAt = clock.now();
    await first.acquire(ours, signal);

    expect([before, first.heldUntil()]).toEqual([null, sentAt + 30_000]);
  });

  test('counts from when the renewal was sent, not from when it was answered', async () => {
    const { first, clock, cluster } = await running();
    clock.advance(10_000);
    const sentAt = clock.now();
    cluster.interfere((verb) => void (verb === 'patch' && clock.advance(8000)));

    await first.renew(signal);

    expect(first.heldUntil()).toBe(sentAt + 30_000);
  });

  test('does not grow by a renewal that failed', async () => {
    const { first, clock, cluster } = await running();
    const before = first.heldUntil();
    clock.advance(10_000);
    cluster.interfere(() => ({ kind: 'unreachable', message: 'no answer in time' }));

    const renewed = await first.renew(signal);

    expect(renewed.kind).toBe('failed');
    expect(first.heldUntil()).toBe(before);
  });

  test.each(['renew', 'save'] as const)('is over when a %s finds it lost', async (how) => {
    const { first, store } = await running();
    await store().acquire(theirs, signal);

    const found = how === 'renew' ? await first.renew(signal) : await first.save(aRollout(), signal);

    expect(found).toEqual({ kind: 'lost', how: 'run-2 took the lock' });
    expect(first.heldUntil()).toBeNull();
  });

  test.each([true, false])('is over when it was given back (the state kept: %s)', async (keepsState) => {
    const { first } = await running();

    await first.release(keepsState, signal);

    expect(first.heldUntil()).toBeNull();
  });

  test('is over when it may have been given back: the answer was lost', async () => {
    const { first, cluster } = await running();
    cluster.interfere((verb) => (verb === 'patch' ? { kind: 'unreachable', message: 'socket hang up' } : undefined));

    expect((await first.release(true, signal)).kind).toBe('failed');
    expect(first.heldUntil()).toBeNull();
  });
});

describe('a run that stood still for longer than the lease lasts', () => {
  test('looks before it writes, and writes nothing when the lock was taken', async () => {
    const { first, store, clock, cluster } = await running();
    clock.advance(31_000);
    await store().acquire(theirs, signal);
    const calls: string[] = [];
    cluster.interfere((verb, ref) => void calls.push(`${verb} ${ref.kind}`));

    expect(await first.renew(signal)).toEqual({ kind: 'lost', how: 'run-2 took the lock' });
    expect(calls).toEqual(['read Lease']);
  });

  test('goes on when nobody took it', async () => {
    const { first, clock } = await running();
    clock.advance(3_600_000);

    expect(await first.renew(signal)).toEqual({ kind: 'saved' });
    expect(first.heldUntil()).toBe(clock.now() + 30_000);
  });
});

describe('an observer of a Lease', () => {
  test('is not deceived by a jump of its own clock', async () => {
    const { store, clock, cluster } = await running();
    const start = clock.now();
    let looks = 0;
    cluster.interfere((verb, ref) => {
      if (verb !== 'read' || ref.kind !== 'Lease') return undefined;
      looks += 1;
      if (looks === 3) clock.advance(3_600_000);
      // The holder is alive, and renews.
      const lease = cluster.get(LOCK);
      if (looks === 12 && lease !== null) cluster.put(LOCK, lease);
      return undefined;
    });

    expect(await store().acquire(theirs, signal)).toMatchObject({ kind: 'held', by: 'run-1' });
    expect(clock.now() - start).toBeLessThan(3_600_000 + 30_000);
  });

  test('never compares the time that the holder wrote with its own', async () => {
    const { store, clock, cluster } = await running();
    const lease = cluster.get(LOCK);
    const spec = { ...Object(lease?.['spec']), renewTime: '2001-01-01T00:00:00.000000Z' };
    if (lease !== null) cluster.put(LOCK, { ...lease, spec });
    const start = clock.now();

    const taken = await store().acquire(theirs, signal);

    expect(taken.kind).toBe('acquired');
    expect(clock.now() - start).toBe(30_000);
  });
});

describe('the clock of a machine that was paused', () => {
  test('has moved on when it goes on, so that the lock counts as possibly lost', async () => {
    const wall = { now: 1000 };
    const steady = { now: 1000 };
    const clock: Clock = clockOf(
      () => wall.now,
      () => steady.now,
    );
    const { store } = setUp();
    const first = store({ clock });
    await first.acquire(ours, signal);
    // A suspended machine's monotonic clock stands still; its wall clock is corrected.
    wall.now += 45_000;

    expect(clock.now()).toBeGreaterThanOrEqual(first.heldUntil() ?? 0);
  });
});
