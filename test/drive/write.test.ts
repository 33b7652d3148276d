import { describe, expect, test } from 'vitest';
import type { Seen } from '../../src/core/objects.ts';
import type { Intent } from '../../src/core/rollout.ts';
import { startRollout } from '../../src/core/start.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { NOTHING_SEEN, readAll } from '../../src/drive/read.ts';
import { withoutMarkTests, write } from '../../src/drive/write.ts';
import { type FakeCluster, fakeCluster } from '../fakes/cluster.ts';
import {
  aContext,
  aPlan,
  aRoute,
  aService,
  CANARY_SERVICE,
  guard,
  MARKS,
  ROUTE,
  router,
  STABLE_SERVICE,
  signal,
} from './adapters.ts';

const aCluster = (weight: number, annotations = MARKS): FakeCluster =>
  fakeCluster({
    objects: [
      aRoute(weight, annotations),
      aService('checkout', 'checkout'),
      aService('checkout-canary', 'checkout-canary', annotations),
    ],
  });

const shift: Intent = { kind: 'traffic', want: weightOnly(500) };
const back: Intent = { kind: 'way-back' };

const carryOut = (cluster: FakeCluster, intent: Intent, seen: Seen = NOTHING_SEEN) =>
  write(aContext(cluster), startRollout(aPlan(), 0), intent, seen, { signal: signal(), remember: () => undefined });

const seenNow = async (cluster: FakeCluster): Promise<Seen> => {
  const read = await readAll(cluster, [ROUTE, CANARY_SERVICE, STABLE_SERVICE], signal());
  if (read.kind === 'failed') throw new Error(read.what);
  return read.seen;
};

const weightIn = (cluster: FakeCluster): unknown => cluster.get(ROUTE)?.['spec'];
const sent = (cluster: FakeCluster): number => cluster.writes.length;

describe('a forward write', () => {
  test('is planned from a fresh read', async () => {
    const cluster = aCluster(0);

    const outcome = await carryOut(cluster, shift);

    expect(outcome).toEqual({ kind: 'done', notes: [] });
    expect(weightIn(cluster)).toEqual({ weight: 500 });
  });

  test('is not sent once a cancel or a lost lock has come, even after a conflict', async () => {
    const cluster = aCluster(0);
    let asked = 0;
    cluster.interfere((verb) => {
      if (verb !== 'patch') return undefined;
      cluster.interfere(null);
      return { kind: 'conflict', message: 'somebody was faster' };
    });
    const isWanted = (): boolean => {
      asked += 1;
      return asked === 1;
    };

    const outcome = await write(aContext(cluster), startRollout(aPlan(), 0), shift, NOTHING_SEEN, {
      signal: signal(),
      remember: () => undefined,
      isWanted,
    });

    expect(outcome).toMatchObject({ kind: 'failed', code: 'cancelled' });
    expect(weightIn(cluster)).toEqual({ weight: 0 });
  });

  test('sends nothing when it is so already', async () => {
    const cluster = aCluster(500);

    await carryOut(cluster, shift);

    expect(sent(cluster)).toBe(0);
  });

  test('reads and plans again after a conflict', async () => {
    const cluster = aCluster(0);
    let conflicts = 0;
    cluster.interfere((verb) => {
      conflicts += verb === 'patch' ? 1 : 0;
      return verb === 'patch' && conflicts < 3 ? { kind: 'conflict', message: 'changed' } : undefined;
    });

    expect((await carryOut(cluster, shift)).kind).toBe('done');
    expect(sent(cluster)).toBe(3);
  });

  test('is refused, not for good, after five conflicts', async () => {
    const cluster = aCluster(0, { ...MARKS, [guard.holder.key]: 'another run' });

    const outcome = await carryOut(cluster, shift);

    expect(outcome).toMatchObject({ kind: 'refused', final: false });
    expect(sent(cluster)).toBe(5);
    expect(weightIn(cluster)).toEqual({ weight: 0 });
  });

  test.each([
    [
      { kind: 'forbidden', message: 'no' },
      { kind: 'refused', code: 'forbidden', final: true },
    ],
    [
      { kind: 'invalid', message: 'no', causes: [] },
      { kind: 'refused', code: 'refused-by-cluster', final: true },
    ],
    [
      { kind: 'unreachable', message: 'no' },
      { kind: 'failed', code: 'cluster-unreachable' },
    ],
    [
      { kind: 'throttled', message: 'no', retryAfterMs: 1 },
      { kind: 'failed', code: 'cluster-unreachable' },
    ],
  ] as const)('answered with %o is %o', async (problem, outcome) => {
    const cluster = aCluster(0);
    cluster.interfere((verb) => (verb === 'patch' ? problem : undefined));

    expect(await carryOut(cluster, shift)).toMatchObject(outcome);
  });
});

describe('the way back', () => {
  test('is sent from what was seen last, without a read before it', async () => {
    const cluster = aCluster(500);
    const seen = await seenNow(cluster);
    const reads: string[] = [];
    cluster.interfere((verb) => {
      reads.push(verb);
      return undefined;
    });

    await carryOut(cluster, back, seen);

    expect(reads).toEqual(['patch']);
    expect(weightIn(cluster)).toEqual({ weight: 0 });
  });

  test('reads first when nothing was seen yet', async () => {
    const cluster = aCluster(500);

    expect((await carryOut(cluster, back)).kind).toBe('done');
    expect(weightIn(cluster)).toEqual({ weight: 0 });
  });

  test('reads again before it says that there is nothing to return', async () => {
    const cluster = aCluster(0);
    const before = await seenNow(cluster);
    cluster.put(ROUTE, aRoute(500));

    expect((await carryOut(cluster, back, before)).kind).toBe('done');
    expect(weightIn(cluster)).toEqual({ weight: 0 });
  });

  test('does not need the holder mark', async () => {
    const cluster = aCluster(500, { ...MARKS, [guard.holder.key]: 'another run' });

    await carryOut(cluster, back);

    expect(weightIn(cluster)).toEqual({ weight: 0 });
  });

  test('is refused for good when its mark is gone', async () => {
    const cluster = aCluster(500, { [guard.holder.key]: guard.holder.value });

    expect(await carryOut(cluster, back)).toMatchObject({ kind: 'refused', code: 'lock-lost', final: true });
    expect(weightIn(cluster)).toEqual({ weight: 500 });
  });

  test('that is forbidden may be asked for again', async () => {
    const cluster = aCluster(500);
    cluster.interfere((verb) => (verb === 'patch' ? { kind: 'forbidden', message: 'no' } : undefined));

    expect(await carryOut(cluster, back)).toMatchObject({ kind: 'refused', code: 'forbidden', final: false });
  });

  test('of last resort points the canary Service at the pods of stable', async () => {
    const cluster = aCluster(500);

    await carryOut(cluster, { kind: 'last-resort' });

    expect(cluster.get(CANARY_SERVICE)?.['spec']).toEqual({ selector: { app: 'checkout' } });
  });
});

describe('the marks', () => {
  const marksOf = (cluster: FakeCluster) => cluster.get(ROUTE)?.metadata.annotations ?? {};

  test('are written by a claim, taken over by the next, and removed at the end', async () => {
    const cluster = aCluster(0, {});
    await carryOut(cluster, { kind: 'claim' });
    expect(marksOf(cluster)).toEqual(MARKS);

    await carryOut(cluster, { kind: 'unclaim' });
    expect(marksOf(cluster)).toEqual({});
  });

  test('lose the way back at the commit, the canary Service first', async () => {
    const cluster = aCluster(0);

    await carryOut(cluster, { kind: 'commit' });

    expect(marksOf(cluster)).toEqual({ [guard.holder.key]: guard.holder.value });
    expect(cluster.writes.map(({ request }) => request.ref.kind)).toEqual(['Service', 'Split']);
  });

  test('stay at the commit of a run that lost its lock', async () => {
    const takenOver = { ...MARKS, [guard.holder.key]: 'another run' };
    const cluster = aCluster(0, takenOver);

    const outcome = await carryOut(cluster, { kind: 'commit' });

    expect(outcome).toMatchObject({ kind: 'refused', final: false });
    expect(marksOf(cluster)).toEqual(takenOver);
  });

  test('of another rollout stay', async () => {
    const other = { ...MARKS, [guard.wayBack.key]: 'r2' };
    const cluster = aCluster(0, other);

    await carryOut(cluster, { kind: 'commit' });

    expect(marksOf(cluster)).toEqual(other);
  });

  test('are not opened for a way back again by a takeover past the commit', async () => {
    const cluster = aCluster(0, {});

    await carryOut(cluster, { kind: 'hold' });

    expect(marksOf(cluster)).toEqual({ [guard.holder.key]: guard.holder.value });
  });

  test('are not tested in a dry run, when they do not exist yet', () => {
    const planned = router.plan({ objects: new Map(), lists: new Map() }, aPlan().target, weightOnly(500), guard, null);
    const [request] = planned.ok ? planned.value : [];
    if (request === undefined) throw new Error('nothing planned');

    expect(withoutMarkTests(request, { guard }).body).toEqual([{ op: 'add', path: '/spec/weight', value: 500 }]);
  });
});
