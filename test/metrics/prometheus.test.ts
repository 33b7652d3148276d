import { afterEach, describe, expect, test } from 'vitest';
import { listRef, POD } from '../../src/core/objects.ts';
import { createPrometheus } from '../../src/metrics/prometheus.ts';
import { createHttp } from '../../src/net/http.ts';
import type { Cluster } from '../../src/ports/cluster.ts';
import { metricSourceConformance } from '../conformance/metric-source.ts';
import { startServer } from '../net/server.ts';
import { answerByScript, matrix, vector } from './prometheus-store.ts';

const SECRET = 's3cr3t-t0k3n';
const QUERIES = {
  measured: 'histogram_quantile(0.9, sum by (le) (rate(latency_bucket{pod=~"a.*"}[1m])))',
  requests: 'requests_total{pod=~"a.*"}',
  failures: 'failures_total{pod=~"a.*"}',
  histogram: 'duration_seconds_bucket{pod=~"a.*"}',
};

const noProxy: Pick<Cluster, 'proxy'> = { proxy: async () => ({ kind: 'unreachable', message: 'not used' }) };

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

metricSourceConformance('prometheus by URL', async (script) => {
  const server = await startServer(answerByScript(script, SECRET));
  const source = createPrometheus({
    spec: {
      address: { kind: 'url', url: `${server.origin}/some/prefix/` },
      headers: [['Authorization', `Bearer ${SECRET}`]],
      ca: null,
    },
    http: createHttp({ environment: {} }),
    cluster: noProxy,
    timeoutMs: 1_500,
  });
  return { source, secret: SECRET, ...QUERIES, close: server.close };
});

/** A store that answers each query with the text that the table has for it, and everything else with nothing. */
const storeOf = async (answers: Readonly<Record<string, string>>) => {
  const server = await startServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://x').searchParams.get('query') ?? '';
    response.end(answers[query] ?? vector());
  });
  closing.push(server.close);
  const source = createPrometheus({
    spec: { address: { kind: 'url', url: server.origin }, headers: [], ca: null },
    http: createHttp({ environment: {} }),
    cluster: noProxy,
  });
  const queries = () =>
    server.requests
      .map(({ line }) => new URL(line.slice(4), 'http://x').searchParams)
      .map((parameters) => ({
        query: parameters.get('query'),
        time: parameters.get('time'),
      }));
  return { source, queries };
};

const { signal } = new AbortController();
const common = { arm: 'stable', replicaLabels: ['replica'], pods: listRef(POD, 'shop', 'app=checkout') } as const;
const counted = { ...common, metric: 'errors', kind: 'counted', requests: 'r{a="b"}', failures: 'f' } as const;
const measured = { ...common, metric: 'p99', kind: 'measured', query: 'sum(rate(x{a="b"}[1m]))' } as const;

describe('counted queries', () => {
  test('ask for the raw range back to five minutes before, at one instant', async () => {
    const { source, queries } = await storeOf({});

    await source.sample([counted], 1_000_000_000_500, 1_000_000_010_750, signal);

    expect(queries().sort((a, b) => String(b.query).localeCompare(String(a.query)))).toEqual([
      { query: 'r{a="b"}[310250ms]', time: '1000000010.750' },
      { query: 'f[310250ms]', time: '1000000010.750' },
    ]);
  });

  test('may have a comment behind the selector', async () => {
    const { source, queries } = await storeOf({});

    await source.sample([{ ...counted, requests: 'r{a="b"} # all of them' }], 0, 10_000, signal);

    expect(queries().map(({ query }) => query)).toContain('r{a="b"}[310000ms]');
  });

  test('name series by their sorted labels without the metric, and keep the pod', async () => {
    const { source } = await storeOf({
      'r{a="b"}[310000ms]': matrix({ metric: { pod: 'p-1', __name__: 'r', code: '200' }, values: [[5, '1']] }),
    });

    const [sample] = await source.sample([counted], 0, 10_000, signal);

    expect(sample).toMatchObject({
      requests: [{ id: '[["code","200"],["pod","p-1"]]', pod: 'p-1', points: [[5_000, 1]] }],
    });
  });

  test('that match several metrics do not fall into one series', async () => {
    const { source } = await storeOf({
      'r{a="b"}[310000ms]': matrix(
        { metric: { __name__: 'r1' }, values: [[5, '1']] },
        { metric: { __name__: 'r2' }, values: [[5, '2']] },
      ),
    });

    const [sample] = await source.sample([counted], 0, 10_000, signal);

    const ids = sample?.kind === 'counters' ? sample.requests.map(({ id }) => id) : [];
    expect(new Set(ids).size).toBe(2);
  });

  test('leave out points that are no counts', async () => {
    const values = [
      [1, '1'],
      [2, 'NaN'],
      [3, '+Inf'],
      [4, '-1'],
      [5, '2'],
    ];
    const { source } = await storeOf({ 'r{a="b"}[310000ms]': matrix({ metric: {}, values }) });

    const [sample] = await source.sample([counted], 0, 10_000, signal);

    expect(sample).toMatchObject({
      requests: [
        {
          points: [
            [1_000, 1],
            [5_000, 2],
          ],
        },
      ],
    });
  });

  test('whose newest point is older than five minutes are stale', async () => {
    const { source } = await storeOf({ 'r{a="b"}[900000ms]': matrix({ metric: {}, values: [[250, '1']] }) });

    const [sample] = await source.sample([counted], 0, 600_000, signal);

    expect(sample).toMatchObject({ kind: 'no-data', why: 'stale' });
  });

  test('of a native histogram are refused', async () => {
    const { source } = await storeOf({
      'r{a="b"}[310000ms]': matrix({ metric: {}, values: [], histograms: [[5, { count: '1' }]] }),
    });

    const [sample] = await source.sample([counted], 0, 10_000, signal);

    expect(sample).toMatchObject({
      kind: 'error',
      code: 'metric-invalid',
      message: expect.stringContaining('histogram'),
    });
  });
});

describe('measured queries', () => {
  test('may give a scalar', async () => {
    const body = JSON.stringify({ status: 'success', data: { resultType: 'scalar', result: [10, '4.5'] } });
    const { source } = await storeOf({ [measured.query]: body });

    expect(await source.sample([measured], 0, 10_000, signal)).toMatchObject([
      { kind: 'value', value: 4.5, at: 10_000 },
    ]);
  });

  test('may not give an infinite value, a range, a text or a histogram', async () => {
    const answers = [
      vector({ metric: {}, value: [10, '+Inf'] }),
      matrix({ metric: {}, values: [[10, '1']] }),
      JSON.stringify({ status: 'success', data: { resultType: 'string', result: [10, 'x'] } }),
      vector({ metric: {}, histogram: [10, { count: '1' }] }),
      JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [{ metric: {}, value: [10, 4.5] }] } }),
      '"hello"',
    ];

    const kinds = [];
    for (const answer of answers) {
      const { source } = await storeOf({ [measured.query]: answer });
      const [sample] = await source.sample([measured], 0, 10_000, signal);
      kinds.push(sample?.kind === 'error' ? sample.code : sample?.kind);
    }

    expect(kinds).toEqual([
      'no-data',
      'metric-invalid',
      'metric-invalid',
      'metric-invalid',
      'metrics-unreachable',
      'metrics-unreachable',
    ]);
  });
});

describe('the time between two scrapes', () => {
  const points = (...seconds: readonly number[]) => seconds.map((second) => [second, '1']);
  const intervalOf = async (...series: readonly (readonly number[])[]) => {
    const { source } = await storeOf({
      'r{a="b"}[5m]': matrix(
        ...series.map((seconds, index) => ({ metric: { i: `${index}` }, values: points(...seconds) })),
      ),
    });
    return (await source.check([counted], signal)).scrapeIntervalMs;
  };

  test('is that of the slowest series', async () => {
    expect(await intervalOf([0, 5, 10, 15, 20], [0, 15, 30, 45, 60])).toBe(15_000);
  });

  test('is not that of a gap: of a missed scrape, or in a series with few points', async () => {
    expect(await intervalOf([0, 15, 30, 90, 105], [0, 100])).toBe(15_000);
    expect(await intervalOf([0, 15], [0, 100])).toBe(15_000);
  });

  test('is unknown from one point', async () => {
    expect(await intervalOf([0])).toBeNull();
  });
});

describe('a check that finds no data', () => {
  const findingFor = async (answers: Readonly<Record<string, string>>) => {
    const { source } = await storeOf(answers);
    const { findings } = await source.check([measured], signal);
    return findings[0];
  };

  test('says that there is no such metric', async () => {
    expect(await findingFor({})).toMatchObject({
      code: 'metric-not-found',
      message: expect.stringContaining('There is no metric "x".'),
    });
  });

  test('says which labels the metric has, and which it does not', async () => {
    const found = await findingFor({
      'topk(3, {__name__="x"})': vector({ metric: { __name__: 'x', job: 'shop' }, value: [1, '1'] }),
    });

    expect(found?.message).toBe(
      'The query has no data for stable. x{a="b"} matches nothing, but the metric exists. ' +
        'Labels it does not have: a. It has, for example: {job="shop"}.',
    );
  });

  test('says that the expression leaves nothing of what matches', async () => {
    const values = [
      [1, '1'],
      [2, '1'],
    ] as const;
    const found = await findingFor({ 'x{a="b"}[5m]': matrix({ metric: { a: 'b' }, values }) });

    expect(found?.message).toContain('the expression leaves none of them');
  });

  test('says that one sample is too few for a rate', async () => {
    const found = await findingFor({ 'x{a="b"}[5m]': matrix({ metric: { a: 'b' }, values: [[1, '1']] }) });

    expect(found).toMatchObject({
      code: 'metric-not-found',
      message: expect.stringContaining('a rate needs two samples'),
      advice: 'Run again when stable has been scraped a few times.',
    });
  });

  test('names the labels in which several series differ', async () => {
    const found = await findingFor({
      [measured.query]: vector(
        { metric: { pod: 'a', job: 'shop' }, value: [1, '1'] },
        { metric: { pod: 'b', job: 'shop' }, value: [1, '1'] },
      ),
    });

    expect(found).toMatchObject({ code: 'metric-invalid', advice: expect.stringContaining('They differ in: pod.') });
  });
});

describe('a store behind a Service', () => {
  const through = (answer: Awaited<ReturnType<Cluster['proxy']>>) => {
    const asked: string[] = [];
    const source = createPrometheus({
      spec: {
        address: { kind: 'service', namespace: 'monitoring', name: 'prometheus', port: '9090' },
        headers: [],
        ca: null,
      },
      http: { get: async () => ({ kind: 'unreachable', message: 'not used' }) },
      cluster: {
        proxy: async (service, path) => {
          asked.push(`${service.namespace}/${service.name}:${service.port} ${path}`);
          return answer;
        },
      },
    });
    return { source, asked };
  };

  test('is asked through the API server', async () => {
    const body = vector({ metric: {}, value: [10, '1'] });
    const { source, asked } = through({ kind: 'ok', value: { status: 200, body } });

    const samples = await source.sample([{ ...measured, query: 'up' }], 0, 10_000, signal);

    expect(samples).toMatchObject([{ kind: 'value', value: 1 }]);
    expect(asked).toEqual(['monitoring/prometheus:9090 /api/v1/query?query=up&time=10.000']);
  });

  test('that cannot be reached is named with the reason of the API server', async () => {
    const { source } = through({ kind: 'forbidden', message: 'cannot get resource "services/proxy"' });

    const [sample] = await source.sample([measured], 0, 10_000, signal);

    expect(sample).toMatchObject({
      kind: 'error',
      code: 'metrics-unreachable',
      message: 'through the API server: cannot get resource "services/proxy"',
    });
  });
});

test('a tick has at most six queries under way', async () => {
  let running = 0;
  let most = 0;
  const source = createPrometheus({
    spec: { address: { kind: 'url', url: 'http://store.example' }, headers: [], ca: null },
    http: {
      get: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return { kind: 'answer', status: 200, body: vector(), retryAfterMs: null };
      },
    },
    cluster: noProxy,
  });

  const samples = await source.sample(
    Array.from({ length: 20 }, () => measured),
    0,
    10_000,
    signal,
  );

  expect(samples).toHaveLength(20);
  expect(most).toBe(6);
});
