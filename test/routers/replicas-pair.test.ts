import { expect, test } from 'vitest';
import { DEPLOYMENT, ENDPOINT_SLICE, type KubeObject, objectRef, SERVICE } from '../../src/core/objects.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { replicas } from '../../src/routers/replicas.ts';
import { seenOf, worldOf } from '../conformance/world.ts';
import { targetOf } from './routes.ts';

/** As Flagger names them: the pair's name begins stable's. */
const target = targetOf([], {
  router: 'replicas',
  canaryService: null,
  deployment: 'checkout-primary',
  canaryDeployment: 'checkout',
});

const deployment = (name: string, count: number): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, generation: 1 },
  spec: { replicas: count },
  status: { observedGeneration: 1, readyReplicas: count },
});

const slice = (pods: readonly string[]): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 's', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'checkout' } },
  endpoints: pods.map((name) => ({ targetRef: { kind: 'Pod', name } })),
});

const STABLE = ['checkout-primary-5d8f9c7b6-x2x2x', 'checkout-primary-5d8f9c7b6-z4z4z'];

const verified = (weight: number, count: number, pods: readonly string[]) => {
  const world = worldOf([
    { ref: objectRef(DEPLOYMENT, 'shop', 'checkout-primary'), object: deployment('checkout-primary', 2) },
    { ref: objectRef(DEPLOYMENT, 'shop', 'checkout'), object: deployment('checkout', count) },
    {
      ref: objectRef(SERVICE, 'shop', 'checkout'),
      object: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'checkout', namespace: 'shop' }, spec: {} },
    },
    { ref: objectRef(ENDPOINT_SLICE, 'shop', 's'), object: slice(pods) },
  ]);
  return replicas.verify(seenOf(world, replicas.reads(target)), target, weightOnly(weight), { stableReplicas: 2 });
};

test("pods of a stable whose name begins with the pair's are not counted as the pair's", () => {
  expect(verified(0, 0, STABLE)).toEqual({ kind: 'reached', rung: 'V2' });
  expect(verified(3_333, 1, [...STABLE, 'checkout-6b7c8d9f5-v6v6v'])).toEqual({ kind: 'reached', rung: 'V2' });
});
