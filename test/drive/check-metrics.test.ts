import { describe, expect, test } from 'vitest';
import type { BoundQuery, BucketSeries, Sample } from '../../src/core/sample.ts';
import type { MetricSpec } from '../../src/core/spec.ts';
import { checkMetrics, HISTORY_MS } from '../../src/drive/check-metrics.ts';
import type { MetricSource } from '../../src/ports/metric-source.ts';
import { SLOW as LATENCY } from '../core/bench.ts';
import { aPlan, ERRORS } from '../core/plan.ts';
import { aSpec } from '../fakes/spec.ts';
import { signal, workload } from './adapters.ts';

const NOW = 10_000_000;
const SLOW = { ...LATENCY, name: 'slow' };

/** One pod's totals: requests that took at most each bound. */
const buckets = (upTo: Readonly<Record<string, number>>): Sample => ({
  metric: 'slow',
  arm: 'stable',
  kind: 'buckets',
  buckets: Object.entries(upTo).map(
    ([bound, count]): BucketSeries => ({ id: 'a', pod: 'a', bound: Number(bound), points: [[NOW, count]] }),
  ),
});

interface Store {
  readonly now?: Sample;
  readonly history?: readonly Sample[];
  readonly asked?: BoundQuery[][];
}

const source = ({ now, history = [], asked = [] }: Store): MetricSource => ({
  check: async () => ({ findings: [], scrapeIntervalMs: 1_000, paceMs: 5_000 }),
  sample: async (queries) => (now === undefined || queries.length === 0 ? [] : [now]),
  history: async (queries, from, to) => {
    asked.push([...queries]);
    expect(to - from).toBeLessThanOrEqual(HISTORY_MS);
    return history;
  },
});

const checked = (metrics: readonly MetricSpec[], store: Store) =>
  checkMetrics(
    { spec: aSpec({ metrics }), source: source(store), presets: [], workload, now: NOW, signal: signal() },
    aPlan().target,
    { objects: new Map(), lists: new Map() },
  );

const boundsOf = async (upTo: Readonly<Record<string, number>>) =>
  (await checked([SLOW], { now: buckets(upTo) })).calibrations['slow']?.bounds;

describe('the checks of metrics', () => {
  test('ask for the history of what is judged on evidence, and of nothing else', async () => {
    const asked: BoundQuery[][] = [];

    await checked([ERRORS], { asked });

    expect(asked.flat().map(({ metric, arm }) => `${metric} ${arm}`)).toEqual(['errors stable']);
  });

  test('say that failures may come in clumps where there is no history', async () => {
    const { findings, calibrations } = await checked([ERRORS], {});

    expect(findings.map(({ severity, where }) => `${severity} ${where}`)).toEqual(['warning metric "errors"']);
    expect(calibrations['errors']).toMatchObject({ phi: 1, tolerance: 1.1, history: null });
  });

  test.each([
    ['those that some requests of stable exceed', { 0.1: 900, 0.5: 999, 1: 1_000, Infinity: 1_000 }, [0.1, 0.5]],
    ['the lowest where stable is faster than all', { 0.1: 1_000, 0.5: 1_000, Infinity: 1_000 }, [0.1]],
    ['the highest where stable is slower than all', { 0.1: 0, 0.5: 100, Infinity: 1_000 }, [0.5]],
    ['the lowest where stable had no request yet', { 0.1: 0, 0.5: 0, Infinity: 0 }, [0.1]],
  ])('without a history judge a latency by %s', async (_, upTo, bounds) => {
    expect(await boundsOf(upTo)).toEqual(bounds);
  });

  test('refuse a histogram without a bound', async () => {
    const { findings } = await checked([SLOW], { now: buckets({ Infinity: 1_000 }) });

    expect(findings.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([
      'The histogram has no finite bound of stable to judge by.',
    ]);
  });
});
