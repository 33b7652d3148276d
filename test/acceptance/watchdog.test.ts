import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Shop } from './shop.ts';
import { BAD, expectClean, expectRejected, expectUntouched, inShop, of, weightsIn } from './shop.ts';

const IMAGE = `registry.example/kubectl@sha256:${'0'.repeat(64)}`;
const WATCHDOG = { 'watchdog-image': IMAGE, 'watchdog-service-account': 'watchdog' } as const;

const jobs = (shop: Shop): readonly string[] =>
  shop.cluster.list('batch/v1', 'Job', 'shop').map(({ metadata }) => metadata.name);

describe.concurrent('a release with a watchdog', () => {
  test(
    'starts it before the first request can reach the canary, and leaves nothing of it',
    inShop({ rps: 100 }, async (shop) => {
      const release = await shop.release({ ...WATCHDOG, metrics: ERRORS_METRIC });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted' });
      const calls = shop.cluster.calls.filter(({ dryRun, code }) => !dryRun && code < 300);
      const started = calls.findIndex(({ verb, resource }) => verb === 'create' && resource === 'jobs');
      const shifted = calls.findIndex((call) =>
        weightsIn(call).some(({ path, value }) => /\/1\//.test(path) && value !== 0),
      );
      expect(started).toBeGreaterThan(-1);
      expect(started).toBeLessThan(shifted);
      expect(of(shop.cluster.calls, 'create', 'jobs')).toHaveLength(1);
      expect(jobs(shop)).toEqual([]);
      await expectClean(shop);
    }),
  );

  test(
    'that is rolled back leaves nothing of it either',
    inShop({ rps: 200 }, async (shop) => {
      const release = await shop.release({ ...WATCHDOG, image: BAD, metrics: ERRORS_METRIC, interval: '20s' });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'rolled-back', 'reason-code': 'metric-failed' });
      expect(of(shop.cluster.calls, 'create', 'jobs')).toHaveLength(1);
      expect(jobs(shop)).toEqual([]);
      await expectClean(shop);
    }),
  );

  test(
    'is planned with the Role of its account, and its Job is sent dry',
    inShop({ rps: 100 }, async (shop) => {
      const plan = await shop.release({ ...WATCHDOG, metrics: ERRORS_METRIC, command: 'plan' });

      expect(plan.outputs, plan.stdout).toMatchObject({ status: 'planned' });
      for (const text of [
        '`Job shop/checkout-canary-watchdog` | create',
        '`Job shop/checkout-canary-watchdog` | delete',
        'resourceNames: ["canary-rollout-checkout"], verbs: [get] }',
        'resources: ["httproutes"], resourceNames: ["checkout"], verbs: [get, patch] }',
        'resources: ["services"], resourceNames: ["checkout-canary"], verbs: [get, patch] }',
        'kind: ServiceAccount, name: "watchdog", namespace: "shop"',
        'resources: ["jobs"], verbs: [get, create, delete] }',
      ])
        expect(plan.summary).toContain(text);
      expect(shop.cluster.calls.filter(({ dryRun, resource }) => dryRun && resource === 'jobs')).toMatchObject([
        { verb: 'create', code: 201 },
      ]);
      expectUntouched(shop);
    }),
  );

  test(
    'is not begun by a runner that may not start Jobs',
    inShop({}, async (shop) => {
      const groups = [
        '',
        'apps',
        'autoscaling',
        'coordination.k8s.io',
        'discovery.k8s.io',
        'gateway.networking.k8s.io',
        'policy',
      ];
      const token = shop.cluster.token('deployer', [{ apiGroups: groups, resources: ['*'], verbs: ['*'] }]);
      const release = await shop.release({ ...WATCHDOG, kubeconfig: shop.cluster.kubeconfig(token) });

      expectRejected(shop, release, 'forbidden');
      expect(release.everything).toContain('these credentials may not create jobs in the namespace shop');
    }),
  );
});

test(
  'without a watchdog nobody asks for Jobs',
  inShop({ rps: 100 }, async (shop) => {
    const release = await shop.release({ metrics: ERRORS_METRIC });

    expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted' });
    expect(shop.cluster.calls.filter(({ resource }) => resource === 'jobs')).toEqual([]);
  }),
);
