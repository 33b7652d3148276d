import { describe, expect, test } from 'vitest';
import { HORIZONTAL_POD_AUTOSCALER, type KubeObject, refText, SCALED_OBJECT } from '../../src/core/objects.ts';
import type { Target } from '../../src/core/plan.ts';
import { type Changes, deployment, guard, object, resolveIn, service } from './world.ts';

const HEALTHY = [deployment(), service('checkout', { app: 'checkout' })];
const PODS_APART = [
  deployment({ labels: { app: 'checkout', component: 'server' } }),
  service('checkout', { app: 'checkout' }),
];

const hpa = (spec: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}, name = 'scaler') =>
  object(HORIZONTAL_POD_AUTOSCALER, name, {
    metadata,
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
      minReplicas: 2,
      maxReplicas: 10,
      ...spec,
    },
    status: { currentReplicas: 3, desiredReplicas: 3 },
  });

const scaled = (annotations: Record<string, string> = {}, name = 'k') =>
  object(SCALED_OBJECT, name, { metadata: { annotations }, spec: { scaleTargetRef: { name: 'checkout' } } });

const targeting = (name: string, rest = {}) => ({
  scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name, ...rest },
});

const resolved = (others: readonly KubeObject[], changes: Changes = {}) =>
  resolveIn([...(changes.unit === 'pods' ? PODS_APART : HEALTHY), ...others], changes);

const found = (others: readonly KubeObject[], changes: Changes = {}) => resolved(others, changes).findings;

const targetOf = (others: readonly KubeObject[], changes: Changes = {}): Omit<Target, 'router' | 'routes'> => {
  const { target, findings } = resolved(others, changes);
  expect(findings).toEqual([]);
  if (target === null) throw new Error('no target');
  return target;
};

const held = (others: readonly KubeObject[], changes: Changes = {}) => targetOf(others, changes).autoscaler?.fields;

describe('a HorizontalPodAutoscaler on stable', () => {
  test('is held at the number of pods that stable has, and its old minimum kept', () => {
    const { autoscaler } = targetOf([hpa()]);

    expect(autoscaler && refText(autoscaler.ref)).toBe('HorizontalPodAutoscaler shop/scaler');
    expect(autoscaler?.fields).toEqual([{ path: '/spec/minReplicas', was: 2, held: 3 }]);
  });

  test.each([
    ['a minimum of 0', { minReplicas: 0 }, 0],
    ['no minimum', { minReplicas: undefined }, null],
  ])('with %s is held too', (_, spec, was) => {
    expect(held([hpa(spec)])).toEqual([{ path: '/spec/minReplicas', was, held: 3 }]);
  });

  test.each([
    ['is as high', 3],
    ['is higher', 5],
  ])('is left alone where its minimum %s', (_, minReplicas) => {
    expect(targetOf([hpa({ minReplicas })]).autoscaler).toBeNull();
  });

  test('counts ready pods where there are more than are wanted', () => {
    const more = deployment({ status: { readyReplicas: 4 } });
    const { target } = resolveIn([more, service('checkout', { app: 'checkout' }), hpa()]);

    expect(target?.autoscaler?.fields).toMatchObject([{ held: 4 }]);
  });

  test.each(['apps/v1', 'apps/v1beta2', 'extensions/v1beta1', undefined])(
    'is found by kind and name, with apiVersion %s',
    (apiVersion) => {
      expect(held([hpa(targeting('checkout', { apiVersion }))])).toHaveLength(1);
    },
  );

  test.each([
    ['another Deployment', targeting('cart')],
    ['a StatefulSet', targeting('checkout', { kind: 'StatefulSet' })],
    ["somebody's own kind of Deployment", targeting('checkout', { apiVersion: 'example.com/v1' })],
  ])('that scales %s is none of ours', (_, spec) => {
    expect(targetOf([hpa(spec)])).toMatchObject({ autoscaler: null, companions: [] });
  });

  test('that allows fewer pods than stable has is refused', () => {
    expect(found([hpa({ maxReplicas: 2 })])).toMatchObject([
      {
        severity: 'error',
        code: 'autoscaler',
        where: 'HorizontalPodAutoscaler shop/scaler',
        message: expect.stringContaining('has 3 pods, and HorizontalPodAutoscaler shop/scaler allows at most 2'),
      },
    ]);
  });

  test('that another controller owns is refused, and may be allowed', () => {
    const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Scaler', name: 's', uid: 's', controller: true }];

    expect(found([hpa({}, { ownerReferences })])).toMatchObject([
      {
        code: 'autoscaler',
        allow: 'HorizontalPodAutoscaler/scaler',
        message: expect.stringContaining('owned by Scaler s'),
      },
    ]);
  });

  test('is refused beside another one, with the names of both', () => {
    const findings = found([hpa(), hpa({}, {}, 'second'), scaled()]);

    expect(findings).toMatchObject([{ severity: 'error', code: 'autoscaler' }]);
    expect(findings[0]?.message).toContain(
      'HorizontalPodAutoscaler shop/scaler, HorizontalPodAutoscaler shop/second, ScaledObject shop/k',
    );
  });
});

describe('with pods as the weight', () => {
  test('both bounds are held, and the canary gets no copy', () => {
    const { autoscaler, companions } = targetOf([hpa()], { unit: 'pods' });

    expect(autoscaler?.fields).toEqual([
      { path: '/spec/minReplicas', was: 2, held: 3 },
      { path: '/spec/maxReplicas', was: 10, held: 3 },
    ]);
    expect(companions).toEqual([]);
  });

  test('one that is about to scale stable up is refused', () => {
    expect(found([hpa({ minReplicas: 5 })], { unit: 'pods' })).toMatchObject([
      { code: 'autoscaler', message: expect.stringContaining('wants at least 5') },
    ]);
  });
});

test('a canary of the user’s own gets no copy: the rollout sizes it', () => {
  const own = deployment({ name: 'checkout-b', labels: { app: 'checkout-b' } });
  const { target } = resolveIn([...HEALTHY, own, hpa()], { canaryDeployment: 'checkout-b' });

  expect(target).toMatchObject({ autoscaler: { fields: [{ was: 2, held: 3 }] }, companions: [] });
});

describe("the canary's copy", () => {
  const behavior = { scaleDown: { stabilizationWindowSeconds: 60 } };
  const metrics = [
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
  ];
  const metadata = {
    labels: { team: 'shop', 'app.kubernetes.io/instance': 'shop', 'helm.sh/chart': 'shop-1' },
    annotations: {
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'autoscaling.alpha.kubernetes.io/conditions': '[]',
      note: 'ours',
    },
    ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'o' }],
  };

  test('scales the canary by the same metrics, with bounds of its own', () => {
    const { companions } = targetOf([hpa({ metrics, behavior })]);

    expect(companions.map(({ ref }) => refText(ref))).toEqual(['HorizontalPodAutoscaler shop/checkout-canary']);
    expect(companions[0]?.body).toMatchObject({
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout-canary' },
        minReplicas: 1,
        maxReplicas: 10,
        metrics,
        behavior,
      },
    });
  });

  test('carries nothing that says that somebody else owns it', () => {
    expect(targetOf([hpa({}, metadata)]).companions[0]?.body).toEqual({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: {
        name: 'checkout-canary',
        namespace: 'shop',
        labels: { team: 'shop', 'app.kubernetes.io/managed-by': 'canary-rollout' },
        annotations: { note: 'ours', 'example.com/run': 'https://example.invalid/1' },
      },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout-canary' },
        minReplicas: 1,
        maxReplicas: 10,
      },
    });
  });

  test('is refused where something of its name is there', () => {
    const other = hpa(targeting('cart'), {}, 'checkout-canary');

    expect(found([hpa(), other])).toMatchObject([
      { code: 'object-exists', where: 'HorizontalPodAutoscaler shop/checkout-canary' },
    ]);
  });

  test('is the only one that may scale the canary', () => {
    expect(found([hpa(targeting('checkout-canary'), {}, 'theirs')])).toMatchObject([
      { code: 'autoscaler', where: 'HorizontalPodAutoscaler shop/theirs' },
    ]);
  });

  test('of this very rollout is no hindrance', () => {
    const own = hpa(
      targeting('checkout-canary'),
      {
        labels: { 'app.kubernetes.io/managed-by': 'canary-rollout' },
        annotations: { [guard.wayBack.key]: guard.wayBack.value },
      },
      'checkout-canary',
    );

    expect(found([hpa(), own])).toEqual([]);
  });
});

describe('a ScaledObject on stable', () => {
  const PATH = '/metadata/annotations/autoscaling.keda.sh~1paused';

  test('is paused by its annotation, and nothing is copied', () => {
    const { autoscaler, companions } = targetOf([scaled()]);

    expect(autoscaler && refText(autoscaler.ref)).toBe('ScaledObject shop/k');
    expect(autoscaler?.fields).toEqual([{ path: PATH, was: null, held: 'true' }]);
    expect(companions).toEqual([]);
  });

  test('stands for the HPA that KEDA makes of it', () => {
    const ownerReferences = [
      { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', name: 'k', uid: 'k', controller: true },
    ];

    expect(held([scaled(), hpa({}, { ownerReferences }, 'keda-hpa-k')])).toEqual([
      { path: PATH, was: null, held: 'true' },
    ]);
  });

  test.each(['true', 'True', '1'])('that is paused already (%s) is left alone', (paused) => {
    expect(targetOf([scaled({ 'autoscaling.keda.sh/paused': paused })]).autoscaler).toBeNull();
  });

  test('that says that it is not paused gets that back', () => {
    expect(held([scaled({ 'autoscaling.keda.sh/paused': 'false' })])).toEqual([
      { path: PATH, was: 'false', held: 'true' },
    ]);
  });

  test('that is paused at the number of pods that stable has is left alone', () => {
    expect(targetOf([scaled({ 'autoscaling.keda.sh/paused-replicas': '3' })]).autoscaler).toBeNull();
  });

  test.each(['5', '1', 'many'])('that is paused at another number (%s) is refused', (replicas) => {
    expect(found([scaled({ 'autoscaling.keda.sh/paused-replicas': replicas })])).toMatchObject([
      { severity: 'error', code: 'autoscaler', message: expect.stringContaining(`"${replicas}" pods`) },
    ]);
  });
});
