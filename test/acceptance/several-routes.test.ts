import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Shop } from './shop.ts';
import { expectClean, expectUntouched, inShop, of, weightsIn } from './shop.ts';
import { begin, expectStatus } from './steering.ts';

/** Another way to stable's pods than the route. */
const ADMIN = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'admin', namespace: 'shop' },
  spec: {
    parentRefs: [{ name: 'web' }],
    hostnames: ['admin.example'],
    rules: [{ backendRefs: [{ name: 'checkout', port: 80 }] }],
  },
};

describe.concurrent('several routes to one Service', () => {
  const inTwo = (body: (shop: Shop) => Promise<void>) =>
    inShop({}, async (shop) => {
      shop.cluster.apply([ADMIN]);
      shop.traffic.start({ rps: 100, target: 'httproute/checkout' });
      await shop.measured();
      await body(shop);
    });

  test(
    'none named: refused, with the block that names both',
    inTwo(async (shop) => {
      const release = await shop.release({ route: '' });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'rejected', 'reason-code': 'ambiguous-route' });
      expect(release.report).toContain('route: |\n  httproute/admin\n  httproute/checkout');
      expectUntouched(shop);
    }),
  );

  test(
    'one named: its release says "all traffic of the route", and names the other',
    inTwo(async (shop) => {
      const release = await shop.release({ metrics: ERRORS_METRIC });

      expectStatus(release, 'promoted', 'completed', 0);
      expect(release.outputs['reason']).toBe('the new version serves all traffic of the route');
      expect(release.result.warnings.join('\n')).toContain("HTTPRoute admin leads to stable's pods too");
      expect(release.report).toContain('serves all traffic of the route');
      expect(release.everything).not.toMatch(/serves all traffic(?! of)/);
      expect(weightsOf(shop, 'admin')).toEqual([]);
    }),
  );

  test(
    'both named: every weight is written to both, in order',
    inTwo(async (shop) => {
      const release = await shop.release({ route: 'httproute/checkout\nhttproute/admin', metrics: ERRORS_METRIC });

      expectStatus(release, 'promoted', 'completed', 0);
      expect(release.outputs['reason']).toBe('the new version serves all traffic');
      expect(weightsOf(shop, 'admin')).toEqual(weightsOf(shop, 'checkout'));
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'one of them deleted while a weight is held: the other goes back, and the rest is cleaned up',
    inTwo(async (shop) => {
      const run = begin(shop, { route: 'httproute/checkout\nhttproute/admin', interval: '30s' });
      await run.said(/holding it for/);
      await fetch(new URL('/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/admin', shop.cluster.url), {
        method: 'DELETE',
        headers: { authorization: `Bearer ${shop.cluster.adminToken}` },
      });
      const release = await run.ended;

      expect(release.outputs, release.stdout).toMatchObject({ status: 'rolled-back', 'reason-code': 'route-changed' });
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );
});

const weightsOf = (shop: Shop, route: string): unknown[] =>
  of(shop.cluster.writes(), 'patch', 'httproutes')
    .filter(({ name }) => name === route)
    .flatMap((call) => weightsIn(call).map(({ value }) => value));
