import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import { type Changes, deployment, pod, replicaSet, resolveIn, service, targetIn } from './world.ts';

const found = (objects: readonly KubeObject[], changes: Changes = {}) => resolveIn(objects, changes).findings;

const CHECKOUT = service('checkout', { app: 'checkout' });
const METRICS = service('checkout-metrics', { app: 'checkout' });
const CART = service('cart', { app: 'cart' });

describe('the Service', () => {
  test('is the one that selects stable’s pods', () => {
    expect(targetIn([deployment(), CART, CHECKOUT])).toMatchObject({ service: 'checkout' });
  });

  test('is the one that was named among several', () => {
    const target = targetIn([deployment(), CHECKOUT, METRICS], { service: 'checkout-metrics' });

    expect(target).toMatchObject({ service: 'checkout-metrics', canaryService: 'checkout-metrics-canary' });
  });

  test('has to be named when several select them', () => {
    const [finding, ...others] = found([deployment(), METRICS, CHECKOUT]);

    expect(others).toEqual([]);
    expect(finding).toMatchObject({ code: 'ambiguous-service' });
    expect(finding?.message).toContain(
      '2 Services select the pods of Deployment shop/checkout: checkout, checkout-metrics',
    );
  });

  test('may be missing for a queue worker', () => {
    expect(targetIn([deployment()], { unit: 'pods' })).toMatchObject({
      service: null,
      canaryService: null,
      relabel: { app: 'checkout-canary' },
    });
  });

  test('may not be missing where requests are split', () => {
    expect(found([deployment(), CART])).toMatchObject([{ code: 'service-not-found' }]);
  });

  test('that was named has to exist, and the nearest name is shown', () => {
    expect(found([deployment(), CHECKOUT], { service: 'chekout' })).toMatchObject([
      { code: 'service-not-found', where: 'Service shop/chekout', advice: 'Did you mean "checkout"?' },
    ]);
  });

  test('that was named has to select stable’s pods', () => {
    const [finding] = found([deployment(), CHECKOUT, CART], { service: 'cart' });

    expect(finding?.message).toBe('Service shop/cart does not select the pods of Deployment checkout.');
    expect(finding?.advice).toBe('These do: checkout.');
  });

  test.each([
    ['has no selector', service('plain', undefined)],
    ['is an ExternalName', service('plain', { app: 'checkout' }, { spec: { type: 'ExternalName' } })],
    ['has an empty selector', service('plain', {})],
  ])('that %s selects nothing', (_, plain) => {
    expect(found([deployment(), CHECKOUT, plain])).toEqual([]);
    expect(found([deployment(), plain], { service: 'plain' })).toMatchObject([{ code: 'service-not-found' }]);
  });
});

describe('a Service that selects more than stable', () => {
  const labels = { app: 'checkout', track: 'blue' };
  const stable = deployment({ labels });

  test('is refused when another Deployment has pods behind it', () => {
    const green = deployment({ name: 'green', labels: { app: 'checkout', track: 'green' } });

    const [finding] = found([stable, green, CHECKOUT]);

    expect(finding).toMatchObject({ code: 'ambiguous-service', where: 'Service shop/checkout' });
    expect(finding?.message).toContain('but also those of Deployment green');
  });

  test('is refused when a running pod of something else is behind it', () => {
    const stray = pod(null, '1', { labels: { app: 'checkout' } });

    expect(found([stable, stray, CHECKOUT])[0]?.message).toContain('but also those of pod stray-1');
  });

  test('is accepted when the others have no replicas, have finished, or are stable’s own', () => {
    const green = deployment({ name: 'green', replicas: 0, labels: { app: 'checkout', track: 'green' } });
    const job = pod(null, '1', { labels: { app: 'checkout' }, status: { phase: 'Succeeded' } });
    const set = replicaSet(stable, 'abc');

    expect(found([stable, green, job, set, pod(set, 'aaaaa'), CHECKOUT])).toEqual([]);
  });
});

describe('every Service of the namespace', () => {
  test('that selects stable’s pods loses the canary’s, with as few labels as needed', () => {
    const stable = deployment({
      labels: { app: 'checkout', tier: 'web', team: 'a' },
      selector: { matchLabels: { app: 'checkout' } },
    });
    const all = service('all-web', { tier: 'web' });

    expect(targetIn([stable, CHECKOUT, all], { service: 'checkout' }).relabel).toEqual({
      app: 'checkout-canary',
      tier: 'web-canary',
    });
  });

  test('that would select the canary alone is avoided too', () => {
    const stable = deployment({ labels: { app: 'checkout', tier: 'web' } });
    const both = service('checkout', { app: 'checkout', tier: 'web' });
    const preview = service('preview', { app: 'checkout-canary' });

    expect(targetIn([stable, both, preview]).relabel).toEqual({ tier: 'web-canary' });
  });

  test('and no selector may need a label that a delivery tool tracks by', () => {
    const labels = { app: 'checkout', 'helm.sh/chart': 'checkout-1.0.0' };

    const findings = found([deployment({ labels }), service('checkout', labels)]);

    expect(findings.map(({ code, where }) => [code, where])).toEqual([
      ['unsafe-labels', 'Deployment shop/checkout'],
      ['unsafe-labels', 'Service shop/checkout'],
    ]);
    expect(findings[0]?.message).toContain('helm.sh/chart');
  });
});
