import { describe, expect, test } from 'vitest';
import { COPIED } from '../../src/core/copied-kinds.ts';
import { guardOf, markOn } from '../../src/core/marks.ts';
import { type KubeObject, objectRef, type Request } from '../../src/core/objects.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Intent } from '../../src/core/rollout.ts';
import { startRollout } from '../../src/core/start.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { ok } from '../../src/core/units.ts';
import { plannedWrites } from '../../src/drive/dry-run.ts';
import { preflight } from '../../src/drive/preflight.ts';
import { NOTHING_SEEN } from '../../src/drive/read.ts';
import { write } from '../../src/drive/write.ts';
import { planSchema } from '../../src/kube/plan-schema.ts';
import type { Workload } from '../../src/ports/workload.ts';
import { fakeCluster } from '../fakes/cluster.ts';
import { aSpec } from '../fakes/spec.ts';
import { aContext, aPlan, aRoute, guard, ROUTE, router, signal, workload } from './adapters.ts';

const COPY = objectRef(COPIED.NetworkPolicy, 'shop', 'checkout-canary');
const LATER = guardOf('shop', 'checkout', 'token-2', 'r1');

const planned = (plural = COPY.plural): Plan => {
  const plan = aPlan();
  const companions = [{ ref: { ...COPY, plural }, body: { spec: {} } }];
  return { ...plan, target: { ...plan.target, companions } };
};

/** Creates what its target names, as it is. */
const copying: Workload = {
  ...workload,
  plan: (_seen, { companions }, { kind }) =>
    ok(
      kind === 'companions'
        ? companions.map(({ ref, body }): Request => ({ verb: 'create', ref, contentType: 'application/json', body }))
        : [],
    ),
};

describe('copies for the canary', () => {
  test('are sent dry with everything else', () => {
    const { requests } = plannedWrites({
      cluster: fakeCluster(),
      router,
      workload: copying,
      watchdog: null,
      guard,
      seen: NOTHING_SEEN,
      plan: planned(),
    });

    expect(requests.map(({ verb, ref }) => `${verb} ${ref.kind}/${ref.name}`)).toContain(
      'create NetworkPolicy/checkout-canary',
    );
  });

  test('go with the rollout to the run that takes it over, so that it may remove them', async () => {
    const marks = { [guard.holder.key]: guard.holder.value, [guard.wayBack.key]: guard.wayBack.value };
    const made: KubeObject = { ...COPY, metadata: { name: COPY.name, namespace: 'shop', annotations: marks } };
    const cluster = fakeCluster({ objects: [made, aRoute(0)] });

    await write(
      aContext(cluster, { workload: copying, guard: LATER }),
      startRollout(planned(), 0),
      { kind: 'hold' },
      NOTHING_SEEN,
      { signal: signal(), remember: () => undefined },
    );

    const after = cluster.get(COPY);
    expect(after === null ? null : [markOn(after, LATER.holder), markOn(after, LATER.wayBack)]).toEqual([
      'token-2',
      'r1',
    ]);
  });

  test('hold no traffic up where they cannot be read', async () => {
    const cluster = fakeCluster({ objects: [aRoute(500)] });
    cluster.interfere((_verb, ref) => (ref.kind === COPY.kind ? { kind: 'forbidden', message: 'no' } : undefined));
    const context = aContext(cluster, { workload: copying });
    const options = { signal: signal(), remember: () => undefined };
    const carryOut = (intent: Intent) => write(context, startRollout(planned(), 0), intent, NOTHING_SEEN, options);

    expect(await carryOut({ kind: 'traffic', want: weightOnly(700) })).toMatchObject({ kind: 'done' });
    expect(await carryOut({ kind: 'way-back' })).toMatchObject({ kind: 'done' });
    expect(cluster.get(ROUTE)?.['spec']).toEqual({ weight: 0 });
    expect(await carryOut({ kind: 'workload', stage: { kind: 'remove-companions' } })).toMatchObject({
      kind: 'refused',
    });
  });

  test('are of the resources that can be copied, whatever the saved state says', () => {
    expect(planSchema.safeParse(planned()).error).toBeUndefined();
    expect(planSchema.safeParse(planned('secrets')).success).toBe(false);
  });

  test('need the rights to make and remove them, and only of the kinds asked for', async () => {
    const asked: string[] = [];
    const cluster = fakeCluster({
      allowed: ({ resource, verb }) => {
        asked.push(`${verb} ${resource}`);
        return resource !== 'networkpolicies' || verb !== 'create';
      },
    });
    const spec = aSpec();
    const result = await preflight({
      spec: { ...spec, surroundings: { ...spec.surroundings, copy: ['NetworkPolicy'] } },
      namespace: 'shop',
      rolloutId: 'r1',
      run: planned().run,
      cluster,
      routers: [router],
      workload: copying,
      hazards: [],
      watchdog: null,
      source: null,
      presets: [],
      sourcePermissions: [],
      sourceNotices: [],
      now: 0,
      signal: signal(),
    });

    expect(result).toMatchObject({
      kind: 'rejected',
      findings: [{ code: 'forbidden', where: 'networkpolicies.networking.k8s.io' }],
    });
    expect(asked).toEqual(
      expect.arrayContaining(['list networkpolicies', 'patch networkpolicies', 'delete networkpolicies']),
    );
    expect(asked.join()).not.toContain('poddisruptionbudgets');
  });
});
