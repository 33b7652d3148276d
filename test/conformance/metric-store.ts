import { beforeAll, describe, expect, test } from 'vitest';
import { listRef, POD } from '../../src/core/objects.ts';
import type { BoundQuery, BucketSeries, Sample, Series } from '../../src/core/sample.ts';
import { createPrometheus } from '../../src/metrics/prometheus.ts';
import { createHttp } from '../../src/net/http.ts';
import type { MetricSource } from '../../src/ports/metric-source.ts';

/**
 * A store that has found `http_requests_total` and `http_request_duration_seconds_bucket` with the bounds 0.25 and 0.5 and the
 * labels `namespace`, `pod` and `code` a few times; users still ask.
 */
export interface LiveStore {
  readonly url: string;
  readonly namespace: string;
  readonly scrapeIntervalMs: number;
}

interface Context {
  store: LiveStore;
  source: MetricSource;
  /** A moment whose points are all there. */
  now: number;
}

const LOOKBACK_MS = 300_000;
const HOUR_MS = 3_600_000;
const { signal } = new AbortController();

const seriesOf = (sample: Sample | undefined): readonly Series[] =>
  sample?.kind === 'counters' ? sample.requests : [];
const bucketsOf = (sample: Sample | undefined): readonly BucketSeries[] =>
  sample?.kind === 'buckets' ? sample.buckets : [];
const timesOf = ({ points }: Series): readonly number[] => points.map(([at]) => at);
const byId = <One extends Series>(all: readonly One[]): ReadonlyMap<string, One> =>
  new Map(all.map((one) => [one.id, one]));

/** What the source makes of a real store and of the sandbox's: both have to be read alike. */
export const metricStoreConformance = (open: () => Promise<LiveStore>): void => {
  const context = {} as Context;
  const common = {
    metric: 'm',
    arm: 'stable',
    replicaLabels: ['prometheus_replica'],
    pods: listRef(POD, 'shop'),
  } as const;
  const matchers = (more = '') => `{namespace="${context.store.namespace}"${more}}`;
  const counted = (): BoundQuery => ({
    ...common,
    kind: 'counted',
    requests: `http_requests_total${matchers()}`,
    failures: `http_requests_total${matchers(', code=~"5.."')}`,
  });
  const latency = (
    histogram = 'http_request_duration_seconds_bucket',
    more = '',
  ): BoundQuery & { kind: 'latency' } => ({
    ...common,
    kind: 'latency',
    histogram: `${histogram}${matchers(more)}`,
  });
  const sampleOf = async (query: BoundQuery, from = context.now - 5_000, to = context.now) =>
    (await context.source.sample([query], from, to, signal))[0];
  const historyOf = async (query: BoundQuery, ms: number) =>
    (await context.source.history([query], context.now - ms, context.now, signal))[0];
  const findingsFor = async (query: BoundQuery) => (await context.source.check([query], signal)).findings;

  beforeAll(async () => {
    context.store = await open();
    context.source = createPrometheus({
      spec: { address: { kind: 'url', url: context.store.url }, headers: [], ca: null },
      http: createHttp({ environment: {} }),
      cluster: { proxy: async () => ({ kind: 'unreachable', message: 'not used' }) },
    });
    // A scrape has the time when it began, and is there when it has ended.
    context.now = Date.now() - 2 * context.store.scrapeIntervalMs;
  });

  describe('a metrics store', () => {
    test('is found to have what a release asks for, and how often it scrapes', async () => {
      const { findings, scrapeIntervalMs } = await context.source.check([counted(), latency()], signal);

      expect(findings).toEqual([]);
      expect(scrapeIntervalMs).toBeGreaterThan(context.store.scrapeIntervalMs / 3);
      expect(scrapeIntervalMs).toBeLessThan(context.store.scrapeIntervalMs * 3);
    });

    test('gives raw points of each pod with their own times, none from before and none after', async () => {
      const found = seriesOf(await sampleOf(counted()));

      expect(found.length).toBeGreaterThan(0);
      expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
      for (const series of found) {
        const times = timesOf(series);
        expect(series.pod).not.toBeNull();
        expect(times.length).toBeGreaterThan(1);
        expect(times.every((at, index) => at > (times[index - 1] ?? context.now - 5_000 - LOOKBACK_MS - 1))).toBe(true);
        expect(times.at(-1)).toBeLessThanOrEqual(context.now);
        const values = series.points.map(([, value]) => value);
        expect(values).toEqual([...values].sort((a, b) => a - b));
      }
    });

    test('gives the same points again in a later tick, under the same names', async () => {
      const earlier = byId(seriesOf(await sampleOf(counted(), context.now - 8_000, context.now - 3_000)));
      const later = byId(seriesOf(await sampleOf(counted(), context.now - 3_000, context.now)));

      expect(earlier.size).toBeGreaterThan(0);
      for (const [id, { points }] of earlier) {
        expect(later.get(id)?.points.filter(([at]) => at <= context.now - 3_000)).toEqual(
          points.filter(([at]) => at > context.now - 3_000 - LOOKBACK_MS),
        );
      }
    });

    test('gives buckets that count up to all requests of the same labels', async () => {
      const buckets = bucketsOf(await sampleOf(latency()));
      const requests = byId(seriesOf(await sampleOf(counted())));
      const ids = new Set(buckets.map(({ id }) => id));

      expect(ids.size).toBe(requests.size);
      for (const id of ids) {
        const own = buckets.filter((one) => one.id === id).sort((a, b) => a.bound - b.bound);
        expect(own.map(({ bound }) => bound)).toEqual(expect.arrayContaining([0.25, 0.5]));
        expect(own.at(-1)?.bound).toBe(Number.POSITIVE_INFINITY);
        expect(own.at(-1)?.points).toEqual(requests.get(id)?.points);
        const newest = own.map(({ points }) => points.at(-1)?.[1] ?? Number.NaN);
        expect(newest).toEqual([...newest].sort((a, b) => a - b));
      }
    });

    test('gives its history over several pieces as one, each point once', async () => {
      const history = byId(seriesOf(await historyOf(counted(), HOUR_MS)));
      const tick = byId(seriesOf(await sampleOf(counted())));

      for (const [id, series] of tick) {
        const times = timesOf(history.get(id) ?? series);
        expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
        expect(times.slice(-series.points.length)).toEqual(timesOf(series));
      }
      expect(bucketsOf(await historyOf(latency(), 60_000)).length).toBeGreaterThan(0);
    });

    test('knows nothing of a time long ago', async () => {
      const to = context.now - 30 * 24 * HOUR_MS;
      const query = counted();

      expect(await context.source.history([query], to - 60_000, to, signal)).toMatchObject([
        { kind: 'no-data', why: 'empty' },
      ]);
    });

    test('gives as one what differs in replica labels only', async () => {
      const apart = seriesOf(await sampleOf(counted()));
      const [merged] = seriesOf(
        await sampleOf({
          ...counted(),
          replicaLabels: ['prometheus_replica', 'pod', 'instance', 'kubernetes_pod_name'],
        }),
      );

      expect(apart.length).toBeGreaterThan(1);
      expect(merged?.id).not.toContain('"pod"');
      const times = timesOf(merged ?? { id: '', pod: null, points: [] });
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
      expect(times.length).toBeGreaterThanOrEqual(Math.min(...apart.map(({ points }) => points.length)));
    });
  });

  describe('a check of a histogram', () => {
    test('names the bounds next to one that it does not have', async () => {
      expect(await findingsFor({ ...latency(), bound: 0.5 })).toEqual([]);
      expect(await findingsFor({ ...latency(), bound: 0.3 })).toMatchObject([
        { code: 'metric-invalid', advice: expect.stringContaining('0.25 and 0.5') },
      ]);
    });

    test('tells that the bucket of all requests is left out', async () => {
      expect(await findingsFor(latency(undefined, ', le!="+Inf"'))).toMatchObject([
        { code: 'metric-invalid', message: expect.stringContaining('+Inf') },
      ]);
    });

    test('tells that something else was selected', async () => {
      expect(await findingsFor(latency('http_requests_total'))).toMatchObject([
        { code: 'metric-invalid', message: expect.stringContaining('`le`') },
      ]);
      expect(await findingsFor(latency('http_request_duration_seconds'))).toMatchObject([
        { code: 'metric-not-found', advice: 'Select the buckets: http_request_duration_seconds_bucket.' },
      ]);
      expect(await findingsFor(latency('nothing_bucket'))).toMatchObject([
        { code: 'metric-not-found', message: expect.stringContaining('There is no metric "nothing_bucket"') },
      ]);
    });
  });
};
