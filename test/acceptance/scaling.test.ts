import { describe, expect, test } from 'vitest';
import type { Shop } from './shop.ts';
import { expectClean, inShop, of, operationsOf, when } from './shop.ts';

const HOLDING = /holding it for/;

/** Somebody scales stable while a weight is held. */
const scale = (shop: Shop, replicas: number): void => {
  const object = shop.object('Deployment', 'checkout');
  shop.cluster.apply([{ ...object, spec: { ...(object.spec as object), replicas } } as object]);
};

const canarySizes = (shop: Shop): readonly unknown[] =>
  of(shop.cluster.writes(), 'patch', 'deployments')
    .filter(({ name }) => name === 'checkout-canary')
    .flatMap(operationsOf)
    .filter(({ op, path }) => op !== 'test' && path === '/spec/replicas')
    .map(({ value }) => value);

describe.concurrent('stable that is scaled while a weight is held', () => {
  test(
    'up takes the canary with it, in the same step',
    inShop({ rps: 50 }, async (shop) => {
      const onLine = when(HOLDING, () => scale(shop, 6));
      const release = await shop.release({ interval: '8s' }, { onLine });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted', 'steps-completed': '1' });
      expect(release.result.steps).toHaveLength(1);
      // Half of six for the step, and all six for the promotion.
      expect(canarySizes(shop)).toEqual([3, 6]);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'down is no way back any more for what it carried: the traffic returns while it can',
    inShop({ rps: 50 }, async (shop) => {
      const onLine = when(HOLDING, () => scale(shop, 2));
      const release = await shop.release({ interval: '60s' }, { onLine });

      expect(release.outputs, release.stdout).toMatchObject({
        status: 'rolled-back',
        'reason-code': 'stable-changed',
        'final-weight': '0',
      });
      expect(release.outputs['reason']).toContain('somebody scaled the Deployment checkout down from 3 to 2 pods');
      expect(shop.object('Deployment', 'checkout').spec).toMatchObject({ replicas: 2 });
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'to zero gets nobody back: the canary keeps its traffic, and a person is called',
    inShop({ rps: 50 }, async (shop) => {
      const onLine = when(HOLDING, () => scale(shop, 0));
      const release = await shop.release({ interval: '60s' }, { onLine });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'halted', 'reason-code': 'stable-changed' });
      expect(release.outputs['reason']).toContain('there is nothing to go back to');
      expect(shop.object('HTTPRoute', 'checkout').spec).toMatchObject({
        rules: [{ backendRefs: [{ weight: 50 }, { name: 'checkout-canary', weight: 50 }] }],
      });
    }),
  );
});
