import { describe, expect, test } from 'vitest';
import { CONFIG_MAP, type KubeObject, objectRef, SERVICE } from '../../src/core/objects.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import { startRollout } from '../../src/core/start.ts';
import type { DriveContext } from '../../src/drive/context.ts';
import { NOTHING_SEEN } from '../../src/drive/read.ts';
import { keepWatchdog, removeWatchdog } from '../../src/drive/watchdog.ts';
import { write } from '../../src/drive/write.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { jobWatchdog as watchdogFor } from '../../src/watchdog/index.ts';
import { fakeClock } from '../fakes/clock.ts';
import { type FakeCluster, fakeCluster } from '../fakes/cluster.ts';
import { aContext, aPlan, aRoute, aService, MARKS, ROUTE, signal } from './adapters.ts';

const OWN = { image: 'example.com/tools@sha256:0', serviceAccount: 'watchdog', afterMs: 60_000 };
const PLAN = aPlan({ watchdog: OWN });
const jobWatchdog = watchdogFor(OWN);
const JOB = jobWatchdog.ref(PLAN.target);
const STATE = objectRef(CONFIG_MAP, 'shop', 'canary-rollout-checkout');

const aState = (uid = 'state-uid'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: STATE.name, namespace: 'shop', uid },
});

const aCluster = (): FakeCluster =>
  fakeCluster({
    objects: [
      aRoute(0),
      aService('checkout', 'checkout'),
      aService('checkout-canary', 'checkout-canary', MARKS),
      aState(),
    ],
  });

const rolloutIn = (phase: Rollout['phase'], change: Partial<Rollout> = {}): Rollout => ({
  ...startRollout(PLAN, 0),
  phase,
  ...change,
});

const start = (cluster: FakeCluster) =>
  write(aContext(cluster, { watchdog: jobWatchdog }), rolloutIn('preparing'), { kind: 'watchdog' }, NOTHING_SEEN, {
    signal: signal(),
    remember: () => undefined,
  });

const statusOf = (cluster: FakeCluster, status: object): void => {
  const job = cluster.get(JOB);
  if (job !== null) cluster.put(JOB, { ...job, status });
};

/** Looks as often as there are happenings, each before the next look; what it warned of. */
const keep = async (
  cluster: FakeCluster,
  happenings: readonly (() => void)[],
  rollout = rolloutIn('progressing'),
  change: Partial<DriveContext> = {},
): Promise<readonly string[]> => {
  const over = new AbortController();
  const left = [...happenings];
  const clock = fakeClock();
  const telling: Clock = {
    now: clock.now,
    sleepUntil: async (at, given) => {
      const next = left.shift();
      if (next === undefined) over.abort();
      next?.();
      await clock.sleepUntil(at, given);
    },
  };
  const warnings: string[] = [];
  const context = aContext(cluster, { watchdog: jobWatchdog, clock: telling, ...change });
  await keepWatchdog(
    context,
    () => rollout,
    over.signal,
    (text) => warnings.push(text),
  );
  return warnings;
};

const nothing = (): void => undefined;
const jobWrites = (cluster: FakeCluster): readonly string[] =>
  cluster.writes
    .filter(({ request }) => request.ref.kind === 'Job')
    .map(({ request, result }) => `${request.verb}: ${result}`);

describe('starting the watchdog', () => {
  test('creates a Job that the state owns, with what the adapters plan', async () => {
    const cluster = aCluster();

    expect(await start(cluster)).toEqual({ kind: 'done', notes: [] });
    const job = cluster.get(JOB);
    expect(job?.metadata.ownerReferences).toMatchObject([{ kind: 'ConfigMap', uid: 'state-uid' }]);
    expect(JSON.stringify(job)).toContain('/spec/weight');
    expect(JSON.stringify(job)).toContain('/spec/selector');
  });

  test('twice creates one', async () => {
    const cluster = aCluster();
    await start(cluster);
    await start(cluster);

    expect(jobWrites(cluster)).toEqual(['create: ok']);
  });

  test('takes the place of one that an earlier rollout left', async () => {
    const cluster = aCluster();
    await start(cluster);
    cluster.remove(STATE);
    cluster.put(STATE, aState('another-uid'));

    expect(await start(cluster)).toEqual({ kind: 'done', notes: [] });
    expect(jobWrites(cluster)).toEqual(['create: ok', 'delete: ok', 'create: ok']);
  });

  test('that may not be created is a refusal', async () => {
    const cluster = aCluster();
    cluster.interfere((verb) => (verb === 'create' ? { kind: 'forbidden', message: 'no' } : undefined));

    expect(await start(cluster)).toMatchObject({ kind: 'refused', code: 'forbidden' });
  });
});

describe('keeping it', () => {
  test('says and does nothing while it lives', async () => {
    const cluster = aCluster();
    await start(cluster);
    statusOf(cluster, { ready: 1 });

    expect(await keep(cluster, [nothing, nothing, nothing, nothing, nothing])).toEqual([]);
    expect(jobWrites(cluster)).toEqual(['create: ok']);
  });

  test('warns of its death, and starts it again', async () => {
    const cluster = aCluster();
    await start(cluster);
    const dies = (): void =>
      statusOf(cluster, { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] });

    const warnings = await keep(cluster, [dies, nothing, nothing]);

    expect(warnings).toEqual([
      'the watchdog (Job shop/checkout-canary-watchdog) died: BackoffLimitExceeded; it was started again',
    ]);
    expect(jobWrites(cluster)).toEqual(['create: ok', 'delete: ok', 'create: ok']);
  });

  test('starts it again when somebody deleted it', async () => {
    const cluster = aCluster();
    await start(cluster);

    const warnings = await keep(cluster, [nothing, () => cluster.remove(JOB), nothing]);

    expect(warnings).toEqual(['the watchdog (Job shop/checkout-canary-watchdog) is gone; it was started again']);
    expect(cluster.get(JOB)).not.toBeNull();
  });

  test('says when it cannot be started again, and tries at the next look', async () => {
    const cluster = aCluster();
    const refuses = (): void =>
      cluster.interfere((verb) => (verb === 'create' ? { kind: 'forbidden', message: 'quota' } : undefined));
    refuses();

    const warnings = await keep(cluster, [() => cluster.interfere(null), nothing]);

    expect(warnings).toEqual([
      expect.stringMatching(/is gone; it could not be started again: quota$/),
      expect.stringMatching(/is gone; it was started again$/),
    ]);
  });

  test('warns once when this job was given none to start', async () => {
    const cluster = aCluster();
    const context = { watchdog: watchdogFor(null) };

    const warnings = await keep(cluster, [nothing, nothing, nothing], rolloutIn('progressing'), context);

    expect(warnings).toEqual([expect.stringMatching(/is gone; it could not be started again: .*`watchdog-image`$/)]);
    expect(cluster.writes).toEqual([]);
  });

  test('warns once when it never sees the Lease', async () => {
    const cluster = aCluster();
    await start(cluster);

    const warnings = await keep(
      cluster,
      Array.from({ length: 12 }, () => nothing),
    );

    expect(warnings).toEqual([expect.stringContaining('does not see the Lease')]);
  });

  test('is quiet about a pod that needs its time to start', async () => {
    const cluster = aCluster();
    await start(cluster);

    expect(await keep(cluster, [nothing, () => statusOf(cluster, { ready: 1 }), nothing, nothing])).toEqual([]);
  });

  test('takes an API server that is away for no death', async () => {
    const cluster = aCluster();
    await start(cluster);
    cluster.interfere(() => ({ kind: 'unreachable', message: 'connection refused' }));

    expect(await keep(cluster, [nothing, nothing])).toEqual([]);
  });

  test.each([
    ['before the first weight', rolloutIn('preparing')],
    ['past the point of no return', rolloutIn('promoting', { committedAt: 1 })],
    ['while it goes back anyway', rolloutIn('rolling-back')],
  ])('starts none %s', async (_when, rollout) => {
    const cluster = aCluster();

    expect(await keep(cluster, [nothing, nothing], rollout)).toEqual([]);
    expect(cluster.writes).toEqual([]);
  });
});

describe('removing it', () => {
  const remove = (cluster: FakeCluster) => removeWatchdog(aContext(cluster, { watchdog: jobWatchdog }), PLAN, signal());

  test('leaves nothing', async () => {
    const cluster = aCluster();
    await start(cluster);
    await remove(cluster);
    await remove(cluster);

    expect(cluster.get(JOB)).toBeNull();
    expect(jobWrites(cluster)).toEqual(['create: ok', 'delete: ok']);
  });

  test('is given up quietly when the cluster does not answer: the state owns it', async () => {
    const cluster = aCluster();
    await start(cluster);
    cluster.interfere(() => ({ kind: 'unreachable', message: 'connection refused' }));

    await expect(remove(cluster)).resolves.toBeUndefined();
  });
});

test('a canary Service that points at stable already leaves no last resort', async () => {
  const cluster = aCluster();
  cluster.put(objectRef(SERVICE, 'shop', 'checkout-canary'), aService('checkout-canary', 'checkout', MARKS));
  cluster.put(ROUTE, aRoute(500));
  await start(cluster);

  expect(JSON.stringify(cluster.get(JOB))).not.toContain('/spec/selector');
});
