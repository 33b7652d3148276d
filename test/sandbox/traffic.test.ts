import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Sandbox } from '../../sandbox/index.ts';
import { startSandbox } from '../../sandbox/index.ts';
import { namedStreams, randomStream } from '../../sandbox/random.ts';
import { shopObjects } from '../../sandbox/shop.ts';
import { shareOf } from '../../sandbox/traffic-report.ts';

const held = {} as { sandbox: Sandbox };
beforeEach(async () => {
  held.sandbox = await startSandbox({ pace: { startDelayMs: 20, stopDelayMs: 120 } });
});
afterEach(() => held.sandbox.stop());

const splitRoute = (stable: number, canary: number): object => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'checkout', namespace: 'shop' },
  spec: {
    parentRefs: [{ name: 'web' }],
    rules: [
      {
        backendRefs: [
          { name: 'checkout', port: 80, weight: stable },
          { name: 'canary', port: 80, weight: canary },
        ],
      },
    ],
  },
});

const bothVersions = async (canaryTag = '2.0'): Promise<void> => {
  const { cluster } = held.sandbox;
  cluster.apply(shopObjects({ route: null, image: 'registry.example/checkout:1.0' }));
  cluster.apply(shopObjects({ route: null, name: 'canary', image: `registry.example/checkout:${canaryTag}` }));
  await held.sandbox.ready('shop', 'checkout');
  await held.sandbox.ready('shop', 'canary');
  await held.sandbox.until('endpoints', () =>
    ['checkout', 'canary'].every((name) => cluster.dataPlane.endpoints.get(`shop/${name}`)?.length === 3),
  );
};

const requests = (count: number): Promise<void> =>
  held.sandbox.until(`${count} requests`, () => held.sandbox.traffic.records.length >= count);

describe('user traffic', () => {
  test('is split by the weights of the route', async () => {
    await bothVersions();
    held.sandbox.cluster.apply([splitRoute(80, 20)]);
    await held.sandbox.until('applied', () => held.sandbox.cluster.dataPlane.rules.size === 1);
    held.sandbox.traffic.start({ rps: 1000, target: 'httproute/checkout' });
    await requests(2000);

    const share = shareOf(held.sandbox.traffic.records.slice(0, 2000), '2.0', 0, Number.POSITIVE_INFINITY) ?? 0;
    // Seeded: 4 standard errors around the weight.
    expect(Math.abs(share - 0.2)).toBeLessThan(4 * Math.sqrt((0.2 * 0.8) / 2000));
    expect(held.sandbox.traffic.report().lost).toBe(0);
  });

  test('at weight 0 nothing reaches a backend', async () => {
    await bothVersions();
    held.sandbox.cluster.apply([splitRoute(100, 0)]);
    await held.sandbox.until('applied', () => held.sandbox.cluster.dataPlane.rules.size === 1);
    held.sandbox.traffic.start({ rps: 1000, target: 'httproute/checkout' });
    await requests(300);

    expect(Object.keys(held.sandbox.traffic.report().versions)).toEqual(['1.0']);
  });

  test('the share of a Service without ready pods is lost, of a missing one too, each with its reason', async () => {
    const { cluster, traffic } = held.sandbox;
    await bothVersions();
    cluster.apply([splitRoute(0, 1)]);
    await held.sandbox.until('applied', () => cluster.dataPlane.rules.size === 1);
    cluster.delete('apps/v1', 'Deployment', 'shop', 'canary');
    await held.sandbox.until('no endpoints', () => cluster.dataPlane.endpoints.get('shop/canary')?.length === 0);
    const stop = traffic.start({ rps: 1000, target: 'httproute/checkout' });
    await requests(20);
    cluster.delete('v1', 'Service', 'shop', 'canary');
    await held.sandbox.until('no service', () => traffic.records.at(-1)?.code === 500);
    stop();

    const { lost, sent, lostBy } = traffic.report();
    expect(lost).toBe(sent);
    expect(Object.keys(lostBy).toSorted()).toEqual(['no-endpoints', 'no-service']);
    expect(traffic.records[0]).toMatchObject({ code: 503, lost: 'no-endpoints', version: null });
  });

  test('a rolling update loses nothing', async () => {
    held.sandbox.cluster.apply(shopObjects());
    await held.sandbox.ready('shop', 'checkout');
    await held.sandbox.until(
      'endpoints',
      () => held.sandbox.cluster.dataPlane.endpoints.get('shop/checkout')?.length === 3,
    );
    held.sandbox.traffic.start({ rps: 1000, target: 'httproute/checkout' });
    held.sandbox.cluster.apply(shopObjects({ image: 'registry.example/checkout:1.4.2' }));
    await held.sandbox.until('only the new version', () =>
      held.sandbox.traffic.records.slice(-50).every(({ version }) => version === '1.4.2'),
    );

    expect(held.sandbox.traffic.report().lost).toBe(0);
  });

  test('a pod that stops at once loses requests: the sandbox can show a loss', async () => {
    const templateAnnotations = { 'sandbox/stop-delay': '0s' };
    held.sandbox.cluster.apply(shopObjects({ templateAnnotations, replicas: 1 }));
    await held.sandbox.ready('shop', 'checkout');
    await held.sandbox.until(
      'endpoints',
      () => held.sandbox.cluster.dataPlane.endpoints.get('shop/checkout')?.length === 1,
    );
    held.sandbox.traffic.start({ rps: 1000, target: 'httproute/checkout' });
    await requests(10);
    held.sandbox.cluster.apply(shopObjects({ replicas: 0 }));

    await held.sandbox.until('a loss', () => (held.sandbox.traffic.report().lostBy['refused'] ?? 0) > 0);
  });

  test('a Service without a route is split over its ready pods', async () => {
    held.sandbox.cluster.apply(shopObjects({ route: null }));
    await held.sandbox.ready('shop', 'checkout');
    held.sandbox.traffic.start({ rps: 1000, target: 'service/checkout' });
    await requests(200);

    expect(held.sandbox.traffic.report().versions['1.4.1']?.pods).toHaveLength(3);
  });

  test('a failing version fails the same requests for the same seed', () => {
    const outcomes = (seed: number): boolean[] => {
      const random = namedStreams(seed)('failures 2.0-bad5');
      return Array.from({ length: 2000 }, () => random() < 0.05);
    };

    expect(outcomes(3)).toEqual(outcomes(3));
    expect(outcomes(3)).not.toEqual(outcomes(4));
    expect(Math.abs(outcomes(3).filter(Boolean).length - 100)).toBeLessThan(40);
  });

  test('a rate beyond 1 to 1000 is refused', () => {
    expect(() => held.sandbox.traffic.start({ rps: 1001, target: 'service/checkout' })).toThrow('1 to 1000');
  });
});

test('the stream of numbers is even and the same for the same seed', () => {
  const draw = (seed: number): number[] => {
    const random = randomStream(seed);
    return Array.from({ length: 4000 }, random);
  };
  const numbers = draw(1);

  expect(draw(1)).toEqual(numbers);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers)).toBeLessThan(1);
  expect(numbers.reduce((sum, number) => sum + number, 0) / 4000).toBeCloseTo(0.5, 1);
});
