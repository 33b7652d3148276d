import { describe, expect, test } from 'vitest';
import { refKey, refText } from '../../src/core/objects.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { gatewayApi } from '../../src/routers/gateway-api/gateway-api.ts';
import { objectAt, seenOf, send, sendAll, type World } from '../conformance/world.ts';
import { claimed, guard } from './claimed-route.ts';
import { accepted, grpcRoute, httpRoute, mapRoutes, routeOf, routesWorld, splitsOf, targetOf } from './routes.ts';

const [shop, admin, calls] = [httpRoute('checkout'), httpRoute('admin'), grpcRoute('checkout')];
const refs = [shop, admin, calls];
const target = targetOf(refs);

const start = claimed(
  routesWorld(
    ...refs.map((ref) => ({ ref, object: routeOf(ref, [{ backendRefs: [{ name: 'checkout', port: 80 }] }]) })),
  ),
);
const read = (world: World) => seenOf(world, gatewayApi.reads(target));
const original = gatewayApi.original(read(start), target);

const requests = (world: World, weight: number) => {
  const planned = gatewayApi.plan(read(world), target, weightOnly(weight), guard, original);
  if (!planned.ok) throw new Error(planned.problem);
  return planned.value;
};
const at = (weight: number): World =>
  sendAll(sendAll(start, requests(start, 0)), requests(sendAll(start, requests(start, 0)), weight));
const half = at(5_000);
const without = (world: World, key: string): World => new Map([...world].filter(([name]) => name !== key));
const canary = (world: World): readonly number[] =>
  splitsOf(world).map((split) => split.canary / (split.canary + split.stable));

describe('several routes of one rollout, of both kinds', () => {
  test('get a weight one after the other, in the order in which they are named', () => {
    expect(requests(half, 8_000).map(({ ref }) => refText(ref))).toEqual(refs.map(refText));
    expect(canary(half)).toEqual([0.5, 0.5, 0.5]);
  });

  test('are at a weight when every one of them is, and its gateways say so', () => {
    const taken = mapRoutes(half, (route) => accepted(route));
    expect(gatewayApi.verify(read(taken), target, weightOnly(5_000), original)).toEqual({
      kind: 'reached',
      rung: 'V1',
    });

    const [first] = requests(taken, 8_000);
    const ahead = first === undefined ? null : send(taken, first);
    if (ahead === null) throw new Error('the first route cannot be written');

    expect(gatewayApi.current(read(ahead), target, original).ok).toBe(false);
    expect(gatewayApi.verify(read(ahead), target, weightOnly(8_000), original).kind).toBe('pending');
    // What is left to write is that of the others.
    expect(requests(ahead, 8_000).map(({ ref }) => refText(ref))).toEqual([admin, calls].map(refText));
  });

  test('are refused when one of them is, whatever the others say', () => {
    const refused = mapRoutes(half, (route) =>
      accepted(route, route.metadata.name === 'admin' ? { Accepted: 'False' } : {}),
    );

    expect(gatewayApi.verify(read(refused), target, weightOnly(5_000), original).kind).toBe('refused');
  });

  test('all go back, also those whose weight was never raised or was reverted by somebody', () => {
    const [first, ...others] = requests(at(2_000), 8_000);
    const ahead = first === undefined ? null : send(at(2_000), first);
    if (ahead === null) throw new Error('the first route cannot be written');

    const home = sendAll(ahead, gatewayApi.wayBack(read(ahead), target, guard, original));

    expect(others).toHaveLength(2);
    expect(canary(home)).toEqual([0, 0, 0]);
    expect(gatewayApi.wayBack(read(home), target, guard, original)).toEqual([]);
  });

  test('one that was deleted is a problem that names it; the others go back and are put back', () => {
    const two = without(half, refKey(admin));

    const planned = gatewayApi.plan(read(two), target, weightOnly(8_000), guard, original);
    const home = sendAll(two, gatewayApi.wayBack(read(two), target, guard, original));
    const restored = sendAll(home, gatewayApi.restore(read(home), target, original, guard));

    expect(planned.ok ? '' : planned.problem).toContain('HTTPRoute shop/admin');
    expect(canary(home)).toEqual([0, 0]);
    expect(gatewayApi.restore(read(restored), target, original, guard)).toEqual([]);
    for (const ref of [shop, calls]) expect(objectAt(restored, ref)['spec']).toEqual(objectAt(start, ref)['spec']);
  });
});
