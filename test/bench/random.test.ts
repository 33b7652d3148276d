import { describe, expect, test } from 'vitest';
import { createRandom } from '../../bench/judgement/random.ts';

const DRAWS = 100_000;

const momentsOf = (draw: () => number): { readonly mean: number; readonly variance: number } => {
  const values = Array.from({ length: DRAWS }, draw);
  const mean = values.reduce((sum, value) => sum + value, 0) / DRAWS;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / DRAWS };
};

describe('random numbers', () => {
  test('are the same for the same seed and others for another', () => {
    const first = (seed: string): readonly number[] => {
      const random = createRandom(seed);
      return [random.uniform(), random.poisson(3), random.poisson(300), random.normal()];
    };

    expect(first('a')).toEqual(first('a'));
    expect(first('a')).not.toEqual(first('b'));
  });

  test('uniform ones fill the interval between 0 and 1 evenly', () => {
    const { mean, variance } = momentsOf(createRandom('uniform').uniform);

    expect(mean).toBeCloseTo(1 / 2, 2);
    expect(variance).toBeCloseTo(1 / 12, 2);
  });

  test('normal ones have mean 0 and variance 1', () => {
    const { mean, variance } = momentsOf(createRandom('normal').normal);

    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.02);
  });

  test.each([0.003, 0.5, 9.9, 10.1, 47.5, 4_750, 50_000])(
    'Poisson ones of mean %d have it as mean and variance',
    (mean) => {
      const random = createRandom(`poisson ${mean}`);

      const found = momentsOf(() => random.poisson(mean));

      const error = Math.sqrt(mean / DRAWS);
      expect(Math.abs(found.mean - mean)).toBeLessThan(4 * error);
      // The fourth central moment of a Poisson count is mean + 3 mean².
      expect(Math.abs(found.variance - mean)).toBeLessThan(4 * Math.sqrt((mean + 2 * mean ** 2) / DRAWS));
    },
  );

  test.each([3, 12])('Poisson ones of mean %d come as often as the formula says', (mean) => {
    const random = createRandom(`shares ${mean}`);
    const counts = new Map<number, number>();
    for (let draw = 0; draw < DRAWS; draw += 1) {
      const count = random.poisson(mean);
      counts.set(count, (counts.get(count) ?? 0) + 1);
    }

    let chance = Math.exp(-mean);
    for (let count = 0; count < 2 * mean; count += 1) {
      const error = Math.sqrt(chance / DRAWS);
      expect(Math.abs((counts.get(count) ?? 0) / DRAWS - chance)).toBeLessThan(4.5 * error);
      chance *= mean / (count + 1);
    }
  });

  test('nothing is expected of a mean of 0', () => {
    expect(createRandom('none').poisson(0)).toBe(0);
  });
});
