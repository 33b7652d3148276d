import { NO_EVIDENCE } from './evidence.ts';
import { calibrationOf } from './judgement.ts';
import type { MetricState, Rollout, Stream, Tally } from './rollout.ts';
import type { Sample } from './sample.ts';
import type { MetricSpec } from './spec.ts';
import type { Arm, Ms } from './units.ts';

export const NOTHING: Tally = { requests: 0, failures: 0 };
const BOTH_NOTHING: Readonly<Record<Arm, Tally>> = { stable: NOTHING, canary: NOTHING };

/** `bounds`: of a metric judged on evidence, null for failures; none for a measured one. */
export const newMetric = (name: string, bounds: readonly (number | null)[]): MetricState => ({
  name,
  nextAt: 0,
  streams: bounds.map((bound) => newStream(bound)),
  failuresByPod: {},
  doubts: [],
  subject: 'canary',
  wouldHave: null,
  step: BOTH_NOTHING,
  total: BOTH_NOTHING,
  share: { stable: 0, canary: 0 },
  shareScrapes: 0,
  quietScrapes: 0,
  sampledAt: null,
  value: { stable: null, canary: null },
  measurements: 0,
  failed: 0,
  failedInAll: 0,
  noDataSince: null,
  noDataWhy: null,
  verdict: { kind: 'pending', odds: null, explanation: 'not measured yet' },
  cursors: {},
  lives: {},
});

export const newStream = (bound: number | null): Stream => ({
  bound,
  pending: { stable: null, canary: null },
  total: BOTH_NOTHING,
  evidence: NO_EVIDENCE,
});

/** What a metric is counted against: failures, or the bounds of its latency. */
export const boundsOf = (spec: MetricSpec, judgement: Rollout['plan']['judgement']): readonly (number | null)[] => {
  if (spec.kind === 'measured') return [];
  return spec.kind === 'counted' ? [null] : calibrationOf(judgement, spec.name).bounds;
};

/** What a new weight forgets: the tallies and measurements of the step before. Evidence stays: it is about the version. */
export const newStep = (metric: MetricState, now: Ms): MetricState => ({
  ...metric,
  nextAt: now,
  step: BOTH_NOTHING,
  share: { stable: 0, canary: 0 },
  shareScrapes: 0,
  quietScrapes: 0,
  value: { stable: null, canary: null },
  measurements: 0,
  failed: 0,
  noDataSince: null,
  noDataWhy: null,
  verdict: { kind: 'pending', odds: null, explanation: 'not measured yet' },
});

/**
 * The arm under suspicion: the canary, until traffic returns to a stable that was just updated, when the canary is the
 * copy that is known to be good.
 */
export const subjectOf = (rollout: Rollout): Arm =>
  rollout.phase === 'promoting' && rollout.committedAt !== null ? 'stable' : 'canary';

export const other = (arm: Arm): Arm => (arm === 'stable' ? 'canary' : 'stable');

/** How often a scrape can bring something new. */
const scrapePace = ({ plan }: Rollout): Ms => Math.max(1_000, plan.timings.minWindowMs / 4);

export type Answers = (arm: Arm) => Sample | undefined;

/** Data that is missing is asked for again as often as a scrape can bring it. */
export const noData = (rollout: Rollout, metric: MetricState, why: string, now: Ms): MetricState => ({
  ...metric,
  nextAt: Math.min(metric.nextAt, now + scrapePace(rollout)),
  noDataSince: metric.noDataSince ?? now,
  noDataWhy: why,
});

/** Why an answer cannot be used, in words; null when it can. */
export const unusable = (sample: Sample | undefined, arm: Arm): string | null => {
  if (sample === undefined) return `no answer for the ${arm}`;
  if (sample.kind === 'error') return sample.message;
  if (sample.kind !== 'no-data') return null;
  const words = {
    empty: 'no data',
    nan: 'not a number',
    stale: 'only old data',
    several: 'several series where one is needed',
  };
  return `${words[sample.why]} from the ${arm}`;
};
