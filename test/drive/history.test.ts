import { describe, expect, test } from 'vitest';
import type { BoundQuery, Sample } from '../../src/core/sample.ts';
import { readHistory } from '../../src/drive/history.ts';
import type { MetricSource } from '../../src/ports/metric-source.ts';

const COMMON = {
  arm: 'stable',
  replicaLabels: [],
  pods: { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespace: 'shop', labelSelector: 'app=checkout' },
} as const;
const COUNTED: BoundQuery = { ...COMMON, metric: 'errors', kind: 'counted', requests: 'r', failures: 'f' };
const SLOW: BoundQuery = { ...COMMON, metric: 'latency', kind: 'latency', histogram: 'h' };
const MEASURED: BoundQuery = { ...COMMON, metric: 'p99', kind: 'measured', query: 'q' };

const MINUTE = 60_000;
const TO = Date.parse('2026-03-01T10:00:00Z');
const FROM = TO - 90 * MINUTE;
const NEVER = new AbortController().signal;

type History = MetricSource['history'];

/** Only its memory is asked. */
const source = (history: History): MetricSource => ({
  check: () => Promise.reject(new Error('not asked')),
  sample: () => Promise.reject(new Error('not asked')),
  history,
});

/** One point a minute, `from` excluded. */
const pointsIn = (from: number, to: number): readonly (readonly [number, number])[] =>
  Array.from({ length: (to - from) / MINUTE }, (_, index) => [from + (index + 1) * MINUTE, index] as const);

const counters = (from: number, to: number, pods: readonly string[] = ['a']): Sample => ({
  metric: 'errors',
  arm: 'stable',
  kind: 'counters',
  requests: pods.map((pod) => ({ id: pod, pod, points: pointsIn(from, to) })),
  failures: [],
});

const buckets = (from: number, to: number): Sample => ({
  metric: 'latency',
  arm: 'stable',
  kind: 'buckets',
  buckets: [0.1, Number.POSITIVE_INFINITY].map((bound) => ({ id: 'a', pod: 'a', bound, points: pointsIn(from, to) })),
});

const EMPTY: Sample = { metric: 'errors', arm: 'stable', kind: 'no-data', why: 'empty' };

const timesOf = (sample: Sample | undefined): readonly number[] =>
  sample?.kind === 'counters' ? (sample.requests[0]?.points ?? []).map(([at]) => at) : [];

describe('reading the past', () => {
  test('asks piece by piece, the newest first, and joins what it gets into one sample a query', async () => {
    const asked: (readonly [number, number])[] = [];
    const history: History = async (queries, from, to) => {
      asked.push([(from - FROM) / MINUTE, (to - FROM) / MINUTE]);
      return queries.map(({ kind }) => (kind === 'counted' ? counters(from, to) : buckets(from, to)));
    };
    const samples = await readHistory(source(history), [COUNTED, SLOW, MEASURED], FROM, TO, NEVER);

    expect(asked).toEqual([
      [60, 90],
      [30, 60],
      [0, 30],
    ]);
    expect(samples.map(({ metric }) => metric)).toEqual(['errors', 'latency']);
    expect(timesOf(samples[0])).toEqual(pointsIn(FROM, TO).map(([at]) => at));
    expect(samples[1]).toMatchObject({ buckets: [{ bound: 0.1 }, { bound: Number.POSITIVE_INFINITY }] });
    expect(samples[1]?.kind === 'buckets' ? samples[1].buckets.map(({ points }) => points.length) : []).toEqual([
      90, 90,
    ]);
  });

  test('keeps pods that only an older piece knows, and takes no point twice', async () => {
    const history: History = async (_, from, to) => [
      from < TO - 30 * MINUTE ? counters(from, to + MINUTE, ['a', 'gone']) : counters(from, to),
    ];
    const [sample] = await readHistory(source(history), [COUNTED], FROM, TO, NEVER);
    const requests = sample?.kind === 'counters' ? sample.requests : [];

    expect(requests.map(({ id }) => id).sort()).toEqual(['a', 'gone']);
    expect(new Set(timesOf({ ...counters(0, 0), requests } as Sample)).size).toBe(
      timesOf({ ...counters(0, 0), requests } as Sample).length,
    );
    expect(requests.find(({ id }) => id === 'a')?.points).toHaveLength(90);
  });

  test('stops a query at the first piece that is missing: what is older would leave a hole', async () => {
    const pieces: string[][] = [];
    const history: History = async (queries, from, to) => {
      pieces.push(queries.map(({ metric }) => metric));
      return queries.map(({ kind }): Sample => {
        if (kind !== 'counted') return buckets(from, to);
        return to === TO ? counters(from, to) : EMPTY;
      });
    };
    const [errors] = await readHistory(source(history), [COUNTED, SLOW], FROM, TO, NEVER);

    expect(pieces).toEqual([['errors', 'latency'], ['errors', 'latency'], ['latency']]);
    expect(timesOf(errors)).toHaveLength(30);
  });

  test('a source without a memory is asked once, and its answer kept', async () => {
    let times = 0;
    const history: History = async () => {
      times += 1;
      return [EMPTY];
    };

    expect(await readHistory(source(history), [COUNTED], FROM, TO, NEVER)).toEqual([EMPTY]);
    expect(times).toBe(1);
  });

  test('an error is kept with its message', async () => {
    const error: Sample = {
      metric: 'errors',
      arm: 'stable',
      kind: 'error',
      code: 'metrics-unreachable',
      message: 'too many samples',
      retryAfterMs: null,
    };

    expect(
      await readHistory(
        source(async () => [error]),
        [COUNTED],
        FROM,
        TO,
        NEVER,
      ),
    ).toEqual([error]);
  });

  test('a slow source ends at the deadline with what came before it', async () => {
    const history: History = (_, from, to) =>
      to === TO ? Promise.resolve([counters(from, to)]) : new Promise(() => undefined);
    const [sample] = await readHistory(source(history), [COUNTED], FROM, TO, NEVER, 30);

    expect(timesOf(sample)).toHaveLength(30);
  });

  test('a source that never answers is an error that says so', async () => {
    const samples = await readHistory(
      source(() => new Promise(() => undefined)),
      [COUNTED],
      FROM,
      TO,
      NEVER,
      20,
    );

    expect(samples).toMatchObject([{ kind: 'error', metric: 'errors', message: 'no answer within 0.02 s' }]);
  });

  test('the source is told to stop at the deadline', async () => {
    let told: AbortSignal | null = null;
    const history: History = (_queries, _from, _to, signal) => {
      told = signal;
      return new Promise(() => undefined);
    };
    await readHistory(source(history), [COUNTED], FROM, TO, NEVER, 20);

    expect(told).toMatchObject({ aborted: true });
  });

  test('a cancelled run reads nothing', async () => {
    const samples = await readHistory(
      source(async () => [EMPTY]),
      [COUNTED],
      FROM,
      TO,
      AbortSignal.abort(),
    );

    expect(samples).toMatchObject([{ kind: 'error', message: 'the run was cancelled' }]);
  });

  test('nothing is asked where nothing is judged on evidence', async () => {
    const history: History = () => Promise.reject(new Error('asked'));

    expect(await readHistory(source(history), [MEASURED], FROM, TO, NEVER)).toEqual([]);
  });
});
