import { describe, expect, test } from 'vitest';
import { withLives } from '../../src/core/counting.ts';
import { newMetric } from '../../src/core/metric-state.ts';
import { buckets, countAll, counters, living, NEW, type Points, seen } from './counting.ts';

const rising: Points = [
  [1_000, 50],
  [2_000, 60],
];

describe('what an arm counted', () => {
  test('begins with the second point of a pod: what was counted before is not judged', () => {
    const [first, second] = countAll([
      [counters({ a: [[[1_000, 500]], [[1_000, 9]]] })],
      [counters({ a: [[[2_000, 510]], [[2_000, 10]]], b: [[[2_000, 700]], [[2_000, 70]]] })],
    ]);

    expect(first?.judged).toEqual([null]);
    expect(second?.judged).toEqual([{ requests: 10, failures: 1 }]);
  });

  test('before it was first seen is harm all the same, when the pods are the canary’s own', () => {
    const stable = countAll([[counters({ a: [rising] }, 'stable'), { arm: 'stable' }]]);

    expect(countAll([[counters({ a: [rising] })]])[0]?.all).toEqual({ requests: 60, failures: 0 });
    expect(stable[0]?.all).toEqual({ requests: 10, failures: 0 });
  });

  test('is nothing new when no point is', () => {
    const again = countAll([[counters({ a: [rising] })], [counters({ a: [rising] })]]);

    expect(again[1]?.judged).toEqual([null]);
  });

  test('has failures whose requests come with the next answer', () => {
    const [, late] = countAll([
      [counters({ a: [rising, rising] })],
      [counters({ a: [rising, [...rising, [3_000, 62]]] })],
    ]);

    expect(late?.judged).toEqual([{ requests: 0, failures: 2 }]);
  });

  test('in the first seconds of each pod is not judged, but counted', () => {
    const every = (from: number): Points =>
      [0, 1, 2, 3].map((second) => [from + second * 10_000, second * 10] as const);
    const [all] = countAll([[counters({ a: [every(10_000)], b: [every(30_000)] }), { ignoreFirstMs: 15_000 }]]);

    expect(all?.judged).toEqual([{ requests: 40, failures: 0 }]);
    expect(all?.step).toEqual({ requests: 60, failures: 0 });
  });

  test('is told by pod where it failed', () => {
    const [all] = countAll([
      [
        counters({
          a: [rising, rising],
          b: [
            rising,
            [
              [1_000, 3],
              [2_000, 3],
            ],
          ],
        }),
      ],
    ]);

    expect(all?.failuresByPod).toEqual({ a: 10 });
  });

  test.each(['__proto__', 'constructor', ''])('is counted for a pod called %j as for any other', (name) => {
    const pods = Object.fromEntries([[name, [rising, rising]]]) as Record<string, readonly [Points, Points]>;
    const low = Object.fromEntries([[name, [[[3_000, 4]]]]]) as Record<string, readonly [Points]>;
    const [all, fell, known] = countAll([
      [counters(pods)],
      [counters(low), { now: 10 }],
      [counters(low), { seen: seen({}), seenAt: 20, now: 30 }],
    ]);

    expect(all?.judged).toEqual([{ requests: 10, failures: 10 }]);
    expect(Object.entries(all?.failuresByPod ?? {})).toEqual([[name, 10]]);
    expect(fell?.doubts.map(({ pod }) => pod)).toEqual([name]);
    expect(known?.dropped).toEqual([name]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

describe('a counter that went down', () => {
  const before = counters({ a: [rising, [[2_000, 5]]], b: [rising] });
  const after = counters({ a: [[[3_000, 7]], [[3_000, 2]]], b: [[[3_000, 66]]] });
  const fall = { now: 3_100 } as const;

  test('keeps its pod waiting until the pod was looked at, and no other', () => {
    const [, fell] = countAll([[before], [after, fall]], living({ a: 'uid/0/' }));

    expect(fell?.judged).toEqual([{ requests: 6, failures: 0 }]);
    expect(fell?.doubts).toEqual([{ arm: 'canary', pod: 'a', since: 3_100 }]);
  });

  test('keeps it waiting when the look began before, or read no pods', () => {
    const looks = [
      { seen: seen({ a: 'uid/1/' }), seenAt: 3_100 },
      { seen: seen(null), seenAt: 3_200 },
      { seen: null, seenAt: 0 },
    ];
    const kinds = looks.map(
      (look) =>
        countAll([[before], [after, fall], [after, { ...look, now: 8_100 }]], living({ a: 'uid/0/' }))[2]?.doubts,
    );

    expect(kinds).toEqual(looks.map(() => [{ arm: 'canary', pod: 'a', since: 3_100 }]));
  });

  test('counts from zero when the pod began anew, with its other counters', () => {
    const look = { seen: seen({ a: 'uid/1/' }), seenAt: 3_200, now: 8_100 };
    const [, , known] = countAll([[before], [after, fall], [after, look]], living({ a: 'uid/0/' }));

    expect(known?.judged).toEqual([{ requests: 7, failures: 2 }]);
    expect([known?.doubts, known?.dropped]).toEqual([[], []]);
    expect(known?.lives).toEqual({ 'canary|a': 'uid/1/' });
  });

  test('only a little is of a store that lags, even if the pod begins anew at that time', () => {
    const little = counters({ a: [[[3_000, 57]], [[3_000, 5]]] });
    const look = { seen: seen({ a: 'uid/1/' }), seenAt: 3_200, now: 8_100 };
    const then = { seen: seen({ a: 'uid/1/' }), seenAt: 9_200, now: 13_100 };
    const low = counters({ a: [[[9_000, 3]], [[9_000, 1]]] });
    const counted = countAll(
      [[before], [little, fall], [little, look], [low, { now: 9_100 }], [low, then]],
      living({ a: 'uid/0/' }),
    );

    expect(counted[2]?.judged).toEqual([{ requests: 0, failures: 0 }]);
    expect(counted[4]?.judged).toEqual([{ requests: 3, failures: 1 }]);
  });

  test.each([
    ['did not begin anew', living({ a: 'uid/0/' }), { a: 'uid/0/' }],
    ['is gone', living({ a: 'uid/0/' }), {}],
    ['was never looked at before', NEW, { a: 'uid/1/' }],
  ])('counts nothing, and is told, when the pod %s', (_, metric, lives) => {
    const look = { seen: seen(lives), seenAt: 3_200, now: 8_100 };
    const counted = countAll([[before], [after, fall], [after, look]], metric);

    expect(counted[2]?.judged).toEqual([null]);
    expect(counted[2]?.dropped).toEqual(['a']);
  });

  test('counts again as soon as it is above all before', () => {
    const look = { seen: seen({ a: 'uid/0/' }), seenAt: 3_200, now: 8_100 };
    const later = counters({
      a: [
        [
          [3_000, 7],
          [9_000, 63],
        ],
        [
          [3_000, 2],
          [9_000, 6],
        ],
      ],
    });
    const counted = countAll(
      [[before], [after, fall], [after, look], [later, { now: 9_100 }]],
      living({ a: 'uid/0/' }),
    );

    expect(counted[3]?.judged).toEqual([{ requests: 3, failures: 1 }]);
    expect(counted[3]?.doubts).toEqual([]);
  });

  test('is a doubt no more when the pod is gone from the answers', () => {
    const counted = countAll([[before], [after, fall], [counters({ b: [[[4_000, 70]]] }), { now: 8_000 }]]);

    expect(counted[2]?.doubts).toEqual([]);
  });

  test('of one arm leaves the doubts of the other', () => {
    const doubt = { arm: 'stable', pod: 'a', since: 5 } as const;
    const [counted] = countAll([[before]], { ...NEW, doubts: [doubt] });

    expect(counted?.doubts).toEqual([doubt]);
  });
});

describe('the life that a pod is counted in', () => {
  test('is the newest that was seen before anything was counted', () => {
    const metric = withLives(living({ a: 'uid/0/' }), 'canary', { a: 'uid/1/' });

    expect(metric.lives).toEqual({ 'canary|a': 'uid/1/' });
  });

  test('stays while it is counted, until its counters are seen to go down', () => {
    const [counted] = countAll([[counters({ a: [rising] })]], living({ a: 'uid/0/' }));
    const metric = { ...NEW, cursors: counted?.cursors ?? {}, lives: counted?.lives ?? {} };

    expect(withLives(metric, 'canary', { a: 'uid/1/', b: 'uid/0/' }).lives).toEqual({
      'canary|a': 'uid/0/',
      'canary|b': 'uid/0/',
    });
  });

  test('is taken from the next look where none was known when it was first counted', () => {
    const [counted] = countAll([[counters({ a: [rising] })]]);

    expect(withLives({ ...NEW, cursors: counted?.cursors ?? {} }, 'canary', { a: 'uid/1/' }).lives).toEqual({
      'canary|a': 'uid/1/',
    });
  });

  test('is not known from a look that read no pods, and not asked of a measured metric', () => {
    const measured = newMetric('p99', []);

    expect(withLives(NEW, 'canary', null)).toBe(NEW);
    expect(withLives(measured, 'canary', { a: 'uid/0/' })).toBe(measured);
  });
});

describe('a latency', () => {
  const bounds = [0.1, 0.5];
  const latency = newMetric('latency', bounds);
  const both = (fast: Points, middle: Points, all: Points) =>
    buckets([
      [0.1, fast],
      [0.5, middle],
      [Number.POSITIVE_INFINITY, all],
    ]);

  test('counts what is slower than each bound', () => {
    const answer = both(
      [
        [1_000, 10],
        [2_000, 90],
      ],
      [
        [1_000, 20],
        [2_000, 119],
      ],
      [
        [1_000, 20],
        [2_000, 120],
      ],
    );
    const [counted] = countAll([[answer, { bounds }]], latency);

    expect(counted?.judged).toEqual([
      { requests: 100, failures: 20 },
      { requests: 100, failures: 1 },
    ]);
    expect([counted?.step, counted?.failuresByPod]).toEqual([{ requests: 100, failures: 20 }, {}]);
  });

  test('without a bound counts nothing, and does not fall over', () => {
    const answer = both(
      [[1_000, 10]],
      [[1_000, 20]],
      [
        [1_000, 20],
        [2_000, 120],
      ],
    );
    const [counted] = countAll([[answer, { bounds: [] }]], newMetric('latency', []));

    expect([counted?.judged, counted?.step]).toEqual([[], { requests: 0, failures: 0 }]);
  });

  test('waits as a whole when one of its buckets went down', () => {
    const first = both([[1_000, 10]], [[1_000, 20]], [[1_000, 20]]);
    const second = both([[2_000, 9]], [[2_000, 25]], [[2_000, 30]]);
    const counted = countAll(
      [
        [first, { bounds }],
        [second, { bounds, now: 2_100 }],
      ],
      latency,
    );

    expect(counted[1]?.judged).toEqual([null, null]);
    expect(counted[1]?.doubts.map(({ pod }) => pod)).toEqual(['p']);
  });
});
