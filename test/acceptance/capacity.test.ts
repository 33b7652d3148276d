import { describe, expect, test } from 'vitest';
import { shopObjects } from '../../sandbox/shop.ts';
import type { Release, Shop } from './shop.ts';
import { expectClean, expectRejected, GOOD, inShop, specOf } from './shop.ts';
import { expectStatus, imageOfStable } from './steering.ts';

type Spec = Readonly<Record<string, unknown>>;

/** Stable's Deployment as somebody else wrote it, before the first release. */
const change = async (shop: Shop, spec: Spec): Promise<void> => {
  const stable = shop.object('Deployment', 'checkout');
  shop.cluster.apply([{ ...stable, spec: { ...(stable.spec as Spec), ...spec } } as never]);
  await shop.ready('shop', 'checkout');
};

const podSpecWith = (shop: Shop, fields: Spec): Spec => {
  const { template } = specOf(shop.object('Deployment', 'checkout')) as { template: { metadata: Spec; spec: Spec } };
  return { template: { ...template, spec: { ...template.spec, ...fields } } };
};

const quota = (hard: Spec, used: Spec): object => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'team', namespace: 'shop' },
  spec: { hard },
  status: { hard, used },
});

const node = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: { conditions: [{ type: 'Ready', status: 'True' }], allocatable: { cpu: '1', memory: '1Gi', pods: '4' } },
});

const warnings = ({ result }: Release): string => result.warnings.join('\n');

describe.concurrent("stable's own strategy", () => {
  test(
    'is refused where it stops every pod, and both words and numbers tell why',
    inShop({}, async (shop) => {
      await change(shop, { strategy: { type: 'Recreate' }, minReadySeconds: 0 });
      const release = await shop.release();

      expectRejected(shop, release, 'unsafe-strategy');
      expect(release.summary).toContain('has the strategy Recreate');
      expect(release.summary).toContain('`allow: Recreate` goes on with a warning');
    }),
  );

  test(
    'is used all the same where that is allowed, because the canary has all traffic then',
    inShop({}, async (shop) => {
      await change(shop, { strategy: { type: 'Recreate' } });
      shop.traffic.start({ rps: 30, target: 'httproute/checkout' });
      await shop.measured();
      const release = await shop.release({ allow: 'Recreate' });

      expectStatus(release, 'promoted', 'completed', 0);
      expect(warnings(release)).toMatch(/has the strategy Recreate.*\(allowed by `allow: Recreate`\)/);
      expect(imageOfStable(shop)).toBe(GOOD);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'may not be allowed where stable serves while it is updated',
    inShop({}, async (shop) => {
      await change(shop, { strategy: { type: 'Recreate' } });
      const release = await shop.release({ 'promote-at': 'last-step', allow: 'Recreate' });

      expectRejected(shop, release, 'unsafe-strategy');
      expect(release.summary).not.toContain('goes on with a warning');
    }),
  );
});

describe.concurrent('what the cluster has room for', () => {
  test(
    'refuses a plan whose peak exceeds a quota, with the numbers',
    inShop({}, async (shop) => {
      shop.cluster.apply([quota({ pods: '6' }, { pods: '3' })]);
      const release = await shop.release();

      expectRejected(shop, release, 'policy-mismatch');
      expect(release.summary).toContain('pods: 4 pods more, 3 pods of 6 pods left');
      expect(release.summary).toContain('`allow: ResourceQuota/team` goes on with a warning');
    }),
  );

  test(
    'is told by a plan: requests at the peak, a quota that is allowed, and nodes',
    inShop({}, async (shop) => {
      shop.cluster.apply([quota({ pods: '6' }, { pods: '3' }), node('node-1')]);
      const release = await shop.release({ command: 'plan', allow: 'ResourceQuota/team' });

      expectStatus(release, 'planned', 'planned', 0);
      expect(release.summary).toMatch(/up to 7 pods of stable and canary at a time, which request no CPU or memory/);
      expect(warnings(release)).toContain('(allowed by `allow: ResourceQuota/team`)');
      expect(warnings(release)).toContain('the plan starts up to 4 more pods');
    }),
  );
});

test(
  'a volume that one node can mount is refused by its name',
  inShop({}, async (shop) => {
    shop.cluster.apply([
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data', namespace: 'shop' },
        spec: { accessModes: ['ReadWriteOnce'] },
      },
    ]);
    await change(
      shop,
      podSpecWith(shop, { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] }),
    );
    const release = await shop.release();

    expectRejected(shop, release, 'unsafe-strategy');
    expect(release.summary).toContain('`allow: PersistentVolumeClaim/data` goes on with a warning');
  }),
);

test(
  'a StatefulSet that is named is said to be one',
  inShop(
    {
      objects: [
        ...shopObjects().slice(1),
        { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'checkout', namespace: 'shop' } },
      ],
    },
    async (shop) => {
      const release = await shop.release();

      expectRejected(shop, release, 'deployment-not-found');
      expect(release.outputs['reason']).toContain('checkout is a StatefulSet; only Deployments can be rolled out');
    },
  ),
);
