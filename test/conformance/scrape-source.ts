import { describe, expect, test } from 'vitest';
import type { BoundQuery, Sample } from '../../src/core/sample.ts';
import type { Arm } from '../../src/core/units.ts';
import type { MetricSource } from '../../src/ports/metric-source.ts';

/** Counters as a pod, or the router, shows them: of each arm by status code. */
export type Shown = Readonly<Record<Arm, Readonly<Record<string, number>>>>;

export interface ScrapeSubject {
  readonly source: MetricSource;
  readonly counted: (arm: Arm) => BoundQuery;
  readonly latency: (arm: Arm) => BoundQuery;
  readonly measured: BoundQuery;
  /** A counted query of a metric that no pod has. */
  readonly unknown: BoundQuery;
  /** What pods show from now on, in the text format with a histogram of one bound; null: they do not answer. */
  show(shown: Shown | null): void;
  /** What every pod answers from now on, as it is. */
  answer(text: string): void;
  /** Moves the clock on. */
  pass(ms: number): void;
  now(): number;
}

const { signal } = new AbortController();
const ARMS: readonly Arm[] = ['stable', 'canary'];
const SOME: Shown = { stable: { 200: 90, 500: 10 }, canary: { 200: 5 } };

const last = (series: readonly { readonly points: readonly (readonly [number, number])[] }[]): number =>
  series.reduce((sum, { points }) => sum + (points.at(-1)?.[1] ?? 0), 0);

/** What every source that reads pods must do, whosever pods they are. */
export const scrapeSourceConformance = (name: string, start: () => ScrapeSubject): void => {
  const sampleBoth = (subject: ScrapeSubject, queries = ARMS.map(subject.counted)): Promise<readonly Sample[]> =>
    subject.source.sample(queries, subject.now() - 5_000, subject.now(), signal);

  describe(`${name}: a sample`, () => {
    test('has the raw counters of each arm, one point a series', async () => {
      const subject = start();
      subject.show(SOME);

      const samples = await sampleBoth(subject);

      expect(samples.map(({ arm, kind }) => [arm, kind])).toEqual([
        ['stable', 'counters'],
        ['canary', 'counters'],
      ]);
      const counts = samples.map((one) => (one.kind === 'counters' ? [last(one.requests), last(one.failures)] : null));
      expect(counts).toEqual([
        [100, 10],
        [5, 0],
      ]);
      for (const one of samples) {
        const points = one.kind === 'counters' ? one.requests.map((series) => series.points.length) : [];
        expect(new Set(points)).toEqual(new Set([1]));
      }
    });

    test('has every bound of a histogram under one id, with the whole', async () => {
      const subject = start();
      subject.show(SOME);

      const [sample] = await sampleBoth(subject, [subject.latency('stable')]);

      const buckets = sample?.kind === 'buckets' ? sample.buckets : [];
      expect(new Set(buckets.map(({ bound }) => bound))).toEqual(new Set([0.5, Number.POSITIVE_INFINITY]));
      expect(last(buckets.filter(({ bound }) => bound === Number.POSITIVE_INFINITY))).toBe(100);
      const ids = new Set(buckets.map(({ id }) => id));
      expect(buckets).toHaveLength(2 * ids.size);
    });

    test('keeps the ids of series, and each point is later than the one before', async () => {
      const subject = start();
      const seen: (readonly (readonly [string, number])[])[] = [];
      for (let round = 0; round < 3; round += 1) {
        subject.show(SOME);
        const [sample] = await sampleBoth(subject);
        const requests = sample?.kind === 'counters' ? sample.requests : [];
        seen.push(requests.map(({ id, points }) => [id, points.at(-1)?.[0] ?? 0] as const));
        subject.pass(1_000);
      }

      const [first = [], second = [], third = []] = seen;
      expect(first.length).toBeGreaterThan(0);
      expect(second.map(([id]) => id)).toEqual(first.map(([id]) => id));
      for (const [index, [, at]] of first.entries()) {
        expect(second[index]?.[1]).toBeGreaterThan(at);
        expect(third[index]?.[1]).toBeGreaterThan(second[index]?.[1] ?? Number.POSITIVE_INFINITY);
      }
    });

    test('has the first failures from zero on, where the pod was read before', async () => {
      const subject = start();
      subject.show({ ...SOME, canary: { 200: 5 } });
      await sampleBoth(subject);
      subject.pass(1_000);
      subject.show({ ...SOME, canary: { 200: 5, 500: 4 } });

      const [, canary] = await sampleBoth(subject);

      const failures = canary?.kind === 'counters' ? canary.failures : [];
      expect(failures.map(({ points }) => points.map(([, value]) => value))).toEqual([[0, 4]]);
    });

    test('of pods that do not answer is an error, never zero, and of the next answer is data again', async () => {
      const subject = start();
      subject.show(SOME);
      await sampleBoth(subject);
      subject.show(null);
      subject.pass(1_000);
      const silent = await sampleBoth(subject);
      subject.show(SOME);
      subject.pass(1_000);

      expect(silent).toMatchObject([
        { kind: 'error', code: 'metrics-unreachable' },
        { kind: 'error', code: 'metrics-unreachable' },
      ]);
      expect((await sampleBoth(subject)).map(({ kind }) => kind)).toEqual(['counters', 'counters']);
    });

    test.each([
      '<html><script>alert(1)</script></html>',
      'http_requests_total{code="200"} one\n',
      'http_requests_total{code="200" 1\n',
      `${'x'.repeat(100_000)} 1\n`,
    ])('of a text that is no exposition is an error without that text', async (text) => {
      const subject = start();
      subject.answer(text);

      const [sample] = await sampleBoth(subject);

      expect(sample).toMatchObject({ kind: 'error', message: expect.stringContaining('is no metrics') });
      expect(JSON.stringify(sample).length).toBeLessThan(500);
    });

    test('comes for each query in order, whatever becomes of the others', async () => {
      const subject = start();
      subject.show(SOME);

      const samples = await sampleBoth(subject, [subject.unknown, subject.measured, subject.counted('canary')]);

      expect(samples).toMatchObject([
        { metric: subject.unknown.metric, kind: 'no-data', why: 'empty' },
        { metric: subject.measured.metric, kind: 'error', code: 'metric-invalid' },
        { metric: subject.counted('canary').metric, arm: 'canary', kind: 'counters' },
      ]);
    });
  });

  describe(`${name}: a check`, () => {
    test('of queries that have data finds nothing, and allows one a second', async () => {
      const subject = start();
      subject.show(SOME);

      const check = await subject.source.check([subject.counted('stable'), subject.latency('stable')], signal);

      expect(check).toMatchObject({ findings: [], scrapeIntervalMs: 1_000, paceMs: 1_000 });
    });

    test('of counters without failures finds nothing', async () => {
      const subject = start();
      subject.show({ stable: { 200: 1 }, canary: {} });

      expect((await subject.source.check([subject.counted('stable')], signal)).findings).toEqual([]);
    });

    test('tells a metric that is not there, an expression, and pods that do not answer apart', async () => {
      const subject = start();
      subject.show(SOME);
      const { findings } = await subject.source.check([subject.unknown, subject.measured], signal);
      const silent = start();
      silent.show(null);

      expect(findings.map(({ code }) => code).sort()).toEqual(['metric-invalid', 'metric-not-found']);
      expect((await silent.source.check([silent.counted('stable')], signal)).findings).toMatchObject([
        { severity: 'error', code: 'metrics-unreachable' },
      ]);
    });
  });

  test(`${name}: has no history`, async () => {
    const subject = start();
    subject.show(SOME);
    const { counted, measured, now } = subject;

    expect(await subject.source.history([counted('stable'), measured], now() - 900_000, now(), signal)).toMatchObject([
      { metric: counted('stable').metric, kind: 'no-data' },
    ]);
  });
};
