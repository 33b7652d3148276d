import { describe, expect, test } from 'vitest';
import { DEPLOYMENT, type KubeObject, objectIn, objectRef } from '../../src/core/objects.ts';
import type { FirstRelease } from '../../src/core/outcome.ts';
import type { FirstReady } from '../../src/drive/check-first.ts';
import { type FirstInput, firstRelease, plannedFirst } from '../../src/drive/first-release.ts';
import type { Saved } from '../../src/ports/store.ts';
import type { Workload } from '../../src/ports/workload.ts';
import { type FakeClock, fakeClock } from '../fakes/clock.ts';
import { type FakeCluster, fakeCluster } from '../fakes/cluster.ts';
import { aManifest, POD_TEMPLATE } from '../fakes/manifest.ts';
import { aStore, workload } from './adapters.ts';

const REF = objectRef(DEPLOYMENT, 'shop', 'checkout');
const SUBJECT = { namespace: 'shop', deployment: 'checkout', images: ['app:2'] };

const BODY = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'checkout', namespace: 'shop' },
  spec: { selector: { matchLabels: { app: 'checkout' } }, template: POD_TEMPLATE },
} as const;

const READY: FirstReady = {
  kind: 'first',
  request: {
    rolloutId: 'r1',
    namespace: 'shop',
    deployment: 'checkout',
    canaryDeployment: null,
    copy: [],
    service: null,
    version: { kind: 'manifest', manifest: aManifest(), template: POD_TEMPLATE },
    unit: 'requests',
    annotations: {},
  },
  creation: { verb: 'create', ref: REF, contentType: 'application/json', body: BODY },
  findings: [],
  permissions: [],
};

/** Ready when somebody has written so into its status. */
const watching: Workload = {
  ...workload,
  surveys: () => [REF],
  isUnchanged: (seen) => objectIn(seen, REF)?.['status'] === 'ready',
  resolve: () => ({
    target: null,
    findings: [
      {
        severity: 'error',
        code: 'stable-not-healthy',
        where: '',
        message: '0 of 1 pods ready (it crashes)',
        advice: null,
      },
    ],
  }),
};

interface World {
  readonly cluster: FakeCluster;
  readonly clock: FakeClock;
  readonly cancel: AbortController;
  readonly released: boolean[];
  readonly input: FirstInput;
}

const aWorld = (renew: () => Saved = () => ({ kind: 'saved' })): World => {
  const cluster = fakeCluster();
  const clock = fakeClock();
  const cancel = new AbortController();
  const released: boolean[] = [];
  const store = aStore({
    renew: async () => renew(),
    release: async (keepState) => {
      released.push(keepState);
      return { kind: 'saved' };
    },
  });
  const input: FirstInput = {
    spec: { readyTimeoutMs: 60_000 },
    rolloutId: 'r1',
    holder: { id: 'me', runUrl: null },
    cluster,
    routers: [],
    workload: watching,
    hazards: [],
    watchdog: null,
    source: null,
    presets: [],
    store,
    clock,
    cancelled: cancel.signal,
    log: () => undefined,
    locked: () => undefined,
    progress: () => undefined,
  };
  return { cluster, clock, cancel, released, input };
};

const run = async ({ input }: World): Promise<FirstRelease> => {
  const { outcome } = await firstRelease(input, READY, SUBJECT);
  if (outcome.kind !== 'first-release') throw new Error(JSON.stringify(outcome));
  return outcome;
};

/** Before the second look at it. */
const meanwhile = ({ cluster }: World, act: (live: KubeObject) => void): void => {
  let looks = 0;
  cluster.interfere((verb) => {
    looks += verb === 'read' ? 1 : 0;
    const live = cluster.get(REF);
    if (verb === 'read' && looks === 2 && live !== null) act(live);
    return undefined;
  });
};

const sent = ({ cluster }: World): readonly string[] =>
  cluster.writes.map(({ request, result }) => `${request.verb} ${result}`);

describe('the first release', () => {
  test('ends well when it is ready, and gives the lock back without a state', async () => {
    const world = aWorld();
    meanwhile(world, (live) => world.cluster.put(REF, { ...live, status: 'ready' }));

    expect(await run(world)).toMatchObject({ status: 'promoted', reason: { code: 'completed' } });
    expect(world.cluster.get(REF)?.['spec']).toEqual(BODY.spec);
    expect(world.released).toEqual([false]);
  });

  test('is removed again when it is not ready in time, with the reason', async () => {
    const world = aWorld();
    const { status, reason } = await run(world);

    expect([status, reason.code]).toEqual(['rolled-back', 'canary-not-ready']);
    expect(reason.text).toContain('0 of 1 pods ready (it crashes); Deployment shop/checkout was removed again');
    expect(world.cluster.get(REF)).toBeNull();
    expect(sent(world)).toEqual(['create ok', 'delete ok']);
    expect(world.released).toEqual([false]);
  });

  test('is removed again when the run is cancelled', async () => {
    const world = aWorld();
    meanwhile(world, () => world.cancel.abort());

    expect(await run(world)).toMatchObject({ status: 'aborted', reason: { code: 'cancelled' } });
    expect(world.cluster.get(REF)).toBeNull();
  });

  test('stands when somebody else has changed it, but for its size', async () => {
    const changed = aWorld();
    meanwhile(changed, (live) => changed.cluster.put(REF, { ...live, spec: { ...BODY.spec, paused: true } }));
    const scaled = aWorld();
    meanwhile(scaled, (live) => scaled.cluster.put(REF, { ...live, spec: { ...BODY.spec, replicas: 4 } }));

    const { status, reason } = await run(changed);
    expect([status, reason.code]).toEqual(['halted', 'canary-not-ready']);
    expect(reason.text).toContain('stands, because somebody else has changed it');
    expect(changed.cluster.get(REF)).not.toBeNull();
    expect(await run(scaled)).toMatchObject({ status: 'rolled-back' });
  });

  test('writes nothing more once the lock is lost', async () => {
    const world = aWorld(() => ({ kind: 'lost', how: 'another run took the lock' }));

    expect(await run(world)).toMatchObject({ status: 'halted', reason: { code: 'lock-lost' } });
    expect(sent(world)).toEqual(['create ok']);
    expect(world.released).toEqual([]);
  });

  test('knows its own Deployment again when the answer was lost', async () => {
    const world = aWorld();
    let lost = false;
    world.cluster.interfere((verb, ref) => {
      if (verb !== 'create' || lost) return undefined;
      lost = true;
      const metadata = { ...BODY.metadata, managedFields: [{ manager: 'canary-rollout', operation: 'Update' }] };
      world.cluster.put(REF, { ...BODY, metadata, status: 'ready' });
      return { kind: 'unreachable', message: `connection reset (${ref.kind})` };
    });

    expect(await run(world)).toMatchObject({ status: 'promoted' });
  });

  test('never takes one for its own that somebody else has created from the same file', async () => {
    const world = aWorld();
    let lost = false;
    world.cluster.interfere((verb) => {
      if (verb !== 'create' || lost) return undefined;
      lost = true;
      const metadata = { ...BODY.metadata, managedFields: [{ manager: 'kubectl', operation: 'Update' }] };
      world.cluster.put(REF, { ...BODY, metadata });
      return { kind: 'unreachable', message: 'connection reset' };
    });
    const { outcome } = await firstRelease(world.input, READY, SUBJECT);

    expect(outcome).toMatchObject({ kind: 'rejected', reason: { code: 'object-exists' } });
    expect(world.cluster.get(REF)).not.toBeNull();
  });

  test('is refused when somebody else has created it meanwhile', async () => {
    const world = aWorld();
    world.cluster.put(REF, BODY);
    const { outcome } = await firstRelease(world.input, READY, SUBJECT);

    expect(outcome).toMatchObject({ kind: 'rejected', reason: { code: 'object-exists' } });
    expect(world.released).toEqual([false]);
  });

  test('says that nobody knows when no answer comes at all', async () => {
    const world = aWorld();
    world.cluster.interfere((verb) =>
      verb === 'create' ? { kind: 'unreachable', message: 'no route to host' } : undefined,
    );

    expect(await run(world)).toMatchObject({ status: 'halted', reason: { code: 'cluster-unreachable' } });
  });

  test('is gone when somebody removes it', async () => {
    const world = aWorld();
    meanwhile(world, () => world.cluster.remove(REF));

    expect(await run(world)).toMatchObject({ status: 'rolled-back', reason: { code: 'stable-changed' } });
    expect(sent(world)).toEqual(['create ok']);
  });

  test('is only told of by a plan', () => {
    expect(plannedFirst(READY, SUBJECT, 'r1')).toMatchObject({
      status: 'planned',
      times: null,
      reason: { text: expect.stringContaining('Deployment shop/checkout does not exist: it would be created') },
    });
  });
});
