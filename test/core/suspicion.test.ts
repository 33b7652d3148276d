import { expect, test } from 'vitest';
import { transition } from '../../src/core/decide.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import { baking, fold, inStep, START } from './folding.ts';

const HOUR = 3_600_000;

/** At the end of its time, with two failures more than stable. */
const suspicious = (): Rollout => {
  const begun = fold(inStep(baking(), 0), 1, { canary: [0, 0], stable: [0, 0] });
  const rollout = fold(begun, 30, { canary: [2, 100], stable: [2, 1_900] });
  return { ...rollout, stage: { ...rollout.stage, heldMs: 30_000, countedUntil: START + 30_000 } };
};

const woken = (rollout: Rollout, now: number): Rollout => transition(rollout, { kind: 'started', now });

test('what a step stands on suspicion counts from the end of its time', () => {
  const waiting = { ...suspicious(), suspectedUntil: START + 30_000 };

  expect(woken(waiting, START + 42_000).suspectedMs).toBe(12_000);
});

test('time in which nobody looked is no time in which evidence was waited for', () => {
  const left = { ...suspicious(), suspectedUntil: START + 30_000 };
  const again = { ...left, leftMs: HOUR, stage: { ...left.stage, since: START + HOUR } };

  expect(woken(again, START + HOUR + 2_000).suspectedMs).toBe(2_000);
});

test.each([
  ['scale', 'progressing'],
  ['capacity', 'promoting'],
  ['all-traffic', 'promoting'],
] as const)('a suspicion in %s holds what would raise the weight', (name, phase) => {
  const rollout = suspicious();
  const stage = { ...rollout.stage, name, since: START + 30_000 };
  const held = woken({ ...rollout, phase, stage }, START + 35_000);

  expect([held.stage.name, held.suspectedMs]).toEqual([name, 5_000]);
  expect(held.waits).toEqual([expect.objectContaining({ kind: 'evidence', metric: 'errors' })]);
});
