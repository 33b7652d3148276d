import { describe, expect, test } from 'vitest';
import type { Rollout } from '../../src/core/rollout.ts';
import { startRollout } from '../../src/core/start.ts';
import { takeOver } from '../../src/drive/take-over.ts';
import type { Acquired } from '../../src/ports/store.ts';
import { fakeClock } from '../fakes/clock.ts';
import { fakeCluster } from '../fakes/cluster.ts';
import { aContext, aPlan, aRoute, aService, aStore, guard, MARKS, ROUTE, router } from './adapters.ts';

const why = { code: 'cancelled', text: 'the run ended', metric: null } as const;

const takeFrom = async (rollout: Rollout | null, failures = 0) => {
  const cluster = fakeCluster({
    objects: [aRoute(500, { ...MARKS, [guard.holder.key]: 'token-0' }), aService('checkout', 'checkout')],
  });
  let calls = 0;
  cluster.interfere((verb) => {
    calls += verb === 'patch' ? 1 : 0;
    return verb === 'patch' && calls <= failures ? { kind: 'unreachable', message: 'no route to host' } : undefined;
  });
  const released: boolean[] = [];
  const acquired: Acquired = {
    kind: 'acquired',
    token: 'token-1',
    rollout: rollout === null ? null : { kind: 'rollout', rollout },
  };
  const store = aStore({
    acquire: async () => acquired,
    release: async (keepState) => {
      released.push(keepState);
      return { kind: 'saved' };
    },
  });
  const input = { store, holder: { id: 'h', runUrl: null }, clock: fakeClock(), routers: [router] };
  const taken = await takeOver(
    input,
    () => ({ why }),
    () => aContext(cluster, { store }),
  );
  return { taken, cluster, released };
};

const open = (): Rollout => ({
  ...startRollout({ ...aPlan(), target: { ...aPlan().target, router: 'split' } }, 0),
  step: 0,
});

describe('a takeover', () => {
  test('writes the new holder mark before anything else and begins with the way back', async () => {
    const { taken, cluster } = await takeFrom(open());

    expect(taken).toMatchObject({ kind: 'taken', rollout: { phase: 'rolling-back', stage: { name: 'way-back' } } });
    expect(cluster.get(ROUTE)?.metadata.annotations).toEqual(MARKS);
  });

  test('is tried again when a request is lost', async () => {
    const { taken } = await takeFrom(open(), 2);

    expect(taken.kind).toBe('taken');
  });

  test('gives the lock back when it cannot be had, and keeps the state', async () => {
    const { taken, released } = await takeFrom(open(), 100);

    expect(taken).toMatchObject({ kind: 'failed', why: expect.stringContaining('no route to host') });
    expect(released).toEqual([true]);
  });

  test('of nothing leaves nothing behind', async () => {
    const { taken, released } = await takeFrom(null);

    expect(taken).toEqual({ kind: 'none' });
    expect(released).toEqual([false]);
  });
});
