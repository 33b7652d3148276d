import { describe, expect, test } from 'vitest';
import type { Release, Shop } from './shop.ts';
import { expectClean, inShop, STABLE, specOf, when } from './shop.ts';

const HOLDING = /holding it for/;
const KINDS = { Deployment: 'apps/v1', Service: 'v1', HTTPRoute: 'gateway.networking.k8s.io/v1' } as const;

const remove = (shop: Shop, kind: keyof typeof KINDS, name: string): void =>
  shop.cluster.delete(KINDS[kind], kind, 'shop', name);

const backendsOf = (shop: Shop): readonly unknown[] =>
  (specOf(shop.object('HTTPRoute', 'checkout')) as { rules: { backendRefs: unknown[] }[] }).rules[0]?.backendRefs ?? [];

/** What a GitOps tool does that finds the route other than git says. */
const revert = async (shop: Shop): Promise<number> => {
  const path = '/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/checkout?fieldManager=argocd-controller';
  const answer = await fetch(new URL(path, shop.cluster.url), {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${shop.cluster.adminToken}`,
      'content-type': 'application/merge-patch+json',
    },
    body: JSON.stringify({ spec: { rules: [{ backendRefs: [{ name: 'checkout', port: 80 }] }] } }),
  });
  return answer.status;
};

/** The look under way, the one that sees it, and what the answer reads for itself. */
const LOOKS = 3;

interface Changed {
  readonly release: Release;
  /** How often the route was read between the change and the line that tells of it. */
  readonly looks: number;
}

const readsOf = (shop: Shop): number =>
  shop.cluster.calls.filter(({ verb, resource }) => verb === 'get' && resource === 'httproutes').length;

/** A release under way, and somebody else's hand in it while a weight is held. */
const whileHeld = async (shop: Shop, change: () => void, told: RegExp): Promise<Changed> => {
  const reads = { before: 0, after: Number.POSITIVE_INFINITY };
  const onHolding = when(HOLDING, () => {
    reads.before = readsOf(shop);
    change();
  });
  const onTold = when(told, () => {
    reads.after = readsOf(shop);
  });
  const onLine = (line: string): void => {
    onHolding(line);
    onTold(line);
  };
  const release = await shop.release({ interval: '60s' }, { onLine });
  return { release, looks: reads.after - reads.before };
};

const expectRolledBack = (release: Release, code: string, reason: string): void => {
  expect(release.outputs, release.stdout).toMatchObject({
    status: 'rolled-back',
    'reason-code': code,
    'final-weight': '0',
  });
  expect(release.outputs['reason']).toContain(reason);
};

const expectStable = (shop: Shop): void => {
  expect(shop.object('Deployment', 'checkout').spec).toMatchObject({
    template: { spec: { containers: [{ image: STABLE }] } },
  });
  expect(backendsOf(shop)).toHaveLength(1);
};

describe.concurrent('a GitOps tool that reverts the route', () => {
  test(
    'is found out before any traffic moved, and named',
    inShop({ rps: 50 }, async (shop) => {
      const reverting = shop.until('our entry', () => backendsOf(shop).length === 2, 60_000).then(() => revert(shop));
      const release = await shop.release();

      expect(await reverting).toBe(200);
      expectRolledBack(release, 'route-changed', 'Argo CD changed our entries of the route');
      expect(release.outputs['steps-completed']).toBe('0');
      expect(release.result.harm).toEqual({ canaryRequests: 0, canaryFailures: 0 });
      expect(shop.traffic.report().lostBy).toEqual({});
      expectStable(shop);
      await expectClean(shop);
    }),
  );

  test(
    'while a weight is held is noticed at the next look, named, and left its way',
    inShop({ rps: 50 }, async (shop) => {
      const { release, looks } = await whileHeld(shop, () => void revert(shop), /Argo CD changed/);

      expectRolledBack(release, 'route-changed', 'Argo CD changed our entries of the route');
      expect(looks).toBeLessThanOrEqual(LOOKS);
      expect(shop.traffic.report().lostBy).toEqual({});
      expectStable(shop);
      await expectClean(shop);
    }),
  );
});

describe.concurrent('what is deleted while a weight is held is noticed at the next look', () => {
  test(
    'the canary Deployment: the traffic returns',
    inShop({ rps: 50 }, async (shop) => {
      const { release, looks } = await whileHeld(
        shop,
        () => remove(shop, 'Deployment', 'checkout-canary'),
        /was deleted/,
      );

      expectRolledBack(release, 'canary-not-ready', 'the Deployment checkout-canary was deleted');
      expect(looks).toBeLessThanOrEqual(LOOKS);
      expectStable(shop);
      await expectClean(shop);
    }),
  );

  test(
    'the canary Service: the traffic returns',
    inShop({ rps: 50 }, async (shop) => {
      const { release, looks } = await whileHeld(
        shop,
        () => remove(shop, 'Service', 'checkout-canary'),
        /has no endpoints/,
      );

      expectRolledBack(release, 'canary-not-ready', 'the Service checkout-canary has no endpoints any more');
      expect(looks).toBeLessThanOrEqual(LOOKS);
      expectStable(shop);
      await expectClean(shop);
    }),
  );

  test(
    'the route: what else is ours is removed',
    inShop({ rps: 50 }, async (shop) => {
      const { release, looks } = await whileHeld(shop, () => remove(shop, 'HTTPRoute', 'checkout'), /does not exist/);

      expectRolledBack(release, 'route-changed', 'HTTPRoute shop/checkout does not exist');
      expect(looks).toBeLessThanOrEqual(LOOKS);
      await expectClean(shop);
    }),
  );

  test(
    'stable: nobody is sent to what is not there, and a person is called',
    inShop({ rps: 50 }, async (shop) => {
      const { release, looks } = await whileHeld(shop, () => remove(shop, 'Deployment', 'checkout'), /was deleted/);

      expect(release.outputs, release.stdout).toMatchObject({ status: 'halted', 'reason-code': 'stable-changed' });
      expect(release.outputs['reason']).toContain('the Deployment checkout was deleted');
      expect(looks).toBeLessThanOrEqual(LOOKS);
      expect(backendsOf(shop)).toMatchObject([{ weight: 50 }, { name: 'checkout-canary', weight: 50 }]);
    }),
  );

  test(
    "stable's Service: nobody is sent to what is not there, and a person is called",
    inShop({ rps: 50 }, async (shop) => {
      const { release, looks } = await whileHeld(shop, () => remove(shop, 'Service', 'checkout'), /leads to no pod/);

      expect(release.outputs, release.stdout).toMatchObject({ status: 'halted', 'reason-code': 'stable-changed' });
      expect(release.outputs['reason']).toContain('the Service checkout leads to no pod of stable any more');
      expect(looks).toBeLessThanOrEqual(LOOKS);
      expect(backendsOf(shop)).toMatchObject([{ weight: 50 }, { name: 'checkout-canary', weight: 50 }]);
    }),
  );
});
