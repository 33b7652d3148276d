import { describe, expect, test } from 'vitest';
import { HORIZONTAL_POD_AUTOSCALER, type KubeObject, SCALED_OBJECT } from '../../src/core/objects.ts';
import { autoscaling } from '../../src/hazards/autoscaling.ts';
import { verticalAutoscaler } from '../../src/hazards/vertical-autoscaler.ts';
import type { Situation } from '../../src/ports/hazard.ts';
import { aSpec } from '../fakes/spec.ts';
import { type Changes, deployment, object, see, service, targetIn } from '../workloads/world.ts';
import { findAround } from './around.ts';

const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' };

const hpa = (metrics: readonly object[] = []) =>
  object(HORIZONTAL_POD_AUTOSCALER, 'scaler', {
    spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 10, metrics },
  });

const beside = (scaler: KubeObject, changes: Changes = {}) => {
  const labels = { app: 'checkout', ...(changes.unit === 'pods' ? { component: 'server' } : {}) };
  const target = targetIn([deployment({ labels }), service('checkout', { app: 'checkout' }), scaler], changes);
  const situation: Situation = { spec: aSpec(), target, plan: null, fields: {} };
  return autoscaling.find(situation, see([], []));
};

describe('an autoscaler on stable', () => {
  test('that can still scale stable up needs no words', () => {
    expect(beside(hpa([{ type: 'Resource' }]))).toEqual([]);
  });

  test.each([
    [
      'an HPA where pods are the weight',
      hpa(),
      { unit: 'pods' } as const,
      /minimum and maximum held .* because pods are the weight/,
    ],
    [
      'a ScaledObject',
      object(SCALED_OBJECT, 'k', { spec: { scaleTargetRef: { name: 'checkout' } } }),
      {},
      /ScaledObject shop\/k is paused/,
    ],
  ])('that stands still is told: %s', (_, scaler, changes, message) => {
    expect(beside(scaler, changes)).toMatchObject([
      { severity: 'warning', code: 'autoscaler', message: expect.stringMatching(message) },
    ]);
    expect(beside(scaler, changes)[0]?.message).toContain('Deployment shop/checkout does not scale until the end');
  });

  test('that scales by a signal of both versions is told', () => {
    expect(beside(hpa([{ type: 'External' }, { type: 'Resource' }, { type: 'Object' }]))).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('External and Object metrics') },
    ]);
  });
});

describe('a VerticalPodAutoscaler', () => {
  const vpa = (spec: object): KubeObject => ({
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscaler',
    metadata: { name: 'v', namespace: 'shop' },
    spec: { targetRef: scaleTargetRef, ...spec },
  });
  const found = (spec: object) => findAround(verticalAutoscaler, { others: [vpa(spec)] });

  test.each([
    ['Auto', {}],
    ['Recreate', { updatePolicy: { updateMode: 'Recreate' } }],
    ['InPlaceOrRecreate', { updatePolicy: { updateMode: 'InPlaceOrRecreate' } }],
  ])('in mode %s is told, because it restarts pods', (mode, spec) => {
    expect(found(spec)).toMatchObject([
      {
        severity: 'warning',
        where: 'VerticalPodAutoscaler shop/v',
        message: expect.stringMatching(`${mode}.*restart`),
      },
    ]);
  });

  test('in mode Initial is told to make the versions uneven', () => {
    const [finding] = found({ updatePolicy: { updateMode: 'Initial' } });

    expect(finding?.message).toContain('only stable gets its requests');
    expect(finding?.message).not.toContain('restart');
  });

  test.each([
    ['only recommends', { updatePolicy: { updateMode: 'Off' } }],
    ['is on another Deployment', { targetRef: { ...scaleTargetRef, name: 'cart' } }],
  ])('that %s is not', (_, spec) => {
    expect(found(spec)).toEqual([]);
  });
});
