import { describe, expect, test } from 'vitest';
import { ours } from '../../bench/judgement/ours.ts';
import { createRandom } from '../../bench/judgement/random.ts';
import { argo, flagger } from '../../bench/judgement/rivals.ts';
import { waldFloor } from '../../bench/judgement/wald.ts';
import type { World } from '../../bench/judgement/world.ts';
import type { Calibration } from '../../src/core/plan.ts';

/** 1000 requests a second without chance; the canary's failure ratio by the second, and every weight that was asked for. */
const scripted = (
  canaryRatio: (second: number) => number,
  stableRatio = 0.001,
): World & { readonly weights: number[] } => {
  const weights: number[] = [];
  let now = 0;
  return {
    weights,
    pass: (seconds, weight) => {
      const ratio = canaryRatio(now);
      now += seconds;
      weights.push(weight);
      const [mine, theirs] = [1_000 * seconds * weight, 1_000 * seconds * (1 - weight)];
      return {
        canary: { requests: mine, failures: Math.round(mine * ratio) },
        stable: { requests: theirs, failures: Math.round(theirs * stableRatio) },
      };
    },
  };
};

const good = (): number => 0.001;
const bad = (): number => 0.5;
const inMinutes =
  (...minutes: readonly number[]) =>
  (second: number): number =>
    minutes.includes(Math.floor(second / 60) + 1) ? 0.5 : 0.001;

const CALIBRATION: Calibration = { phi: 1, tolerance: 1.1, bounds: [], part: 1, history: null };

describe('the model of Flagger', () => {
  test('promotes after every weight passed its check', () => {
    const world = scripted(good);

    expect(flagger(world, 1)).toMatchObject({ rolledBack: false, seconds: 300 });
    expect(world.weights).toEqual([0.05, 0.1, 0.2, 0.5, 0.8]);
  });

  test.each([
    [1, 120],
    [5, 360],
  ])(
    'with threshold %d rolls a total failure back after %d s, one interval after the last check',
    (threshold, seconds) => {
      const world = scripted(bad);

      expect(flagger(world, threshold)).toMatchObject({ rolledBack: true, seconds, harmed: 25 * seconds });
      expect(new Set(world.weights)).toEqual(new Set([0.05]));
    },
  );

  test('freezes the weight at a failed check and never forgets it', () => {
    const world = scripted(inMinutes(2, 4));

    expect(flagger(world, 2)).toMatchObject({ rolledBack: true, seconds: 300 });
    expect(world.weights).toEqual([0.05, 0.1, 0.1, 0.2, 0.2]);
  });

  test('forgives fewer failed checks than its threshold', () => {
    expect(flagger(scripted(inMinutes(2, 4)), 3)).toMatchObject({ rolledBack: false, seconds: 420 });
  });

  test('accepts a success rate of exactly 99 % and takes no data for a failure', () => {
    expect(
      flagger(
        scripted(() => 0.01),
        1,
      ),
    ).toMatchObject({ rolledBack: false });
    const nothing = { requests: 0, failures: 0 };
    expect(flagger({ pass: () => ({ canary: nothing, stable: nothing }) }, 1)).toMatchObject({ seconds: 120 });
  });
});

describe('the model of Argo Rollouts', () => {
  test('aborts at the first failed measurement when none is tolerated', () => {
    expect(argo(scripted(bad), 0)).toMatchObject({ rolledBack: true, seconds: 60, harmed: 1_500 });
  });

  test('aborts at the fourth when three are, and the weight went on', () => {
    const world = scripted(bad);

    expect(argo(world, 3)).toMatchObject({ rolledBack: true, seconds: 240 });
    expect(world.weights).toEqual([0.05, 0.1, 0.2, 0.5]);
  });

  test('promotes with as many failed measurements as are tolerated', () => {
    expect(argo(scripted(inMinutes(1, 3, 5)), 3)).toMatchObject({ rolledBack: false, seconds: 300 });
  });
});

describe('our decider, driven', () => {
  test('rolls a total failure back at the first look', () => {
    const ending = ours(scripted(bad), createRandom('a'), 0, CALIBRATION);

    expect(ending).toEqual({ rolledBack: true, seconds: 5, harmed: 125, atOnce: true, held: false });
  });

  test('promotes a good release after the planned time', () => {
    const world = scripted(good);

    expect(ours(world, createRandom('a'), 0, CALIBRATION)).toMatchObject({
      rolledBack: false,
      seconds: 300,
      held: false,
    });
    expect([...new Set(world.weights)]).toEqual([0.05, 0.1, 0.2, 0.5, 0.8]);
  });

  test('promotes while both versions fail alike', () => {
    expect(ours(scripted(bad, 0.5), createRandom('a'), 0, CALIBRATION)).toMatchObject({ rolledBack: false });
  });

  test('sees a fault that begins in a later step', () => {
    const late = (second: number): number => (second < 180 ? 0.001 : 0.02);

    expect(ours(scripted(late), createRandom('a'), 0, CALIBRATION)).toMatchObject({ rolledBack: true, seconds: 185 });
  });

  test('judges what lost samples would have brought when the next ones come', () => {
    const endings = Array.from({ length: 50 }, (_, run) =>
      ours(scripted(bad), createRandom(`${run}`), 0.5, CALIBRATION),
    );

    expect(endings.every(({ rolledBack }) => rolledBack)).toBe(true);
    expect(endings.some(({ seconds }) => seconds > 5)).toBe(true);
    expect(Math.max(...endings.map(({ seconds }) => seconds))).toBeLessThan(60);
  });

  test('counts a release as held whose step stood on suspicion, and promotes it later', () => {
    const burst = (second: number): number => (second >= 55 && second < 60 ? 0.04 : 0.0004);

    const ending = ours(scripted(burst), createRandom('a'), 0, CALIBRATION);

    expect(ending).toMatchObject({ rolledBack: false, held: true });
    expect(ending.seconds).toBeGreaterThan(300);
  });
});

// By Wald's formula, computed apart from this code.
test.each([
  [0.001, 0.002, 11_642, 23.3],
  [0.001, 0.005, 1_110, 5.6],
  [0.01, 0.02, 1_151, 23],
  [0.01, 0.1, 31, 3.1],
  [0.01, 0.5, 2.8, 1.4],
])("Wald's floor from %d to %d is %d requests, %d of them failed", (base, worse, requests, harmed) => {
  const floor = waldFloor(base, worse);

  expect(Math.abs(floor.requests / requests - 1)).toBeLessThan(0.02);
  expect(Math.abs(floor.harmed / harmed - 1)).toBeLessThan(0.02);
});
