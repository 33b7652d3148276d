import { describe, expect, test } from 'vitest';
import { canaryDeploymentName, canaryServiceName, canaryValue, findRelabel } from '../../src/workloads/labels.ts';
import type { LabelSelector } from '../../src/workloads/shape.ts';
import type { Strings } from './world.ts';

const labels = (matchLabels: Strings): LabelSelector => ({ matchLabels, matchExpressions: [] });
const avoid = (...selectors: readonly LabelSelector[]) =>
  selectors.map((selector, index) => ({ what: `selector ${index}`, selector }));

describe('the smallest relabelling', () => {
  const cases: readonly {
    readonly name: string;
    readonly labels: Strings;
    readonly prefer?: readonly string[];
    readonly keep?: readonly LabelSelector[];
    readonly avoid: readonly LabelSelector[];
    readonly relabel: Strings | null;
  }[] = [
    {
      name: 'changes the one label that all select by',
      labels: { app: 'a', tier: 'web' },
      avoid: [labels({ app: 'a' }), labels({ app: 'a', tier: 'web' })],
      relabel: { app: 'a-canary' },
    },
    {
      name: 'changes two labels where Service and Deployment share none',
      labels: { app: 'a', tier: 'web' },
      avoid: [labels({ app: 'a' }), labels({ tier: 'web' })],
      relabel: { app: 'a-canary', tier: 'web-canary' },
    },
    {
      name: 'takes one shared label rather than two of its own',
      labels: { a: '1', b: '2', c: '3' },
      avoid: [labels({ a: '1', c: '3' }), labels({ b: '2', c: '3' })],
      relabel: { c: '3-canary' },
    },
    {
      name: 'prefers a label of the Deployment selector among equals',
      labels: { a: '1', z: '2' },
      prefer: ['z'],
      avoid: [labels({ a: '1', z: '2' })],
      relabel: { z: '2-canary' },
    },
    {
      name: 'leaves app.kubernetes.io/instance alone where another label does',
      labels: { 'app.kubernetes.io/instance': 'i', 'app.kubernetes.io/name': 'n' },
      prefer: ['app.kubernetes.io/instance', 'app.kubernetes.io/name'],
      avoid: [labels({ 'app.kubernetes.io/instance': 'i', 'app.kubernetes.io/name': 'n' })],
      relabel: { 'app.kubernetes.io/name': 'n-canary' },
    },
    {
      name: 'leaves the labels of a Service that must match',
      labels: { app: 'a', version: '1' },
      keep: [labels({ app: 'a' })],
      avoid: [labels({ app: 'a', version: '1' })],
      relabel: { version: '1-canary' },
    },
    {
      name: 'finds nothing where the Service that must match selects by everything',
      labels: { app: 'a', version: '1' },
      keep: [labels({ app: 'a' })],
      avoid: [labels({ app: 'a' })],
      relabel: null,
    },
    {
      name: 'gets out of an In expression',
      labels: { app: 'a' },
      avoid: [{ matchLabels: {}, matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] }],
      relabel: { app: 'a-canary' },
    },
    {
      name: 'takes another label where the canary value is selected too',
      labels: { app: 'a', tier: 'web' },
      avoid: [
        {
          matchLabels: { tier: 'web' },
          matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'a-canary'] }],
        },
      ],
      relabel: { tier: 'web-canary' },
    },
    {
      name: 'cannot get out of an Exists expression',
      labels: { app: 'a' },
      avoid: [{ matchLabels: {}, matchExpressions: [{ key: 'app', operator: 'Exists', values: [] }] }],
      relabel: null,
    },
    {
      name: 'does not walk into another selector',
      labels: { app: 'a', tier: 'web' },
      avoid: [labels({ app: 'a', tier: 'web' }), labels({ app: 'a-canary' })],
      relabel: { tier: 'web-canary' },
    },
    {
      name: 'finds six labels where six disjoint Services ask for it',
      labels: { a: '1', b: '1', c: '1', d: '1', e: '1', f: '1' },
      avoid: ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => labels({ [key]: '1' })),
      relabel: { a: '1-canary', b: '1-canary', c: '1-canary', d: '1-canary', e: '1-canary', f: '1-canary' },
    },
  ];
  test.each(cases)('$name', ({ labels: pods, prefer = [], keep = [], avoid: selectors, relabel }) => {
    const found = findRelabel({ labels: pods, prefer, keep, avoid: avoid(...selectors) });

    expect(found.kind === 'found' ? found.relabel : null).toEqual(relabel);
  });

  test('names the selector that nothing gets around', () => {
    const found = findRelabel({
      labels: { app: 'a', b: '1' },
      prefer: [],
      keep: [labels({ b: '1' })],
      avoid: avoid(labels({ app: 'a' }), labels({ b: '1' })),
    });

    expect(found).toEqual({ kind: 'impossible', what: 'selector 1' });
  });
});

describe('names', () => {
  test('end in -canary while they fit', () => {
    expect(canaryDeploymentName('checkout')).toBe('checkout-canary');
    expect(canaryServiceName('checkout')).toBe('checkout-canary');
    expect(canaryValue('checkout')).toBe('checkout-canary');
    expect(canaryValue('')).toBe('canary');
  });

  test('are cut and told apart by a hash when they do not', () => {
    const long = 'a'.repeat(60);

    expect(canaryDeploymentName(long)).toMatch(/^a{35}-[0-9a-f]{10}$/);
    expect(canaryServiceName(long)).toHaveLength(63);
    expect(canaryValue(`${long}b`)).not.toBe(canaryValue(`${long}c`));
  });

  test('of a canary Deployment leave room for the whole pod name', () => {
    const replicaSet = `${canaryDeploymentName('x'.repeat(200))}-${'1'.repeat(10)}-`;

    expect(replicaSet.length).toBeLessThanOrEqual(58);
  });
});
