import { foldSamples } from '../../src/core/metrics.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { MetricState, Rollout } from '../../src/core/rollout.ts';
import type { Sample, Series } from '../../src/core/sample.ts';
import { startRollout } from '../../src/core/start.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import type { Arm, Ms } from '../../src/core/units.ts';
import { aPlan } from './plan.ts';

export const START: Ms = 1_000_000;

/** Totals of an arm's counters, as one pod shows them. */
export type Totals = readonly [failures: number, requests: number];

/** A weight of 5 % that is held since START. */
export const baking = (change: Partial<Plan> = {}): Rollout => {
  const rollout = startRollout(aPlan(change), START);
  return {
    ...rollout,
    phase: 'progressing',
    step: 0,
    stage: { ...rollout.stage, name: 'bake', verifiedAt: START },
    traffic: { ...rollout.traffic, wanted: weightOnly(500) },
  };
};

/** In a later step, which has begun. */
export const inStep = (rollout: Rollout, step: number): Rollout => ({
  ...rollout,
  step,
  steps: Array.from({ length: step + 1 }, () => ({
    weight: 500,
    intervalMs: 30_000,
    startedAt: START,
    verifiedAt: START,
    endedAt: null,
    heldMs: 0,
    verification: null,
    observedShare: null,
    verdict: 'running',
    metrics: [],
  })),
});

const shows = (pod: string, at: Ms, value: number): Series => ({ id: pod, pod, points: [[at, value]] });

export const counters = (arm: Arm, [failures, requests]: Totals, at: Ms, pod = `${arm}-1`): Sample => ({
  metric: 'errors',
  arm,
  kind: 'counters',
  requests: [shows(pod, at, requests)],
  failures: [shows(pod, at, failures)],
});

/** One answer, `seconds` after START, with what the counters of each arm show then. An arm left out has no data. */
export const fold = (
  rollout: Rollout,
  seconds: number,
  totals: Partial<Readonly<Record<Arm, Totals>>>,
  metric = 'errors',
): Rollout => {
  const now = START + seconds * 1_000;
  const samples = (['canary', 'stable'] as const).map((arm): Sample => {
    const shown = totals[arm];
    return shown === undefined
      ? { metric, arm, kind: 'no-data', why: 'empty' }
      : { ...counters(arm, shown, now), metric };
  });
  return foldSamples(rollout, [metric], samples, now);
};

export const metricOf = ({ metrics: [metric] }: Rollout): MetricState => {
  if (metric === undefined) throw new Error('the plan has no metric');
  return metric;
};

export const evidenceOf = (rollout: Rollout): MetricState['streams'][number]['evidence'] => {
  const [stream] = metricOf(rollout).streams;
  if (stream === undefined) throw new Error('the metric has no stream');
  return stream.evidence;
};

/** Past the point of no return: stable was updated, and so much of the traffic is still on the canary. */
export const returning = (rollout: Rollout, canary: number): Rollout => ({
  ...rollout,
  phase: 'promoting',
  committedAt: START,
  stage: { ...rollout.stage, name: canary === 0 ? 'return-all' : 'return-some' },
  traffic: { ...rollout.traffic, wanted: weightOnly(canary) },
});
