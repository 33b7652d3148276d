import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../sandbox/index.ts';
import { startSandbox } from '../../sandbox/index.ts';
import { shopObjects } from '../../sandbox/shop.ts';

const held = {} as { sandbox: Sandbox };

beforeEach(async () => {
  held.sandbox = await startSandbox({ pace: { startDelayMs: 1, stopDelayMs: 1 } });
  held.sandbox.cluster.apply(shopObjects());
  await held.sandbox.ready('shop', 'checkout');
});

afterEach(() => held.sandbox.stop());

const autoscaler = (spec: object, annotations = {}): object => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'checkout', namespace: 'shop', annotations },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' }, maxReplicas: 10, ...spec },
});

const replicas = (): unknown => {
  const found = held.sandbox.cluster.get('apps/v1', 'Deployment', 'shop', 'checkout');
  return (found?.spec as { replicas: number } | undefined)?.replicas;
};

const scaledTo = async (wanted: number): Promise<void> => {
  await held.sandbox.until(`${wanted} pods wanted`, () => replicas() === wanted);
  await held.sandbox.ready('shop', 'checkout');
  expect(replicas()).toBe(wanted);
};

test('an autoscaler keeps its target within its bounds, whatever its metrics say', async () => {
  held.sandbox.cluster.apply([autoscaler({ minReplicas: 5 })]);
  await scaledTo(5);
  held.sandbox.cluster.apply([autoscaler({ minReplicas: 1, maxReplicas: 2 })]);
  await scaledTo(2);
});

test('an autoscaler follows what its metrics ask for, down to its minimum', async () => {
  held.sandbox.cluster.apply([autoscaler({ minReplicas: 2 }, { 'sandbox/desired': '6' })]);
  await scaledTo(6);
  held.sandbox.cluster.apply([autoscaler({ minReplicas: 2 }, { 'sandbox/desired': '1' })]);
  await scaledTo(2);
});

test('a Deployment that somebody scaled below the minimum is scaled back', async () => {
  held.sandbox.cluster.apply([autoscaler({ minReplicas: 3 })]);
  held.sandbox.cluster.apply(shopObjects({ replicas: 1 }));
  await scaledTo(3);
});
