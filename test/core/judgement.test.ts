import { describe, expect, test } from 'vitest';
import { judgeCounted } from '../../src/core/evidence.ts';
import type { MetricVerdict, Tally } from '../../src/core/rollout.ts';
import { judgeMeasured, measure } from '../../src/core/threshold.ts';
import { LATENCY } from './plan.ts';

const tally = (failures: number, requests: number): Tally => ({ failures, requests });
const names = { subject: 'canary', reference: 'stable' };

describe('counted evidence', () => {
  test.each<[string, Tally, Tally, Tally, MetricVerdict['kind']]>([
    ['is pending with 19 requests, all failed', tally(19, 19), tally(0, 1_000), tally(0, 1_000), 'pending'],
    ['fails with 20 requests, all failed', tally(20, 20), tally(0, 1_000), tally(0, 1_000), 'failed'],
    ['passes at one point above a clean stable', tally(1, 100), tally(0, 1_000), tally(0, 1_000), 'pass'],
    ['fails above one point', tally(101, 10_000), tally(0, 1_000), tally(0, 1_000), 'failed'],
    ['passes at half more than stable and a point', tally(16, 100), tally(100, 1_000), tally(0, 0), 'pass'],
    ['fails above half more than stable and a point', tally(17, 100), tally(100, 1_000), tally(0, 0), 'failed'],
    [
      'compares with the whole rollout when stable has no request',
      tally(5, 100),
      tally(0, 0),
      tally(50, 1_000),
      'pass',
    ],
    ['does not compare with a handful of requests', tally(5, 100), tally(1, 1), tally(0, 1_000), 'failed'],
    ['does not call stable clean by a handful of requests', tally(5, 100), tally(0, 19), tally(50, 1_000), 'pass'],
    ['is pending when stable never had a request', tally(50, 100), tally(0, 0), tally(0, 0), 'pending'],
  ])('%s', (_, subject, reference, fallback, kind) => {
    expect(judgeCounted(subject, reference, fallback, names).kind).toBe(kind);
  });

  test('names both arms, their numbers and the limit', () => {
    const { explanation } = judgeCounted(tally(31, 1_182), tally(9, 11_204), tally(9, 11_204), names);

    expect(explanation).toBe(
      'the canary failed 31 of 1 182 requests (2.6 %), stable 9 of 11 204 requests (0.08 %); the limit is 1.1 %',
    );
  });
});

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

    expect(judgeMeasured(spec, { measurements, failed, why: null, subject: 'canary' }).kind).toBe(kind);
  });
});
