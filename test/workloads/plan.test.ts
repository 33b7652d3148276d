import jsonpatch from 'fast-json-patch';
import { describe, expect, test } from 'vitest';
import { guardOf } from '../../src/core/marks.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import type { WorkloadStage } from '../../src/core/rollout.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { created, deployment, guard, seeFor, service, targetIn } from './world.ts';

const HOLDER_PATH = `/metadata/labels/${guard.holder.key.replace('/', '~1')}`;
const CLAIMED = { labels: { [guard.holder.key]: guard.holder.value, [guard.wayBack.key]: guard.wayBack.value } };
const STABLE = deployment({
  metadata: CLAIMED,
  podSpec: {
    initContainers: [{ name: 'migrate', image: 'app:1' }],
    containers: [
      { name: 'proxy', image: 'proxy:1' },
      { name: 'app', image: 'app:1' },
    ],
  },
});
const SERVICE = service('checkout', { app: 'checkout' });
const IMAGES = [
  { container: 'app', image: 'app:2' },
  { container: 'migrate', image: 'app:2' },
];
const WORLD = [STABLE, SERVICE];
const TARGET = targetIn(WORLD, { images: IMAGES });
const CANARY = created(seeFor(TARGET, WORLD), TARGET, 'canary', 2);
const CANARY_SERVICE = created(seeFor(TARGET, WORLD), TARGET, 'canary-service');

const plan = (objects: readonly KubeObject[], stage: WorkloadStage, by = guard) =>
  deploymentWorkload.plan(seeFor(TARGET, objects), TARGET, stage, by);

const without = (object: KubeObject, changes: Record<string, unknown>): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, ...changes },
});

/** Applies the one JSON Patch that was planned, as the API server would; throws when a test in it fails. */
const patched = (object: KubeObject, planned: ReturnType<typeof plan>): KubeObject => {
  if (!planned.ok || planned.value.length !== 1 || planned.value[0]?.verb !== 'patch')
    throw new Error('expected a patch');
  const operations = JSON.parse(JSON.stringify(planned.value[0].body)) as jsonpatch.Operation[];
  return jsonpatch.applyPatch(structuredClone(object), operations, true).newDocument;
};

describe('creating the canary', () => {
  test('is one create of each object, and nothing once they are there', () => {
    const after = [...WORLD, CANARY, CANARY_SERVICE];

    expect(plan(WORLD, { kind: 'canary-service' })).toMatchObject({ ok: true, value: [{ verb: 'create' }] });
    expect(plan(after, { kind: 'canary-service' })).toEqual({ ok: true, value: [] });
    expect(plan(after, { kind: 'canary', replicas: 2 })).toEqual({ ok: true, value: [] });
  });

  test('only ever grows', () => {
    const grown = patched(CANARY, plan([...WORLD, CANARY], { kind: 'canary', replicas: 5 }));

    expect(grown).toEqual({ ...CANARY, spec: { ...(CANARY['spec'] as object), replicas: 5 } });
    expect(plan([...WORLD, grown], { kind: 'canary', replicas: 2 })).toEqual({ ok: true, value: [] });
  });

  test('tests uid and token before it scales', () => {
    expect(plan([...WORLD, CANARY], { kind: 'canary', replicas: 3 })).toMatchObject({
      value: [
        {
          body: [
            { op: 'test', path: '/metadata/uid', value: CANARY.metadata.uid },
            { op: 'test', path: HOLDER_PATH, value: 'token-1' },
            { op: 'test', path: '/spec/replicas', value: 2 },
            { path: '/spec/replicas', value: 3 },
          ],
        },
      ],
    });
  });

  test('leaves objects of its names alone that are not ours', () => {
    const foreign = [
      ...WORLD,
      without(CANARY, { labels: { app: 'checkout' } }),
      without(CANARY_SERVICE, { annotations: {} }),
    ];

    for (const stage of [{ kind: 'canary', replicas: 9 }, { kind: 'canary-service' }] as const) {
      const planned = plan(foreign, stage);
      expect(planned.ok ? planned.value : planned.problem).toMatch(/checkout-canary does not carry this run's mark/);
    }
  });

  test('does not build on an object that is going away', () => {
    const going = { deletionTimestamp: '2026-01-01T00:00:00Z' };

    expect(plan([...WORLD, without(CANARY, going)], { kind: 'canary', replicas: 9 }).ok).toBe(false);
    expect(plan([...WORLD, without(CANARY_SERVICE, going)], { kind: 'canary-service' }).ok).toBe(false);
  });

  test('says so when stable or its Service is gone', () => {
    expect(plan([SERVICE], { kind: 'canary', replicas: 1 })).toEqual({
      ok: false,
      problem: 'Deployment shop/checkout does not exist.',
    });
    expect(plan([STABLE], { kind: 'canary-service' })).toEqual({
      ok: false,
      problem: 'Service shop/checkout does not exist.',
    });
  });

  test('needs no Service where pods are the unit', () => {
    const shared = { ...TARGET, canaryService: null };

    for (const kind of ['canary-service', 'remove-service'] as const) {
      expect(deploymentWorkload.plan(seeFor(shared, WORLD), shared, { kind }, guard)).toEqual({ ok: true, value: [] });
    }
  });
});

describe('updating stable', () => {
  test('is one patch of the images alone, guarded by uid, token, names and old images', () => {
    const planned = plan(WORLD, { kind: 'update-stable' });

    expect(planned).toMatchObject({ ok: true, value: [{ verb: 'patch', contentType: 'application/json-patch+json' }] });
    expect(planned.ok ? planned.value[0]?.body : null).toEqual([
      { op: 'test', path: '/metadata/uid', value: STABLE.metadata.uid },
      { op: 'test', path: HOLDER_PATH, value: 'token-1' },
      { op: 'test', path: '/spec/template/spec/containers/1/name', value: 'app' },
      { op: 'test', path: '/spec/template/spec/containers/1/image', value: 'app:1' },
      { op: 'add', path: '/spec/template/spec/containers/1/image', value: 'app:2' },
      { op: 'test', path: '/spec/template/spec/initContainers/0/name', value: 'migrate' },
      { op: 'test', path: '/spec/template/spec/initContainers/0/image', value: 'app:1' },
      { op: 'add', path: '/spec/template/spec/initContainers/0/image', value: 'app:2' },
    ]);
  });

  test('leaves nothing to do', () => {
    const updated = patched(STABLE, plan(WORLD, { kind: 'update-stable' }));

    expect(plan([updated, SERVICE], { kind: 'update-stable' })).toEqual({ ok: true, value: [] });
  });

  test('is refused by the object when the token, a container or its image changed since', () => {
    const planned = plan(WORLD, { kind: 'update-stable' });
    const moved = deployment({ metadata: CLAIMED });
    const taken = without(STABLE, { labels: { [guard.holder.key]: 'token-2' } });

    expect(() => patched(moved, planned)).toThrow();
    expect(() => patched(taken, planned)).toThrow();
  });

  test('says which container is gone', () => {
    expect(plan([deployment({ metadata: CLAIMED })], { kind: 'update-stable' })).toEqual({
      ok: false,
      problem: 'Deployment shop/checkout has no container "migrate" any more.',
    });
  });
});

describe('removing the canary', () => {
  const all = [...WORLD, CANARY, CANARY_SERVICE];

  test('deletes what carries the token, by the uid and version that showed it', () => {
    expect(plan(all, { kind: 'remove-canary' })).toMatchObject({
      ok: true,
      value: [
        {
          verb: 'delete',
          ref: { kind: 'Deployment', name: 'checkout-canary' },
          body: {
            preconditions: { uid: CANARY.metadata.uid, resourceVersion: '9' },
            propagationPolicy: 'Foreground',
          },
        },
      ],
    });
    expect(plan(all, { kind: 'remove-service' })).toMatchObject({
      ok: true,
      value: [{ verb: 'delete', ref: { kind: 'Service' }, body: { preconditions: { resourceVersion: '9' } } }],
    });
  });

  test('deletes nothing of another holder, nor what lost our label', () => {
    const later = guardOf('shop', 'checkout', 'token-2', 'r1');
    const unlabelled = without(CANARY, { labels: { [guard.holder.key]: guard.holder.value } });

    expect(plan(all, { kind: 'remove-canary' }, later).ok).toBe(false);
    expect(plan(all, { kind: 'remove-service' }, later).ok).toBe(false);
    expect(plan([...WORLD, unlabelled], { kind: 'remove-canary' }).ok).toBe(false);
  });

  test('still works when the way-back marks are gone, past the point of no return', () => {
    const { [guard.wayBack.key]: _, ...labels } = CANARY.metadata.labels ?? {};

    expect(plan([...WORLD, without(CANARY, { labels })], { kind: 'remove-canary' })).toMatchObject({
      ok: true,
      value: [{ verb: 'delete' }],
    });
  });

  test('has nothing to do when it is gone or going', () => {
    const going = without(CANARY, { deletionTimestamp: '2026-01-01T00:00:00Z' });

    expect(plan(WORLD, { kind: 'remove-canary' })).toEqual({ ok: true, value: [] });
    expect(plan([...WORLD, going], { kind: 'remove-canary' })).toEqual({ ok: true, value: [] });
  });
});

test('only stable is marked by the driver: what is created carries its marks from birth', () => {
  expect(deploymentWorkload.marked(TARGET)).toMatchObject([{ kind: 'Deployment', name: 'checkout' }]);
});
