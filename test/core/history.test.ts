import { describe, expect, test } from 'vitest';
import { podTicks } from '../../src/core/history.ts';
import type { BucketSeries, Sample, Series } from '../../src/core/sample.ts';

type Points = Series['points'];

const series = (id: string, pod: string | null, ...points: Points): Series => ({ id, pod, points });
const bucket = (id: string, bound: number, ...points: Points): BucketSeries => ({ id, pod: 'p', bound, points });
const counters = (requests: readonly Series[], failures: readonly Series[]): Sample => ({
  metric: 'm',
  arm: 'stable',
  kind: 'counters',
  requests,
  failures,
});
const buckets = (...all: BucketSeries[]): Sample => ({ metric: 'm', arm: 'stable', kind: 'buckets', buckets: all });

describe('ticks of the past', () => {
  test('are the increments of each pod between two scrapes', () => {
    const sample = counters(
      [
        series('200', 'p', [1_000, 50], [6_000, 60], [11_000, 90]),
        series('500', 'p', [1_000, 2], [6_000, 2], [11_000, 5]),
        series('200', 'q', [3_000, 7], [8_000, 9]),
      ],
      [series('500', 'p', [1_000, 2], [6_000, 2], [11_000, 5])],
    );

    expect(podTicks(sample, null)).toEqual([
      { pod: 'p', from: 1_000, to: 6_000, requests: 10, failures: 0 },
      { pod: 'p', from: 6_000, to: 11_000, requests: 33, failures: 3 },
      { pod: 'q', from: 3_000, to: 8_000, requests: 2, failures: 0 },
    ]);
  });

  test('put together what one pod’s series bring at nearly the same time', () => {
    const sample = counters(
      [series('app', 'p', [1_000, 0], [6_000, 10], [11_000, 20])],
      [series('proxy', 'p', [1_040, 0], [5_980, 1], [11_030, 4])],
    );

    expect(podTicks(sample, null).map(({ requests, failures }) => [requests, failures])).toEqual([
      [10, 1],
      [10, 3],
    ]);
  });

  test('leave out the time in which a counter went down, for its pod alone', () => {
    const sample = counters(
      [
        series('a', 'p', [1_000, 50], [6_000, 60], [11_000, 4], [16_000, 8]),
        series('b', 'p', [1_000, 0], [6_000, 1], [11_000, 2], [16_000, 3]),
        series('a', 'q', [1_000, 0], [6_000, 1], [11_000, 2], [16_000, 3]),
      ],
      [],
    );

    const ticks = podTicks(sample, null);

    expect(ticks.filter(({ pod }) => pod === 'p').map(({ to, requests }) => [to, requests])).toEqual([
      [6_000, 11],
      [16_000, 5],
    ]);
    expect(ticks.filter(({ pod }) => pod === 'q')).toHaveLength(3);
  });

  test('leave out what a series counted before its first point, and all of a gap where it went down', () => {
    const sample = counters(
      [series('a', 'p', [0, 0], [5_000, 10], [10_000, 20], [15_000, 30])],
      [series('new', 'p', [10_000, 700], [15_000, 701]), series('gap', 'p', [0, 9], [10_000, 3], [15_000, 3])],
    );

    expect(podTicks(sample, null)).toEqual([{ pod: 'p', from: 10_000, to: 15_000, requests: 10, failures: 1 }]);
  });

  test('are of one pod without a name where series have none', () => {
    const sample = counters([series('a', null, [0, 0], [5_000, 4]), series('b', null, [0, 0], [5_000, 6])], []);

    expect(podTicks(sample, null)).toEqual([{ pod: '', from: 0, to: 5_000, requests: 10, failures: 0 }]);
  });

  test('count requests slower than the bound as failures', () => {
    const sample = buckets(
      bucket('a', 0.1, [0, 10], [5_000, 15]),
      bucket('a', 0.5, [0, 20], [5_000, 27]),
      bucket('a', Number.POSITIVE_INFINITY, [0, 30], [5_000, 40]),
    );

    expect([0.1, 0.5, null].map((bound) => podTicks(sample, bound)[0]?.failures)).toEqual([5, 3, 0]);
    expect(podTicks(sample, 0.5)[0]?.requests).toBe(10);
  });

  test('leave out a histogram that does not have the bound', () => {
    const sample = buckets(
      bucket('a', 0.5, [0, 0], [5_000, 7]),
      bucket('a', Number.POSITIVE_INFINITY, [0, 0], [5_000, 10]),
      bucket('b', Number.POSITIVE_INFINITY, [0, 0], [5_000, 900]),
    );

    expect(podTicks(sample, 0.5)).toEqual([{ pod: 'p', from: 0, to: 5_000, requests: 10, failures: 3 }]);
    expect(podTicks(sample, 0.7)).toEqual([]);
  });

  test.each<[string, Sample]>([
    ['no data', { metric: 'm', arm: 'stable', kind: 'no-data', why: 'empty' }],
    ['a value', { metric: 'm', arm: 'stable', kind: 'value', value: 3, at: 0 }],
    ['no series', counters([], [])],
    ['failures alone', counters([], [series('a', 'p', [0, 0], [5_000, 3])])],
    ['one point', counters([series('a', 'p', [0, 5])], [series('a', 'p', [0, 5])])],
    ['empty series', counters([series('a', 'p')], [series('a', 'p')])],
    ['what is not a number', counters([series('a', 'p', [0, Number.NaN], [5_000, 5])], [])],
    ['what is not finite', counters([series('a', 'p', [0, 0], [5_000, Number.POSITIVE_INFINITY])], [])],
  ])('are none of %s', (_, sample) => {
    expect(podTicks(sample, null)).toEqual([]);
  });

  test('never have more failures than requests, nor fewer than none', () => {
    const sample = counters([series('a', 'p', [0, 0], [5_000, 3])], [series('a', 'p', [0, 0], [5_000, 9])]);
    const skewed = buckets(
      bucket('a', 0.5, [0, 0], [5_000, 9]),
      bucket('a', Number.POSITIVE_INFINITY, [0, 0], [5_000, 7]),
    );

    expect(podTicks(sample, null)[0]).toMatchObject({ requests: 3, failures: 3 });
    expect(podTicks(skewed, 0.5)[0]).toMatchObject({ requests: 7, failures: 0 });
  });
});
