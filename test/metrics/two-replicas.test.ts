import { describe, expect, test } from 'vitest';
import type { Exposed } from '../../sandbox/counters.ts';
import { evaluate } from '../../sandbox/prometheus/promql.ts';
import { answering, createReplicas, type ReplicaOptions, record } from '../../sandbox/prometheus/replicas.ts';
import { randomStream } from '../../sandbox/random.ts';
import { type Cursors, fallen, takeIncrements } from '../../src/core/increments.ts';
import { listRef, POD } from '../../src/core/objects.ts';
import type { BoundQuery, Series } from '../../src/core/sample.ts';
import { createPrometheus } from '../../src/metrics/prometheus.ts';
import { matrix } from './prometheus-store.ts';

const BEGIN = Date.parse('2026-03-01T10:00:00Z');
const SCRAPE_MS = 5_000;
const TICK_MS = 5_000;
const PODS = ['a-1', 'a-2'];

const query: BoundQuery = {
  metric: 'errors',
  arm: 'stable',
  kind: 'counted',
  requests: 'requests_total',
  failures: 'failures_total',
  replicaLabels: ['prometheus_replica'],
  pods: listRef(POD, 'shop'),
};

/** Counters of two pods that only rise, some tenths of a second at a time. */
const countersUntil = (endMs: number, seed: number) => {
  const random = randomStream(seed);
  const steps: { readonly at: number; readonly exposed: readonly Exposed[] }[] = [];
  const counts = new Map<string, number>();
  const add = (name: string, pod: string, amount: number) =>
    counts.set(`${name} ${pod}`, (counts.get(`${name} ${pod}`) ?? 100) + amount);
  for (let at = BEGIN; at <= endMs; at += 100) {
    for (const pod of PODS) {
      const requests = Math.floor(random() * 4);
      add('requests_total', pod, requests);
      add('failures_total', pod, requests > 0 && random() < 0.2 ? 1 : 0);
    }
    const exposed = [...counts].map(([key, value]) => {
      const [name = '', pod = ''] = key.split(' ');
      return { labels: { __name__: name, pod }, value };
    });
    steps.push({ at, exposed });
  }
  return steps;
};

/** A source before two stores that scrape these counters, each at its own moments. */
const sourceOver = (steps: ReturnType<typeof countersUntil>, options: ReplicaOptions) => {
  const replicas = createReplicas(options);
  const samples = answering(replicas, options);
  for (const { at, exposed } of steps) {
    for (const replica of replicas) {
      if ((at - BEGIN - replica.skewMs) % SCRAPE_MS === 0) record(replica, exposed, at);
    }
  }
  return createPrometheus({
    spec: { address: { kind: 'url', url: 'http://store.example' }, headers: [], ca: null },
    http: {
      get: async (url) => {
        const parameters = new URL(url).searchParams;
        const value = evaluate(parameters.get('query') ?? '', samples(), Number(parameters.get('time')) * 1000);
        const series = value.kind === 'matrix' ? value.series : [];
        const found = series.map(({ labels, points }) => ({
          metric: labels,
          values: points.map(([at, count]) => [at / 1000, String(count)]),
        }));
        return { kind: 'answer', status: 200, body: matrix(...found), retryAfterMs: null };
      },
    },
    cluster: { proxy: async () => ({ kind: 'unreachable', message: 'not used' }) },
  });
};

/** What a counter really was at a time, summed over its pods. */
const truthAt = (steps: ReturnType<typeof countersUntil>, name: string, at: number): number =>
  (steps.findLast((step) => step.at <= at)?.exposed ?? [])
    .filter(({ labels }) => labels['__name__'] === name)
    .reduce((total, { value }) => total + value, 0);

/** Ticks as the rollout takes them. */
const countBy = async (source: ReturnType<typeof sourceOver>, from: number, to: number) => {
  const { signal } = new AbortController();
  const kept: Record<'requests' | 'failures', { cursors: Cursors; total: number; falls: number }> = {
    requests: { cursors: {}, total: 0, falls: 0 },
    failures: { cursors: {}, total: 0, falls: 0 },
  };
  for (let now = from; now <= to; now += TICK_MS) {
    const [sample] = await source.sample([query], from, now, signal);
    if (sample?.kind !== 'counters') throw new Error(`the store gave ${JSON.stringify(sample)}`);
    for (const side of ['requests', 'failures'] as const) {
      const series: readonly Series[] = sample[side];
      const scope = { scope: side, podScope: 'stable', since: from };
      kept[side].falls += fallen(kept[side].cursors, series, scope).length;
      const taken = takeIncrements(kept[side].cursors, series, { ...scope, scrapeMs: SCRAPE_MS, falls: new Map() });
      kept[side].cursors = taken.cursors;
      kept[side].total += taken.increments.reduce((total, { amount }) => total + amount, 0);
    }
  }
  return kept;
};

describe.each<ReplicaOptions['mode']>(['in-turn', 'labelled'])('two replicas (%s)', (mode) => {
  test.each([200, 1_900, 2_500, 4_800])('that scrape %i ms apart count each request once', async (skewMs) => {
    const from = BEGIN + 60_000;
    const to = from + 120_000;
    const steps = countersUntil(to, skewMs);

    const { requests, failures } = await countBy(sourceOver(steps, { mode, skewMs }), from, to);

    for (const [name, side] of [
      ['requests_total', requests],
      ['failures_total', failures],
    ] as const) {
      // Each end is known to one scrape: what was counted lies between what the two can differ by.
      const most = truthAt(steps, name, to) - truthAt(steps, name, from - SCRAPE_MS);
      const least = truthAt(steps, name, to - 2 * SCRAPE_MS) - truthAt(steps, name, from);
      expect(side.falls).toBe(0);
      expect(side.total).toBeGreaterThanOrEqual(least);
      expect(side.total).toBeLessThanOrEqual(most);
    }
  });
});
