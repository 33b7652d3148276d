import { guardOf } from '../../src/core/marks.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import type { Target } from '../../src/core/plan.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { gatewayApi } from '../../src/routers/gateway-api/gateway-api.ts';
import { objectAt, seenOf, sendAll, type World, write } from '../conformance/world.ts';
import { backendsOf, httpRoute, mapRoutes, routeOf, routesWorld, rulesOf, targetOf } from './routes.ts';

// One claimed HTTPRoute, and what a driver would do with it.

export const ref = httpRoute();
export const target = targetOf([ref]);
export const guard = guardOf('shop', 'checkout', 'token-1', 'r-1');
export const claimed = (world: World): World =>
  mapRoutes(world, (route) => ({
    ...route,
    metadata: { ...route.metadata, annotations: { [guard.holder.key]: 'token-1', [guard.wayBack.key]: 'r-1' } },
  }));
export const worldOfRules = (rules: readonly unknown[]): World =>
  claimed(routesWorld({ ref, object: routeOf(ref, rules) }));
export const read = (world: World, to: Target = target) => seenOf(world, gatewayApi.reads(to));
export const planned = (world: World, weight: number, original = gatewayApi.original(read(world), target)) =>
  gatewayApi.plan(read(world), target, weightOnly(weight), guard, original);
export const requests = (world: World, weight: number, original = gatewayApi.original(read(world), target)) => {
  const result = planned(world, weight, original);
  if (!result.ok) throw new Error(result.problem);
  return result.value;
};
export const set = (world: World, weight: number, original = gatewayApi.original(read(world), target)): World =>
  sendAll(world, requests(world, weight, original));
export const entries = (world: World, rule = 0) => backendsOf(rulesOf(objectAt(world, ref))[rule]);
export const change = (world: World, edit: (rules: unknown[]) => unknown): World => {
  const route: KubeObject = structuredClone(objectAt(world, ref));
  const rules = structuredClone(rulesOf(route)) as unknown[];
  edit(rules);
  return write(world, ref, { ...route, spec: { ...(route['spec'] as object), rules } });
};
export const simple = [
  { matches: [{ path: { type: 'PathPrefix', value: '/' } }], backendRefs: [{ name: 'checkout', port: 80 }] },
];
