import { describe, expect, test } from 'vitest';
import { type Cursors, type Fall, sum, takeIncrements } from '../../src/core/increments.ts';
import type { Series } from '../../src/core/sample.ts';

const SCRAPE = 1_000;
const scope = { scope: 'requests|canary', podScope: 'pod|canary', since: 0, scrapeMs: SCRAPE, falls: new Map() };
const series = (id: string, pod: string | null, ...points: (readonly [number, number])[]): Series => ({
  id,
  pod,
  points,
});

const total = (cursors: Cursors, ...all: Series[]): number => sum(takeIncrements(cursors, all, scope).increments);

describe('increments of counters', () => {
  test.each<[string, Series[], number]>([
    ['nothing from one point', [series('a', 'p', [1_000, 50])], 0],
    ['the differences between points', [series('a', 'p', [1_000, 50], [2_000, 53], [3_000, 60])], 10],
    ['nothing of what no counter can show', [series('a', 'p', [1_000, 5], [2_000, Number.NaN], [3_000, 1e300])], 0],
    ['nothing of a counter that stands', [series('a', 'p', [1_000, 50], [9_000, 50])], 0],
    ['nothing from no points', [series('a', 'p')], 0],
    [
      'a later series of a known pod from zero',
      [series('200', 'p', [1_000, 50], [4_000, 60]), series('500', 'p', [4_000, 3])],
      13,
    ],
    [
      'the same in whatever order the series come',
      [series('500', 'p', [4_000, 3]), series('200', 'p', [1_000, 50], [4_000, 60])],
      13,
    ],
    [
      'only the start of a second target in the pod that is scraped at another moment',
      [series('app', 'p', [1_000, 50], [2_000, 51]), series('sidecar', 'p', [1_900, 900], [2_900, 902])],
      3,
    ],
    ['only the start of a new pod', [series('a', 'p', [1_000, 50], [9_000, 51]), series('b', 'q', [9_000, 700])], 1],
    [
      'series without a pod as those of one',
      [series('a', null, [1_000, 5], [5_000, 6]), series('b', null, [5_000, 2])],
      3,
    ],
  ])('are %s', (_, all, expected) => {
    expect(total({}, ...all)).toBe(expected);
  });

  test('go on from the cursor, and take no point twice', () => {
    const first = takeIncrements({}, [series('a', 'p', [1_000, 1], [2_000, 5])], scope);
    const again = takeIncrements(first.cursors, [series('a', 'p', [1_000, 1], [2_000, 5])], scope);
    const more = takeIncrements(again.cursors, [series('a', 'p', [1_000, 1], [2_000, 5], [3_000, 7])], scope);

    expect([first, again, more].map(({ increments }) => sum(increments))).toEqual([4, 0, 2]);
  });

  test('see a pod that comes with a second answer as new', () => {
    const first = takeIncrements({}, [series('a', 'p', [1_000, 1], [2_000, 5])], scope);

    const next = takeIncrements(first.cursors, [series('b', 'q', [60_000, 1_000], [61_000, 1_001])], scope);

    expect(sum(next.increments)).toBe(1);
  });

  test('leave out what lies before the start, but count the interval in which it lies', () => {
    const points = series('a', 'p', [1_000, 0], [2_000, 10], [3_000, 30], [4_000, 60]);

    const taken = takeIncrements({}, [points], { ...scope, since: 2_500 });

    expect(taken.increments).toEqual([
      { from: 2_000, to: 3_000, amount: 20, pod: 'p' },
      { from: 3_000, to: 4_000, amount: 30, pod: 'p' },
    ]);
  });

  test('of failures share the pods that the requests showed', () => {
    const requests = takeIncrements({}, [series('200', 'p', [1_000, 5], [4_000, 9])], scope);

    const failures = takeIncrements(requests.cursors, [series('500', 'p', [4_000, 2])], {
      ...scope,
      scope: 'failures|canary',
    });

    expect(sum(failures.increments)).toBe(2);
  });

  test('keep arms apart', () => {
    const canary = takeIncrements({}, [series('a', 'p', [1_000, 5], [4_000, 9])], scope);

    const stable = takeIncrements(canary.cursors, [series('b', 'p', [4_000, 800])], {
      ...scope,
      scope: 'requests|stable',
      podScope: 'pod|stable',
    });

    expect(sum(stable.increments)).toBe(0);
  });

  describe('of a pod whose counters went down', () => {
    const at = (falls: ReadonlyMap<string, Fall>) => ({ ...scope, falls });
    const reset = at(new Map([['p', 'reset']]));
    const skewed = at(new Map([['p', 'drop']]));

    test('are what it counted before, and all since it began anew', () => {
      const points = series('a', 'p', [1_000, 50], [2_000, 53], [3_000, 4], [4_000, 6]);

      expect(sum(takeIncrements({}, [points], reset).increments)).toBe(3 + 6);
    });

    test('are never more than that, where a second store is late to see it', () => {
      const points = series('a', 'p', [1_000, 50], [2_000, 4], [2_100, 52], [3_000, 6], [3_100, 5]);

      expect(sum(takeIncrements({}, [points], reset).increments)).toBe(5);
    });

    test('are those of its other counters too, which began anew without going down', () => {
      const all = [series('200', 'p', [1_000, 50], [2_000, 4]), series('500', 'p', [1_000, 1], [2_000, 3])];

      expect(takeIncrements({}, all, reset).increments.map(({ amount }) => amount)).toEqual([4, 2]);
    });

    test('are not taken while it is not known why', () => {
      const before = takeIncrements({}, [series('a', 'p', [1_000, 50], [2_000, 60])], scope).cursors;

      const taken = takeIncrements(before, [series('a', 'p', [3_000, 4])], at(new Map([['p', 'wait']])));

      expect([taken.increments, taken.cursors]).toEqual([[], before]);
    });

    test('are only what rises above all before, when two stores tell it differently', () => {
      const points = series('a', 'p', [1_000, 50], [2_000, 60], [3_000, 57], [4_000, 59], [5_000, 64]);

      expect(sum(takeIncrements({}, [points], skewed).increments)).toBe(14);
    });

    test('are the same in whatever answers they come', () => {
      const points = [
        [1_000, 50],
        [2_000, 60],
        [3_000, 57],
        [4_000, 70],
        [5_000, 66],
        [6_000, 80],
      ] as const;
      let cursors: Cursors = {};
      let counted = 0;
      for (const point of points) {
        const taken = takeIncrements(cursors, [series('a', 'p', point)], skewed);
        counted += sum(taken.increments);
        cursors = taken.cursors;
      }

      expect(counted).toBe(30);
    });

    test('go on from where they are when they stay low for a minute: something in the pod began anew', () => {
      const low = Array.from({ length: 70 }, (_, index) => [3_000 + index * 1_000, 2 + index] as const);
      const taken = takeIncrements({}, [series('a', 'p', [1_000, 500], [2_000, 510], ...low)], skewed);

      expect(sum(taken.increments)).toBe(8);
    });
  });
});
