import { judgeCounted } from './evidence.ts';
import { type Increment, sum, type Taken, takeIncrements } from './increments.ts';
import type { MetricState, Rollout, Tally } from './rollout.ts';
import type { Sample } from './sample.ts';
import type { MeasuredSpec, MetricSpec } from './spec.ts';
import { judgeMeasured, measure } from './threshold.ts';
import type { Arm, Ms } from './units.ts';

const NOTHING: Tally = { requests: 0, failures: 0 };
const BOTH_NOTHING: Readonly<Record<Arm, Tally>> = { stable: NOTHING, canary: NOTHING };

export const newMetric = (name: string): MetricState => ({
  name,
  nextAt: 0,
  step: BOTH_NOTHING,
  total: BOTH_NOTHING,
  share: { stable: 0, canary: 0 },
  shareScrapes: 0,
  quietScrapes: 0,
  sampledAt: null,
  value: { stable: null, canary: null },
  measurements: 0,
  failed: 0,
  noDataSince: null,
  noDataWhy: null,
  verdict: { kind: 'pending', odds: null, explanation: 'not measured yet' },
  cursors: {},
});

/** What a new weight forgets: the tallies and measurements of the step before. */
export const newStep = (metric: MetricState, now: Ms): MetricState => ({
  ...newMetric(metric.name),
  nextAt: now,
  total: metric.total,
  cursors: metric.cursors,
  sampledAt: metric.sampledAt,
});

/**
 * The arm under suspicion: the canary, until traffic returns to a stable that was just updated, when the canary is the
 * copy that is known to be good.
 */
export const subjectOf = (rollout: Rollout): Arm =>
  rollout.phase === 'promoting' && rollout.committedAt !== null ? 'stable' : 'canary';

const other = (arm: Arm): Arm => (arm === 'stable' ? 'canary' : 'stable');

/** Folds one tick's answers into the metrics it asked for. */
export const foldSamples = (
  rollout: Rollout,
  names: readonly string[],
  samples: readonly Sample[],
  now: Ms,
): readonly MetricState[] =>
  rollout.metrics.map((metric) => {
    const spec = rollout.plan.metrics.find(({ name }) => name === metric.name);
    if (spec === undefined || !names.includes(metric.name)) return metric;
    const of = (arm: Arm): Sample | undefined =>
      samples.find((sample) => sample.metric === metric.name && sample.arm === arm);
    const asked: MetricState = { ...metric, nextAt: now + pace(rollout, spec) };
    const folded =
      spec.kind === 'counted' ? foldCounted(rollout, asked, of, now) : foldMeasured(rollout, asked, spec, of, now);
    return { ...folded, nextAt: Math.max(folded.nextAt, now + askedToWait(samples)) };
  });

const scrapePace = ({ plan }: Rollout): Ms => Math.max(1_000, plan.timings.minWindowMs / 4);

const pace = (rollout: Rollout, spec: MetricSpec): Ms => {
  if (spec.kind === 'measured') return spec.everyMs;
  const { sampleMs } = rollout.plan.timings;
  return rollout.phase === 'progressing' ? sampleMs : Math.min(sampleMs, scrapePace(rollout));
};

/** A store that is asked too often says when to come back. */
const askedToWait = (samples: readonly Sample[]): Ms =>
  Math.max(0, ...samples.map((sample) => (sample.kind === 'error' ? (sample.retryAfterMs ?? 0) : 0)));

type Answers = (arm: Arm) => Sample | undefined;

/** Data that is missing is asked for again as often as a scrape can bring it. */
const noData = (rollout: Rollout, metric: MetricState, why: string, now: Ms): MetricState => ({
  ...metric,
  nextAt: Math.min(metric.nextAt, now + scrapePace(rollout)),
  noDataSince: metric.noDataSince ?? now,
  noDataWhy: why,
});

/** Why an answer cannot be used, in words; null when it can. */
const unusable = (sample: Sample | undefined, arm: Arm): string | null => {
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

const foldCounted = (rollout: Rollout, metric: MetricState, of: Answers, now: Ms): MetricState => {
  const canary = countArm(rollout, metric, 'canary', of('canary'));
  const stable = countArm(rollout, canary.metric, 'stable', of('stable'));
  const counted = stable.metric;
  const subject = subjectOf(rollout);
  const why = subject === 'canary' ? (canary.why ?? stable.why) : (stable.why ?? canary.why);
  const judged = { ...counted, verdict: verdictOfCounted(rollout, counted) };
  if (why !== null) return noData(rollout, judged, why, now);
  return { ...judged, noDataSince: null, noDataWhy: null, sampledAt: now };
};

const countArm = (
  rollout: Rollout,
  metric: MetricState,
  arm: Arm,
  sample: Sample | undefined,
): { metric: MetricState; why: string | null } => {
  const why = unusable(sample, arm);
  if (why !== null || sample?.kind !== 'counters') return { metric, why: why ?? `no counters from the ${arm}` };
  if (sample.requests.length === 0) return { metric, why: `no data from the ${arm}` };
  const since = countsFrom(rollout, metric);
  const scope = { podScope: `pod|${arm}`, since, scrapeMs: rollout.plan.timings.minWindowMs / 4 };
  const requests = takeIncrements(metric.cursors, sample.requests, { ...scope, scope: `requests|${arm}` });
  const failures = takeIncrements(requests.cursors, sample.failures, { ...scope, scope: `failures|${arm}` });
  const inStep = ({ increments }: Taken): number => sum(increments.filter(({ to }) => to > since));
  const more: Tally = { requests: inStep(requests), failures: inStep(failures) };
  // The canary's pods are the rollout's own: what they counted before they were first seen is harm too.
  const ofAll = ({ increments, started }: Taken): number => sum(increments) + (arm === 'canary' ? started : 0);
  const all: Tally = { requests: ofAll(requests), failures: ofAll(failures) };
  const shared = afterVerified(requests.increments, rollout.stage.verifiedAt);
  return {
    why: null,
    metric: {
      ...metric,
      cursors: failures.cursors,
      step: { ...metric.step, [arm]: add(metric.step[arm], more) },
      total: { ...metric.total, [arm]: add(metric.total[arm], all) },
      share: { ...metric.share, [arm]: metric.share[arm] + sum(shared) },
      ...(arm === 'canary' ? scrapesOf(metric, shared) : {}),
    },
  };
};

/** Pods are scraped each in its own moment: what counts is how often one of them was, not how many moments there are. */
const scrapesOf = (
  metric: MetricState,
  shared: readonly Increment[],
): Pick<MetricState, 'shareScrapes' | 'quietScrapes'> => {
  const moments = new Map<string, Set<Ms>>();
  for (const { pod, to } of shared) moments.set(pod ?? '', (moments.get(pod ?? '') ?? new Set()).add(to));
  const counts = [...moments.values()].map(({ size }) => size);
  const { shareScrapes, quietScrapes } = metric;
  if (counts.length === 0) return { shareScrapes, quietScrapes };
  return {
    shareScrapes: shareScrapes + Math.max(...counts),
    quietScrapes: sum(shared) > 0 ? 0 : quietScrapes + Math.min(...counts),
  };
};

/** A rollout that was taken up again counts from where it was last seen to: nothing twice, and nothing left out. */
const countsFrom = (rollout: Rollout, { cursors, sampledAt }: MetricState): Ms => {
  const since = rollout.stage.name === 'bake' ? stepStart(rollout) : rollout.stage.since;
  return Object.keys(cursors).length === 0 ? Math.max(since, sampledAt ?? 0) : since;
};

const stepStart = (rollout: Rollout): Ms => rollout.steps.at(-1)?.startedAt ?? rollout.stage.since;

const afterVerified = (increments: readonly Increment[], verifiedAt: Ms | null): readonly Increment[] =>
  verifiedAt === null ? [] : increments.filter(({ from }) => from >= verifiedAt);

const add = (a: Tally, b: Tally): Tally => ({ requests: a.requests + b.requests, failures: a.failures + b.failures });

const verdictOfCounted = (rollout: Rollout, metric: MetricState): MetricState['verdict'] => {
  const subject = subjectOf(rollout);
  const reference = other(subject);
  return judgeCounted(metric.step[subject], metric.step[reference], metric.total[reference], { subject, reference });
};

const foldMeasured = (rollout: Rollout, metric: MetricState, spec: MeasuredSpec, of: Answers, now: Ms): MetricState => {
  const subject = subjectOf(rollout);
  const answer = of(subject);
  const why = unusable(answer, subject);
  if (why !== null || answer?.kind !== 'value')
    return noData(rollout, metric, why ?? `no value from the ${subject}`, now);
  const reference = of(other(subject));
  const referenceValue = reference?.kind === 'value' ? reference.value : null;
  const result = measure(spec, answer.value, referenceValue);
  const value = { [subject]: answer.value, [other(subject)]: referenceValue } as Record<Arm, number | null>;
  // With all traffic back on stable there is no canary left to compare with; its other limits still hold.
  if (result.kind === 'unknown' && subject === 'canary')
    return noData(rollout, { ...metric, value }, `no value above zero from the ${other(subject)}`, now);
  const measurements = metric.measurements + 1;
  const failed = metric.failed + (result.kind === 'failed' ? 1 : 0);
  const verdict = judgeMeasured(spec, {
    measurements,
    failed,
    why: result.kind === 'failed' ? result.why : null,
    subject,
  });
  return { ...metric, value, measurements, failed, verdict, noDataSince: null, noDataWhy: null, sampledAt: now };
};
