import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC, shopObjects } from '../../sandbox/shop.ts';
import type { Inputs, Shop, ShopOptions } from './shop.ts';
import { BAD, expectClean, expectRejected, GOOD, inShop, of, STABLE, specOf } from './shop.ts';
import { begin, expectStatus, give, HOLDING, imageOfStable } from './steering.ts';

interface Shape {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly replicas: number; readonly template: { readonly spec: object } };
}

const track = (value: string) => ({ app: 'checkout', track: value });
const labelled = (deployment: Shape, name: string, value: string, replicas: number): object => ({
  ...deployment,
  metadata: { ...deployment.metadata, name, labels: track(value) },
  spec: {
    ...deployment.spec,
    replicas,
    selector: { matchLabels: track(value) },
    template: { ...deployment.spec.template, metadata: { labels: track(value) } },
  },
});

/** Two versions kept side by side by hand: `checkout` and `checkout-b`, which has so many pods. */
const pairOf = (selector: Readonly<Record<string, string>>, pods: number, route: string | null): ShopOptions => {
  const [deployment, service, ...rest] = shopObjects({ route }) as [Shape, Shape, ...object[]];
  return {
    objects: [
      labelled(deployment, 'checkout', 'primary', 3),
      labelled(deployment, 'checkout-b', 'canary', pods),
      { ...service, spec: { ...service.spec, selector } },
      ...rest,
    ],
  };
};
const ONE_SERVICE = pairOf({ app: 'checkout' }, 1, null);
const BY_ROUTE = pairOf(track('primary'), 1, 'checkout');

const PAIR = { 'canary-deployment': 'checkout-b' } as const;
const BY_PODS: Inputs = { ...PAIR, route: 'replicas', weights: '25, 50', metrics: ERRORS_METRIC };
const BY_WEIGHT: Inputs = { ...PAIR, metrics: ERRORS_METRIC };

const opened = async (shop: Shop, endpoints: number, target: string): Promise<unknown> => {
  await shop.ready('shop', 'checkout');
  await shop.ready('shop', 'checkout-b');
  await shop.until('endpoints', () => shop.cluster.dataPlane.endpoints.get('shop/checkout')?.length === endpoints);
  if (target.startsWith('httproute')) await shop.until('the gateway', () => shop.cluster.dataPlane.rules.size > 0);
  shop.traffic.start({ rps: 200, target });
  await shop.until('metrics of stable', () => shop.traffic.records.length > 240);
  return specOf(shop.object('Deployment', 'checkout-b'));
};
const byPods = (shop: Shop): Promise<unknown> => opened(shop, 4, 'service/checkout');
const byRoute = (shop: Shop): Promise<unknown> => opened(shop, 3, 'httproute/checkout');

/** The pair as it was found, but for the image where one is named; nothing was deleted but what we made, and nobody lost. */
const expectGivenBack = async (shop: Shop, before: unknown, image = STABLE): Promise<void> => {
  const spec = JSON.parse(JSON.stringify(before).replaceAll(STABLE, image)) as unknown;
  expect(specOf(shop.object('Deployment', 'checkout-b'))).toEqual(spec);
  expect(of(shop.cluster.calls, 'delete', 'deployments')).toEqual([]);
  expect(of(shop.cluster.calls, 'create', 'deployments')).toEqual([]);
  await shop.ready('shop', 'checkout-b');
  expect(shop.traffic.report().lostBy).toEqual({});
  await expectClean(shop);
};

describe.concurrent('a pair behind one Service', () => {
  test(
    'is promoted by the number of pods, and keeps the new version',
    inShop(ONE_SERVICE, async (shop) => {
      const before = await byPods(shop);
      const release = await shop.release(BY_PODS);

      expectStatus(release, 'promoted', 'completed', 0);
      expect(release.result.steps).toMatchObject([{ weight: 25 }, { weight: 50 }]);
      expect(imageOfStable(shop)).toBe(GOOD);
      await expectGivenBack(shop, before, GOOD);
    }),
  );

  test(
    'that fails requests is rolled back, and is what it was',
    inShop(ONE_SERVICE, async (shop) => {
      const before = await byPods(shop);
      const release = await shop.release({ ...BY_PODS, image: BAD });

      expectStatus(release, 'rolled-back', 'metric-failed', 1);
      expect(imageOfStable(shop)).toBe(STABLE);
      await expectGivenBack(shop, before);
    }),
  );

  test(
    'is given back when the run is cancelled',
    inShop(ONE_SERVICE, async (shop) => {
      const before = await byPods(shop);
      const run = begin(shop, { ...BY_PODS, interval: '60s' });
      await run.said(HOLDING);
      const release = await run.cancel();

      expectStatus(release, 'aborted', 'cancelled', 1);
      await expectGivenBack(shop, before);
    }),
  );

  test(
    'whose runner died is given back by a sweep',
    inShop(ONE_SERVICE, async (shop) => {
      const before = await byPods(shop);
      const run = begin(shop, { ...BY_PODS, interval: '60s' });
      await run.said(HOLDING);
      await run.die();
      await give(shop, 'sweep', { deployment: '' });

      expect(imageOfStable(shop)).toBe(STABLE);
      await expectGivenBack(shop, before);
    }),
    180_000,
  );

  test(
    'is refused with more pods than the first weight asks for',
    inShop(pairOf({ app: 'checkout' }, 2, null), async (shop) => {
      await shop.ready('shop', 'checkout');
      await shop.ready('shop', 'checkout-b');
      const release = await shop.release({ ...BY_PODS, metrics: '', prometheus: '' });

      expectRejected(shop, release, 'route-unsupported');
      expect(release.result.reason).toContain('runs 2 pods of the version before');
    }),
  );

  test(
    'is refused where the route sends requests to that Service',
    inShop(pairOf({ app: 'checkout' }, 1, 'checkout'), async (shop) => {
      await shop.ready('shop', 'checkout-b');
      expectRejected(shop, await shop.release(PAIR), 'ambiguous-service');
    }),
  );
});

describe.concurrent('a pair beside a route', () => {
  test(
    'is promoted, and keeps the new version',
    inShop(BY_ROUTE, async (shop) => {
      const before = await byRoute(shop);
      const route = specOf(shop.object('HTTPRoute', 'checkout'));
      const release = await shop.release(BY_WEIGHT);

      expectStatus(release, 'promoted', 'completed', 0);
      expect(imageOfStable(shop)).toBe(GOOD);
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(route);
      await expectGivenBack(shop, before, GOOD);
    }),
  );

  test(
    'that fails requests is rolled back, and is what it was',
    inShop(BY_ROUTE, async (shop) => {
      const before = await byRoute(shop);
      const release = await shop.release({ ...BY_WEIGHT, image: BAD });

      expectStatus(release, 'rolled-back', 'metric-failed', 1);
      await expectGivenBack(shop, before);
    }),
  );

  test(
    'is given back when the run is cancelled',
    inShop(BY_ROUTE, async (shop) => {
      const before = await byRoute(shop);
      const run = begin(shop, { ...BY_WEIGHT, interval: '60s' });
      await run.said(HOLDING);
      const release = await run.cancel();

      expectStatus(release, 'aborted', 'cancelled', 1);
      await expectGivenBack(shop, before);
    }),
  );

  test(
    'whose runner died is given back by a sweep',
    inShop(BY_ROUTE, async (shop) => {
      const before = await byRoute(shop);
      const run = begin(shop, { ...BY_WEIGHT, interval: '60s' });
      await run.said(HOLDING);
      await run.die();
      await give(shop, 'sweep', { deployment: '' });

      expect(imageOfStable(shop)).toBe(STABLE);
      await expectGivenBack(shop, before);
    }),
    180_000,
  );

  test(
    'is rolled back when somebody sets another image, which is theirs to keep',
    inShop(BY_ROUTE, async (shop) => {
      await byRoute(shop);
      const run = begin(shop, { ...BY_WEIGHT, interval: '60s' });
      await run.said(HOLDING);
      const other = 'registry.example/checkout:1.4.3';
      const patch = { spec: { template: { spec: { containers: [{ name: 'checkout', image: other }] } } } };
      await fetch(new URL('/apis/apps/v1/namespaces/shop/deployments/checkout-b', shop.cluster.url), {
        method: 'PATCH',
        headers: {
          authorization: `Bearer ${shop.cluster.adminToken}`,
          'content-type': 'application/merge-patch+json',
        },
        body: JSON.stringify(patch),
      });
      const release = await run.ended;

      expectStatus(release, 'rolled-back', 'canary-not-ready', 1);
      expect(release.result.reason).toContain('somebody changed the image of the Deployment checkout-b');
      expect(JSON.stringify(shop.object('Deployment', 'checkout-b').spec)).toContain(other);
      await expectClean(shop);
    }),
  );
});
