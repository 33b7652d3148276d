import { describe, expect, test } from 'vitest';
import type { Call } from '../../sandbox/cluster/requests.ts';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Shop } from './shop.ts';
import { BAD, expectClean, expectRejected, expectUntouched, inShop, of, operationsOf, when } from './shop.ts';
import { begin, expectStatus, give, HOLDING } from './steering.ts';

/** The lease of a dead run is watched for its whole 30 s. */
const DEAD_MS = 180_000;
const HPA = ['autoscaling/v2', 'HorizontalPodAutoscaler', 'shop'] as const;
const SCALED_OBJECT = ['keda.sh/v1alpha1', 'ScaledObject', 'shop'] as const;

const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' };

const autoscaler = (spec: object = {}, annotations: Record<string, string> = {}): object => ({
  apiVersion: HPA[0],
  kind: HPA[1],
  metadata: { name: 'checkout', namespace: 'shop', annotations: { team: 'shop', ...annotations } },
  spec: { scaleTargetRef, minReplicas: 2, maxReplicas: 10, ...spec },
});

const scaledObject = (annotations: Record<string, string> = {}): object => ({
  apiVersion: SCALED_OBJECT[0],
  kind: SCALED_OBJECT[1],
  metadata: { name: 'checkout', namespace: 'shop', annotations: { team: 'shop', ...annotations } },
  spec: { scaleTargetRef: { name: 'checkout' }, triggers: [] },
});

const found = (shop: Shop, name = 'checkout') => shop.cluster.get(...HPA, name);

/** All of it that is the user's. */
const ownOf = (shop: Shop, [apiVersion, kind]: typeof HPA | typeof SCALED_OBJECT = HPA): unknown => {
  const object = shop.cluster.get(apiVersion, kind, 'shop', 'checkout');
  return structuredClone([object?.spec, object?.metadata.labels, object?.metadata.annotations]);
};

/** What its metrics ask for from now on. */
const ask = (shop: Shop, pods: number): void => {
  const object = structuredClone(found(shop));
  if (object === null) throw new Error('no autoscaler');
  object.metadata.annotations = { ...object.metadata.annotations, 'sandbox/desired': `${pods}` };
  shop.cluster.apply([object]);
};

const replicasOf = (shop: Shop, name = 'checkout'): number =>
  (shop.object('Deployment', name).spec as unknown as { replicas: number }).replicas;

/** Every size that stable was given, by whomever. */
const sizesOfStable = (shop: Shop): Set<number> => {
  const sizes = new Set<number>();
  shop.cluster.context.store.listeners.add(({ object, type }) => {
    if (object.kind === 'Deployment' && object.metadata.name === 'checkout' && type !== 'DELETED')
      sizes.add((object.spec as unknown as { replicas: number }).replicas);
  });
  return sizes;
};

/** Values that the rollout wrote at a path, by object. */
const written = (shop: Shop, name: string, path: string, resource = 'horizontalpodautoscalers'): unknown[] =>
  of(shop.cluster.writes(), 'patch', resource)
    .filter((call: Call) => call.name === name)
    .flatMap(operationsOf)
    .filter((operation) => operation.op !== 'test' && operation.path === path)
    .map(({ value }) => value);

const expectNobodyLost = (shop: Shop): void => expect(shop.traffic.report().lostBy).toEqual({});

/** As it was before the rollout; only what the test itself asked for may stand on it. */
const expectReleased = (shop: Shop, before: unknown): void => {
  const [spec, labels, annotations] = ownOf(shop) as [unknown, unknown, Record<string, string>];
  const { 'sandbox/desired': _asked, ...rest } = annotations;
  expect([spec, labels, rest]).toEqual(before);
  expect(found(shop, 'checkout-canary')).toBeNull();
};

describe.concurrent('beside an autoscaler', () => {
  test(
    'a good release holds its minimum, so that low load takes no pod from stable, and puts it back',
    inShop({ rps: 100 }, async (shop) => {
      shop.cluster.apply([autoscaler()]);
      const before = ownOf(shop);
      const sizes = sizesOfStable(shop);
      const onLine = when(HOLDING, () => ask(shop, 1));
      const release = await shop.release({ weights: '20, 60', interval: '2s', metrics: ERRORS_METRIC }, { onLine });

      expectStatus(release, 'promoted', 'completed', 0);
      expect(written(shop, 'checkout', '/spec/minReplicas')).toEqual([3, 2]);
      // Two for 60 % of three, and all three for the promotion; one for 20 % needs no patch.
      expect(written(shop, 'checkout-canary', '/spec/minReplicas')).toEqual([2, 3]);
      expectReleased(shop, before);
      // Only once it was released.
      await shop.until('the autoscaler', () => replicasOf(shop) === 2);
      expect([...sizes].sort()).toEqual([2, 3]);
      expect(release.everything).not.toContain('scaled the Deployment');
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'a canary that grows by its own autoscaler is not scaled back by the rollout, nor below what a step needs',
    inShop({ rps: 50 }, async (shop) => {
      shop.cluster.apply([autoscaler()]);
      const seen: number[] = [];
      shop.cluster.context.store.listeners.add(({ object, type }) => {
        if (object.metadata.name !== 'checkout-canary' || type === 'DELETED') return;
        if (object.kind === 'Deployment') seen.push((object.spec as unknown as { replicas: number }).replicas);
      });
      const grow = when(HOLDING, () => {
        const copy = structuredClone(found(shop, 'checkout-canary'));
        if (copy === null) return;
        copy.metadata.annotations = { ...copy.metadata.annotations, 'sandbox/desired': '5' };
        shop.cluster.apply([copy]);
      });
      const release = await shop.release({ weights: '20, 60', interval: '2s' }, { onLine: grow });

      expectStatus(release, 'promoted', 'completed', 0);
      expect(Math.max(...seen)).toBe(5);
      expect(seen.indexOf(5)).toBeGreaterThan(0);
      expect(seen.slice(seen.indexOf(5)).every((size) => size === 5)).toBe(true);
      expect(written(shop, 'checkout-canary', '/spec/minReplicas')).toEqual([2, 3]);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'load that scales stable up in the middle of a step takes the canary with it',
    inShop({ rps: 50 }, async (shop) => {
      shop.cluster.apply([autoscaler()]);
      const before = ownOf(shop);
      const onLine = when(HOLDING, () => ask(shop, 6));
      const release = await shop.release({ interval: '8s' }, { onLine });

      expectStatus(release, 'promoted', 'completed', 0);
      // Half of three at first, half of six then, and all six for the promotion.
      expect(written(shop, 'checkout-canary', '/spec/minReplicas')).toEqual([2, 3, 6]);
      expectReleased(shop, before);
      expect(replicasOf(shop)).toBe(6);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'a bad release puts it back too',
    inShop({ rps: 200 }, async (shop) => {
      shop.cluster.apply([autoscaler({ minReplicas: 1 })]);
      const before = ownOf(shop);
      const release = await shop.release({ image: BAD, interval: '60s', metrics: ERRORS_METRIC });

      expectStatus(release, 'rolled-back', 'metric-failed', 1);
      expect(written(shop, 'checkout', '/spec/minReplicas')).toEqual([3, 1]);
      expectReleased(shop, before);
      await expectClean(shop);
    }),
  );

  test(
    'a run that is cancelled puts it back too',
    inShop({ post: true, rps: 50 }, async (shop) => {
      shop.cluster.apply([autoscaler()]);
      const before = ownOf(shop);
      const run = begin(shop, { interval: '60s' });
      await run.said(HOLDING);
      expect(found(shop)?.spec).toMatchObject({ minReplicas: 3 });
      const release = await run.cancel();

      expect(release.outputs, release.stdout).toMatchObject({ status: 'aborted', 'reason-code': 'cancelled' });
      expectReleased(shop, before);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'a sweep puts back what a dead run held',
    inShop({ rps: 50 }, async (shop) => {
      shop.cluster.apply([autoscaler()]);
      const before = ownOf(shop);
      const run = begin(shop, { interval: '60s' });
      await run.said(HOLDING);
      await run.die();
      expect(found(shop)?.spec).toMatchObject({ minReplicas: 3 });
      const swept = await give(shop, 'sweep', { deployment: '', namespace: 'shop' });

      expectStatus(swept, 'accepted', 'swept', 0);
      expectReleased(shop, before);
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
    DEAD_MS,
  );

  test(
    'what somebody sets meanwhile is left as it is, and told',
    inShop({ rps: 20 }, async (shop) => {
      shop.cluster.apply([autoscaler()]);
      const onLine = when(HOLDING, () => shop.cluster.apply([withMinimum(shop, 4)]));
      const release = await shop.release({ interval: '3s' }, { onLine });

      expectStatus(release, 'promoted', 'completed', 0);
      expect(found(shop)?.spec).toMatchObject({ minReplicas: 4, maxReplicas: 10 });
      expect(release.result.warnings.join('\n')).toContain('somebody changed minReplicas');
      await expectClean(shop);
    }),
  );

  test(
    'that the credentials may not hold is refused with the Role, and one that nobody has to hold is not',
    inShop({}, async (shop) => {
      shop.cluster.apply([autoscaler()]);
      const token = shop.cluster.token('deployer', [
        { apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: ['', 'apps', 'coordination.k8s.io', 'gateway.networking.k8s.io'], resources: ['*'], verbs: ['*'] },
      ]);
      const kubeconfig = shop.cluster.kubeconfig(token);
      const release = await shop.release({ kubeconfig });

      expectRejected(shop, release, 'autoscaler');
      expect(release.everything).toContain('may not create, patch, delete horizontalpodautoscalers');
      expect(release.summary).toContain(
        'resources: ["horizontalpodautoscalers"], verbs: [get, list, create, patch, delete]',
      );

      shop.cluster.apply([autoscaler({ scaleTargetRef: { ...scaleTargetRef, name: 'cart' } })]);
      expectStatus(await shop.release({ kubeconfig }), 'promoted', 'completed', 0);
    }),
  );

  test(
    'that allows fewer pods than stable has is refused',
    inShop({}, async (shop) => {
      shop.cluster.pace.controllersAreFrozen = true;
      shop.cluster.apply([autoscaler({ minReplicas: 1, maxReplicas: 2 })]);

      expectRejected(shop, await shop.release(), 'autoscaler');
    }),
  );
});

describe.concurrent('beside a ScaledObject', () => {
  test(
    'KEDA is paused for as long as the rollout runs',
    inShop({ rps: 50 }, async (shop) => {
      shop.cluster.apply([scaledObject()]);
      const before = ownOf(shop, SCALED_OBJECT);
      const run = begin(shop, { interval: '2s' });
      await run.said(HOLDING);
      const paused = shop.cluster.get(...SCALED_OBJECT, 'checkout')?.metadata.annotations;
      const release = await run.ended;

      expect(paused).toMatchObject({ team: 'shop', 'autoscaling.keda.sh/paused': 'true' });
      expectStatus(release, 'promoted', 'completed', 0);
      expect(ownOf(shop, SCALED_OBJECT)).toEqual(before);
      expect(release.result.warnings.join('\n')).toContain('does not scale until the end');
      expectNobodyLost(shop);
      await expectClean(shop);
    }),
  );

  test(
    'that is paused at another number of pods is refused',
    inShop({}, async (shop) => {
      shop.cluster.apply([scaledObject({ 'autoscaling.keda.sh/paused-replicas': '1' })]);

      expectRejected(shop, await shop.release(), 'autoscaler');
      expectUntouched(shop);
    }),
  );
});

const withMinimum = (shop: Shop, minReplicas: number): object => {
  const object = structuredClone(found(shop));
  if (object === null) throw new Error('no autoscaler');
  return { ...object, spec: { ...(object.spec as object), minReplicas } };
};
