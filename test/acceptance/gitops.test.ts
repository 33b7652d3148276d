import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../sandbox/cluster/objects.ts';
import type { Shop } from './shop.ts';
import { expectClean, expectRejected, GOOD, inShop, outsideFences, STABLE, specOf } from './shop.ts';
import { deploy, expectLeft, expectStatus, give, imageOfStable } from './steering.ts';

type Strings = Readonly<Record<string, string>>;

const trackedBy = (application: string, type: string): Strings => ({
  'argocd.argoproj.io/tracking-id': `${application}:${type}:shop/checkout`,
});
const ARGO = { annotations: trackedBy('shop-prod', 'apps/Deployment') };

/** What its owner leaves on the route. */
const markRoute = (shop: Shop, annotations: Strings): void => {
  const route = shop.object('HTTPRoute', 'checkout');
  shop.cluster.apply([{ ...route, metadata: { ...route.metadata, annotations } }]);
};

const marksOf = ({ metadata }: KubeObject): Strings => ({ ...metadata.labels, ...metadata.annotations });

const warnings = (release: { readonly result: { readonly warnings: readonly string[] } }): string =>
  release.result.warnings.join('\n');

describe.concurrent("stable's Deployment owned by a controller", () => {
  test(
    'is refused with nothing written, and both ways on are told',
    inShop({ app: ARGO }, async (shop) => {
      const release = await shop.release();

      expectRejected(shop, release, 'owned-by-controller');
      expect(release.summary).toContain('the Argo CD Application shop-prod owns its image');
      expect(release.summary).toMatch(/`until: promotion`.*or `allow: drift` goes on with a warning/);
    }),
  );

  test(
    'is promoted with `allow: drift`, with a warning',
    inShop({ app: ARGO, rps: 20 }, async (shop) => {
      const release = await shop.release({ allow: 'drift' });

      expectStatus(release, 'promoted', 'completed', 0);
      expect(warnings(release)).toMatch(/shop-prod owns its image.*\(allowed by `allow: drift`\)/);
      expect(imageOfStable(shop)).toBe(GOOD);
      await expectClean(shop);
    }),
  );

  test(
    'is left to its owner with `until: promotion`, and nothing of ours carries its marks',
    inShop({ app: ARGO, rps: 20 }, async (shop) => {
      const release = await shop.release({ until: 'promotion' });
      expectLeft(shop, release, 100);
      expect(warnings(release)).not.toContain('Argo CD');
      expect(imageOfStable(shop)).toBe(STABLE);
      const copies = [shop.object('Deployment', 'checkout-canary'), shop.object('Service', 'checkout-canary')];
      expect(copies.flatMap((copy) => Object.keys(marksOf(copy))).filter((key) => key.includes('argo'))).toEqual([]);
      await deploy(shop, GOOD);
      const resume = await give(shop, 'resume');

      expectStatus(resume, 'promoted', 'completed', 0);
      expect(imageOfStable(shop)).toBe(GOOD);
      expect(marksOf(shop.object('Deployment', 'checkout'))).toMatchObject(ARGO.annotations);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'of Helm is released, and the next upgrade is told of',
    inShop({ app: { annotations: { 'meta.helm.sh/release-name': 'checkout' } }, rps: 20 }, async (shop) => {
      const release = await shop.release();

      expectStatus(release, 'promoted', 'completed', 0);
      expect(warnings(release)).toContain('the next `helm upgrade` brings the old version back');
      expect(warnings(release)).toContain('--set image.tag=1.4.2');
    }),
  );
});

describe.concurrent('a route owned by a controller', () => {
  test(
    'is warned of with what to paste, and the entry stands before traffic moves',
    inShop({ rps: 20 }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      markRoute(shop, trackedBy('shop-prod', 'gateway.networking.k8s.io/HTTPRoute'));
      const release = await shop.release();

      expectStatus(release, 'promoted', 'completed', 0);
      expect(release.summary).toContain(
        ['spec:', '  ignoreDifferences:', '    - group: gateway.networking.k8s.io', '      kind: HTTPRoute'].join('\n'),
      );
      expect(release.summary).toContain(`'.spec.rules[]?.backendRefs[]? | select(.name == "checkout-canary")'`);
      expect(outsideFences(release.summary)).not.toContain('ignoreDifferences');
      expect(release.stdout).toContain('watching for 15 s whether the entry stands');
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
    }),
  );

  test(
    'of a hostile name is told of without it',
    inShop({}, async (shop) => {
      const hostile = '</code><img src=x>\n```\n';
      markRoute(shop, trackedBy(hostile, 'gateway.networking.k8s.io/HTTPRoute'));
      const plan = await shop.release({ command: 'plan' });

      expectStatus(plan, 'planned', 'planned', 0);
      expect(plan.summary).toContain('Argo CD owns the entries that the rollout writes');
      expect(plan.summary).toContain('kind: Application\nspec:\n');
      expect(plan.everything).not.toContain('<img');
    }),
  );
});

describe.concurrent('a first weight that few pods cannot express', () => {
  const worker = { route: 'replicas', weights: '5, 50' };

  test(
    'is refused with nothing written, and goes with `allow: rounding` as far as pods can',
    inShop({}, async (shop) => {
      shop.cluster.delete('v1', 'Service', 'shop', 'checkout');
      const refused = await shop.release(worker);
      const planned = await shop.release({ ...worker, command: 'plan', allow: 'rounding' });

      expectRejected(shop, refused, 'route-unsupported');
      expect(refused.summary).toMatch(/needs at least 9 stable pods.*`allow: rounding` goes on with a warning/);
      expectStatus(planned, 'planned', 'planned', 0);
      expect(planned.summary).toContain('5 % was asked for first');
      const promoted = await shop.release({ ...worker, allow: 'rounding' });
      expectStatus(promoted, 'promoted', 'completed', 0);
      expect(promoted.result.steps.map(({ weight }) => weight)).toEqual([25, 50]);
    }),
  );
});
