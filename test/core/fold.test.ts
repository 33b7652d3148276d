import { describe, expect, test } from 'vitest';
import { foldSamples } from '../../src/core/metrics.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { SLOW } from './bench.ts';
import { seen } from './counting.ts';
import { baking, counters, evidenceOf, fold, inStep, metricOf, returning, START, type Totals } from './folding.ts';
import { aPlan, ERRORS, JUDGEMENT, LATENCY, PODS } from './plan.ts';

/** Ticks five seconds apart, from counters at zero. */
const run = (rollout: Rollout, ticks: readonly (readonly [canary: Totals, stable: Totals])[]): Rollout =>
  ticks.reduce(
    (now, [canary, stable], index) => fold(now, 5 * (index + 1), { canary, stable }),
    fold(rollout, 0.5, { canary: [0, 0], stable: [0, 0] }),
  );

const LOOK: NonNullable<Rollout['observation']> = {
  at: START,
  asked: weightOnly(500),
  traffic: null,
  trafficProblem: null,
  changedBy: null,
  asWanted: true,
  verification: null,
  progress: null,
  restored: false,
  stable: null,
  canary: null,
};

const BAD: readonly (readonly [Totals, Totals])[] = [
  [
    [10, 30],
    [1, 470],
  ],
];

describe('both versions are judged over the same time', () => {
  const first = run(baking(), [
    [
      [1, 30],
      [2, 470],
    ],
  ]);

  test('from their first increments on', () => {
    expect(evidenceOf(first).subject).toEqual({ requests: 30, failures: 1 });
    expect(evidenceOf(first).reference).toEqual({ requests: 470, failures: 2 });
  });

  test('so that what one brings waits for the other', () => {
    const alone = fold(first, 10, { canary: [2, 60] });
    const both = fold(alone, 15, { canary: [3, 90], stable: [6, 1_410] });

    expect(evidenceOf(alone)).toBe(evidenceOf(first));
    expect(metricOf(alone).streams[0]?.pending.canary).toEqual({ requests: 30, failures: 1 });
    expect(evidenceOf(both).subject).toEqual({ requests: 90, failures: 3 });
    expect(evidenceOf(both).reference).toEqual({ requests: 1_410, failures: 6 });
    expect(metricOf(both).streams[0]?.pending).toEqual({ stable: null, canary: null });
  });

  test('and failures wait for their requests', () => {
    const ahead = counters('canary', [4, 30], START + 10_000);
    const behind = counters('canary', [1, 30], START + 5_000);
    if (ahead.kind !== 'counters' || behind.kind !== 'counters') throw new Error('counters are counters');
    const canary = { ...ahead, requests: behind.requests };
    const samples = [canary, counters('stable', [4, 940], START + 10_000)];
    const late = foldSamples(first, ['errors'], samples, START + 10_000);
    const then = fold(late, 15, { canary: [4, 90], stable: [6, 1_410] });

    expect(evidenceOf(late).subject).toEqual({ requests: 30, failures: 1 });
    expect(evidenceOf(then).subject).toEqual({ requests: 90, failures: 4 });
  });
});

describe('evidence', () => {
  test('against the canary says nothing about the stable that was updated', () => {
    const before = run(baking(), BAD);
    const after = fold(returning(before, 8_000), 10, { canary: [10, 60], stable: [1, 480] });

    expect(metricOf(before).verdict.kind).toBe('failed');
    expect(metricOf(after).subject).toBe('stable');
    expect(evidenceOf(after).subject).toEqual({ requests: 10, failures: 0 });
    expect(metricOf(after).streams[0]?.total.canary).toEqual({ requests: 60, failures: 10 });
    expect(metricOf(after).verdict.kind).not.toBe('failed');
  });

  test('does not grow any more once the traffic returns', () => {
    const before = run(baking(), BAD);
    const after = fold({ ...before, phase: 'rolling-back' }, 10, { canary: [90, 100], stable: [1, 480] });

    expect(evidenceOf(after)).toBe(evidenceOf(before));
  });

  test('while capacity for the next step is made is of the step whose weight is in force', () => {
    const scaling = { ...inStep(baking(), 0), step: 1 };

    expect(evidenceOf(run(scaling, BAD)).starts.map(({ step }) => step)).toEqual([0]);
  });

  test('is kept from step to step, and by a metric that has no data for a while', () => {
    const before = run(baking(), [
      [
        [1, 30],
        [2, 470],
      ],
    ]);
    const silent = fold(inStep(before, 1), 10, {});
    const after = fold(silent, 15, { canary: [2, 130], stable: [4, 870] });

    expect(metricOf(silent).noDataWhy).toBe('no data from the canary');
    expect(evidenceOf(silent)).toBe(evidenceOf(before));
    expect(evidenceOf(after).starts.map(({ step, subject }) => [step, subject.requests])).toEqual([
      [0, 130],
      [1, 100],
    ]);
  });
});

describe('where one version gets no traffic by plan', () => {
  const past: readonly (readonly [Totals, Totals])[] = [
    [
      [20, 2_000],
      [20, 2_000],
    ],
    [
      [40, 4_000],
      [40, 4_000],
    ],
  ];
  const all = (rollout: Rollout): Rollout => ({
    ...inStep(rollout, 1),
    traffic: { ...rollout.traffic, wanted: weightOnly(10_000) },
  });

  test('the canary is held to what stable showed before', () => {
    const before = all(run(baking(), past));
    const fine = fold(before, 15, { canary: [50, 5_000], stable: [40, 4_000] });
    const bad = fold(fine, 20, { canary: [150, 6_000], stable: [40, 4_000] });

    expect([metricOf(fine).verdict.kind, metricOf(bad).verdict.kind]).toEqual(['pass', 'failed']);
    expect(metricOf(bad).verdict.explanation).toContain('stable 40 of 4 000 (1 %) before');
  });

  test('the updated stable is held to what the canary showed before', () => {
    const before = fold(returning(run(baking(), past), 8_000), 15, { canary: [44, 4_400], stable: [41, 4_100] });
    const alone = returning(before, 0);
    const fine = fold(alone, 20, { canary: [44, 4_400], stable: [46, 4_600] });
    const bad = fold(fine, 25, { canary: [44, 4_400], stable: [146, 5_600] });

    expect(evidenceOf(fine).starts.map(({ step }) => step)).toEqual([0, 1]);
    expect([metricOf(fine).verdict.kind, metricOf(bad).verdict.kind]).toEqual(['pass', 'failed']);
    expect(metricOf(bad).verdict.explanation).toMatch(/^with all traffic stable failed 105 of /);
  });

  test('but never by the numbers alone: a version whose counts come late is waited for', () => {
    const before = run(baking(), past);
    const late = fold(before, 15, { canary: [140, 5_000], stable: [40, 4_000] });

    expect(evidenceOf(late)).toBe(evidenceOf(before));
  });

  test('and never where pods are the weight: stable keeps its own', () => {
    const plan: Partial<Plan> = { abilities: PODS };
    const before = all(run(baking(plan), past));
    const late = fold(before, 15, { canary: [140, 5_000], stable: [40, 4_000] });

    expect(evidenceOf(late)).toBe(evidenceOf(before));
  });
});

describe('a judgement that only reports', () => {
  const dry = baking({ judgement: { ...JUDGEMENT, mode: 'dry-run' } });

  test('remembers the first time that it would have rolled back, and no later one', () => {
    const first = run(dry, BAD);
    const worse = fold(first, 10, { canary: [40, 60], stable: [1, 900] });

    expect(metricOf(first).wouldHave).toMatchObject({ at: START + 5_000, step: 0 });
    expect(metricOf(first).wouldHave?.explanation).toContain('failed 10 of 30 requests');
    expect(metricOf(worse).verdict.explanation).toContain('failed 40 of 60 requests');
    expect(metricOf(worse).wouldHave).toBe(metricOf(first).wouldHave);
  });

  test('is told of one metric as of all', () => {
    const one = run(baking({ metrics: [{ ...ERRORS, dryRun: true }] }), BAD);

    expect(metricOf(one).wouldHave?.at).toBe(START + 5_000);
  });

  test('is none where a metric decides', () => {
    expect(metricOf(run(baking(), BAD)).wouldHave).toBeNull();
  });

  test('counts for thresholds too', () => {
    const measured = baking({ metrics: [{ ...LATENCY, dryRun: true }] });
    const slow = foldSamples(
      measured,
      ['p99'],
      [{ metric: 'p99', arm: 'canary', kind: 'value', value: 0.8, at: START }],
      START + 5_000,
    );

    expect(metricOf(slow).wouldHave?.explanation).toBe("the canary's 800 ms is above the limit of 500 ms");
  });
});

test('a step that stood on suspicion for as long as it may goes on, unless it is worse than that', () => {
  const suspicious: readonly (readonly [Totals, Totals])[] = [
    [
      [2, 100],
      [2, 1_900],
    ],
  ];
  const long = { ...baking(), suspectedMs: aPlan().timings.noDataMs };

  expect(metricOf(run(baking(), suspicious)).verdict.kind).toBe('held');
  expect(metricOf(run(long, suspicious)).verdict.kind).toBe('pass');
  expect(metricOf(run(long, BAD)).verdict.kind).toBe('failed');
});

describe('a latency', () => {
  const plan: Partial<Plan> = {
    metrics: [SLOW],
    judgement: {
      ...JUDGEMENT,
      metrics: { latency: { phi: 1, tolerance: 1.1, bounds: [0.1, 0.5], part: 1, history: null } },
    },
  };
  const answer = (bounds: readonly number[]) =>
    (['canary', 'stable'] as const).map((arm) => ({
      metric: 'latency',
      arm,
      kind: 'buckets' as const,
      buckets: bounds.map((bound) => ({ id: arm, pod: arm, bound, points: [[START + 1_000, 5]] as const })),
    }));
  const why = (bounds: readonly number[]): string | null =>
    metricOf(foldSamples(baking(plan), ['latency'], answer(bounds), START + 1_000)).noDataWhy;

  test('has no data where its histogram lost a bound that is judged', () => {
    expect(why([0.1, 0.5, Number.POSITIVE_INFINITY])).toBeNull();
    expect(why([0.1, Number.POSITIVE_INFINITY])).toBe('no bucket of 0.5 from the canary');
    expect(why([0.1, 0.5])).toBe('no bucket of +Inf from the canary');
  });

  test('has none either when the answer is not a histogram', () => {
    const samples = (['canary', 'stable'] as const).map((arm) => ({
      ...counters(arm, [0, 5], START + 1_000),
      metric: 'latency',
    }));

    expect(metricOf(foldSamples(baking(plan), ['latency'], samples, START + 1_000)).noDataWhy).toBe(
      'no buckets of a histogram from the canary',
    );
  });
});

test('names of pods are as long as names of pods can be', () => {
  const long = 'p'.repeat(70_000);
  const ticks = [0, 5].map((seconds) =>
    ['canary', 'stable'].map((arm) => counters(arm as 'canary', [seconds, seconds * 9], START + seconds * 1_000, long)),
  );
  const after = ticks.reduce(
    (rollout, samples, index) => foldSamples(rollout, ['errors'], samples, START + index * 5_000),
    baking(),
  );

  expect(Object.entries(metricOf(after).failuresByPod)).toEqual([['p'.repeat(253), 5]]);
});

test.each([
  ['shop-1', 'those of shop-1 went down'],
  ['x\n::error::', 'those without a known pod went down'],
])('two stores that tell the counters of %j differently are told once, and only with a name', (pod, words) => {
  const lives = { canary: seen({}), stable: seen({}) };
  const answer = (at: number, value: number) =>
    (['canary', 'stable'] as const).map((arm) => counters(arm, [0, value], at, arm === 'canary' ? pod : 'stable-1'));
  const shown = [10, 20, 15, 15, 12, 12].entries();
  let rollout = baking();
  for (const [tick, value] of shown) {
    const at = START + tick * 5_000;
    rollout = foldSamples(rollout, ['errors'], answer(at, value), at + 10);
    rollout = { ...rollout, observation: { ...LOOK, ...lives, at: at + 100 } };
  }

  expect(rollout.warnings).toEqual([expect.stringContaining(words)]);
});
