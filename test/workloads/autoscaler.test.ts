import jsonpatch from 'fast-json-patch';
import { describe, expect, test } from 'vitest';
import { HORIZONTAL_POD_AUTOSCALER, type KubeObject, type Request, SCALED_OBJECT } from '../../src/core/objects.ts';
import type { Target } from '../../src/core/plan.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { created, deployment, guard, object, seeFor, service, targetIn } from './world.ts';

const STABLE = deployment();
const SERVICE = service('checkout', { app: 'checkout' });
const MARKS = { [guard.holder.key]: guard.holder.value, [guard.wayBack.key]: guard.wayBack.value };
const PAUSED = 'autoscaling.keda.sh/paused';

const hpa = (spec: Record<string, unknown> = {}, annotations: Record<string, string> = MARKS) =>
  object(HORIZONTAL_POD_AUTOSCALER, 'scaler', {
    metadata: { annotations },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
      minReplicas: 2,
      maxReplicas: 10,
      ...spec,
    },
  });

const scaled = (annotations?: Record<string, string>) =>
  object(SCALED_OBJECT, 'k', {
    metadata: annotations === undefined ? {} : { annotations },
    spec: { scaleTargetRef: { name: 'checkout' } },
  });

const TARGET = targetIn([STABLE, SERVICE, hpa()]);
const KEDA = targetIn([STABLE, SERVICE, scaled()]);

type Stage = 'hold-autoscaler' | 'release-autoscaler';

const planned = (target: Target, stage: Stage, objects: readonly KubeObject[]) =>
  deploymentWorkload.plan(seeFor(target, [STABLE, SERVICE, ...objects]), target, { kind: stage }, guard);

const requests = (target: Target, stage: Stage, objects: readonly KubeObject[]): readonly Request[] => {
  const result = planned(target, stage, objects);
  if (!result.ok) throw new Error(result.problem);
  return result.value;
};

/** The object as the API server would have it after the patches; a `test` that fails throws. */
const applied = <Value>(value: Value, patches: readonly Request[]): Value =>
  patches.reduce((document, { body }) => {
    const operations = body as unknown as jsonpatch.Operation[];
    return jsonpatch.applyPatch(structuredClone(document), operations, true).newDocument;
  }, value);

describe('holding', () => {
  test('raises the minimum, testing uid, mark and what it was', () => {
    const [request, ...others] = requests(TARGET, 'hold-autoscaler', [hpa()]);

    expect(others).toEqual([]);
    expect(request?.body).toEqual([
      { op: 'test', path: '/metadata/uid', value: 'uid-HorizontalPodAutoscaler-scaler' },
      {
        op: 'test',
        path: expect.stringContaining('/metadata/annotations/canary-rollout.github.io~1holder-'),
        value: 'token-1',
      },
      { op: 'test', path: '/spec/minReplicas', value: 2 },
      { op: 'add', path: '/spec/minReplicas', value: 3 },
    ]);
  });

  test.each([
    ['held already', 3],
    ['raised by somebody', 7],
  ])('sends nothing when it is %s', (_, minReplicas) => {
    expect(requests(TARGET, 'hold-autoscaler', [hpa({ minReplicas })])).toEqual([]);
  });

  test('goes no further when somebody changed it to less than is needed', () => {
    expect(planned(TARGET, 'hold-autoscaler', [hpa({ minReplicas: 1 })])).toMatchObject({
      ok: false,
      problem: expect.stringContaining('minReplicas of HorizontalPodAutoscaler shop/scaler is 1 now and was 2'),
    });
  });

  test('needs nothing of an autoscaler that is gone', () => {
    expect(requests(TARGET, 'hold-autoscaler', [])).toEqual([]);
  });

  test('sets both bounds at once where pods are the weight', () => {
    const apart = [deployment({ labels: { app: 'checkout', component: 'server' } }), SERVICE];
    const target = targetIn([...apart, hpa()], { unit: 'pods' });

    const after = applied(hpa(), requests(target, 'hold-autoscaler', [hpa()]));

    expect(after['spec']).toMatchObject({ minReplicas: 3, maxReplicas: 3 });
    expect(applied(after, requests(target, 'release-autoscaler', [after]))).toEqual(hpa());
  });

  test('pauses a ScaledObject that has no annotations yet, and only in the version that was read', () => {
    const [request] = requests(KEDA, 'hold-autoscaler', [scaled()]);

    expect(request?.body).toContainEqual({ op: 'test', path: '/metadata/resourceVersion', value: '7' });
    expect(request?.body).toContainEqual({ op: 'add', path: '/metadata/annotations', value: {} });
    expect(request?.body).toContainEqual({
      op: 'add',
      path: '/metadata/annotations/autoscaling.keda.sh~1paused',
      value: 'true',
    });
  });

  test('keeps the other annotations of a ScaledObject', () => {
    const before = scaled({ ...MARKS, other: 'kept' });

    const after = applied(before, requests(KEDA, 'hold-autoscaler', [before]));

    expect(after.metadata.annotations).toEqual({ ...MARKS, other: 'kept', [PAUSED]: 'true' });
    expect(applied(after, requests(KEDA, 'release-autoscaler', [after]))).toEqual(before);
  });
});

describe('releasing', () => {
  const notes = (objects: readonly KubeObject[]) =>
    deploymentWorkload.notes?.(seeFor(TARGET, [STABLE, SERVICE, ...objects]), TARGET, { kind: 'release-autoscaler' });

  test('puts the old minimum back, testing that it is still ours', () => {
    const before = hpa({ minReplicas: 3 });
    const patches = requests(TARGET, 'release-autoscaler', [before]);

    expect(patches[0]?.body).toContainEqual({ op: 'test', path: '/spec/minReplicas', value: 3 });
    expect(applied(before, patches)).toEqual(hpa());
    expect(notes([before])).toEqual([]);
  });

  test('leaves what somebody changed meanwhile, and says so', () => {
    const changed = hpa({ minReplicas: 6 });

    expect(requests(TARGET, 'release-autoscaler', [changed])).toEqual([]);
    expect(notes([changed])).toEqual([
      'somebody changed minReplicas of HorizontalPodAutoscaler shop/scaler to 6 while the rollout held it at 3: it is left so, and was 2 at the start',
    ]);
  });

  test('sends nothing, and says nothing, when it is released or gone', () => {
    expect(requests(TARGET, 'release-autoscaler', [hpa()])).toEqual([]);
    expect(requests(TARGET, 'release-autoscaler', [])).toEqual([]);
    expect(notes([hpa()])).toEqual([]);
    expect(notes([])).toEqual([]);
  });

  test("writes nothing where this run's mark is gone", () => {
    expect(planned(TARGET, 'release-autoscaler', [hpa({ minReplicas: 3 }, { other: 'x' })])).toMatchObject({
      ok: false,
      problem: expect.stringContaining("does not carry this run's mark"),
    });
  });

  test('removes what was not there', () => {
    const target = targetIn([STABLE, SERVICE, hpa({ minReplicas: undefined })]);
    const before = hpa({ minReplicas: 3 });

    expect(applied(before, requests(target, 'release-autoscaler', [before]))['spec']).not.toHaveProperty('minReplicas');
  });
});

describe('progress', () => {
  const of = (stage: Stage, minReplicas: number) =>
    deploymentWorkload.progress(seeFor(TARGET, [STABLE, SERVICE, hpa({ minReplicas })]), TARGET, { kind: stage }).kind;

  test('tells whether it is held, and whether it is released', () => {
    expect([of('hold-autoscaler', 2), of('hold-autoscaler', 3), of('hold-autoscaler', 4)]).toEqual([
      'pending',
      'done',
      'done',
    ]);
    expect([of('release-autoscaler', 3), of('release-autoscaler', 2)]).toEqual(['pending', 'done']);
  });
});

describe("the canary's own autoscaler", () => {
  const copy = (spec: Record<string, unknown>, annotations: Record<string, string> = MARKS) =>
    object(HORIZONTAL_POD_AUTOSCALER, 'checkout-canary', {
      metadata: { annotations },
      spec: { minReplicas: 1, maxReplicas: 10, ...spec },
    });
  const canary = (replicas: number) => created(seeFor(TARGET, [STABLE, SERVICE]), TARGET, 'canary', replicas);
  const scaling = (replicas: number, objects: readonly KubeObject[]) => {
    const seen = seeFor(TARGET, [STABLE, SERVICE, hpa(), ...objects]);
    const result = deploymentWorkload.plan(seen, TARGET, { kind: 'canary', replicas }, guard);
    if (!result.ok) throw new Error(result.problem);
    return result.value.map(({ verb, ref }) => `${verb} ${ref.kind}`);
  };

  test('has its minimum raised before the canary is made or grows', () => {
    expect(scaling(2, [copy({})])).toEqual(['patch HorizontalPodAutoscaler', 'create Deployment']);
    expect(scaling(3, [copy({ minReplicas: 2 }), canary(2)])).toEqual([
      'patch HorizontalPodAutoscaler',
      'patch Deployment',
    ]);
  });

  test('has it raised also where the canary has grown by itself', () => {
    expect(scaling(3, [copy({ minReplicas: 2 }), canary(5)])).toEqual(['patch HorizontalPodAutoscaler']);
  });

  test('is left where it is high enough, gone, or not held by this run', () => {
    expect(scaling(2, [copy({ minReplicas: 2 }), canary(2)])).toEqual([]);
    expect(scaling(2, [canary(2)])).toEqual([]);
    expect(scaling(2, [copy({}, {}), canary(2)])).toEqual([]);
  });

  test('gets room for what is needed', () => {
    const seen = seeFor(TARGET, [STABLE, SERVICE, hpa(), copy({ maxReplicas: 2 }), canary(1)]);
    const result = deploymentWorkload.plan(seen, TARGET, { kind: 'canary', replicas: 4 }, guard);

    const after = applied(copy({ maxReplicas: 2 }), result.ok ? result.value.slice(0, 1) : []);

    expect(after['spec']).toMatchObject({ minReplicas: 4, maxReplicas: 4 });
  });
});
