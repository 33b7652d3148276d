import { describe, expect, test } from 'vitest';
import type { BoundQuery, Sample } from '../../src/core/sample.ts';
import type { MetricSpec } from '../../src/core/spec.ts';
import type { Preflight } from '../../src/drive/preflight.ts';
import { makePreview, type PreviewParts } from '../../src/drive/preview.ts';
import type { MetricSource } from '../../src/ports/metric-source.ts';
import { ERRORS, LATENCY } from '../core/plan.ts';
import { aPast, countersOf } from '../core/stable-past.ts';
import { fakeCluster } from '../fakes/cluster.ts';
import { aPlan, router, workload } from './adapters.ts';

const NOW = Date.parse('2026-03-01T10:00:00Z');
const HOUR = 3_600_000;

type Asked = readonly [queries: readonly BoundQuery[], from: number, to: number];

/** It remembers no further back than the first piece it is asked for. */
const remembering = (samples: readonly Sample[]): { readonly asked: Asked[]; readonly source: MetricSource } => {
  const asked: Asked[] = [];
  const source: MetricSource = {
    check: () => Promise.reject(new Error('not asked')),
    sample: () => Promise.reject(new Error('not asked')),
    history: async (queries, from, to) => {
      asked.push([queries, from, to]);
      return asked.length === 1 ? samples : [];
    },
  };
  return { asked, source };
};

const parts = (changes: Partial<PreviewParts> = {}): PreviewParts => ({
  cluster: fakeCluster(),
  workload,
  watchdog: null,
  source: null,
  now: NOW,
  signal: new AbortController().signal,
  ...changes,
});

const ready = (metrics: readonly MetricSpec[] = [ERRORS, LATENCY]): Extract<Preflight, { kind: 'ready' }> => ({
  kind: 'ready',
  plan: aPlan({ metrics }),
  findings: [],
  router,
  seen: { objects: new Map(), lists: new Map() },
  permissions: [],
});

describe('the preview of a plan', () => {
  test('reads the last 3 hours of stable, of what is judged on evidence', async () => {
    const past = aPast({ pods: 3, requestsPerSecond: 50, failureRatio: 0.01, seconds: 1_200, seed: 4 });
    const { asked, source } = remembering([countersOf(past)]);
    const { foresight } = await makePreview(ready(), parts({ source }));

    expect(foresight).toMatchObject({ askedMs: 3 * HOUR, metrics: [{ name: 'errors', kind: 'known' }] });
    expect(foresight?.placebo).toMatchObject({ kind: 'replayed', pods: 3 });
    expect(asked.map(([, from, to]) => [from - NOW, to - NOW])).toEqual([
      [-HOUR / 2, 0],
      [-HOUR, -HOUR / 2],
    ]);
    expect(asked[0]?.[0]).toMatchObject([{ metric: 'errors', arm: 'stable', kind: 'counted' }]);
  });

  test('without a source, or where it keeps no past, says so instead of failing', async () => {
    const none = await makePreview(ready(), parts());
    const empty = await makePreview(ready(), parts({ source: remembering([]).source }));

    expect(none.foresight).toMatchObject({ metrics: [{ kind: 'unknown', why: { kind: 'empty' } }], placebo: null });
    expect(empty.foresight?.metrics).toMatchObject([{ kind: 'unknown' }]);
  });

  test('has no foresight where only thresholds judge', async () => {
    expect((await makePreview(ready([LATENCY]), parts())).foresight).toBeNull();
  });
});
