import { describe, expect, test } from 'vitest';
import {
  allOfPlan,
  allTrafficOf,
  foldOutside,
  outsideFrom,
  outsideMetrics,
  outsideOf,
} from '../../src/core/outside.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import type { Sample } from '../../src/core/sample.ts';
import { newStage } from '../../src/core/stage.ts';
import { startRollout } from '../../src/core/start.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import type { Ms } from '../../src/core/units.ts';
import { aPlan, LATENCY, PODS } from './plan.ts';

const SINCE = 1_000_000;
/** The path counts as empty after `drain`, 30 s. */
const EMPTY = SINCE + 30_000;

/** Stable is updated while the route leads nobody to it. */
const updating = (change: Partial<Rollout> = {}): Rollout => ({
  ...startRollout(aPlan(), 0),
  phase: 'promoting',
  stage: newStage('stable-ready', SINCE),
  traffic: { ...startRollout(aPlan(), 0).traffic, wanted: weightOnly(10_000), verified: weightOnly(10_000) },
  ...change,
});

type Points = readonly (readonly [at: Ms, value: number])[];

const counted = (...series: readonly Points[]): readonly Sample[] => [
  {
    metric: 'errors',
    arm: 'stable',
    kind: 'counters',
    requests: series.map((points, index) => ({ id: `pod-${index}`, pod: null, points })),
    failures: [],
  },
];

const rising = (from: Ms, to: Ms, perSecond: number): Points =>
  Array.from({ length: (to - from) / 5_000 + 1 }, (_, index) => [from + index * 5_000, 1_000 + index * 5 * perSecond]);

describe('what still reaches stable when the canary has everything', () => {
  test('is the increase of all its pods since the path should be empty', () => {
    const samples = counted(rising(SINCE, EMPTY + 20_000, 3), rising(EMPTY, EMPTY + 20_000, 1));

    const after = foldOutside(updating(), samples, EMPTY + 21_000);

    expect(after.outside).toEqual({ requests: 80, ms: 20_000 });
    expect(outsideOf(after)).toEqual({ perSecond: 4, at: 10_000 });
  });

  test('does not count what a counter shows that began anew', () => {
    const samples = counted([
      [EMPTY, 500],
      [EMPTY + 5_000, 510],
      [EMPTY + 10_000, 3],
      [EMPTY + 15_000, 8],
    ]);

    expect(foldOutside(updating(), samples, EMPTY + 16_000).outside).toEqual({ requests: 15, ms: 15_000 });
  });

  test('is nothing when a handful of requests had begun before', () => {
    const samples = counted([
      [EMPTY, 500],
      [EMPTY + 5_000, 504],
    ]);

    expect(outsideOf(foldOutside(updating(), samples, EMPTY + 6_000))).toBeNull();
  });

  test('is not known before anything could be counted, and not asked for where traffic is shared', () => {
    expect(foldOutside(updating(), counted(rising(SINCE, EMPTY, 3)), EMPTY).outside).toBeNull();
    expect(foldOutside(updating(), [], EMPTY + 9_000).outside).toBeNull();
    expect(outsideMetrics(updating())).toEqual(['errors']);
    const shared = { ...updating().traffic, wanted: weightOnly(5_000), verified: weightOnly(5_000) };
    expect(outsideMetrics(updating({ traffic: shared }))).toEqual([]);
    expect(outsideMetrics(updating({ plan: aPlan({ metrics: [LATENCY] }) }))).toEqual([]);
    expect(outsideMetrics(updating({ undoes: true }))).toEqual([]);
  });

  test('is asked for from when the path should be empty, and no further back than five minutes', () => {
    expect(outsideFrom(updating(), EMPTY + 10_000)).toBe(EMPTY);
    expect(outsideFrom(updating(), EMPTY + 400_000)).toBe(EMPTY + 100_000);
  });
});

describe('at a weight that was held', () => {
  const at = (observedShare: number, canary: number, stable: number): Rollout => ({
    ...startRollout(aPlan({ promoteAt: 'last-step' }), 0),
    steps: [
      {
        weight: 5_000,
        intervalMs: 30_000,
        startedAt: 0,
        verifiedAt: 0,
        endedAt: 30_000,
        heldMs: 30_000,
        verification: 'V3',
        observedShare,
        verdict: 'passed',
        metrics: [
          {
            name: 'errors',
            verdict: 'pass',
            canary: 0,
            stable: 0,
            unit: null,
            requests: { canary, stable },
            failures: { canary: 0, stable: 0 },
            odds: null,
            explanation: '',
          },
        ],
      },
    ],
  });

  test('it is what stable had beyond the part that the weight leaves it', () => {
    expect(outsideOf(at(4_000, 1_200, 1_800))).toEqual({ perSecond: expect.closeTo(20, 5), at: 5_000 });
  });

  test('a share within chance is no such thing, and neither is one of pods', () => {
    expect(outsideOf(at(4_850, 1_455, 1_545))).toBeNull();
    const pods = at(4_000, 1_200, 1_800);
    expect(outsideOf({ ...pods, plan: { ...pods.plan, abilities: PODS } })).toBeNull();
  });
});

describe('"all traffic" is said', () => {
  const route = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    plural: 'httproutes',
    namespace: 'shop',
  };
  const plan = aPlan();
  const target = { ...plan.target, routes: [{ ...route, name: 'checkout' }] };

  test('when no other way to stable is known, and none was measured', () => {
    expect(allOfPlan(plan)).toBe('all traffic');
    expect(allTrafficOf(startRollout(plan, 0))).toBe('all traffic');
  });

  test('of the route, when another way was found or measured', () => {
    expect(allOfPlan({ target, beside: ['Ingress shop/checkout'] })).toBe('all traffic of the route');
    const measured = { ...startRollout(aPlan({ target }), 0), outside: { requests: 80, ms: 20_000 } };
    expect(allTrafficOf(measured)).toBe('all traffic of the route');
  });

  test('of the routes, or of the Service, where it is these', () => {
    const both = { ...target, routes: [...target.routes, { ...route, name: 'admin' }] };
    expect(allOfPlan({ target: both, beside: ['Service shop/other'] })).toBe('all traffic of the routes');
    expect(allOfPlan({ target: plan.target, beside: ['Service shop/other'] })).toBe('all traffic of the Service');
  });
});
