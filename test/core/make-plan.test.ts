import { describe, expect, test } from 'vitest';
import { DEFAULT_WEIGHTS, type Facts, makePlan, shortestDuration } from '../../src/core/make-plan.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Spec } from '../../src/core/spec.ts';
import { aSpec as anySpec } from '../fakes/spec.ts';
import { aPlan, ERRORS, LATENCY, PODS } from './plan.ts';

const aSpec = (weights: readonly number[], change: Partial<Spec> = {}): Spec =>
  anySpec({
    steps: weights.map((weight) => ({ weight, intervalMs: 60_000, approval: false })),
    metrics: [ERRORS],
    timeoutMs: 1,
    readyTimeoutMs: 2,
    drainMs: 3,
    noDataTimeoutMs: 4,
    ...change,
  });

const facts = (change: Partial<Facts> = {}): Facts => {
  const { target, run, abilities, stableTemplate, fromImages, uids, original } = aPlan();
  return {
    target,
    run,
    abilities,
    stableTemplate,
    fromImages,
    uids,
    original,
    settleMs: 2_000,
    revertMs: 0,
    stableReplicas: 10,
    scrapeIntervalMs: 15_000,
    counterIntervalMs: null,
    paceMs: 5_000,
    metrics: [],
    calibrations: {},
    readsPerLook: 3,
    ...change,
  };
};

const planned = (spec: Spec, known: Facts): Plan => {
  const made = makePlan(spec, { ...known, metrics: spec.metrics.filter((one) => one.kind !== 'preset') });
  if (!made.ok) throw new Error(made.problem.message);
  return made.value.plan;
};

describe('a plan for requests', () => {
  test('has as many canary pods as the weight needs, at least one', () => {
    const { steps } = planned(aSpec([50, 1_000, 1_010, 5_000, 10_000]), facts());

    expect(steps.map(({ canaryReplicas }) => canaryReplicas)).toEqual([1, 1, 2, 5, 10]);
  });

  test('rounds weights to what the router can express, never to nothing', () => {
    const coarse = { ...aPlan().abilities, granularity: 100 };

    const { steps } = planned(aSpec([10, 250, 1_000]), facts({ abilities: coarse }));

    expect(steps.map(({ asked, weight }) => [asked, weight])).toEqual([
      [10, 100],
      [250, 300],
      [1_000, 1_000],
    ]);
  });

  test('traffic returns slowly enough for a measured metric to have a value', () => {
    const every15s = facts({ scrapeIntervalMs: 15_000 });

    const counted = planned(aSpec([500], { metrics: [ERRORS] }), every15s).timings;
    const measured = planned(aSpec([500], { metrics: [ERRORS, LATENCY] }), every15s).timings;
    expect([counted.returnMs, measured.returnMs]).toEqual([30_000, 61_000]);
  });

  test('takes its times from what was asked and from how often the store scrapes', () => {
    const { timings } = planned(aSpec([500]), facts());

    expect(timings).toEqual({
      timeoutMs: 1,
      readyMs: 2,
      drainMs: 3,
      noDataMs: 4,
      verifyMs: 60_000,
      settleMs: 2_000,
      standMs: 2_000,
      observeMs: 5_000,
      counterMs: 15_000,
      sampleMs: 15_000,
      minWindowMs: 60_000,
      returnMs: 30_000,
    });
  });

  test('lets a new entry stand as long as the one who owns the route may need to revert it', () => {
    expect(planned(aSpec([500]), facts({ revertMs: 15_000 })).timings).toMatchObject({
      settleMs: 2_000,
      standMs: 15_000,
    });
  });

  test('looks less often when a look costs more', () => {
    expect(planned(aSpec([500]), facts({ readsPerLook: 9 })).timings.observeMs).toBe(15_000);
  });

  test('warns of a slow scrape', () => {
    const made = makePlan(aSpec([500]), facts({ scrapeIntervalMs: 60_000 }));

    expect(made.ok && made.value.findings.map(({ severity, where }) => [severity, where])).toEqual([
      ['warning', 'metrics'],
    ]);
  });

  test('tells the shortest time that it takes', () => {
    const plan = planned(aSpec([500, 1_000]), facts());

    expect(shortestDuration(plan)).toBe(120_000 + 2_000 + 60_000);
  });
});

describe('a plan for pods', () => {
  const pods = (stableReplicas: number): Facts => facts({ abilities: PODS, stableReplicas });

  test('ends at half, by default', () => {
    const { steps } = planned(aSpec(DEFAULT_WEIGHTS), pods(20));

    expect(steps.map(({ asked, canaryReplicas }) => [asked, canaryReplicas])).toEqual([
      [500, 2],
      [1_000, 3],
      [2_000, 5],
      [5_000, 20],
    ]);
  });

  test('merges steps that ask for as many pods, and says so', () => {
    const made = makePlan(aSpec([2_000, 2_500, 5_000]), pods(3));

    expect(made.ok && made.value.plan.steps.map(({ asked, weight }) => [asked, weight])).toEqual([
      [2_500, 2_500],
      [5_000, 5_000],
    ]);
    expect(made.ok && made.value.findings).toHaveLength(1);
  });

  test('refuses all traffic', () => {
    const all = makePlan(aSpec([5_000, 10_000]), pods(3));

    expect(all.ok ? null : all.problem.message).toMatch(/100 % is out of reach/);
  });

  test('gives the first step one pod, however much more than asked that is', () => {
    const { steps } = planned(aSpec([500, 5_000]), pods(3));

    expect(steps.map(({ asked, weight, canaryReplicas }) => [asked, weight, canaryReplicas])).toEqual([
      [500, 2_500, 1],
      [5_000, 5_000, 3],
    ]);
  });
});
