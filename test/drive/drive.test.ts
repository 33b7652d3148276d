import { describe, expect, test } from 'vitest';
import type { Entry } from '../../src/core/journal.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { ArmSeen, Rollout } from '../../src/core/rollout.ts';
import { startRollout } from '../../src/core/start.ts';
import type { DriveContext } from '../../src/drive/context.ts';
import { drive } from '../../src/drive/drive.ts';
import type { Workload } from '../../src/ports/workload.ts';
import { type FakeCluster, fakeCluster } from '../fakes/cluster.ts';
import { aContext, aPlan, aRoute, aService, aStore, ROUTE, workload } from './adapters.ts';

const arm = (template: string): ArmSeen => ({
  uid: template,
  replicas: 3,
  ready: 3,
  endpoints: 3,
  rolledOut: true,
  template,
  images: [],
  imageIds: [],
  problem: null,
  lives: null,
});

/** Both arms are up, always. */
const ready: Workload = { ...workload, observe: () => ({ stable: arm('template-1'), canary: arm('template-2') }) };

const quick: Plan = aPlan({ metrics: [], steps: aPlan().steps.slice(0, 2) });

interface Driven {
  readonly rollout: Rollout;
  readonly cluster: FakeCluster;
  readonly journal: readonly Entry[];
}

/** `each` may interfere after every turn. */
const run = async (
  change: Partial<DriveContext> = {},
  each: (rollout: Rollout, cluster: FakeCluster) => void = () => undefined,
): Promise<Driven> => {
  const cluster = fakeCluster({
    objects: [aRoute(0, {}), aService('checkout', 'checkout'), aService('checkout-canary', 'checkout-canary')],
  });
  const journal: Entry[] = [];
  const context = aContext(cluster, { workload: ready, log: (entry) => journal.push(entry), ...change });
  let rollout = startRollout(quick, context.clock.now());
  for await (const next of drive(context, rollout)) {
    rollout = next;
    each(next, cluster);
  }
  return { rollout, cluster, journal };
};

const weights = ({ cluster }: Driven): readonly unknown[] =>
  cluster.writes.flatMap(({ request }) => {
    if (request.ref.kind !== 'Split' || !Array.isArray(request.body)) return [];
    return request.body.flatMap((operation) =>
      operation?.path === '/spec/weight' && operation?.op === 'add' ? [operation.value] : [],
    );
  });

describe('the loop', () => {
  test('carries a release to its promotion', async () => {
    const driven = await run();

    expect(driven.rollout.phase).toBe('promoted');
    expect(weights(driven)).toEqual([500, 2_000, 10_000, 8_000, 0]);
    expect(driven.cluster.get(ROUTE)?.metadata.annotations).toEqual({});
  });

  test('returns the traffic when it is cancelled', async () => {
    const stop = new AbortController();

    const driven = await run({ cancelled: stop.signal }, ({ stage, step }) => {
      if (stage.name === 'bake' && step === 1) stop.abort();
    });

    expect(driven.rollout).toMatchObject({ phase: 'rolled-back', reason: { code: 'cancelled' } });
    expect(weights(driven)).toEqual([500, 2_000, 0]);
  });

  test('touches no weight when it was cancelled before it began', async () => {
    const driven = await run({ cancelled: AbortSignal.abort() });

    expect(driven.rollout.phase).toBe('rolled-back');
    expect(weights(driven)).toEqual([]);
  });

  test('writes nothing more when the lock is lost', async () => {
    let isLost = false;
    const store = aStore({
      save: async () => (isLost ? { kind: 'lost', how: 'run 9 took the lock' } : { kind: 'saved' }),
    });

    const driven = await run({ store }, ({ stage }) => {
      isLost = stage.name === 'bake';
    });

    expect(driven.rollout).toMatchObject({ phase: 'halted', reason: { code: 'lock-lost' } });
    expect(weights(driven)).toEqual([500]);
  });

  test('is not disturbed by a store that throws while the lease is renewed', async () => {
    const store = aStore({ renew: () => Promise.reject(new Error('aborted')) });

    expect((await run({ store })).rollout.phase).toBe('promoted');
  });

  test('takes an adapter that throws for a failed write, and says so', async () => {
    let left = 1;
    const breaking: Workload = {
      ...ready,
      plan: (...given) => {
        left -= 1;
        if (left === 0) throw new Error('a defect');
        return ready.plan(...given);
      },
    };

    const driven = await run({ workload: breaking });

    expect(driven.rollout.phase).toBe('promoted');
    expect(driven.journal.map(({ text }) => text)).toContain('not written: a defect');
  });

  test('saves what a forward write needs before it sends it', async () => {
    const order: string[] = [];
    const store = aStore({
      save: async ({ stage }) => {
        order.push(`save ${stage.name}`);
        return { kind: 'saved' };
      },
    });

    await run({ store }, (_, cluster) => {
      cluster.interfere((verb, ref) => {
        if (verb === 'patch' && ref.kind === 'Split') order.push('patch');
        return undefined;
      });
    });

    const shift = order.indexOf('save shift');
    expect(order.slice(shift, shift + 2)).toEqual(['save shift', 'patch']);
  });
});
