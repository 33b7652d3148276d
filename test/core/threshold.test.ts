import { describe, expect, test } from 'vitest';
import { judgeMeasured, measure } from '../../src/core/threshold.ts';
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
