import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { guardOf } from '../../src/core/marks.ts';
import { DEPLOYMENT, ENDPOINT_SLICE, type KubeObject, objectRef, SERVICE } from '../../src/core/objects.ts';
import { expressibleSteps, podShare, podsFor, tooCoarse } from '../../src/core/pod-share.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { replicas } from '../../src/routers/replicas.ts';
import { operationsOf, seenOf, worldOf } from '../conformance/world.ts';
import { targetOf } from './routes.ts';

const target = targetOf([], { router: 'replicas', canaryService: null });
const guard = guardOf('shop', 'checkout', 'token-1', 'r-1');
const deployment = (name: string, count: number, status: object = {}, generation = 1): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, generation },
  spec: { replicas: count },
  status: { observedGeneration: generation, readyReplicas: count, ...status },
});
const slice = (pods: readonly string[]): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 's', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'checkout' } },
  endpoints: pods.map((name) => ({ targetRef: { kind: 'Pod', name } })),
});
const service = (spec: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'checkout', namespace: 'shop' },
  spec,
});
const seen = (stable: KubeObject, canary: KubeObject | null, slices: readonly KubeObject[] = [], spec: object = {}) =>
  seenOf(
    worldOf([
      { ref: objectRef(DEPLOYMENT, 'shop', 'checkout'), object: stable },
      ...(canary === null ? [] : [{ ref: objectRef(DEPLOYMENT, 'shop', 'checkout-canary'), object: canary }]),
      { ref: objectRef(SERVICE, 'shop', 'checkout'), object: service(spec) },
      ...slices.map((object, index) => ({ ref: objectRef(ENDPOINT_SLICE, 'shop', `s${index}`), object })),
    ]),
    replicas.reads(target),
  );
const original = { stableReplicas: 4 };

describe('the share of pods', () => {
  test('is never below what was asked, and one pod fewer would be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9990 }), fc.integer({ min: 1, max: 2000 }), (weight, stable) => {
        const pods = podsFor(weight, stable) ?? 0;

        expect(pods / (pods + stable)).toBeGreaterThanOrEqual(weight / 10_000 - 1e-9);
        expect((pods - 1) / (pods - 1 + stable)).toBeLessThan(weight / 10_000);
      }),
      { seed: 7, numRuns: 2000 },
    );
  });

  test('asks for the pods that have it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 500 }), (canary, stable) => {
        const share = podShare(canary, stable);
        const pods = podsFor(share, stable) ?? 0;

        expect(podShare(pods, stable)).toBe(share);
        expect(pods).toBeLessThanOrEqual(canary);
      }),
      { seed: 7, numRuns: 2000 },
    );
  });

  test('all traffic is out of reach', () => {
    expect(podsFor(10_000, 4)).toBeNull();
    expect(expressibleSteps([1000, 10_000], 20)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('100 % is out of reach'),
    });
  });
});

describe('the steps that pods can express', () => {
  test('steps that ask for as many pods are one step', () => {
    expect(expressibleSteps([500, 1000, 2000, 5000], 10)).toEqual({
      ok: true,
      value: [
        { asked: 500, merged: [], weight: 909, canaryReplicas: 1 },
        { asked: 1000, merged: [], weight: 1666, canaryReplicas: 2 },
        { asked: 2000, merged: [], weight: 2307, canaryReplicas: 3 },
        { asked: 5000, merged: [], weight: 5000, canaryReplicas: 10 },
      ],
    });
    expect(expressibleSteps([1000, 1500, 1666, 5000], 5)).toMatchObject({
      value: [
        { asked: 1666, merged: [1000, 1500], weight: 1666, canaryReplicas: 1 },
        { asked: 5000, merged: [], weight: 5000, canaryReplicas: 5 },
      ],
    });
  });

  test('a first step of more than twice what was asked names the pods that it needs', () => {
    expect(tooCoarse(500, 4)).toBe(
      '5 % was asked for first, but one canary pod beside 4 stable pods gets 20 %: that needs at least 9 stable pods',
    );
    expect(tooCoarse(500, 8)).not.toBeNull();
    expect(tooCoarse(500, 9)).toBeNull();
  });

  test('the count that is named is the smallest that is taken', () => {
    for (let first = 10; first <= 5000; first += 10) {
      const refused = tooCoarse(first, 1);
      if (refused === null) continue;
      const needed = Number(/at least (\d+) stable/.exec(refused)?.[1]);
      expect(tooCoarse(first, needed)).toBeNull();
      expect(tooCoarse(first, needed - 1)).not.toBeNull();
    }
  });
});

describe('the router', () => {
  test('scales the canary alone, guarded by uid and mark', () => {
    const plan = replicas.plan(
      seen(deployment('checkout', 4), deployment('checkout-canary', 0)),
      target,
      weightOnly(2000),
      guard,
      original,
    );

    expect(plan.ok && plan.value.map((request) => [request.ref.name, operationsOf(request)])).toEqual([
      [
        'checkout-canary',
        [
          { op: 'test', path: `/metadata/labels/${guard.holder.key.replace('/', '~1')}`, value: 'token-1' },
          { op: 'test', path: '/metadata/uid', value: 'uid-checkout-canary' },
          { op: 'test', path: '/metadata/name', value: 'checkout-canary' },
          { op: 'add', path: '/spec/replicas', value: 1 },
        ],
      ],
    ]);
  });

  test('measures against the start when stable has shrunk, and against stable when it has grown', () => {
    const asked = (stable: number) => {
      const plan = replicas.plan(
        seen(deployment('checkout', stable), deployment('checkout-canary', 0)),
        target,
        weightOnly(5000),
        guard,
        original,
      );
      return plan.ok ? plan.value.flatMap(operationsOf).at(-1)?.value : plan.problem;
    };

    expect([asked(2), asked(4), asked(7)]).toEqual([4, 4, 7]);
  });

  test('reads the planned share back after stable has grown', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        (start, more, pods) => {
          const share = podShare(pods, start);
          const stable = deployment('checkout', start + more);
          const canary = deployment('checkout-canary', podsFor(share, start + more) ?? 0);

          const current = replicas.current(seen(stable, canary), target, { stableReplicas: start });

          expect(current).toEqual({ ok: true, value: weightOnly(share) });
        },
      ),
      { seed: 7, numRuns: 500 },
    );
  });

  test('tells the truth when stable has shrunk', () => {
    const current = replicas.current(
      seen(deployment('checkout', 1), deployment('checkout-canary', 1)),
      target,
      original,
    );

    expect(current).toEqual({ ok: true, value: weightOnly(5000) });
  });

  test('a canary that does not exist yet has no traffic, and cannot get any', () => {
    const none = seen(deployment('checkout', 4), null);

    expect(replicas.current(none, target, original)).toEqual({ ok: true, value: weightOnly(0) });
    expect(replicas.plan(none, target, weightOnly(0), guard, original)).toEqual({ ok: true, value: [] });
    expect(replicas.plan(none, target, weightOnly(2000), guard, original)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('does not exist'),
    });
    expect(replicas.verify(none, target, weightOnly(0), original)).toEqual({ kind: 'reached', rung: 'V2' });
    expect(replicas.wayBack(none, target, guard, original)).toEqual([]);
  });

  test.each([
    [
      'the controller has not seen the change',
      deployment('checkout-canary', 1, { observedGeneration: 1 }, 2),
      [slice(['checkout-canary-6f-aaaaa'])],
      /the controller to see/,
    ],
    [
      'a pod is not ready',
      deployment('checkout-canary', 1, { readyReplicas: 0 }),
      [],
      /1 ready pods of the canary \(0 are\)/,
    ],
    [
      'the endpoint is missing',
      deployment('checkout-canary', 1),
      [slice(['checkout-5c-aaaaa'])],
      /1 endpoints of the canary in Service checkout \(0 are\)/,
    ],
  ])('waits while %s', (_name, canary, slices, text) => {
    expect(
      replicas.verify(seen(deployment('checkout', 4), canary, slices), target, weightOnly(2000), original),
    ).toEqual({
      kind: 'pending',
      waitingFor: expect.stringMatching(text),
    });
  });

  test('reaches V1 alone where the endpoints were not read', () => {
    const light = { ...seen(deployment('checkout', 4), deployment('checkout-canary', 1)), lists: new Map() };

    expect(replicas.verify(light, target, weightOnly(2000), original)).toEqual({ kind: 'reached', rung: 'V1' });
  });

  test('counts a pod with two address families once', () => {
    const both = [slice(['checkout-canary-6f-aaaaa']), slice(['checkout-canary-6f-aaaaa'])];

    expect(
      replicas.verify(
        seen(deployment('checkout', 4), deployment('checkout-canary', 1), both),
        target,
        weightOnly(2000),
        original,
      ),
    ).toEqual({ kind: 'reached', rung: 'V2' });
  });

  test('warns of a Service that keeps clients where they are or prefers near pods', () => {
    const warnings = replicas
      .check(
        seen(deployment('checkout', 4), null, [], { sessionAffinity: 'ClientIP', internalTrafficPolicy: 'Local' }),
        target,
      )
      .map(({ severity, message }) => `${severity}: ${message}`);

    expect(warnings).toEqual([
      'warning: Service shop/checkout has sessionAffinity ClientIP: clients stay with the version that they met first',
      'warning: Service shop/checkout prefers near pods: the share depends on where canary pods run',
    ]);
  });
});
