import { describe, expect, test } from 'vitest';
import { weightOnly } from '../../src/core/traffic.ts';
import { gatewayApi } from '../../src/routers/gateway-api/gateway-api.ts';
import type { World } from '../conformance/world.ts';
import { objectAt, operationsOf, sendAll } from '../conformance/world.ts';
import {
  change,
  entries,
  guard,
  planned,
  read,
  ref,
  requests,
  set,
  simple,
  target,
  worldOfRules,
} from './claimed-route.ts';
import { defaulted, weightOf } from './routes.ts';

describe('the patch', () => {
  test('tests uid, generation, mark and names, and sets both weights at once', () => {
    const world = worldOfRules([{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
    const ready = set(world, 0);

    const [request] = requests(ready, 1000, gatewayApi.original(read(world), target));

    expect(request === undefined ? [] : operationsOf(request)).toEqual([
      { op: 'test', path: '/metadata/uid', value: 'uid-HTTPRoute-checkout' },
      { op: 'test', path: '/metadata/generation', value: 4 },
      { op: 'test', path: `/metadata/annotations/${guard.holder.key.replace('/', '~1')}`, value: 'token-1' },
      { op: 'test', path: '/spec/rules/0/backendRefs/0/name', value: 'checkout' },
      { op: 'test', path: '/spec/rules/0/backendRefs/0/port', value: 80 },
      { op: 'test', path: '/spec/rules/0/backendRefs/1/name', value: 'checkout-canary' },
      { op: 'test', path: '/spec/rules/0/backendRefs/1/port', value: 80 },
      { op: 'add', path: '/spec/rules/0/backendRefs/0/weight', value: 90 },
      { op: 'add', path: '/spec/rules/0/backendRefs/1/weight', value: 10 },
    ]);
  });

  test('puts a copy of each entry of stable right after it, with its port and filters', () => {
    const filters = [{ type: 'URLRewrite', urlRewrite: { hostname: 'x' } }];
    const world = worldOfRules([
      {
        backendRefs: [
          { name: 'a' },
          { name: 'checkout', port: 80, filters },
          { name: 'checkout', port: 81 },
          { name: 'b', weight: 2 },
        ],
      },
    ]);

    expect(entries(set(world, 2500))).toEqual([
      { name: 'a', weight: 1000 },
      { name: 'checkout', port: 80, filters, weight: 750 },
      { name: 'checkout-canary', port: 80, filters, weight: 250 },
      { name: 'checkout', port: 81, weight: 750 },
      { name: 'checkout-canary', port: 81, weight: 250 },
      { name: 'b', weight: 2000 },
    ]);
  });

  test('uses a scale of 100 for whole percents and of 1000 for tenths where nobody shares the rule', () => {
    const world = worldOfRules(simple);

    expect(entries(set(world, 500)).map(weightOf)).toEqual([95, 5]);
    expect(entries(set(world, 550)).map(weightOf)).toEqual([945, 55]);
  });

  test.each([
    [1, 1, 1000],
    [500, 500, 2],
    [50, 25, 20],
    [1000, 3, 1],
  ])('multiplies weights %i and %i by the smallest factor that makes tenths exact: %i', (stable, foreign, factor) => {
    const world = worldOfRules([
      {
        backendRefs: [
          { name: 'checkout', weight: stable },
          { name: 'b', weight: foreign },
        ],
      },
    ]);

    expect(entries(set(world, 0)).map(weightOf)).toEqual([stable * factor, 0, foreign * factor]);
  });

  test('leaves alone a foreign backend without traffic', () => {
    const world = worldOfRules([{ backendRefs: [{ name: 'checkout' }, { name: 'off', weight: 0 }] }]);

    expect(entries(set(world, 1000)).map(weightOf)).toEqual([90, 10, 0]);
  });

  test('restores absent weights on a server that defaults them, once', () => {
    const world = worldOfRules([{ backendRefs: [{ name: 'checkout' }, { name: 'b', weight: 3 }] }]);
    const original = gatewayApi.original(read(world), target);
    const canary = sendAll(world, requests(world, 1000, original), defaulted);

    const restored = sendAll(canary, gatewayApi.restore(read(canary), target, original, guard), defaulted);

    expect(entries(restored).map(weightOf)).toEqual([1, 3]);
    expect(gatewayApi.restore(read(restored), target, original, guard)).toEqual([]);
  });
});

describe('a route that somebody edits during the rollout', () => {
  const start = worldOfRules(simple);
  const original = gatewayApi.original(read(start), target);
  const current = (world: World) => gatewayApi.current(read(world), target, original);

  test('a rule that was added stays with stable and is a warning', () => {
    const edited = change(set(start, 1000, original), (rules) =>
      rules.unshift({
        matches: [{ path: { type: 'Exact', value: '/new' } }],
        backendRefs: [{ name: 'checkout', port: 80 }],
      }),
    );

    const again = set(edited, 2000, original);

    expect(entries(again, 0)).toEqual([{ name: 'checkout', port: 80 }]);
    expect(entries(again, 1).map(weightOf)).toEqual([80, 20]);
    expect(current(again)).toEqual({ ok: true, value: weightOnly(2000) });
    expect(gatewayApi.check(read(again), target, original)).toEqual([
      expect.objectContaining({
        severity: 'warning',
        code: 'route-changed',
        message: expect.stringContaining('spec.rules[0] was added'),
      }),
    ]);
    expect(gatewayApi.check(read(again), target)[0]?.message).toContain('was added, or lost it');
  });

  test('our rule is found where its match has changed', () => {
    const edited = change(set(start, 1000, original), (rules) => {
      rules[0] = { ...(rules[0] as object), matches: [{ path: { type: 'Exact', value: '/other' } }] };
    });

    const restored = sendAll(edited, gatewayApi.restore(read(edited), target, original, guard));

    expect(current(edited)).toEqual({ ok: true, value: weightOnly(1000) });
    expect(entries(restored)).toEqual([{ name: 'checkout', port: 80 }]);
  });

  test('a rule of ours that is gone is a problem, and the way back has nothing to do for it', () => {
    const edited = change(set(start, 1000, original), (rules) => rules.splice(0, 1));

    expect(current(edited)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('spec.rules[0] at the start is gone'),
    });
    expect(planned(edited, 2000, original).ok).toBe(false);
    expect(gatewayApi.wayBack(read(edited), target, guard, original)).toEqual([]);
  });

  test('a weight set by hand is read as what it means', () => {
    const edited = change(set(start, 1000, original), (rules) => {
      rules[0] = {
        ...simple[0],
        backendRefs: [
          { name: 'checkout', port: 80, weight: 2 },
          { name: 'checkout-canary', port: 80, weight: 1 },
        ],
      };
    });

    expect(current(edited)).toEqual({ ok: true, value: weightOnly(3333) });
  });

  test('an entry that disappeared from one rule of two names the rule', () => {
    const two = worldOfRules([
      ...simple,
      { matches: [{ path: { value: '/b' } }], backendRefs: [{ name: 'checkout', port: 80 }] },
    ]);
    const record = gatewayApi.original(read(two), target);
    const edited = change(set(two, 1000, record), (rules) => {
      rules[1] = { matches: [{ path: { value: '/b' } }], backendRefs: [{ name: 'checkout', port: 80 }] };
    });

    expect(gatewayApi.current(read(edited), target, record)).toMatchObject({
      ok: false,
      problem:
        'HTTPRoute shop/checkout spec.rules[0] has 10 %, HTTPRoute shop/checkout spec.rules[1] has no entry of the canary',
    });
    expect(gatewayApi.current(read(set(edited, 1000, record)), target, record).ok).toBe(true);
  });

  test('a canary entry left alone in its rule becomes stable again', () => {
    const edited = change(set(start, 1000, original), (rules) => {
      rules[0] = { ...simple[0], backendRefs: [{ name: 'checkout-canary', port: 80, weight: 10 }] };
    });

    const home = sendAll(edited, gatewayApi.wayBack(read(edited), target, guard, original));
    const restored = sendAll(edited, gatewayApi.restore(read(edited), target, original, guard));

    expect(current(edited)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('lost its entry of Service checkout'),
    });
    for (const world of [home, restored]) expect(entries(world)).toEqual([{ name: 'checkout', port: 80, weight: 10 }]);
  });

  test('a rule copied with our entry is returned and cleaned too', () => {
    const copy = {
      matches: [{ path: { value: '/copy' } }],
      backendRefs: [
        { name: 'checkout', port: 80, weight: 90 },
        { name: 'checkout-canary', port: 80, weight: 10 },
      ],
    };
    const edited = change(set(start, 1000, original), (rules) => rules.unshift(copy));

    const home = sendAll(edited, gatewayApi.wayBack(read(edited), target, guard, original));
    const restored = sendAll(edited, gatewayApi.restore(read(edited), target, original, guard));

    expect(planned(edited, 2000, original)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('spec.rules[0] was added with an entry'),
    });
    expect(entries(home, 0).map(weightOf)).toEqual([100, 0]);
    expect(JSON.stringify(objectAt(restored, ref)['spec'])).not.toContain('checkout-canary');
    expect(entries(restored, 1)).toEqual([{ name: 'checkout', port: 80 }]);
  });

  test('an entry of the canary on another port than stable is a problem, and is zeroed on the way back', () => {
    const edited = change(set(start, 1000, original), (rules) => {
      rules[0] = {
        ...simple[0],
        backendRefs: [
          { name: 'checkout', port: 81, weight: 90 },
          { name: 'checkout-canary', port: 80, weight: 10 },
        ],
      };
    });

    const home = sendAll(edited, gatewayApi.wayBack(read(edited), target, guard, original));

    expect(current(edited)).toMatchObject({ ok: false, problem: expect.stringContaining('copies none of stable') });
    expect(entries(home).map(weightOf)).toEqual([100, 0]);
  });

  test('weights that are all 0 are a problem, and the way back mends them', () => {
    const edited = change(set(start, 1000, original), (rules) => {
      rules[0] = {
        ...simple[0],
        backendRefs: [
          { name: 'checkout', port: 80, weight: 0 },
          { name: 'checkout-canary', port: 80, weight: 0 },
        ],
      };
    });

    const home = sendAll(edited, gatewayApi.wayBack(read(edited), target, guard, original));

    expect(current(edited)).toMatchObject({ ok: false, problem: expect.stringContaining('all 0') });
    expect(entries(home).map(weightOf)).toEqual([1, 0]);
  });

  test('a multiplied weight that somebody changed is a problem, and stays when the rest is put back', () => {
    const shared = worldOfRules([
      {
        backendRefs: [
          { name: 'checkout', weight: 1 },
          { name: 'b', weight: 1 },
        ],
      },
    ]);
    const record = gatewayApi.original(read(shared), target);
    const edited = change(set(shared, 1000, record), (rules) => {
      rules[0] = {
        backendRefs: [
          { name: 'checkout', weight: 900 },
          { name: 'checkout-canary', weight: 100 },
          { name: 'b', weight: 500 },
        ],
      };
    });

    const restored = sendAll(edited, gatewayApi.restore(read(edited), target, record, guard));

    expect(gatewayApi.current(read(edited), target, record)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('weight of b to 500'),
    });
    expect(planned(edited, 2000, record)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('weight of b was changed to 500'),
    });
    expect(entries(restored)).toEqual([
      { name: 'checkout', weight: 1000 },
      { name: 'b', weight: 500 },
    ]);
    expect(gatewayApi.restore(read(restored), target, record, guard)).toEqual([]);
  });

  test('a rule of ours that leads elsewhere now is a problem that names what it lost', () => {
    const edited = change(set(start, 1000, original), (rules) => {
      rules[0] = { ...simple[0], backendRefs: [{ name: 'other' }] };
    });

    expect(current(edited)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('spec.rules[0] lost its entry of Service checkout'),
    });
    expect(planned(edited, 2000, original).ok).toBe(false);
    expect(gatewayApi.restore(read(edited), target, original, guard)).toEqual([]);
  });

  test('stable and canary with less of the rule than they had is a problem, and is set right again', () => {
    const shared = worldOfRules([{ backendRefs: [{ name: 'checkout' }, { name: 'b' }] }]);
    const record = gatewayApi.original(read(shared), target);
    const edited = change(set(shared, 1000, record), (rules) => {
      rules[0] = {
        backendRefs: [
          { name: 'checkout', weight: 90 },
          { name: 'checkout-canary', weight: 10 },
          { name: 'b', weight: 1000 },
        ],
      };
    });

    expect(gatewayApi.current(read(edited), target, record)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('add up to 100 in place of 1000'),
    });
    expect(entries(set(edited, 1000, record)).map(weightOf)).toEqual([900, 100, 1000]);
  });

  test('an entry that disappeared from one of two ports is a problem, and is set again', () => {
    const ports = [
      { name: 'checkout', port: 80 },
      { name: 'checkout', port: 81 },
    ];
    const both = worldOfRules([{ backendRefs: ports }]);
    const record = gatewayApi.original(read(both), target);
    const edited = change(set(both, 1000, record), (rules) => {
      rules[0] = {
        backendRefs: [ports[0], { ...ports[1], weight: 90 }, { name: 'checkout-canary', port: 81, weight: 10 }],
      };
    });

    expect(gatewayApi.current(read(edited), target, record)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('lost an entry of the canary'),
    });
    expect(entries(set(edited, 1000, record)).map(weightOf)).toEqual([90, 10, 90, 10]);
  });

  test('rules that match the same keep their own weights', () => {
    const twins = worldOfRules([
      { backendRefs: [{ name: 'checkout', weight: 3 }] },
      { backendRefs: [{ name: 'checkout', weight: 8 }] },
    ]);
    const record = gatewayApi.original(read(twins), target);
    const edited = change(set(twins, 1000, record), (rules) =>
      rules.unshift({ backendRefs: [{ name: 'checkout', weight: 5 }] }),
    );

    const restored = sendAll(edited, gatewayApi.restore(read(edited), target, record, guard));

    expect([0, 1, 2].map((rule) => entries(restored, rule).map(weightOf))).toEqual([[5], [3], [8]]);
  });
});
