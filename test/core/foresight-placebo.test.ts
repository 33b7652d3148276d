import { describe, expect, test } from 'vitest';
import { calibrate } from '../../src/core/calibration.ts';
import { type Placebo, replayPlacebo } from '../../src/core/placebo.ts';
import type { Course, PastMetric } from '../../src/core/placebo-grid.ts';
import type { Calibration } from '../../src/core/plan.ts';
import type { CountedSpec } from '../../src/core/spec.ts';
import { aCalibration, aPast, countersOf, ERRORS, JUDGEMENT, NOW, type Traffic } from './stable-past.ts';

const course: Course = {
  steps: [60_000, 60_000, 60_000, 60_000, 60_000].map((ms) => ({ ms })),
  sampleMs: 5_000,
  judgement: JUDGEMENT,
};

const HOURS_3 = 3 * 3_600;
const quiet: Traffic = { pods: 6, requestsPerSecond: 100, failureRatio: 0.01, seconds: HOURS_3, seed: 1 };

const metric = (
  traffic: Traffic,
  calibration: Partial<Calibration> = {},
  spec: Partial<CountedSpec> = {},
): PastMetric => ({
  spec: { ...ERRORS, ...spec },
  calibration: aCalibration(calibration),
  streams: [{ bound: null, ticks: aPast(traffic) }],
});

type Replayed = Extract<Placebo, { kind: 'replayed' }>;

const replayed = (past: readonly PastMetric[], changes: Partial<Course> = {}): Replayed => {
  const placebo = replayPlacebo(past, { ...course, ...changes });
  if (placebo.kind !== 'replayed') throw new Error(`could not be replayed: ${placebo.why}`);
  return placebo;
};

describe('the placebo', () => {
  test('replays each pod in each window as long as the plan', () => {
    expect(replayed([metric(quiet)])).toMatchObject({ pods: 6, windowMs: 300_000, releases: 6 * 35 });
  });

  test('finds next to no false alarm where failures are independent', () => {
    const rolledBack = [1, 2, 3, 4].map((seed) => replayed([metric({ ...quiet, seed })]).rolledBack);

    // The simulator's rate is below 1 in 100; 840 pseudo-releases.
    expect(rolledBack.reduce((sum, one) => sum + one)).toBeLessThanOrEqual(8);
  });

  test('finds many where failures come in clumps that phi does not know of, and few where it does', () => {
    const clumped = { ...quiet, clump: 5 };
    const blind = replayed([metric(clumped)]);
    const corrected = replayed([metric(clumped, { phi: 5 })]);

    expect(blind.rolledBack / blind.releases).toBeGreaterThan(0.1);
    expect(blind.byMetric).toEqual({ errors: blind.rolledBack });
    expect(corrected.rolledBack / corrected.releases).toBeLessThanOrEqual(1 / 30);
    expect(corrected.remedies).toEqual([]);
  });

  test('finds few with the phi and tolerance that 15 minutes of that past give', () => {
    for (const clump of [1, 3, 5]) {
      const ticks = aPast({ ...quiet, clump, seed: 10 + clump });
      const recent = countersOf(ticks.filter(({ from }) => from >= NOW - 15 * 60_000));
      const calibration = { ...calibrate(ERRORS, recent, 1), part: 1 };
      const placebo = replayed([{ spec: ERRORS, calibration, streams: [{ bound: null, ticks }] }]);

      expect(placebo.rolledBack / placebo.releases).toBeLessThanOrEqual(1 / 30);
    }
  });

  test('names the mildest remedies that were enough, each tried on the same past', () => {
    const clumped = { ...quiet, clump: 5 };
    const { remedies, releases } = replayed([metric(clumped)]);
    const phi = remedies.find((remedy) => remedy.kind === 'phi');
    const floor = remedies.find((remedy) => remedy.kind === 'floor');
    if (phi?.kind !== 'phi' || floor?.kind !== 'floor') throw new Error('remedies are missing');

    expect(remedies.every(({ rolledBack }) => rolledBack <= releases / 30)).toBe(true);
    expect(phi.phi).toBeGreaterThanOrEqual(1.5);
    expect(phi.phi).toBeLessThanOrEqual(6);
    expect(replayed([metric(clumped, { phi: phi.phi })]).rolledBack).toBe(phi.rolledBack);
    expect(replayed([metric(clumped, {}, { floor: floor.floor })]).rolledBack).toBe(floor.rolledBack);
  });

  test('cries at a pod that is worse than the others, and says which metric did', () => {
    const [sick, well] = [
      metric(quiet, { part: 0.5 }),
      metric({ ...quiet, seed: 2 }, { part: 0.5 }, { name: 'other' }),
    ];
    const ticks = (sick.streams[0]?.ticks ?? []).map((tick) =>
      tick.pod.endsWith('-3') ? { ...tick, failures: Math.min(tick.requests, 5 * tick.failures) } : tick,
    );
    const placebo = replayed([{ ...sick, streams: [{ bound: null, ticks }] }, well]);

    expect(placebo.rolledBack).toBeGreaterThanOrEqual(30);
    expect(placebo.byMetric['errors']).toBeGreaterThanOrEqual(30);
    expect(placebo.byMetric['other'] ?? 0).toBeLessThanOrEqual(2);
  });

  test('counts what a dry-run metric says without rolling anything back', () => {
    const placebo = replayed([metric({ ...quiet, clump: 5 }, {}, { dryRun: true })]);

    expect(placebo).toMatchObject({ rolledBack: 0, held: 0, remedies: [] });
    expect(placebo.byMetric['errors']).toBeGreaterThan(10);
  });

  test('is not misled by an incident that hits all pods alike', () => {
    const incident = (at: number): boolean => at > NOW - 3_600_000 && at < NOW - 3_300_000;
    const calm = metric(quiet);
    const ticks = (calm.streams[0]?.ticks ?? []).map((tick) =>
      incident(tick.to)
        ? { ...tick, failures: Math.min(tick.requests, 8 * tick.failures + (tick.requests > 3 ? 1 : 0)) }
        : tick,
    );
    const placebo = replayed([{ ...calm, calibration: aCalibration({ phi: 8 }), streams: [{ bound: null, ticks }] }]);

    expect(placebo.rolledBack / placebo.releases).toBeLessThanOrEqual(1 / 30);
  });

  test('holds a few, at the end of a step: most suspicions fade or become a rollback before', () => {
    const { held, rolledBack } = replayed([metric({ ...quiet, clump: 2 })]);

    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThan(rolledBack);
  });

  test('pods that are scraped rarely, each in its own moment, lose no counts', () => {
    const rare = replayed([metric({ ...quiet, clump: 5, scrapeMs: 15_000 })]);

    expect(rare.rolledBack / rare.releases).toBeGreaterThan(0.1);
  });

  test('cannot be done with one pod', () => {
    expect(replayPlacebo([metric({ ...quiet, pods: 1 })], course)).toEqual({ kind: 'impossible', why: 'pods' });
  });

  test('cannot be done without traffic or without a past', () => {
    const idle = metric({ ...quiet, requestsPerSecond: 0 });
    const none: PastMetric = { ...idle, streams: [{ bound: null, ticks: [] }] };

    expect(replayPlacebo([idle], course)).toEqual({ kind: 'impossible', why: 'short' });
    expect(replayPlacebo([none], course)).toEqual({ kind: 'impossible', why: 'short' });
    expect(replayPlacebo([], course)).toEqual({ kind: 'impossible', why: 'short' });
  });

  test('a plan longer than the past is replayed on its first part', () => {
    const steps = [3_600_000, 3_600_000, 3_600_000, 3_600_000].map((ms) => ({ ms }));
    const placebo = replayed([metric(quiet)], { steps });

    expect(placebo.releases).toBe(6);
    expect(placebo.windowMs).toBeGreaterThan(2.9 * 3_600_000);
  });

  test('pods that came or went within a window are left out of it', () => {
    const traffic = metric(quiet);
    const late = (traffic.streams[0]?.ticks ?? []).filter(
      ({ pod, from }) => !pod.endsWith('-0') || from > NOW - 1_800_000,
    );

    expect(replayed([{ ...traffic, streams: [{ bound: null, ticks: late }] }]).releases).toBe(5 * 35 + 6);
  });

  test('very many pods are thinned out to what can be computed', () => {
    const placebo = replayed([metric({ ...quiet, pods: 150, requestsPerSecond: 300 })]);

    expect(placebo.pods).toBe(75);
    expect(placebo.releases).toBe(75 * 35);
  });
});
