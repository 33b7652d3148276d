import { describe, expect, test } from 'vitest';
import { strategy } from '../../src/hazards/strategy.ts';
import { PODS } from '../core/plan.ts';
import { deployment } from '../workloads/world.ts';
import { type Around, findAround, marksOf } from './around.ts';

const found = (stable: ReturnType<typeof deployment>, around: Around = {}) =>
  findAround(strategy, { stable, spec: { readyTimeoutMs: 60_000 }, ...around });

const rolling = (maxUnavailable: unknown, maxSurge: unknown, replicas: number) =>
  deployment({ replicas, spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } } } });

const RECREATE = deployment({ spec: { strategy: { type: 'Recreate' } } });
const seconds = (spec: Record<string, unknown>) => deployment({ spec });

describe('the strategy of stable', () => {
  test.each([
    ['Recreate', RECREATE, 'Recreate'],
    ['all pods at once', rolling('100%', 1, 3), 'maxUnavailable'],
    ['a number as large as the replicas', rolling(3, 1, 3), 'maxUnavailable'],
    ['the only pod, because nothing may surge', rolling('25%', 0, 1), 'maxUnavailable'],
  ])('is refused when it takes %s, and may be allowed while the canary has all traffic', (_, stable, name) => {
    const [finding, ...others] = found(stable);

    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', code: 'unsafe-strategy', allow: name });
    expect(finding?.message).toContain('The canary has all traffic then, but');
  });

  test.each([
    ['the router cannot give the canary all traffic', { abilities: PODS }],
    ['stable is updated at the last weight', { promoteAt: 'last-step' }],
  ] as const)('may not be allowed where %s', (_, plan) => {
    for (const stable of [RECREATE, rolling('100%', 1, 3)]) {
      const [finding] = found(stable, { plan });

      expect(finding).toMatchObject({ severity: 'error', code: 'unsafe-strategy' });
      expect(finding?.allow).toBeUndefined();
      expect(finding?.message).not.toContain('all traffic');
    }
  });

  test.each([
    ['a quarter of one, rounded down', rolling('25%', '25%', 1)],
    ['all but one', rolling(2, 0, 3)],
    ['the defaults', deployment({ replicas: 1, spec: { strategy: {} } })],
  ])('is accepted when it takes %s', (_, stable) => {
    expect(found(stable)).toEqual([]);
  });
});

describe('the time that pods have to become available', () => {
  test('is refused where minReadySeconds takes all of it', () => {
    const [finding] = found(seconds({ minReadySeconds: 60, progressDeadlineSeconds: 600 }));

    expect(finding).toMatchObject({ severity: 'error', code: 'unsafe-strategy' });
    expect(finding?.message).toBe(
      'Deployment shop/checkout could never have new pods in time: minReadySeconds is 1 min, and `ready-timeout` is 1 min.',
    );
    expect(finding?.allow).toBeUndefined();
  });

  test('is warned of where minReadySeconds takes more than half of it', () => {
    const [finding] = found(seconds({ minReadySeconds: 40 }));

    expect(finding?.severity).toBe('warning');
    expect(finding?.message).toContain('leaves new pods 20 s to start');
    expect(found(seconds({ minReadySeconds: 30 }))).toEqual([]);
  });

  test('is the shorter of progressDeadlineSeconds and `ready-timeout`, and that is told', () => {
    const [finding, ...others] = found(seconds({ progressDeadlineSeconds: 45 }));

    expect(others).toEqual([]);
    expect(finding?.severity).toBe('warning');
    expect(finding?.message).toContain('gives up on new pods after 45 s (progressDeadlineSeconds)');
    expect(found(seconds({ progressDeadlineSeconds: 60 }))).toEqual([]);
  });
});

test('a history of no earlier version is told, since a rollback needs one', () => {
  expect(marksOf(found(seconds({ revisionHistoryLimit: 0 })))).toEqual(['warning unsafe-strategy']);
  expect(found(seconds({ revisionHistoryLimit: 1 }))).toEqual([]);
});
