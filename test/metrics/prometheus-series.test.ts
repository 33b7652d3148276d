import { describe, expect, test } from 'vitest';
import { listRef, POD } from '../../src/core/objects.ts';
import type { BoundQuery } from '../../src/core/sample.ts';
import { createPrometheus } from '../../src/metrics/prometheus.ts';
import { matrix, vector } from './prometheus-store.ts';

const { signal } = new AbortController();
const common = { arm: 'stable', replicaLabels: ['replica', 'prometheus_replica'], pods: listRef(POD, 'shop') } as const;
const counted: BoundQuery = { ...common, metric: 'errors', kind: 'counted', requests: 'r{a="b"}', failures: 'f' };
const latency: BoundQuery = { ...common, metric: 'slow', kind: 'latency', histogram: 'd_bucket{a="b"}' };
const measured: BoundQuery = { ...common, metric: 'queue', kind: 'measured', query: 'length' };

interface Asked {
  readonly query: string;
  readonly time: number | null;
}

/** A source over a store that answers 200 with what `answer` gives. */
const sourceOver = (answer: (asked: Asked) => string | null) => {
  const asked: Asked[] = [];
  const source = createPrometheus({
    spec: { address: { kind: 'url', url: 'http://store.example' }, headers: [], ca: null },
    http: {
      get: async (url) => {
        const parameters = new URL(url).searchParams;
        const one = { query: parameters.get('query') ?? '', time: Number(parameters.get('time') ?? Number.NaN) };
        asked.push(one);
        const body = answer(one);
        return body === null
          ? { kind: 'answer', status: 400, body: '{"status":"error","error":"too many samples"}', retryAfterMs: null }
          : { kind: 'answer', status: 200, body, retryAfterMs: null };
      },
    },
    cluster: { proxy: async () => ({ kind: 'unreachable', message: 'not used' }) },
  });
  return { source, asked };
};

const sampleOf = async (query: BoundQuery, body: string) => {
  const { source } = sourceOver(({ query: text }) => (text.startsWith('f') ? matrix() : body));
  return (await source.sample([query], 0, 10_000, signal))[0];
};

describe('replica labels', () => {
  test('are those that the metric names, whatever others are called', async () => {
    const body = matrix(
      { metric: { pod: 'p', prometheus_replica: 'x', replica: '1' }, values: [[1, '1']] },
      { metric: { pod: 'p', prometheus_replica: 'y', replica: '2' }, values: [[2, '2']] },
      { metric: { pod: 'p', prometheus: 'z' }, values: [[3, '3']] },
    );

    const sample = await sampleOf(counted, body);

    const points = sample?.kind === 'counters' ? sample.requests.map((one) => [one.id, one.points]) : [];
    expect(Object.fromEntries(points)).toEqual({
      '[["pod","p"]]': [
        [1_000, 1],
        [2_000, 2],
      ],
      '[["pod","p"],["prometheus","z"]]': [[3_000, 3]],
    });
  });

  test('decide which replica is believed where two have the same time: always the same one', async () => {
    const series = ['b', 'a'].map((replica, index) => ({
      metric: { pod: 'p', replica },
      values: [[1, String(index + 1)]],
    }));

    for (const order of [series, [...series].reverse()]) {
      expect(await sampleOf(counted, matrix(...order))).toMatchObject({ requests: [{ points: [[1_000, 2]] }] });
    }
  });

  test('do not make several values of one', async () => {
    const of = (replica: string, value: string, more = {}) => ({ metric: { replica, ...more }, value: [10, value] });

    expect(await sampleOf(measured, vector(of('b', '5'), of('a', '4')))).toMatchObject({ kind: 'value', value: 4 });
    expect(await sampleOf(measured, vector(of('b', '5'), of('a', 'NaN')))).toMatchObject({ kind: 'value', value: 5 });
    expect(await sampleOf(measured, vector(of('b', '5'), of('a', '4', { pod: 'p' })))).toMatchObject({
      kind: 'no-data',
      why: 'several',
    });
  });

  test('do not make several values of one in a check', async () => {
    const { source } = sourceOver(() =>
      vector(...['a', 'b'].map((replica) => ({ metric: { replica }, value: [10, '1'] }))),
    );

    expect((await source.check([measured], signal)).findings).toEqual([]);
  });
});

describe('buckets', () => {
  const bucket = (le: string, value = '1') => ({ metric: { pod: 'p', le }, values: [[5, value]] });

  test('have the bound that their label says, however it is written', async () => {
    const sample = await sampleOf(latency, matrix(bucket('0.50'), bucket('1e1'), bucket('+Inf'), bucket('')));

    const buckets = sample?.kind === 'buckets' ? sample.buckets : [];
    expect(buckets.map(({ bound }) => bound).sort((a, b) => a - b)).toEqual([0.5, 10, Number.POSITIVE_INFINITY]);
    expect(buckets.every(({ id }) => id === '[["pod","p"]]')).toBe(true);
  });

  test('of one bound that is written in two ways are one', async () => {
    expect(await sampleOf(latency, matrix(bucket('1'), bucket('1.0')))).toMatchObject({ buckets: [{ bound: 1 }] });
  });

  test('are asked for over the same time as counters', async () => {
    const { source, asked } = sourceOver(() => matrix());

    await source.sample([latency], 5_000, 10_000, signal);

    expect(asked).toEqual([{ query: 'd_bucket{a="b"}[305000ms]', time: 10 }]);
  });

  test('without a new point for five minutes are stale', async () => {
    const { source } = sourceOver(() => matrix(bucket('+Inf')));

    expect(await source.sample([latency], 0, 600_000, signal)).toMatchObject([{ kind: 'no-data', why: 'stale' }]);
  });
});

describe('history', () => {
  const MINUTE = 60_000;

  test('is asked for in pieces that meet, from the newest to the oldest', async () => {
    const { source, asked } = sourceOver(() => matrix());

    await source.history([latency], 0, 25 * MINUTE, signal);

    expect(asked).toEqual([
      { query: 'd_bucket{a="b"}[600000ms]', time: 25 * 60 },
      { query: 'd_bucket{a="b"}[600000ms]', time: 15 * 60 },
      { query: 'd_bucket{a="b"}[300000ms]', time: 5 * 60 },
    ]);
  });

  test('is one series of points over the pieces', async () => {
    const { source } = sourceOver(({ query, time }) =>
      query.startsWith('f')
        ? matrix()
        : matrix({
            metric: { pod: 'p' },
            values: [
              [(time ?? 0) - 600, '1'],
              [time ?? 0, '1'],
            ],
          }),
    );

    const samples = await source.history([counted], 0, 20 * MINUTE, signal);

    expect(samples).toMatchObject([
      {
        kind: 'counters',
        requests: [
          {
            points: [
              [0, 1],
              [10 * MINUTE, 1],
              [20 * MINUTE, 1],
            ],
          },
        ],
      },
    ]);
  });

  test('that fails in one piece is no history', async () => {
    const { source } = sourceOver(({ time }) =>
      time === 600 ? null : matrix({ metric: {}, values: [[time ?? 0, '1']] }),
    );

    expect(await source.history([counted], 0, 20 * MINUTE, signal)).toMatchObject([
      { kind: 'error', code: 'metric-invalid', message: 'too many samples' },
    ]);
  });

  test('of too many points is short rather than long', async () => {
    const values = Array.from({ length: 1_000 }, (_, index) => [index, '1']);
    const series = Array.from({ length: 300 }, (_, index) => ({ metric: { pod: `p-${index}` }, values }));
    const body = matrix(...series);
    const { source, asked } = sourceOver(() => body);

    const samples = await source.history([latency], 0, 600 * MINUTE, signal);

    expect(samples).toHaveLength(1);
    expect(asked).toHaveLength(2);
  });

  test('of no time at all asks nothing', async () => {
    const { source, asked } = sourceOver(() => matrix());

    expect(await source.history([latency], 10, 10, signal)).toMatchObject([{ kind: 'no-data', why: 'empty' }]);
    expect(asked).toEqual([]);
  });
});

describe('a check of a histogram that is not found', () => {
  const findingFor = async (histogram: string, answers: Readonly<Record<string, string>>) => {
    const { source } = sourceOver(({ query }) => answers[query] ?? vector());
    const { findings } = await source.check([{ ...latency, kind: 'latency', histogram }], signal);
    return findings;
  };
  const one = vector({ metric: {}, value: [1, '1'] });

  test('says that the histogram is a native one', async () => {
    expect(await findingFor('d_bucket{a="b"}', { 'count(histogram_count({__name__="d"}))': one })).toMatchObject([
      { code: 'metric-not-found', where: 'metric "slow"', message: expect.stringContaining('d is a native histogram') },
    ]);
  });

  test('names the buckets of a histogram that was named alone', async () => {
    expect(await findingFor('d{a="b"}', { 'count({__name__="d_bucket"})': one })).toMatchObject([
      { code: 'metric-not-found', advice: 'Select the buckets: d_bucket.' },
    ]);
  });

  test('says what labels there are instead', async () => {
    const found = await findingFor('d_bucket{a="b"}', {
      'count({__name__="d_bucket"})': one,
      'topk(3, {__name__="d_bucket"})': vector({ metric: { __name__: 'd_bucket', job: 'shop' }, value: [1, '1'] }),
    });

    expect(found).toMatchObject([{ message: expect.stringContaining('Labels it does not have: a.') }]);
  });
});
