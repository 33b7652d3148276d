import { describe, expect, test } from 'vitest';
import { judgeMeasured, type Measurements, measure } from '../../src/core/threshold.ts';
import { LATENCY } from './plan.ts';

describe('a measurement', () => {
  const limits = { ...LATENCY, max: null, min: null, maxIncrease: null };

  test.each([
    ['at the maximum is fine', { max: 0.5 }, 0.5, null, 'fine'],
    ['above the maximum fails', { max: 0.5 }, 0.5001, null, 'failed'],
    ['at the minimum is fine', { min: 3 }, 3, null, 'fine'],
    ['below the minimum fails', { min: 3 }, 2.99, null, 'failed'],
    ['at the increase is fine', { maxIncrease: 0.5 }, 1.5, 1, 'fine'],
    ['above the increase fails', { maxIncrease: 0.5 }, 1.51, 1, 'failed'],
    ['with stable at zero cannot be told', { maxIncrease: 0.5 }, 1, 0, 'unknown'],
    ['with stable below zero cannot be told', { maxIncrease: 0.5 }, 1, -1, 'unknown'],
    ['without stable cannot be told', { maxIncrease: 0.5 }, 1, null, 'unknown'],
    ['above the maximum fails whatever stable has', { max: 0.5, maxIncrease: 0.5 }, 1, null, 'failed'],
  ])('%s', (_, change, canary, stable, kind) => {
    expect(measure({ ...limits, ...change }, canary, stable).kind).toBe(kind);
  });

  test.each([
    [0, 0, 'pending'],
    [1, 0, 'pass'],
    [3, 2, 'pass'],
    [4, 3, 'failed'],
  ] as const)('of %i with %i failed under a limit of 2 is %s', (measurements, failed, kind) => {
    const spec = { ...limits, failureLimit: 2 };

    expect(judgeMeasured(spec, { measurements, failed, failedInAll: failed, why: null, subject: 'canary' }).kind).toBe(
      kind,
    );
  });
});

const seen = (change: Partial<Measurements>): Measurements => ({
  measurements: 1,
  failed: 0,
  failedInAll: 0,
  why: null,
  subject: 'canary',
  ...change,
});

const BAD = '800 ms is above the limit of 500 ms';

describe('what a threshold says', () => {
  const tolerant = { ...LATENCY, failureLimit: 2 };

  test.each<[string, typeof LATENCY, Partial<Measurements>, string]>([
    ['before the first measurement', LATENCY, { measurements: 0 }, 'not measured yet'],
    ['when all is well', LATENCY, {}, 'within its limits'],
    ['when it failed', LATENCY, { failed: 1, why: BAD }, `the canary's ${BAD}`],
    ['of the updated stable', LATENCY, { failed: 1, why: BAD, subject: 'stable' }, `stable's ${BAD}`],
    ['while it is tolerated', tolerant, { failed: 2, why: BAD }, '2 of 2 tolerated failures'],
    [
      'when it is too often',
      tolerant,
      { failed: 3, why: BAD },
      `the canary's ${BAD} (3 failed measurements, 2 tolerated)`,
    ],
    [
      'after it was too often, where nobody acted on it',
      tolerant,
      { failed: 3 },
      "the canary's value was out of its limits before (3 failed measurements, 2 tolerated)",
    ],
  ])('%s', (_, spec, change, sentence) => {
    expect(judgeMeasured(spec, seen(change)).explanation).toBe(sentence);
  });
});

describe('checks that may fail so many times in a whole rollout', () => {
  const spec = { ...LATENCY, failedChecks: 3 };

  test.each<[string, Partial<Measurements>, string, string]>([
    [
      'hold the weight while one fails',
      { failed: 1, failedInAll: 1, why: BAD },
      'held',
      `the canary's ${BAD} (failed check 1 of 3)`,
    ],
    [
      'let it go on when the next is fine',
      { failed: 1, failedInAll: 1 },
      'pass',
      'within its limits again; 1 of 3 failed checks',
    ],
    ['count over all steps', { failed: 0, failedInAll: 2 }, 'pass', 'within its limits again; 2 of 3 failed checks'],
    [
      'roll back with the last one, at once',
      { failed: 1, failedInAll: 3, why: BAD },
      'failed',
      `the canary's ${BAD} (failed check 3 of 3)`,
    ],
    ['are fine when none failed', {}, 'pass', 'within its limits'],
    ['say nothing before the first', { measurements: 0 }, 'pending', 'not measured yet'],
    [
      'wait for the first of a step, whatever failed before',
      { measurements: 0, failedInAll: 2 },
      'pending',
      'not measured yet',
    ],
  ])('%s', (_, change, kind, sentence) => {
    expect(judgeMeasured(spec, seen(change))).toEqual({ kind, odds: null, explanation: sentence });
  });
});
