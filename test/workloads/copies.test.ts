import { describe, expect, test } from 'vitest';
import { COPIED } from '../../src/core/copied-kinds.ts';
import { type KubeObject, listRef } from '../../src/core/objects.ts';
import { COPIED_KINDS } from '../../src/core/spec.ts';
import { budgetOf } from '../../src/workloads/copied-policies.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { CHECKOUT, policy, selecting } from './policies.ts';
import { deployment, NAMESPACE, request, resolveIn, service, targetIn } from './world.ts';

const CANARY = { matchLabels: { app: 'checkout-canary' } };
const WORLD = [
  deployment(),
  service(
    'checkout',
    { app: 'checkout' },
    { metadata: { labels: { app: 'checkout', 'app.kubernetes.io/managed-by': 'Helm' } } },
  ),
];

const copies = (...policies: readonly KubeObject[]) =>
  targetIn([...WORLD, ...policies], { copy: COPIED_KINDS }).companions.map(({ ref, body }) => ({
    name: `${ref.kind}/${ref.name}`,
    ...(body as { spec: Record<string, unknown>; metadata: Record<string, unknown> }),
  }));
const specs = (...policies: readonly KubeObject[]) => copies(...policies).map(({ name, spec }) => ({ name, spec }));

describe('what is copied', () => {
  test('is nothing unless it was asked for, and only asked-for kinds are read', () => {
    const objects = [...WORLD, policy('PodDisruptionBudget', 'checkout', { selector: CHECKOUT })];
    const lists = (copy: typeof COPIED_KINDS | []) => deploymentWorkload.surveys(request({ copy }));

    expect(targetIn(objects).companions).toEqual([]);
    expect(lists([...COPIED_KINDS] as unknown as typeof COPIED_KINDS)).toEqual(
      expect.arrayContaining([listRef(COPIED.PodMonitor, NAMESPACE)]),
    );
    expect(lists([]).map(({ kind }) => kind)).not.toContain('NetworkPolicy');
  });

  test('is what selects stable’s pods and not the canary’s', () => {
    const found = copies(
      policy('PodMonitor', 'checkout', { selector: CHECKOUT, podMetricsEndpoints: [{ port: 'http' }] }),
      policy('NetworkPolicy', 'everybody', { podSelector: {}, ingress: [] }),
      policy('NetworkPolicy', 'others', { podSelector: selecting({ app: 'cart' }) }),
      policy('NetworkPolicy', 'by-expression', {
        podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['checkout', 'cart'] }] },
        ingress: [],
      }),
    );

    expect(found.map(({ name }) => name)).toEqual(['NetworkPolicy/by-expression-canary', 'PodMonitor/checkout-canary']);
  });

  test('carries labels and annotations of its own, and nothing that says who owns the original', () => {
    const [copy] = copies(policy('PodDisruptionBudget', 'checkout', { selector: CHECKOUT, maxUnavailable: '25%' }));

    expect(copy?.metadata).toEqual({
      labels: { team: 'a', 'app.kubernetes.io/managed-by': 'canary-rollout' },
      annotations: { 'example.com/why': 'audit' },
    });
    expect(Object.keys(copy ?? {}).sort()).toEqual(['apiVersion', 'kind', 'metadata', 'name', 'spec']);
  });
});

describe('the copy of a NetworkPolicy', () => {
  test('is for the canary’s pods, keeps every peer, and adds the canary’s pods where stable’s are a peer', () => {
    const gateway = { namespaceSelector: selecting({ role: 'gateway' }) };
    const spec = {
      podSelector: CHECKOUT,
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [gateway, { podSelector: CHECKOUT }], ports: [{ port: 8080 }] }],
      egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }, {}],
    };

    expect(specs(policy('NetworkPolicy', 'checkout', spec))).toEqual([
      {
        name: 'NetworkPolicy/checkout-canary',
        spec: {
          ...spec,
          podSelector: CANARY,
          ingress: [{ ...spec.ingress[0], from: [gateway, { podSelector: CHECKOUT }, { podSelector: CANARY }] }],
        },
      },
      {
        name: 'NetworkPolicy/checkout-canary-peers',
        spec: {
          podSelector: CHECKOUT,
          policyTypes: ['Ingress'],
          ingress: [{ from: [{ podSelector: CANARY }], ports: [{ port: 8080 }] }],
        },
      },
    ]);
  });

  test('lets the canary to where another policy lets stable, and nowhere else', () => {
    const database = {
      podSelector: selecting({ app: 'database' }),
      policyTypes: ['Ingress'],
      ingress: [
        { from: [{ podSelector: CHECKOUT }], ports: [{ port: 5432 }] },
        { from: [{ podSelector: selecting({ app: 'backup' }) }] },
      ],
    };

    expect(specs(policy('NetworkPolicy', 'database', database))).toEqual([
      {
        name: 'NetworkPolicy/database-canary-peers',
        spec: {
          podSelector: selecting({ app: 'database' }),
          policyTypes: ['Ingress'],
          ingress: [{ from: [{ podSelector: CANARY }], ports: [{ port: 5432 }] }],
        },
      },
    ]);
  });

  test('is not made where another policy for the same pods lets the canary in already', () => {
    const rules = (podSelector: object, ports?: object) => ({
      podSelector: selecting({ app: 'database' }),
      ingress: [{ from: [{ podSelector }], ...(ports === undefined ? {} : { ports: [ports] }) }],
    });
    const original = policy('NetworkPolicy', 'database', rules(CHECKOUT, { port: 5432 }));

    expect(copies(original, policy('NetworkPolicy', 'canary', rules(CANARY)))).toEqual([]);
    expect(copies(original, policy('NetworkPolicy', 'canary', rules(CANARY, { port: 5432 })))).toEqual([]);
    expect(copies(original, policy('NetworkPolicy', 'canary', rules(CANARY, { port: 80 })))).toHaveLength(1);
  });

  test.each([
    ['another namespace by its name', { [`kubernetes.io/metadata.name`]: 'cart' }, 0],
    ['this namespace by its name', { [`kubernetes.io/metadata.name`]: NAMESPACE }, 1],
    ['namespaces by labels that nobody can read', { team: 'a' }, 1],
  ])('takes a peer in %s for what it is', (_, labels, count) => {
    const peer = { namespaceSelector: selecting(labels), podSelector: CHECKOUT };
    const spec = { podSelector: selecting({ app: 'database' }), ingress: [{ from: [peer] }] };

    expect(copies(policy('NetworkPolicy', 'database', spec))).toHaveLength(count);
  });
});

describe('the copy of a PodDisruptionBudget', () => {
  test.each([
    [{ minAvailable: 2 }, 3, '33%'],
    [{ minAvailable: 299 }, 300, '1%'],
    [{ minAvailable: '50%' }, 3, '33%'],
    [{ minAvailable: 3 }, 3, 0],
    [{ minAvailable: '100%' }, 3, 0],
    [{ maxUnavailable: 1 }, 4, '25%'],
    [{ maxUnavailable: 9 }, 3, '100%'],
    [{ maxUnavailable: '25%' }, 3, '25%'],
    [{ maxUnavailable: 0 }, 3, 0],
    [{}, 3, 0],
  ])('of %j and %d pods lets %s of the canary be missing', (spec, replicas, expected) => {
    expect(budgetOf(spec, replicas)).toBe(expected);
  });

  test('has one bound, and says so when it lets no pod be evicted', () => {
    const budget = policy('PodDisruptionBudget', 'checkout', {
      selector: CHECKOUT,
      minAvailable: 3,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    });

    expect(specs(budget)).toEqual([
      {
        name: 'PodDisruptionBudget/checkout-canary',
        spec: { selector: CANARY, maxUnavailable: 0, unhealthyPodEvictionPolicy: 'AlwaysAllow' },
      },
    ]);
    expect(resolveIn([...WORLD, budget], { copy: ['PodDisruptionBudget'] }).findings).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('will let no pod of the canary be evicted') },
    ]);
  });

  test('is not made where another budget covers the canary: a pod with two cannot be evicted at all', () => {
    const all = policy('PodDisruptionBudget', 'all', { selector: {}, maxUnavailable: 1 });

    expect(copies(policy('PodDisruptionBudget', 'checkout', { selector: CHECKOUT, minAvailable: 1 }), all)).toEqual([]);
  });
});

describe('the copy of a monitor', () => {
  test('is not needed where a ServiceMonitor finds the canary Service by stable’s labels', () => {
    expect(copies(policy('ServiceMonitor', 'checkout', { selector: CHECKOUT, endpoints: [{ port: 'http' }] }))).toEqual(
      [],
    );
  });

  test('selects the canary Service by all of its labels where one of them is never copied', () => {
    const selector = selecting({ app: 'checkout', 'app.kubernetes.io/managed-by': 'Helm' });
    const spec = { selector, namespaceSelector: { any: true }, endpoints: [{ port: 'http' }] };

    expect(specs(policy('ServiceMonitor', 'checkout', spec))).toEqual([
      {
        name: 'ServiceMonitor/checkout-canary',
        spec: {
          selector: { matchLabels: { app: 'checkout', 'app.kubernetes.io/managed-by': 'canary-rollout' } },
          endpoints: [{ port: 'http' }],
        },
      },
    ]);
  });

  test('is left to monitors that look into this namespace', () => {
    const spec = { selector: CHECKOUT, namespaceSelector: { matchNames: ['cart'] } };

    expect(copies(policy('PodMonitor', 'checkout', spec))).toEqual([]);
  });
});

describe('a copy that cannot be made', () => {
  test('is refused where its name is another object’s', () => {
    const taken = policy('PodMonitor', 'checkout-canary', { selector: selecting({ app: 'cart' }) });
    const objects = [...WORLD, policy('PodMonitor', 'checkout', { selector: CHECKOUT }), taken];

    expect(resolveIn(objects, { copy: ['PodMonitor'] }).findings).toMatchObject([
      { severity: 'error', code: 'object-exists', where: 'PodMonitor shop/checkout-canary' },
    ]);
  });

  test('is refused where the copies would not fit into the state', () => {
    const many = Array.from({ length: 51 }, (_, index) => policy('PodMonitor', `m${index}`, { selector: CHECKOUT }));
    const large = policy('PodMonitor', 'large', { selector: CHECKOUT, note: 'x'.repeat(200_000) });
    const of = (...policies: readonly KubeObject[]) => resolveIn([...WORLD, ...policies], { copy: ['PodMonitor'] });

    expect(of(...many).findings).toMatchObject([{ severity: 'error', message: expect.stringContaining('51 objects') }]);
    expect(of(large).findings).toMatchObject([{ severity: 'error', message: expect.stringContaining('KiB') }]);
    expect(of(large).target?.companions).toEqual([]);
  });
});

test('the copy of another open rollout is never called a leftover', () => {
  const spec = { podSelector: CHECKOUT, ingress: [] };
  const other = policy('NetworkPolicy', 'checkout-canary', { podSelector: selecting({ app: 'cart-canary' }) });
  const made = {
    ...other,
    metadata: { ...other.metadata, labels: { 'app.kubernetes.io/managed-by': 'canary-rollout' } },
  };
  const { findings } = resolveIn([...WORLD, policy('NetworkPolicy', 'checkout', spec), made], {
    copy: ['NetworkPolicy'],
  });

  expect(findings).toMatchObject([
    { code: 'object-exists', advice: expect.stringContaining('Wait until that one has ended; if none is open') },
  ]);
});
