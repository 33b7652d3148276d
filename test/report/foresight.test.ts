import { describe, expect, test } from 'vitest';
import type { Advice } from '../../src/core/advice.ts';
import type { Foresight, Known, MetricForesight } from '../../src/core/foresight.ts';
import type { Placebo } from '../../src/core/placebo.ts';
import type { Sight, Worse } from '../../src/core/power.ts';
import { renderComment, renderSummary } from '../../src/report/comment.ts';
import { resultOf } from '../../src/report/result.ts';
import { aPlan, at } from '../fakes/rollout.ts';

const sights = (...seen: readonly (readonly [Worse, number | null, boolean])[]): readonly Sight[] =>
  seen.map(([worse, seconds, isSure]) => ({ worse, ms: seconds === null ? null : seconds * 1000, isSure }));

const FIRST = sights([1.3, null, false], [2, null, false], [5, 30, false], [10, 10, true], ['all', 5, true]);
const LATER = sights([1.3, null, false], [2, 50, true], [5, 10, true], [10, 5, true], ['all', 5, true]);
const WHOLE = sights([1.3, null, false], [2, 180, true], [5, 30, true], [10, 10, true], ['all', 5, true]);

const steps = (first: readonly Sight[], later: readonly Sight[]): Known['steps'] =>
  [500, 1000, 2000, 5000, 8000].map((weight) => ({ weight, ms: 60_000, sights: weight < 2000 ? first : later }));

const errors: MetricForesight & Known = {
  name: 'errors',
  dryRun: false,
  kind: 'known',
  phi: 1,
  tolerance: 1.1,
  ms: 10_790_000,
  requests: 1_079_000,
  requestsPerSecond: 100,
  rates: [{ bound: null, failures: 10_790, failureRatio: 0.01 }],
  unit: null,
  steps: steps(FIRST, LATER),
  whole: WHOLE,
  cost: { ms: 5_000, requests: 25, mostRequests: 50 },
};

const slow: MetricForesight & Known = {
  ...errors,
  name: 'p99 | latency',
  dryRun: true,
  phi: 2.34,
  tolerance: 1.25,
  rates: [
    { bound: 0.25, failures: 21_580, failureRatio: 0.02 },
    { bound: 1, failures: 1_079, failureRatio: 0.001 },
  ],
  unit: 's',
  cost: { ms: 10_000, requests: 50, mostRequests: 50 },
};

const calm: Placebo = {
  kind: 'replayed',
  pods: 4,
  windowMs: 300_000,
  releases: 144,
  rolledBack: 0,
  held: 2,
  byMetric: {},
  remedies: [],
};

const advice: readonly Advice[] = [
  {
    kind: 'first-weight',
    weight: 100,
    now: { ms: 5_000, requests: 250, mostRequests: 250 },
    better: { ms: 5_000, requests: 50, mostRequests: 50 },
  },
  { kind: 'interval', times: 3, firstMs: 180_000, now: 3, better: 2 },
  {
    kind: 'sooner',
    now: { ms: 15_000, requests: 750, mostRequests: 1_500 },
    better: { ms: 1_000, requests: 50, mostRequests: 100 },
  },
];

const foresight = (changes: Partial<Foresight> = {}): Foresight => ({
  askedMs: 10_800_000,
  metrics: [errors],
  placebo: calm,
  advice: [],
  ...changes,
});

const planned = (told: Foresight | null, plan = aPlan()) =>
  ({
    kind: 'planned',
    reason: { code: 'planned', text: 'The plan was made and nothing was written.', metric: null },
    preview: {
      plan,
      findings: [],
      durationMs: 372_000,
      touches: [],
      role: 'kind: Role',
      watchdogRole: null,
      peak: { pods: 20, cpu: 5, memory: 2 ** 32 },
      foresight: told,
    },
  }) as const;

const extras = { now: at('10:02:00'), journal: [], pods: [], podLines: false };

const unknown = (why: Extract<MetricForesight, { kind: 'unknown' }>['why']): MetricForesight => ({
  name: 'errors',
  dryRun: false,
  kind: 'unknown',
  why,
});

const STORIES: Readonly<Record<string, Foresight>> = {
  calm: foresight({ metrics: [errors, slow] }),
  'false-alarms': foresight({
    metrics: [{ ...errors, phi: 1.2 }, slow],
    placebo: {
      ...calm,
      rolledBack: 12,
      held: 9,
      byMetric: { errors: 12, 'p99 | latency': 3 },
      remedies: [
        { kind: 'strict', rolledBack: 4 },
        { kind: 'floor', metric: 'errors', floor: 0.02, rolledBack: 0 },
        { kind: 'phi', metric: 'errors', phi: 3.6, rolledBack: 2 },
      ],
    },
    advice,
  }),
  'no-remedy': foresight({
    placebo: { ...calm, releases: 12, rolledBack: 6, held: 0, byMetric: { errors: 6 } },
    advice: [{ kind: 'little-traffic', worse: 5 }],
  }),
  'never-failed': foresight({
    metrics: [
      {
        ...errors,
        rates: [{ bound: null, failures: 0, failureRatio: 0 }],
        requestsPerSecond: 0.36,
        steps: steps(sights(['all', null, false]), sights(['all', 40, true])),
        whole: sights(['all', 130, true]),
        cost: { ms: 130_000, requests: 3.1, mostRequests: 3.2 },
      },
    ],
    placebo: { kind: 'impossible', why: 'short' },
  }),
  'one-pod': foresight({ metrics: [{ ...errors, cost: null }], placebo: { kind: 'impossible', why: 'pods' } }),
  'no-past': foresight({ metrics: [unknown({ kind: 'empty' })], placebo: null }),
  'past-refused': foresight({
    metrics: [
      unknown({ kind: 'error', message: 'no answer within 20 s' }),
      unknown({ kind: 'idle' }),
      unknown({ kind: 'bounds' }),
    ],
    placebo: null,
  }),
};

describe('the foresight of a plan', () => {
  for (const [name, told] of Object.entries(STORIES))
    test(`"${name}" reads as its golden file`, async () => {
      await expect(renderComment(planned(told), extras)).toMatchFileSnapshot(`golden/foresight-${name}.golden.md`);
    });

  test('is in the summary and on the console too', () => {
    expect(renderSummary(planned(foresight()), extras)).toContain("**What stable's last 3 h tell");
  });

  test('intervals that differ are advised on in words', () => {
    const [first, ...rest] = aPlan().steps;
    const uneven = aPlan({ steps: [{ ...first, intervalMs: 30_000 } as never, ...rest] });

    expect(renderComment(planned(foresight({ advice }), uneven), extras)).toContain('Intervals 3 times as long');
    expect(renderComment(planned(foresight({ advice })), extras)).toContain('`interval: 3m`');
  });

  test('hostile names and messages read as text', async () => {
    const evil = 'a|b `c` <img src=x> @mona #12 [l](https://evil.invalid) **b** \u202e';
    const comment = renderComment(
      planned(
        foresight({
          metrics: [{ ...slow, name: evil, unit: evil }, unknown({ kind: 'error', message: evil })],
          placebo: {
            ...calm,
            rolledBack: 9,
            byMetric: { [evil]: 9 },
            remedies: [{ kind: 'phi', metric: evil, phi: 3, rolledBack: 1 }],
          },
        }),
      ),
      extras,
    );

    await expect(comment).toMatchFileSnapshot('golden/foresight-hostile.golden.md');
  });

  test('many metrics fit a comment: four have a column, and the rest is counted', () => {
    const many = Array.from({ length: 50 }, (_, index) => ({ ...errors, name: `errors ${index}` }));
    const comment = renderComment(planned(foresight({ metrics: many })), extras);

    expect(comment.length).toBeLessThanOrEqual(64_000);
    expect(comment).toContain('46 more metrics are judged but not in this table');
    expect(comment).toContain('`errors 3`');
    expect(comment).toContain('30 more metrics are not listed');
  });

  test('the result has its numbers', () => {
    expect(resultOf(planned(foresight({ metrics: [errors, slow] }))).foresight).toMatchInlineSnapshot(`
      {
        "metrics": [
          {
            "dryRun": false,
            "failureRatio": 0.01,
            "name": "errors",
            "phi": 1,
            "requestsPerSecond": 100,
            "seen": {
              "seconds": 180,
              "worse": 2,
            },
            "tolerance": 1.1,
            "totalFailure": {
              "requests": 25,
              "seconds": 5,
            },
          },
          {
            "dryRun": true,
            "failureRatio": 0.02,
            "name": "p99 | latency",
            "phi": 2.34,
            "requestsPerSecond": 100,
            "seen": {
              "seconds": 180,
              "worse": 2,
            },
            "tolerance": 1.25,
            "totalFailure": {
              "requests": 50,
              "seconds": 10,
            },
          },
        ],
        "placebo": {
          "held": 2,
          "releases": 144,
          "rolledBack": 0,
        },
      }
    `);
    expect(resultOf(planned(null)).foresight).toBeNull();
  });
});
