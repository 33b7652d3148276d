import { describe, expect, test } from 'vitest';
import { objectRef, POD } from '../../src/core/objects.ts';
import { startRollout } from '../../src/core/start.ts';
import { driveToEnd } from '../../src/drive/to-end.ts';
import type { MetricSource } from '../../src/ports/metric-source.ts';
import type { Acquired, SavedRollout, Store } from '../../src/ports/store.ts';
import type { Workload } from '../../src/ports/workload.ts';
import { finish, type Release, release } from '../../src/release.ts';
import { aPlan as corePlan, LATENCY } from '../core/plan.ts';
import { fakeClock } from '../fakes/clock.ts';
import { fakeCluster } from '../fakes/cluster.ts';
import { aSpec } from '../fakes/spec.ts';
import { aContext, aPlan, aRoute, aService, aStore, router, workload } from './adapters.ts';

const arm = {
  uid: 'u',
  replicas: 3,
  ready: 3,
  endpoints: 3,
  rolledOut: true,
  template: 'template-1',
  images: [],
  imageIds: [],
  problem: null,
  lives: null,
};
const resolving: Workload = {
  ...workload,
  resolve: () => ({ target: corePlan().target, findings: [] }),
  observe: () => ({ stable: arm, canary: null }),
  samplePod: () => ({
    verb: 'create',
    ref: objectRef(POD, 'shop', 'sample'),
    contentType: 'application/json',
    body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'sample', namespace: 'shop' } },
  }),
};

const aRelease = (store: Partial<Store>): Release => ({
  spec: aSpec(),
  run: corePlan().run,
  rolloutId: 'r1',
  holder: { id: 'me', runUrl: null },
  cluster: fakeCluster({ objects: [aRoute(0, {}), aService('checkout', 'checkout')] }),
  routers: [router],
  workload: resolving,
  hazards: [],
  watchdog: null,
  source: null,
  presets: [],
  sourcePermissions: [],
  sourceNotices: [],
  store: aStore(store),
  clock: fakeClock(),
  cancelled: new AbortController().signal,
  log: () => undefined,
  locked: () => undefined,
  progress: () => undefined,
});

const halted: SavedRollout = {
  kind: 'rollout',
  rollout: { ...startRollout(aPlan(), 0), phase: 'halted', reopensAs: 'rolling-back' },
};

describe('a release', () => {
  test('leaves a rollout alone that another run began and left while this one was checking', async () => {
    const done: string[] = [];
    const input = aRelease({
      acquire: async () => ({ kind: 'acquired', token: 't', rollout: halted }),
      save: async () => {
        done.push('save');
        return { kind: 'saved' };
      },
      release: async (keepState) => {
        done.push(`release ${keepState}`);
        return { kind: 'saved' };
      },
    });

    const { outcome } = await release(input);

    expect(outcome).toMatchObject({ kind: 'rejected', reason: { code: 'lock-held' } });
    expect(done).toEqual(['release true']);
  });
});

describe('the post step', () => {
  const failing = (times: number): (() => Promise<Acquired>) => {
    let asked = 0;
    return async () => {
      asked += 1;
      return asked <= times
        ? { kind: 'failed', problem: { kind: 'unreachable', message: 'connection refused' } }
        : { kind: 'acquired', token: 't', rollout: null };
    };
  };

  test('tries again while the API server is away', async () => {
    const input = aRelease({ acquire: failing(10) });
    expect(await finish(input, input.clock.now() + 240_000)).toEqual({ kind: 'nothing' });
  });

  test('says why it gives up when its time is over', async () => {
    const input = aRelease({ acquire: failing(1_000) });
    expect(await finish(input, input.clock.now() + 240_000)).toEqual({ kind: 'failed', why: 'connection refused' });
  });

  test('does not wait for a rollout that halted to become another', async () => {
    const input = aRelease({ acquire: async () => ({ kind: 'acquired', token: 't', rollout: halted }) });
    expect(await finish(input, input.clock.now())).toEqual({ kind: 'nothing' });
  });
});

describe('reports', () => {
  test('are not written each time that data comes and goes', async () => {
    const clock = fakeClock();
    let told = 0;
    const progress = (): void => {
      told += 1;
    };
    let waits = 0;
    const cluster = fakeCluster({ objects: [aRoute(0, {}), aService('checkout', 'checkout')] });
    const flapping: MetricSource = {
      check: async () => ({ findings: [], scrapeIntervalMs: 1_000, paceMs: 5_000 }),
      history: async () => [],
      sample: async (queries) =>
        queries.map(({ metric, arm: of }) => {
          waits += 1;
          return waits % 4 < 2
            ? { metric, arm: of, kind: 'no-data', why: 'empty' }
            : { metric, arm: of, kind: 'value', value: 0.1, at: clock.now() };
        }),
    };
    const plan = aPlan({ metrics: [{ ...LATENCY, everyMs: 5_000 }] });
    const steps = plan.steps.slice(0, 1).map((step) => ({ ...step, intervalMs: 600_000 }));
    const both: Workload = {
      ...workload,
      observe: () => ({ stable: arm, canary: { ...arm, template: 'template-2' } }),
    };
    const context = aContext(cluster, { clock, source: flapping, workload: both });

    const { outcome } = await driveToEnd(
      { progress, store: aStore() },
      context,
      startRollout({ ...plan, steps }, clock.now()),
    );

    expect(outcome).toMatchObject({ kind: 'finished' });
    expect(waits).toBeGreaterThan(200);
    expect(told).toBeLessThan(40);
  });
});

describe('the lock at the end', () => {
  const ended = { ...startRollout(aPlan(), 0), phase: 'promoted' } as const;
  const end = async (failures: number) => {
    let asked = 0;
    const store = aStore({
      release: async () => {
        asked += 1;
        return asked > failures
          ? { kind: 'saved' }
          : { kind: 'failed', problem: { kind: 'unreachable', message: 'connection refused' } };
      },
    });
    const { outcome } = await driveToEnd({ progress: () => undefined, store }, aContext(fakeCluster()), ended);
    return outcome.kind === 'finished' ? outcome.rollout.warnings : null;
  };

  test('is given back at a later try', async () => {
    expect(await end(2)).toEqual([]);
  });

  test('that stays behind is told', async () => {
    expect(await end(99)).toEqual(['the state and the lock could not be put away: connection refused']);
  });
});
