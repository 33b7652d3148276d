import { describe, expect, test } from 'vitest';
import { type KubeObject, POD, type ResourceKind } from '../../src/core/objects.ts';
import { capacity } from '../../src/hazards/capacity.ts';
import { PODS } from '../core/plan.ts';
import { deployment, object } from '../workloads/world.ts';
import { type Around, findAround, marksOf } from './around.ts';

const QUOTA: ResourceKind = { apiVersion: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas' };
const NODE: ResourceKind = { apiVersion: 'v1', kind: 'Node', plural: 'nodes' };

/** Stable runs 4 pods of half a core and 256 MiB; the plan adds 4, and 1 while stable is updated. */
const STABLE = deployment({
  replicas: 4,
  podSpec: {
    containers: [{ name: 'app', image: 'app:1', resources: { requests: { cpu: '500m', memory: '256Mi' } } }],
  },
});

const quota = (hard: Record<string, string>, used: Record<string, string>, spec: Record<string, unknown> = {}) =>
  object(QUOTA, 'team', { spec: { hard, ...spec }, status: { hard, used } });

const found = (others: readonly KubeObject[], around: Around = {}) =>
  findAround(capacity, { stable: STABLE, others, ...around });

describe('a quota', () => {
  test('that the peak exceeds refuses with the numbers, unless it is allowed by name', () => {
    const hard = { pods: '8', 'requests.cpu': '4', memory: '10Gi', 'limits.cpu': '1' };
    const [finding, ...others] = found([quota(hard, { pods: '4', 'requests.cpu': '2', memory: '1Gi' })]);

    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', code: 'policy-mismatch', allow: 'ResourceQuota/team' });
    expect(finding?.message).toBe(
      'ResourceQuota shop/team has no room for the plan, which runs up to 9 pods at a time: pods: 5 pods more, 4 pods of 8 pods left; requests.cpu: 2.5 CPU more, 2 CPU of 4 CPU left.',
    );
  });

  test('with just enough room is fine', () => {
    const used = { pods: '4', 'requests.cpu': '2', 'requests.memory': '1Gi' };

    expect(found([quota({ pods: '9', 'requests.cpu': '4.5', 'requests.memory': '2304Mi' }, used)])).toEqual([]);
  });

  test('counts what admission adds to a pod', () => {
    const admit = (sent: KubeObject) => {
      const spec = sent['spec'] as { containers: readonly unknown[] };
      const proxy = { name: 'proxy', image: 'proxy:1', resources: { requests: { cpu: '100m' } } };
      return { ...sent, spec: { ...spec, containers: [...spec.containers, proxy] } };
    };
    const tight = quota({ 'requests.cpu': '4.5' }, { 'requests.cpu': '2' });

    expect(marksOf(found([tight]))).toEqual([]);
    expect(marksOf(found([tight], { admit }))).toEqual(['error policy-mismatch ResourceQuota/team']);
  });

  test('is exceeded less where no second full copy is made', () => {
    const tight = quota({ pods: '8' }, { pods: '4' });

    expect(found([tight])).toHaveLength(1);
    expect(found([tight], { plan: { promoteAt: 'last-step' } })).toEqual([]);
    expect(found([tight], { plan: { abilities: PODS } })).toEqual([]);
  });

  test.each([
    ['scopes', { scopes: ['BestEffort'] }],
    ['a scope selector', { scopeSelector: { matchExpressions: [] } }],
  ])('with %s is only warned of', (_, spec) => {
    const [finding] = found([quota({ pods: '4' }, { pods: '4' }, spec)]);

    expect(finding?.severity).toBe('warning');
    expect(finding?.message).toContain('It has scopes');
  });

  test('whose numbers are none is passed over', () => {
    expect(found([object(QUOTA, 'odd', { status: { hard: { pods: 'many' } } })])).toEqual([]);
  });
});

describe('the nodes', () => {
  const node = (name: string, cpu: string, pods = '110') =>
    object(NODE, name, {
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        allocatable: { cpu, memory: '16Gi', pods },
      },
    });
  const running = (nodeName: string, cpu: string, phase = 'Running') =>
    object(POD, `${nodeName}-${cpu}-${phase}`, {
      spec: { nodeName, containers: [{ name: 'a', resources: { requests: { cpu } } }] },
      status: { phase },
    });
  const plan = { spec: { command: 'plan' } } as const;

  test('are told by `plan` where they have no room for the peak', () => {
    // 3 fit on the first, 1 on the second: what is over on each does not add up to a fifth.
    const others = [node('node-1', '2.4'), running('node-1', '500m'), node('node-2', '1'), running('node-2', '200m')];
    const [finding, ...more] = found(others, plan);

    expect(more).toEqual([]);
    expect(finding).toMatchObject({ severity: 'warning', where: 'nodes' });
    expect(finding?.message).toBe(
      'the plan starts up to 5 more pods of 0.5 CPU, 256 MiB each, and the 2 nodes that can take them now have room for 3',
    );
  });

  test('with room enough are fine; pods that ended take none', () => {
    const ended = running('node-1', '64', 'Succeeded');

    expect(found([node('node-1', '8'), ended], plan)).toEqual([]);
  });

  test('take only so many pods', () => {
    expect(found([node('node-1', '64', '3')], plan)[0]?.message).toContain('have room for 2');
  });

  test('that cannot be read are said to be not checked, in one line', () => {
    for (const unread of [['Node'], ['Pod'], ['Node', 'Pod']]) {
      expect(found([], { ...plan, unread }).map(({ message }) => message)).toEqual([
        'free node capacity was not checked: nodes, or the pods of all namespaces, cannot be read',
      ]);
    }
  });

  test('are not read by a release: a list of all pods is long', () => {
    expect(found([], { unread: ['Node', 'Pod'] })).toEqual([]);
  });
});
