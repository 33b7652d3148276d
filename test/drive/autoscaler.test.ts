import { describe, expect, test } from 'vitest';
import { HORIZONTAL_POD_AUTOSCALER, type KubeObject, refText, SCALED_OBJECT } from '../../src/core/objects.ts';
import { checkAutoscalerRights } from '../../src/drive/check-target-rights.ts';
import { dryRun, plannedWrites } from '../../src/drive/dry-run.ts';
import { readAll } from '../../src/drive/read.ts';
import type { AccessQuestion } from '../../src/ports/cluster.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { fakeCluster } from '../fakes/cluster.ts';
import { deployment, object, service, targetIn } from '../workloads/world.ts';
import { aPlan, aRoute, guard, ROUTE, router, signal } from './adapters.ts';

const OBJECTS = [deployment(), service('checkout', { app: 'checkout' })];
const HPA = object(HORIZONTAL_POD_AUTOSCALER, 'scaler', {
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
    minReplicas: 2,
    maxReplicas: 10,
  },
});
const KEDA = object(SCALED_OBJECT, 'k', { spec: { scaleTargetRef: { name: 'checkout' } } });

describe('the rights for an autoscaler', () => {
  const findings = (others: readonly KubeObject[], allowed: (question: AccessQuestion) => boolean) =>
    checkAutoscalerRights(
      fakeCluster({ objects: [], allowed }),
      targetIn([...OBJECTS, ...others]),
      deploymentWorkload.permissions,
      signal(),
    );

  test('are not asked for where nothing scales stable', async () => {
    expect(await findings([], () => false)).toEqual([]);
  });

  test('are all there', async () => {
    expect(await findings([HPA], () => true)).toEqual([]);
  });

  test('are told when one is missing, with the Role that has them', async () => {
    const [finding, ...others] = await findings([HPA], ({ verb }) => verb !== 'patch' && verb !== 'delete');

    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', code: 'autoscaler' });
    expect(finding?.message).toContain('may not patch, delete horizontalpodautoscalers in the namespace shop');
    expect(finding?.advice).toContain(
      'apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], verbs: [get, list, create, patch, delete]',
    );
  });

  test('for a ScaledObject are to read and to patch it, and no more', async () => {
    const asked: AccessQuestion[] = [];

    await findings([KEDA], (question) => {
      asked.push(question);
      return true;
    });

    expect(asked.map(({ verb, group, resource }) => `${verb} ${resource}.${group}`)).toEqual([
      'get scaledobjects.keda.sh',
      'patch scaledobjects.keda.sh',
    ]);
  });
});

describe('the dry run beside an autoscaler', () => {
  const planned = async (scaler: KubeObject) => {
    const objects = [...OBJECTS, scaler];
    const target = { ...targetIn(objects), routes: [ROUTE] };
    const cluster = fakeCluster({ objects: [...objects, aRoute(0, {})] });
    const read = await readAll(cluster, [...deploymentWorkload.reads(target, true), ROUTE], signal());
    if (read.kind === 'failed') throw new Error(read.what);
    const plan = aPlan({ target });
    const input = { cluster, router, workload: deploymentWorkload, watchdog: null, guard, seen: read.seen, plan };
    return { input, writes: plannedWrites(input).requests.map(({ verb, ref }) => `${verb} ${refText(ref)}`) };
  };

  test.each([
    [
      'an HPA',
      HPA,
      ['patch HorizontalPodAutoscaler shop/scaler', 'create HorizontalPodAutoscaler shop/checkout-canary'],
    ],
    ['a ScaledObject', KEDA, ['patch ScaledObject shop/k']],
  ])('has the marks and the hold of %s, and its copy, and passes', async (_, scaler, expected) => {
    const { input, writes } = await planned(scaler);

    expect(writes).toEqual(expect.arrayContaining(expected));
    expect(writes.filter((write) => write === expected[0])).toHaveLength(2);
    expect(await dryRun(input, signal())).toEqual([]);
  });
});
