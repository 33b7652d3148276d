import { describe, expect, test } from 'vitest';
import { createScrape } from '../../src/metrics/scrape/index.ts';
import {
  counted,
  latency,
  measured,
  NOW,
  type Page,
  podNamed,
  podsOf,
  podWorld,
  requestsTotal,
  signal,
} from './pods.ts';

const SPEC = { kind: 'port', port: 'metrics', path: '/metrics' } as const;

const sourceOf = (pages: Readonly<Record<string, Page>>) => {
  const world = podWorld(Object.keys(pages).map((name) => podNamed(name)));
  for (const [name, page] of Object.entries(pages)) world.pages.set(name, page);
  return { world, source: createScrape({ ...world, spec: SPEC }) };
};

const idOf = (labels: Readonly<Record<string, string>>): string => JSON.stringify(Object.entries(labels).sort());
const TARGET = { container: 'app', namespace: 'shop', pod: 's-1' };

describe('counters', () => {
  test('are those of the pods that a query asks for, at the time when they came in', async () => {
    const { source } = sourceOf({ 's-1': requestsTotal(95, 5), 's-2': requestsTotal(7) });

    const [sample] = await source.sample([counted()], NOW - 5_000, NOW, signal);

    expect(sample).toEqual({
      metric: 'errors',
      arm: 'stable',
      kind: 'counters',
      requests: [
        { id: idOf({ ...TARGET, code: '200' }), pod: 's-1', points: [[NOW, 95]] },
        { id: idOf({ ...TARGET, code: '500' }), pod: 's-1', points: [[NOW, 5]] },
        { id: idOf({ ...TARGET, pod: 's-2', code: '200' }), pod: 's-2', points: [[NOW, 7]] },
      ],
      failures: [{ id: idOf({ ...TARGET, code: '500' }), pod: 's-1', points: [[NOW, 5]] }],
    });
  });

  test('of each arm are read from its own pods', async () => {
    const world = podWorld([podNamed('s-1'), podNamed('c-1', { app: 'canary' })]);
    world.pages.set('s-1', requestsTotal(1)).set('c-1', requestsTotal(2));
    const source = createScrape({ ...world, spec: SPEC });
    const requests = 'http_requests_total';

    const samples = await source.sample(
      [counted({ requests }), counted({ requests, arm: 'canary', pods: podsOf('canary') })],
      NOW,
      NOW,
      signal,
    );

    expect(samples).toMatchObject([
      { arm: 'stable', requests: [{ pod: 's-1', points: [[NOW, 1]] }] },
      { arm: 'canary', requests: [{ pod: 'c-1', points: [[NOW, 2]] }] },
    ]);
  });

  test('that appear on a pod that was read before began at zero', async () => {
    const { world, source } = sourceOf({ 's-1': requestsTotal(95) });
    await source.sample([counted()], NOW, NOW, signal);
    world.at(NOW + 1_000);
    world.pages.set('s-1', requestsTotal(99, 6));

    const [sample] = await source.sample([counted()], NOW, NOW + 1_000, signal);

    const id = idOf({ ...TARGET, code: '500' });
    const began = [
      [NOW, 0],
      [NOW + 1_000, 6],
    ];
    expect(sample).toMatchObject({
      requests: [{ points: [[NOW + 1_000, 99]] }, { id, points: began }],
      failures: [{ id, points: began }],
    });
  });

  test('that were there once did not begin again after they were gone', async () => {
    const { world, source } = sourceOf({ 's-1': requestsTotal(95, 5) });
    const points: unknown[] = [];
    for (const [second, page] of [requestsTotal(95, 5), requestsTotal(96), requestsTotal(97, 6)].entries()) {
      world.at(NOW + second * 1_000);
      world.pages.set('s-1', page);
      const [sample] = await source.sample([counted()], NOW, NOW, signal);
      points.push(sample?.kind === 'counters' ? sample.failures.map((one) => one.points) : null);
    }

    expect(points).toEqual([[[[NOW, 5]]], [], [[[NOW + 2_000, 6]]]]);
  });

  test('of another pod of the same name are not taken for what the first one counted', async () => {
    const { world, source } = sourceOf({ 's-1': requestsTotal(95) });
    await source.sample([counted()], NOW, NOW, signal);
    const again = podNamed('s-1', { uid: 'another' });
    const ref = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespace: 'shop', name: 's-1' };
    world.cluster.remove(ref);
    world.cluster.put(ref, again);
    world.pages.set('s-1', requestsTotal(3, 2));
    world.at(NOW + 6_000);

    const [sample] = await source.sample([counted()], NOW, NOW, signal);

    expect(sample).toMatchObject({ failures: [{ points: [[NOW + 6_000, 2]] }] });
  });

  test('never have one time twice, even when the clock goes back', async () => {
    const { world, source } = sourceOf({ 's-1': requestsTotal(1) });
    await source.sample([counted()], NOW, NOW, signal);
    world.at(NOW - 60_000);
    world.pages.set('s-1', requestsTotal(2));

    expect(await source.sample([counted()], NOW, NOW, signal)).toMatchObject([
      { requests: [{ points: [[NOW + 1, 2]] }] },
    ]);
  });

  test("displace labels of the pod's own by those of the target, as Prometheus does", async () => {
    const own = '{pod="theirs",exported_pod="older",namespace="theirs",job="",code="200"}';
    const { source } = sourceOf({ 's-1': `http_requests_total${own} 1\n` });

    const [sample] = await source.sample(
      [counted({ requests: 'http_requests_total{exported_namespace="theirs"}' })],
      NOW,
      NOW,
      signal,
    );

    const labels = { ...TARGET, exported_exported_pod: 'theirs', exported_pod: 'older', exported_namespace: 'theirs' };
    expect(sample).toMatchObject({ requests: [{ id: idOf({ ...labels, code: '200' }), pod: 's-1' }] });
  });

  test('that are no counts are left out, and so is a series that is there twice', async () => {
    const page = 'r{a="1"} NaN\nr{a="2"} -1\nr{a="3"} +Inf\nr{a="4"} 4\nr{a="4"} 5\n';
    const { source } = sourceOf({ 's-1': page });

    const [sample] = await source.sample([counted({ requests: 'r', failures: 'r{a="1"}' })], NOW, NOW, signal);

    expect(sample).toMatchObject({ requests: [{ points: [[NOW, 4]] }], failures: [] });
    expect(sample?.kind === 'counters' && sample.requests).toHaveLength(1);
  });

  test('of several metrics do not fall into one series', async () => {
    const { source } = sourceOf({ 's-1': 'r1 1\nr2 2\n' });

    const [sample] = await source.sample([counted({ requests: '{__name__=~"r."}', failures: 'r1' })], NOW, NOW, signal);

    expect(sample?.kind === 'counters' && new Set(sample.requests.map(({ id }) => id)).size).toBe(2);
  });

  test('keep the labels that tell replicas of a store apart: here they are the pod’s own', async () => {
    const { source } = sourceOf({ 's-1': 'r{replica="a"} 1\nr{replica="b"} 2\n' });

    const [sample] = await source.sample([counted({ requests: 'r', failures: 'r{replica="c"}' })], NOW, NOW, signal);

    expect(sample?.kind === 'counters' && sample.requests.map(({ points }) => points)).toEqual([
      [[NOW, 1]],
      [[NOW, 2]],
    ]);
  });
});

describe('a histogram', () => {
  test('has one id for all bounds of a series', async () => {
    const bucket = (le: string, count: number): string =>
      `http_request_duration_seconds_bucket{code="200",le="${le}"} ${count}\n`;
    const { source } = sourceOf({
      's-1': `${bucket('0.5', 90)}${bucket('1.0', 95)}${bucket('+Inf', 100)}${bucket('nan', 1)}`,
    });

    const [sample] = await source.sample([latency()], NOW, NOW, signal);

    const id = idOf({ ...TARGET, code: '200' });
    expect(sample).toEqual({
      metric: 'slow',
      arm: 'stable',
      kind: 'buckets',
      buckets: [
        { id, pod: 's-1', bound: 0.5, points: [[NOW, 90]] },
        { id, pod: 's-1', bound: 1, points: [[NOW, 95]] },
        { id, pod: 's-1', bound: Number.POSITIVE_INFINITY, points: [[NOW, 100]] },
      ],
    });
  });
});

describe('missing data', () => {
  test('of some pods does not hide what others say', async () => {
    const { source } = sourceOf({ 's-1': { status: 503, body: 'not yet' }, 's-2': requestsTotal(7) });

    expect(await source.sample([counted()], NOW, NOW, signal)).toMatchObject([
      { kind: 'counters', requests: [{ pod: 's-2' }] },
    ]);
  });

  test.each<[string, Page, string]>([
    ['refuse', { kind: 'unreachable', message: 'connection refused' }, 's-1: connection refused'],
    ['answer with an error', { status: 500, body: '' }, 's-1: it answered 500'],
    ['lead elsewhere', { status: 302, body: '' }, 's-1: it answered 302: redirects are not followed'],
    [
      'send something else',
      '<html>',
      's-1: its answer is no metrics: line 1 is no sample of the Prometheus text format',
    ],
    ['must not be asked', { kind: 'forbidden', message: 'pods/proxy: no' }, 's-1: pods/proxy: no'],
  ])('of all pods, which %s, is an error and not zero', async (_name, page, words) => {
    const { source } = sourceOf({ 's-1': page, 's-2': page });

    expect(await source.sample([counted()], NOW, NOW, signal)).toEqual([
      {
        metric: 'errors',
        arm: 'stable',
        kind: 'error',
        code: 'metrics-unreachable',
        message: `no metrics from all 2 pods that were asked: ${words}`,
        retryAfterMs: null,
      },
    ]);
  });

  test('because the API server asks for patience says for how long', async () => {
    const { source } = sourceOf({ 's-1': { kind: 'throttled', message: 'slow down', retryAfterMs: 4_000 } });

    expect(await source.sample([counted()], NOW, NOW, signal)).toMatchObject([{ kind: 'error', retryAfterMs: 4_000 }]);
  });

  test('where there are no pods, no such series or no history is no data', async () => {
    const none = { metric: 'errors', arm: 'stable', kind: 'no-data', why: 'empty' };
    const { source } = sourceOf({ 's-1': requestsTotal(1) });

    expect(await source.sample([counted({ pods: podsOf('nobody') })], NOW, NOW, signal)).toEqual([none]);
    expect(await source.sample([counted({ requests: 'other' })], NOW, NOW, signal)).toEqual([none]);
    expect(await source.history([counted(), measured], NOW - 900_000, NOW, signal)).toEqual([none]);
  });

  test('where pods cannot be listed is an error', async () => {
    const { world, source } = sourceOf({ 's-1': requestsTotal(1) });
    world.cluster.interfere(() => ({ kind: 'forbidden', message: 'pods: no' }));

    expect(await source.sample([counted()], NOW, NOW, signal)).toMatchObject([
      { kind: 'error', code: 'metrics-unreachable', message: 'the pods could not be listed: pods: no' },
    ]);
  });

  test('of an expression is an error that names what it needs', async () => {
    const { source } = sourceOf({ 's-1': requestsTotal(1) });

    expect(await source.sample([measured], NOW, NOW, signal)).toMatchObject([
      { kind: 'error', code: 'metric-invalid', message: expect.stringContaining('needs `prometheus`') },
    ]);
  });

  test('of a wrong selector is an error with its reason', async () => {
    const { source } = sourceOf({ 's-1': requestsTotal(1) });

    expect(await source.sample([counted({ failures: 'r{a=~"("}' })], NOW, NOW, signal)).toMatchObject([
      { kind: 'error', code: 'metric-invalid', message: expect.stringContaining('missing closing )') },
    ]);
  });
});
