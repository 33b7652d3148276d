import { describe, expect, test } from 'vitest';
import { otherPaths } from '../../src/hazards/other-paths.ts';
import { object, service } from '../workloads/world.ts';
import { findAround, marksOf } from './around.ts';

const INGRESS = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', plural: 'ingresses' };
const ROUTE = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', plural: 'httproutes' };
const GRPC = { ...ROUTE, kind: 'GRPCRoute', plural: 'grpcroutes' };

const to = (name: string) => ({ backend: { service: { name, port: { number: 80 } } } });
const ingress = (name: string, spec: object) => object(INGRESS, name, { spec });
const route = (name: string, backendRefs: readonly object[], type = ROUTE) =>
  object(type, name, { spec: { rules: [{ backendRefs }] } });

const named = { ...ROUTE, namespace: 'shop', name: 'checkout' };
/** `route: httproute/checkout`. */
const around = (...others: readonly ReturnType<typeof object>[]) => {
  const all = [route('checkout', [{ name: 'checkout', port: 80 }]), ...others];
  return findAround(otherPaths, { others: all, routes: [named], changes: { service: 'checkout' } });
};

describe("other ways to stable's pods", () => {
  test('none are found in a shop with one Service and one route', () => {
    expect(around()).toEqual([]);
  });

  test("are other Services that select stable's pods, named with what it means for their callers", () => {
    const found = around(
      service('checkout-headless', { app: 'checkout' }, { spec: { clusterIP: 'None' } }),
      service('checkout-internal', { app: 'checkout' }),
      service('catalog', { app: 'catalog' }),
      service('nothing', {}),
    );

    expect(marksOf(found)).toEqual(['warning ambiguous-service']);
    expect(found[0]?.message).toBe(
      "Service checkout-headless, Service checkout-internal select stable's pods beside Service checkout: requests that come that way are not split: stable answers them, with the old version until it is updated itself",
    );
    expect(found[0]?.beside).toEqual(['Service shop/checkout-headless', 'Service shop/checkout-internal']);
  });

  test('are not the Services that a rollout made', () => {
    const made = object({ apiVersion: 'v1', kind: 'Service', plural: 'services' }, 'checkout-old', {
      metadata: { labels: { 'app.kubernetes.io/managed-by': 'canary-rollout' } },
      spec: { selector: { app: 'checkout' } },
    });

    expect(around(made)).toEqual([]);
  });

  test('are Ingresses, by a path or by default, also to a second Service', () => {
    const found = around(
      service('checkout-internal', { app: 'checkout' }),
      ingress('by-path', { rules: [{ http: { paths: [to('catalog'), to('checkout')] } }] }),
      ingress('by-default', { defaultBackend: { service: { name: 'checkout-internal' } } }),
      ingress('elsewhere', { defaultBackend: { service: { name: 'catalog' } } }),
    );

    expect(found.map(({ where }) => where)).toEqual(['Service checkout-internal', 'Ingress by-path']);
    expect(found[1]?.beside).toEqual(['Ingress shop/by-path', 'Ingress shop/by-default']);
  });

  test('are routes of every kind that are not named, with the block to paste', () => {
    const found = around(
      route('admin', [{ name: 'checkout', port: 80 }]),
      route('calls', [{ name: 'checkout', port: 80 }], GRPC),
      route('elsewhere', [{ name: 'catalog', port: 80 }]),
      route('other-namespace', [{ name: 'checkout', namespace: 'other', port: 80 }]),
      route('off', [{ name: 'checkout', port: 80, weight: 0 }]),
    );

    expect(marksOf(found)).toEqual(['warning ambiguous-route']);
    expect(found[0]?.message).toBe(
      "HTTPRoute admin, GRPCRoute calls lead to stable's pods too, and are not named in `route`: their users stay on stable until promotion",
    );
    expect(found[0]?.advice).toBe(
      'Name all of them to split all of them:\nroute: |\n  httproute/checkout\n  httproute/admin\n  grpcroute/calls',
    );
  });

  test('cannot be split with the named Service when they lead to a second one', () => {
    const found = around(
      service('checkout-internal', { app: 'checkout' }),
      route('internal', [{ name: 'checkout-internal', port: 80 }]),
    );

    expect(found[1]?.advice).toBe('Only routes to the Service that is released can be split with it.');
  });

  test('are cut to five names, and all are remembered', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

    const [found] = around(...names.map((name) => service(name, { app: 'checkout' })));

    expect(found?.message).toContain('Service e and 2 more select');
    expect(found?.beside).toHaveLength(7);
  });

  test('with `route: replicas` whatever leads to the Service is split', () => {
    const others = [
      route('admin', [{ name: 'checkout', port: 80 }]),
      ingress('by-default', { defaultBackend: { service: { name: 'checkout' } } }),
    ];

    expect(findAround(otherPaths, { others, spec: { route: { kind: 'replicas' } } })).toEqual([]);
  });

  test('are no findings where they may not be read', () => {
    const others = [ingress('by-default', { defaultBackend: { service: { name: 'checkout' } } })];

    expect(findAround(otherPaths, { others, unread: ['Ingress'] })).toEqual([]);
  });
});
