import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../sandbox/cluster/objects.ts';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Shop } from './shop.ts';
import { BAD, expectClean, expectRejected, GOOD, inShop, of, operationsOf, STABLE } from './shop.ts';

const ROLLBACK = { command: 'rollback', image: '' } as const;

type Container = { name: string; image: string; env?: readonly object[] };
type Spec = { revisionHistoryLimit?: number; template: { spec: { containers: Container[] } } };

const specOf = (shop: Shop): Spec => structuredClone(shop.object('Deployment', 'checkout').spec) as unknown as Spec;
const templateOf = (shop: Shop): Spec['template'] => specOf(shop).template;

/** Somebody's own deploy step. */
const deploy = async (shop: Shop, by: (spec: Spec, container: Container) => void): Promise<void> => {
  const spec = specOf(shop);
  for (const container of spec.template.spec.containers) by(spec, container);
  shop.cluster.apply([
    { ...shop.object('Deployment', 'checkout'), spec: spec as unknown as KubeObject['spec'] } as object,
  ]);
  await shop.ready('shop', 'checkout');
};

describe.concurrent('a rollback after a promotion', () => {
  test(
    'brings back the version before step by step, and loses nobody',
    inShop({ rps: 50 }, async (shop) => {
      const before = templateOf(shop);
      const promotion = await shop.release();
      const writes = shop.cluster.writes().length;
      const rollback = await shop.release({ ...ROLLBACK, metrics: ERRORS_METRIC, interval: '3s' });

      expect(promotion.outputs, promotion.stdout).toMatchObject({ status: 'promoted' });
      expect(rollback.outputs, rollback.stdout).toMatchObject({
        status: 'promoted',
        'final-weight': '100',
        'steps-completed': '1',
      });
      expect(rollback.result.rollout).toMatchObject({ fromImages: [GOOD], toImages: [STABLE] });
      expect(rollback.result.steps).toMatchObject([{ weight: 50, metrics: [{ name: 'errors', verdict: 'pass' }] }]);
      expect(templateOf(shop)).toEqual(before);
      const updates = of(shop.cluster.writes().slice(writes), 'patch', 'deployments').filter((call) =>
        operationsOf(call).some(({ op, path }) => op !== 'test' && path.startsWith('/spec/template')),
      );
      expect(updates).toHaveLength(1);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'brings back the configuration with the image, and says where it differs',
    inShop({}, async (shop) => {
      const before = templateOf(shop);
      await deploy(shop, (_spec, container) => {
        container.env = [{ name: 'LEVEL', value: 'confidential' }];
      });
      const release = await shop.release(ROLLBACK);

      expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted' });
      expect(templateOf(shop)).toEqual(before);
      expect(release.result.warnings.join('\n')).toContain(
        'differs from now in more than images: template.spec.containers[checkout].env.',
      );
      expect(release.everything).not.toContain('confidential');
      await expectClean(shop);
    }),
  );

  test(
    'to a version that is worse is itself rolled back',
    inShop({ app: { image: BAD }, rps: 100 }, async (shop) => {
      await deploy(shop, (_spec, container) => {
        container.image = GOOD;
      });
      const release = await shop.release({ ...ROLLBACK, metrics: ERRORS_METRIC, interval: '30s' });

      expect(release.outputs, release.stdout).toMatchObject({
        status: 'rolled-back',
        'reason-code': 'metric-failed',
        'final-weight': '0',
      });
      expect(templateOf(shop).spec.containers.map(({ image }) => image)).toEqual([GOOD]);
      await expectClean(shop);
    }),
  );
});

describe.concurrent('a rollback without an earlier version', () => {
  test(
    'is refused where nothing was ever released',
    inShop({}, async (shop) => {
      const release = await shop.release(ROLLBACK);

      expectRejected(shop, release, 'nothing-to-roll-back');
      expect(release.outputs['reason']).toContain('has no earlier ReplicaSet with another pod template');
    }),
  );

  test(
    'is refused with the cause where the Deployment keeps none',
    inShop({}, async (shop) => {
      await deploy(shop, (spec, container) => {
        spec.revisionHistoryLimit = 0;
        container.image = GOOD;
      });
      const replicaSets = (): number => shop.cluster.list('apps/v1', 'ReplicaSet', 'shop').length;
      await shop.until('the old ReplicaSet to go', () => replicaSets() === 1);
      const release = await shop.release(ROLLBACK);

      expectRejected(shop, release, 'nothing-to-roll-back');
      expect(release.outputs['reason']).toContain('revisionHistoryLimit: 0');
      expect(release.summary).toContain('set revisionHistoryLimit to 1 or more');
    }),
  );
});
