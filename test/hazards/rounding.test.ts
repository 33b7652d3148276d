import { describe, expect, test } from 'vitest';
import { allowing } from '../../src/drive/allowances.ts';
import { rounding } from '../../src/hazards/rounding.ts';
import { PODS } from '../core/plan.ts';
import { situation } from './owned.ts';

const step = (weight: number) => ({ weight, intervalMs: 1_000, approval: false });
const found = (weight: number, plan = {}) =>
  rounding.find(situation({ spec: { steps: [step(weight), step(5_000)] }, plan: { abilities: PODS, ...plan } }), {
    objects: new Map(),
    lists: new Map(),
  });

describe('a first weight that few pods cannot express', () => {
  test('is refused with the count that it needs, and allowed by its name', () => {
    const findings = found(500);

    expect(findings).toMatchObject([{ severity: 'error', code: 'route-unsupported', allow: 'rounding' }]);
    expect(findings[0]?.message).toContain('that needs at least 9 stable pods');
    expect(allowing(findings, ['Rounding'])).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('gets 25 %') },
    ]);
  });

  test('is fine from half of what one pod gets', () => {
    expect(found(1_250)).toEqual([]);
    expect(found(1_249)).toHaveLength(1);
    expect(found(500, { stableReplicas: 9 })).toEqual([]);
  });

  test('is no matter where requests are split', () => {
    expect(found(500, { abilities: situation().plan?.abilities })).toEqual([]);
  });
});
