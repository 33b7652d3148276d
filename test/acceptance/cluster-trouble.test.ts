import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../sandbox/cluster/objects.ts';
import { shopObjects } from '../../sandbox/shop.ts';
import type { Shop } from './shop.ts';
import { expectRejected, expectUntouched, GOOD, inShop } from './shop.ts';

type Change = (object: KubeObject) => object;

/** The shop with one of its objects changed, outside the audit. */
const change = (shop: Shop, kind: 'Deployment' | 'HTTPRoute', by: Change): void =>
  shop.cluster.apply([by(structuredClone(shop.object(kind, 'checkout')))]);

const withSpec =
  (fields: object): Change =>
  (object) => ({ ...object, spec: { ...(object.spec as object), ...fields } });

const rules = (...backends: (readonly object[])[]): object => ({
  rules: backends.map((backendRefs) => ({ backendRefs })),
});

const service = (name: string, selector: object): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { selector, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
});

describe.concurrent('the stable Deployment', () => {
  test(
    'that does not exist is named with the nearest one that does',
    inShop({}, async (shop) => {
      const release = await shop.release({ deployment: 'chekout' });

      expectRejected(shop, release, 'deployment-not-found');
      expect(release.outputs['reason']).toBe('Deployment shop/chekout does not exist.');
      expect(release.summary).toContain('Did you mean "checkout"?');
      expect(release.annotations.map(({ level }) => level)).toContain('error');
    }),
  );

  test(
    'that is paused is refused with the command that resumes it',
    inShop({}, async (shop) => {
      change(shop, 'Deployment', withSpec({ paused: true }));
      const release = await shop.release();

      expectRejected(shop, release, 'stable-not-healthy');
      expect(release.summary).toContain('is paused');
      expect(release.summary).toContain('kubectl rollout resume deployment/checkout');
    }),
  );

  test(
    'that is scaled to zero is refused',
    inShop({}, async (shop) => {
      change(shop, 'Deployment', withSpec({ replicas: 0 }));
      await shop.ready('shop', 'checkout');
      const release = await shop.release();

      expectRejected(shop, release, 'stable-not-healthy');
      expect(release.outputs['reason']).toContain('has 0 replicas');
    }),
  );

  test(
    'that is in the middle of a rollout is refused with its numbers',
    inShop({ pace: { startDelayMs: 100 } }, async (shop) => {
      shop.cluster.pace.startDelayMs = 60_000;
      shop.cluster.apply(shopObjects({ image: 'registry.example/checkout:1.4.0' }));
      const release = await shop.release();

      expectRejected(shop, release, 'stable-not-healthy');
      expect(release.outputs['reason']).toMatch(/is in the middle of a rollout: \d of 3 pods updated/);
    }),
  );

  test(
    'that runs the image already and is ready stays unchanged',
    inShop({}, async (shop) => {
      const release = await shop.release({ image: 'registry.example/checkout:1.4.1' });

      expect(release.outputs).toMatchObject({
        status: 'unchanged',
        'reason-code': 'already-running',
        'final-weight': '100',
      });
      expect(release.result).toMatchObject({ schemaVersion: 1, status: 'unchanged', rollout: null, steps: [] });
      expect(release.code).toBe(0);
      expectUntouched(shop);
    }),
  );
});

describe.concurrent('the Service', () => {
  test(
    'that selects pods of several Deployments is refused',
    inShop({}, async (shop) => {
      const [other] = shopObjects({ name: 'search', route: null }) as KubeObject[];
      const labels = { app: 'search', tier: 'web' };
      const template = { metadata: { labels }, spec: { containers: [{ name: 'search', image: GOOD }] } };
      shop.cluster.apply([
        { ...other, spec: { replicas: 1, selector: { matchLabels: { app: 'search' } }, template } },
        ...shopObjects({ route: null }).map((object) => structuredClone(object)),
      ]);
      change(shop, 'Deployment', (object) => {
        const spec = structuredClone(object.spec) as { template: { metadata: { labels: object } } };
        spec.template.metadata.labels = { ...spec.template.metadata.labels, tier: 'web' };
        return { ...object, spec: spec as never };
      });
      shop.cluster.apply([service('checkout', { tier: 'web' })]);
      await shop.ready('shop', 'search');
      await shop.ready('shop', 'checkout');
      const release = await shop.release();

      expectRejected(shop, release, 'ambiguous-service');
      expect(release.everything).toContain('search');
    }),
  );

  test(
    'is not guessed where several select the stable pods',
    inShop({}, async (shop) => {
      shop.cluster.apply([service('checkout-admin', { app: 'checkout' })]);
      const release = await shop.release();

      expectRejected(shop, release, 'ambiguous-service');
      expect(release.everything).toContain('checkout-admin');
    }),
  );
});

describe.concurrent('the route', () => {
  test(
    'that does not exist is refused',
    inShop({}, async (shop) => {
      const release = await shop.release({ route: 'httproute/chekout' });

      expectRejected(shop, release, 'route-not-found');
      expect(release.outputs['reason']).toContain('HTTPRoute shop/chekout');
    }),
  );

  test(
    'whose weights are split already is refused',
    inShop({}, async (shop) => {
      const backends = ['checkout', 'checkout-canary'].map((name) => ({ name, port: 80, weight: 50 }));
      change(shop, 'HTTPRoute', withSpec(rules(backends)));
      const release = await shop.release();

      expect(release.outputs).toMatchObject({ status: 'rejected' });
      expect(release.everything).toContain('has its weights already split: it names Service checkout-canary');
      expect(shop.cluster.writes()).toEqual([]);
    }),
  );

  test(
    'that gives stable nothing is refused',
    inShop({}, async (shop) => {
      shop.cluster.apply([service('blue', { app: 'blue' })]);
      change(
        shop,
        'HTTPRoute',
        withSpec(
          rules([
            { name: 'checkout', port: 80, weight: 0 },
            { name: 'blue', port: 80, weight: 1 },
          ]),
        ),
      );
      const release = await shop.release();

      expectRejected(shop, release, 'route-unsupported');
      expect(release.outputs['reason']).toContain('Service checkout has weight 0');
    }),
  );

  test(
    'that its gateway does not accept is refused with the reason of the gateway',
    inShop({}, async (shop) => {
      const refused = shopObjects().at(-1) as KubeObject;
      shop.cluster.delete(refused.apiVersion, 'HTTPRoute', 'shop', 'checkout');
      const annotations = { 'sandbox/not-accepted': 'NoMatchingListenerHostname' };
      shop.cluster.apply([{ ...refused, metadata: { ...refused.metadata, annotations } }]);
      await shop.until('the status', () => JSON.stringify(shop.object('HTTPRoute', 'checkout')).includes('parents'));
      const release = await shop.release();

      expectRejected(shop, release, 'route-not-accepted');
      expect(release.outputs['reason']).toContain('NoMatchingListenerHostname');
    }),
  );

  test(
    'is found where it is the only one, and asked for where there are several',
    inShop({}, async (shop) => {
      const plan = await shop.release({ route: '', command: 'plan' });
      expect(plan.outputs).toMatchObject({ status: 'planned' });

      shop.cluster.apply(shopObjects({ route: 'checkout-api' }).slice(-1));
      const release = await shop.release({ route: '' });

      expectRejected(shop, release, 'ambiguous-route');
      expect(release.summary).toContain('httproute/checkout-api');
    }),
  );
});

describe.concurrent('the cluster', () => {
  test(
    'that does not answer is told apart, with its address',
    inShop({}, async (shop) => {
      await shop.cluster.stop();
      const release = await shop.release();

      expect(release.outputs).toMatchObject({ status: 'rejected', 'reason-code': 'cluster-unreachable' });
      expect(release.outputs['reason']).toContain(new URL(shop.cluster.url).host);
      expect(release.code).toBe(1);
      expect(release.durationMs).toBeLessThan(60_000);
    }),
  );

  test(
    'that does not know the token is told apart',
    inShop({}, async (shop) => {
      shop.cluster.revokeToken(shop.cluster.adminToken);
      const release = await shop.release();

      expect(release.outputs['status']).toBe('rejected');
      expect(release.everything).toMatch(/401|Unauthorized|unauthori[sz]ed/i);
      expect(release.everything).not.toContain(shop.cluster.adminToken);
      expectUntouched(shop);
    }),
  );

  test(
    'that refuses a right is answered with the Role to apply',
    inShop({}, async (shop) => {
      const verbs = ['get', 'list', 'watch', 'create'];
      const token = shop.cluster.token('deployer', [{ apiGroups: ['*'], resources: ['*'], verbs }]);
      const release = await shop.release({ kubeconfig: shop.cluster.kubeconfig(token) });

      expectRejected(shop, release, 'forbidden');
      expect(release.everything).toContain('these credentials may not patch httproutes in the namespace shop');
      expect(release.summary).toContain('kind: Role');
      expect(release.summary).toContain('resources: ["httproutes"], verbs: [get, list, patch] } # optional: list');
    }),
  );

  test(
    'that cannot be told from no kubeconfig at all is refused',
    inShop({}, async (shop) => {
      const release = await shop.release({}, { env: { KUBECONFIG: '' } });

      expectRejected(shop, release, 'cluster-unreachable');
      expect(release.outputs['reason']).toMatch(/kubeconfig/i);
    }),
  );
});
