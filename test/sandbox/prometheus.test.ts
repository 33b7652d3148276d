import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Prometheus } from '../../sandbox/prometheus/index.ts';
import { startPrometheus } from '../../sandbox/prometheus/index.ts';
import { evaluate } from '../../sandbox/prometheus/promql.ts';
import type { Samples } from '../../sandbox/prometheus/samples.ts';
import { append } from '../../sandbox/prometheus/samples.ts';
import type { Value } from '../../sandbox/prometheus/values.ts';

const T0 = 1_700_000_000_000;

/** Two pods: one counts 2 a second, the other 4 and starts again at 30 s; a histogram; a gauge that ended. */
const store = (): Samples => {
  const samples: Samples = new Map();
  for (let second = 0; second <= 60; second += 5) {
    const at = T0 + second * 1000;
    append(samples, { __name__: 'requests', pod: 'a', code: '200' }, at, second * 2);
    append(samples, { __name__: 'requests', pod: 'b', code: '500' }, at, (second % 30) * 4);
    for (const [le, count] of [
      ['0.1', 50],
      ['0.5', 90],
      ['+Inf', 100],
    ] as const)
      append(samples, { __name__: 'latency_bucket', le }, at, (count * second) / 60);
    append(samples, { __name__: 'ended' }, at, second < 30 ? 1 : null);
  }
  return samples;
};

const at = (seconds: number): number => T0 + seconds * 1000;
const ask = (query: string, seconds = 60): Value => evaluate(query, store(), at(seconds));
const numbers = (value: Value): number[] =>
  value.kind === 'vector' ? value.samples.map((sample) => sample.value) : [];
const labels = (value: Value): object[] =>
  value.kind === 'vector' ? value.samples.map((sample) => sample.labels) : [];

describe('PromQL', () => {
  test.each([
    ['requests', [120, 0]],
    ['requests{pod="a"}', [120]],
    ['requests{code!="200"}', [0]],
    ['requests{code=~"5.."}', [0]],
    ['requests{code!~"5.."}', [120]],
    ['requests{code=~"5"}', []],
    ['{__name__="requests",pod=~"a|c"}', [120]],
    ['sum(requests)', [120]],
    ['count(requests)', [2]],
    ['avg(requests)', [60]],
    ['max by (pod) (requests)', [120, 0]],
    ['sum without (code, pod) (requests)', [120]],
    ['requests / 2', [60, 0]],
    ['requests{pod="a"} / ignoring(code) requests{pod="a"}', [1]],
    ['requests > 5', [120]],
    ['requests > bool 5', [1, 0]],
    ['topk(1, requests)', [120]],
    ['bottomk by (code) (1, requests)', [120, 0]],
    ['sum(missing)', []],
    ['sum(missing) or vector(0)', [0]],
    ['absent(missing)', [1]],
    ['absent(requests)', []],
    ['clamp_min(requests, 10)', [120, 10]],
    ['vector(scalar(requests{pod="a"}) + 1)', [121]],
    ['-requests{pod="a"}', [-120]],
    ['(2 + 3) * requests{pod="a"}', [600]],
    ['requests{pod="a"} offset 20s', [80]],
    ['increase(requests{pod="a"}[20s])', [40]],
    ['rate(requests{pod="a"}[20s])', [2]],
    ['irate(requests{pod="a"}[20s])', [2]],
    ['ended', []],
  ])('%s is %j', (query, expected) => {
    const value = numbers(ask(query));

    expect(value).toHaveLength(expected.length);
    value.forEach((number, index) => {
      expect(number).toBeCloseTo(expected[index] ?? 0, 6);
    });
  });

  test('a rate counts on over a counter that starts again', () => {
    // 20 s, 25 s: 80, 100; 30 s: 0; 35 s: 20.
    expect(numbers(ask('increase(requests{pod="b"}[20s])', 35))[0]).toBeCloseTo(((100 - 80 + 0 + 20) / 15) * 20, 6);
  });

  test('a range is raw points with their own times, the older end left out', () => {
    const value = ask('requests{pod="a"}[10s]');

    expect(value).toMatchObject({
      kind: 'matrix',
      series: [
        {
          points: [
            [at(55), 110],
            [at(60), 120],
          ],
        },
      ],
    });
  });

  test('a quantile is interpolated in its bucket', () => {
    expect(numbers(ask('histogram_quantile(0.7, rate(latency_bucket[30s]))'))[0]).toBeCloseTo(0.1 + 0.4 * (20 / 40), 6);
    expect(numbers(ask('histogram_quantile(0.99, rate(latency_bucket[30s]))'))).toEqual([0.5]);
  });

  test('functions and arithmetic drop the name, comparisons keep it', () => {
    expect(labels(ask('rate(requests{pod="a"}[20s])'))).toEqual([{ pod: 'a', code: '200' }]);
    expect(labels(ask('requests{pod="a"} > 1'))).toEqual([{ __name__: 'requests', pod: 'a', code: '200' }]);
  });

  test('a division of nothing by nothing is NaN', () => {
    expect(numbers(ask('sum(requests{pod="b"}) / sum(requests{pod="b"})'))).toEqual([Number.NaN]);
  });

  test('a value older than five minutes is none', () => {
    expect(numbers(ask('requests', 60 + 299))).toHaveLength(2);
    expect(numbers(ask('requests', 60 + 300))).toEqual([]);
  });

  test.each([
    ['sum(', '1:5: parse error: unclosed left parenthesis'],
    ['a{', '1:3: parse error: unexpected end of input inside braces'],
    ['a b', '1:3: parse error: unexpected identifier "b"'],
    ['a{x=~"("}', '1:3: parse error: error parsing regexp: missing closing ): `^(?:()$`'],
    ['rate(a{x=~"("}[5m])', '1:8: parse error: error parsing regexp: missing closing ): `^(?:()$`'],
    ['1 +', '1:4: parse error: unexpected end of input'],
    ['1 > 2', '1:3: parse error: comparisons between scalars must use BOOL modifier'],
    ['foo(a)', '1:1: parse error: unknown function with name "foo"'],
    ['rate(a)', '1:6: parse error: expected type range vector in call to function "rate", got instant vector'],
    ['', 'unknown position: parse error: no expression found in input'],
    ['{a=""}', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
  ])('%j is a parse error with its position', (query, message) => {
    expect(() => ask(query)).toThrow(message);
  });

  test('several series on one side of an operation are an error of execution', () => {
    expect(() => ask('requests / on() requests')).toThrow('many-to-many matching not allowed');
  });
});

describe('the HTTP API', () => {
  const held = {} as { prometheus: Prometheus };
  beforeEach(async () => {
    held.prometheus = await startPrometheus(() => new Map(), { scrapeIntervalMs: 20, authorization: 'Bearer t' });
  });
  afterEach(() => held.prometheus.stop());

  const get = (path: string, authorization = 'Bearer t'): Promise<Response> =>
    fetch(`${held.prometheus.url}${path}`, { headers: { authorization }, redirect: 'manual' });

  test('answers a query by GET and by POST, with numbers as text', async () => {
    const byGet = await (await get('/api/v1/query?query=vector(1)&time=1700000000.5')).json();
    const byPost = await fetch(`${held.prometheus.url}/api/v1/query`, {
      method: 'POST',
      headers: { authorization: 'Bearer t' },
      body: new URLSearchParams({ query: 'vector(1)', time: '1700000000.5' }),
    });
    const result = [{ metric: {}, value: [1_700_000_000.5, '1'] }];

    expect(byGet).toEqual({ status: 'success', data: { resultType: 'vector', result } });
    expect(await byPost.json()).toEqual(byGet);
  });

  test('answers a wrong query with 400 and its position', async () => {
    const response = await get('/api/v1/query?query=sum(');

    expect(response.status).toBe(400);
    const error = 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis';
    expect(await response.json()).toEqual({ status: 'error', errorType: 'bad_data', error });
  });

  test('refuses who does not say the right word', async () => {
    expect((await get('/api/v1/query?query=vector(1)', 'Bearer x')).status).toBe(401);
  });

  test('scrapes a series until it is ended', async () => {
    const { prometheus } = held;
    const series = async (): Promise<unknown[]> =>
      ((await (await get('/api/v1/query?query=special')).json()) as { data: { result: unknown[] } }).data.result;
    const until = async (length: number): Promise<void> => {
      while ((await series()).length !== length);
    };
    prometheus.set({ __name__: 'special', name: '|`<img>::error::' }, Number.NaN);
    await until(1);
    expect(await series()).toMatchObject([{ metric: { name: '|`<img>::error::' }, value: [expect.anything(), 'NaN'] }]);
    prometheus.set({ __name__: 'special', name: '|`<img>::error::' }, null);
    await until(0);
  });

  test('has trouble on purpose', async () => {
    const { faults } = held.prometheus;
    faults.push({ answer: { kind: 'status', code: 429, retryAfterSeconds: 7 }, times: 1 });
    faults.push({ answer: { kind: 'broken-json' }, times: 1 });
    faults.push({ answer: { kind: 'redirect', location: 'http://elsewhere.example/' }, times: 1 });
    const busy = await get('/api/v1/query?query=a');
    const broken = await get('/api/v1/query?query=a');
    const moved = await get('/api/v1/query?query=a');

    expect([busy.status, busy.headers.get('retry-after')]).toEqual([429, '7']);
    await expect(broken.json()).rejects.toThrow('JSON');
    expect([moved.status, moved.headers.get('location')]).toEqual([302, 'http://elsewhere.example/']);
    expect((await get('/api/v1/query?query=a')).status).toBe(200);
  });
});
