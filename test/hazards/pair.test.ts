import { describe, expect, test } from 'vitest';
import { type KubeObject, objectRef, refKey, SERVICE } from '../../src/core/objects.ts';
import type { Plan } from '../../src/core/plan.ts';
import { pair as hazard } from '../../src/hazards/pair.ts';
import { aPlan } from '../core/plan.ts';
import { aSpec } from '../fakes/spec.ts';
import { deployment, object, seeFor, service, targetIn } from '../workloads/world.ts';

const ROUTE = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', plural: 'httproutes' };
const labels = (track: string) => ({ app: 'checkout', track });
const STABLE = deployment({ labels: labels('primary') });
const pairOf = (replicas: number): KubeObject => deployment({ name: 'checkout-b', labels: labels('canary'), replicas });

const find = (
  unit: 'pods' | 'requests',
  replicas: number,
  backends: readonly object[] = [],
  plan: Partial<Plan> = {},
) => {
  const own = service('checkout-b', labels('canary'));
  const objects = [
    STABLE,
    pairOf(replicas),
    service('checkout', unit === 'pods' ? { app: 'checkout' } : labels('primary')),
    own,
  ];
  const found = targetIn(objects, { canaryDeployment: 'checkout-b', unit });
  const target = unit === 'pods' ? found : { ...found, routes: [objectRef(ROUTE, 'shop', 'checkout')] };
  const route = object(ROUTE, 'checkout', { spec: { rules: [{ backendRefs: backends }] } });
  const seen = seeFor(target, objects);
  const all = {
    objects: new Map([...seen.objects, [refKey(objectRef(ROUTE, 'shop', 'checkout')), route]]),
    lists: new Map([
      ...seen.lists,
      ...hazard
        .reads({ spec: aSpec(), target, plan: null, fields: {} }, seen)
        .map((ref) => [refKey(ref), objects.filter(({ kind }) => kind === SERVICE.kind)] as const),
    ]),
  };
  return hazard.find({ spec: aSpec(), target, plan: aPlan({ target, stableReplicas: 3, ...plan }), fields: {} }, all);
};

const steps = (canaryReplicas: number): Partial<Plan> => ({
  steps: [{ asked: 2_500, weight: 2_500, intervalMs: 1_000, canaryReplicas, approval: false }],
});

describe('the pods that a pair has behind the shared Service', () => {
  test('are told when they are no more than the first weight brings back', () => {
    expect(find('pods', 1, [], steps(1))).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('the 3 pods of stable serve everybody') },
    ]);
  });

  test('are too many when they are more than that, with the count, unless it is allowed', () => {
    expect(find('pods', 3, [], steps(1))).toMatchObject([
      {
        severity: 'error',
        message: expect.stringContaining('runs 3 pods'),
        advice: expect.stringContaining('Scale it to 1 pod or fewer'),
        allow: 'Deployment/checkout-b',
      },
    ]);
  });

  test('are nothing to speak of when there are none, or when the route leads past them', () => {
    expect(find('pods', 0, [], steps(1))).toEqual([]);
    expect(find('requests', 3, [{ name: 'checkout' }], steps(1))).toEqual([]);
  });
});

describe("an entry of the pair's own Service in the route", () => {
  test('of weight 0 is left alone', () => {
    expect(find('requests', 1, [{ name: 'checkout' }, { name: 'checkout-b', weight: 0 }])).toEqual([]);
  });

  test.each([[{ name: 'checkout-b', weight: 5 }], [{ name: 'checkout-b' }]])(
    'that gets requests is refused: %j',
    (backend) => {
      expect(find('requests', 1, [{ name: 'checkout', weight: 95 }, backend])).toMatchObject([
        {
          severity: 'error',
          code: 'route-unsupported',
          where: 'HTTPRoute shop/checkout',
          advice: expect.stringContaining('Set the weight of checkout-b to 0'),
        },
      ]);
    },
  );
});

test('nothing is looked for where the canary is made', () => {
  const target = targetIn([STABLE, service('checkout', labels('primary'))]);
  const situation = { spec: aSpec(), target, plan: aPlan({ target }), fields: {} };

  expect(hazard.reads(situation, seeFor(target, []))).toEqual([]);
  expect(hazard.find(situation, seeFor(target, [STABLE]))).toEqual([]);
});
