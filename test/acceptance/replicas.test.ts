import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC, shopObjects } from '../../sandbox/shop.ts';
import type { Shop, ShopOptions } from './shop.ts';
import { BAD, expectClean, GOOD, inShop, of, operationsOf, STABLE } from './shop.ts';

const WORKER: ShopOptions = { objects: shopObjects({ route: null }).slice(0, 1) };
/** Pods that a Service can select together with the canary's: its selector asks for less than the Deployment's. */
const servedByPods = (): object[] => {
  const [deployment, service] = shopObjects({ route: null }) as [Deployment, object];
  const labels = { app: 'checkout', role: 'web' };
  const template = { ...deployment.spec.template, metadata: { labels } };
  const spec = { ...deployment.spec, selector: { matchLabels: labels }, template };
  return [{ ...deployment, spec }, service];
};

interface Deployment {
  readonly spec: { readonly template: object };
}

const SPLIT = { route: 'replicas', weights: '25, 50' };

/** Replicas that were asked of the canary, in order. */
const sizes = (shop: Shop): unknown[] => [
  ...of(shop.cluster.calls, 'create', 'deployments').map(
    ({ body }) => (body as { spec: { replicas: number } }).spec.replicas,
  ),
  ...of(shop.cluster.calls, 'patch', 'deployments')
    .filter(({ name }) => name === 'checkout-canary')
    .flatMap((call) => operationsOf(call).filter(({ op, path }) => op !== 'test' && path === '/spec/replicas'))
    .map(({ value }) => value),
];

const image = (shop: Shop): unknown => {
  const { spec } = shop.object('Deployment', 'checkout');
  return (spec as { template?: { spec?: { containers?: { image?: string }[] } } }).template?.spec?.containers?.[0]
    ?.image;
};

describe.concurrent('a release by the number of pods', () => {
  test(
    'of a worker without a Service goes from pod to pod and is promoted',
    inShop(WORKER, async (shop) => {
      await shop.ready('shop', 'checkout');
      const release = await shop.release(SPLIT);

      expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted', 'final-weight': '100' });
      expect(sizes(shop).filter((size) => size !== 0)).toEqual([1, 3]);
      expect(image(shop)).toBe(GOOD);
      expect(of(shop.cluster.calls, 'create', 'services')).toEqual([]);
      await expectClean(shop);
    }),
  );

  test(
    'of a worker that crashes is rolled back',
    inShop(WORKER, async (shop) => {
      await shop.ready('shop', 'checkout');
      const crashing = 'registry.example/checkout:1.5.0-crash';
      const release = await shop.release({ ...SPLIT, image: crashing, 'ready-timeout': '2s' });

      expect(release.outputs, release.stdout).toMatchObject({
        status: 'rolled-back',
        'reason-code': 'canary-not-ready',
        'final-weight': '0',
      });
      expect(release.outputs['reason']).toContain('CrashLoopBackOff');
      expect(image(shop)).toBe(STABLE);
      await expectClean(shop);
    }),
  );

  test(
    'that fails requests is rolled back, and nobody is lost',
    inShop({ objects: servedByPods() }, async (shop) => {
      await shop.ready('shop', 'checkout');
      await shop.until('endpoints', () => shop.cluster.dataPlane.endpoints.get('shop/checkout')?.length === 3);
      shop.traffic.start({ rps: 200, target: 'service/checkout' });
      await shop.until('metrics of stable', () => shop.traffic.records.length > 240);
      const release = await shop.release({ ...SPLIT, image: BAD, metrics: ERRORS_METRIC });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'rolled-back', 'failed-metric': 'errors' });
      expect(image(shop)).toBe(STABLE);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );
});
