import { describe, expect, test } from 'vitest';
import { isListRef, type KubeObject, REPLICA_SET } from '../../src/core/objects.ts';
import type { Target } from '../../src/core/plan.ts';
import type { Arm } from '../../src/core/units.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { created, deployment, object, pod, replicaSet, seeFor, service, targetIn } from './world.ts';

const worldOf = (name: string) => {
  const stable = deployment({ name });
  const of = service('svc', { app: name });
  const target = targetIn([stable, of], { deployment: name });
  const canary = created(seeFor(target, [stable, of]), target, 'canary', 1);
  return { stable, canary, target };
};

const expressions = (target: Target, objects: readonly KubeObject[], pods = false) =>
  deploymentWorkload.podsExpression(seeFor(target, objects, pods), target);

/** Prometheus anchors the whole expression. */
const selects = (expression: string | null, object: KubeObject): boolean =>
  expression !== null && new RegExp(`^(?:${expression})$`).test(object.metadata.name);

describe('the expression for an arm’s pods', () => {
  test('is made of its ReplicaSets, and tells the arms apart', () => {
    const { stable, canary, target } = worldOf('checkout');
    const sets = [replicaSet(stable, '7d9f6'), replicaSet(canary, '5c6d7')] as const;

    const { stable: ofStable, canary: ofCanary } = expressions(target, [stable, canary, ...sets]);

    expect(ofStable).toBe('checkout-7d9f6-[a-z0-9]{5}');
    expect(ofCanary).toBe('checkout-canary-5c6d7-[a-z0-9]{5}');
    expect(selects(ofStable, pod(sets[0], 'x2b4c'))).toBe(true);
    expect(selects(ofStable, pod(sets[1], 'x2b4c'))).toBe(false);
    expect(selects(ofCanary, pod(sets[0], 'x2b4c'))).toBe(false);
  });

  test('has every ReplicaSet with pods, and none that is scaled down', () => {
    const { stable, target } = worldOf('checkout');
    const sets = [replicaSet(stable, 'bbb'), replicaSet(stable, 'aaa'), replicaSet(stable, 'old', 1, 0)];

    expect(expressions(target, [stable, ...sets]).stable).toBe('(checkout-aaa-|checkout-bbb-)[a-z0-9]{5}');
  });

  test('is null for an arm that has no pods', () => {
    const { stable, target } = worldOf('checkout');

    expect(expressions(target, [stable, replicaSet(stable, 'aaa', 1, 0)])).toEqual({ stable: null, canary: null });
  });

  test('leaves out ReplicaSets of others that carry the same labels', () => {
    const { stable, target } = worldOf('checkout');
    const foreign = object(REPLICA_SET, 'foreign', {
      metadata: { labels: { app: 'checkout' } },
      spec: { replicas: 1 },
    });

    expect(expressions(target, [stable, foreign]).stable).toBeNull();
  });

  test('escapes dots without a backslash, which a PromQL string would eat', () => {
    const { stable, target } = worldOf('a.b');

    expect(expressions(target, [stable, replicaSet(stable, '1')]).stable).toBe('a[.]b-1-[a-z0-9]{5}');
  });

  test('cuts long names as the API server does', () => {
    const name = 'x'.repeat(60);
    const { stable, target } = worldOf(name);
    const set = replicaSet(stable, '7d9f6');
    const one = pod(set, 'abcde');

    const { stable: expression } = expressions(target, [stable, set, one]);

    expect(expression).toBe(`${'x'.repeat(58)}[a-z0-9]{5}`);
    expect(selects(expression, one)).toBe(true);
  });

  test('is the exact list of pods where a neighbour’s names begin the same', () => {
    const name = 'x'.repeat(60);
    const { stable, target } = worldOf(name);
    const neighbour = deployment({ name: `${name}-neighbour`, labels: { app: 'other' } });
    const [own, others] = [replicaSet(stable, 'aaa'), replicaSet(neighbour, 'bbb')];
    const [one, two, stranger] = [pod(own, 'ddddd'), pod(own, 'ccccc'), pod(others, 'eeeee')];

    const { stable: expression } = expressions(target, [stable, neighbour, own, others, one, two, stranger]);

    expect(expression).toBe(`(${two.metadata.name}|${one.metadata.name})`);
    expect(selects(expression, stranger)).toBe(false);
  });
});

describe('what is read', () => {
  const lists = (target: Target, pods: boolean) =>
    deploymentWorkload
      .reads(target, pods)
      .filter(isListRef)
      .map(({ kind, labelSelector }) => `${kind}: ${labelSelector}`);

  test('is narrowed to both arms', () => {
    expect(lists(worldOf('checkout').target, true)).toEqual([
      'EndpointSlice: kubernetes.io/service-name in (svc,svc-canary)',
      'ReplicaSet: app in (checkout,checkout-canary)',
      'Pod: app in (checkout,checkout-canary)',
    ]);
  });

  test('includes all pods where names are so long that neighbours must be told apart', () => {
    expect(lists(worldOf('x'.repeat(60)).target, false)).toEqual([
      'EndpointSlice: kubernetes.io/service-name in (svc,svc-canary)',
      'ReplicaSet: app',
      'Pod: ',
    ]);
  });

  test('needs no EndpointSlices for a queue worker', () => {
    const { target } = worldOf('checkout');

    expect(lists({ ...target, service: null, canaryService: null }, false)).toEqual([
      'ReplicaSet: app in (checkout,checkout-canary)',
    ]);
  });
});

describe('where an arm’s pods are listed', () => {
  const selectorOf = (arm: Arm, target: Target, objects: readonly KubeObject[]) =>
    deploymentWorkload.podsOf(seeFor(target, objects), target, arm);

  test('is the selector of its own Deployment', () => {
    const { stable, canary, target } = worldOf('checkout');
    const list = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespace: target.namespace };

    expect(selectorOf('stable', target, [stable, canary])).toEqual({ ...list, labelSelector: 'app=checkout' });
    expect(selectorOf('canary', target, [stable, canary])).toEqual({ ...list, labelSelector: 'app=checkout-canary' });
  });

  test('is known for a canary that is yet to be created', () => {
    const { stable, canary, target } = worldOf('checkout');

    expect(selectorOf('canary', target, [stable])).toEqual(selectorOf('canary', target, [stable, canary]));
  });

  test('lists pods of one arm only, where stable selects by expressions too', () => {
    const labels = { app: 'checkout', tier: 'web' };
    const matchExpressions = [
      { key: 'tier', operator: 'In', values: ['web', 'api'] },
      { key: 'legacy', operator: 'DoesNotExist' },
      { key: 'app', operator: 'Exists' },
      { key: 'zone', operator: 'NotIn', values: ['x', 'y'] },
    ];
    const stable = deployment({ labels, selector: { matchLabels: { app: 'checkout' }, matchExpressions } });
    const target = targetIn([stable, service('svc', labels)]);

    expect(selectorOf('stable', target, [stable]).labelSelector).toBe(
      'app=checkout,tier in (web,api),!legacy,app,zone notin (x,y)',
    );
    expect(selectorOf('canary', target, [stable]).labelSelector).toBe(
      'app=checkout-canary,tier in (web,api),!legacy,app,zone notin (x,y)',
    );
  });

  test('is nowhere, and not everywhere, without a Deployment or a selector', () => {
    const { stable, target } = worldOf('checkout');
    const spec = stable['spec'] as object;
    const nowhere = 'pod-template-hash,!pod-template-hash';

    expect(selectorOf('stable', target, []).labelSelector).toBe(nowhere);
    expect(selectorOf('canary', target, []).labelSelector).toBe(nowhere);
    expect(selectorOf('stable', target, [{ ...stable, spec: { ...spec, selector: {} } }]).labelSelector).toBe(nowhere);
  });
});

test('pods of an arm come newest first', () => {
  const { stable, target } = worldOf('checkout');
  const set = replicaSet(stable, 'aaa');
  const born = (minute: number) => ({ metadata: { creationTimestamp: `2026-01-01T00:0${minute}:00Z` } });
  const pods = [pod(set, 'bbbbb', born(1)), pod(set, 'aaaaa', born(1)), pod(set, 'ccccc', born(2))];

  const names = deploymentWorkload
    .pods(seeFor(target, [stable, set, ...pods, pod(null, '1', { labels: { app: 'checkout' } })]), target, 'stable')
    .map(({ metadata }) => metadata.name);

  expect(names).toEqual(['checkout-aaa-ccccc', 'checkout-aaa-aaaaa', 'checkout-aaa-bbbbb']);
});
