import { evidenceStep, type Folded, foldCounted, stepsOf } from './counted.ts';
import { withLives } from './counting.ts';
import { type Case, judge } from './judgement.ts';
import { type Answers, noData, other, subjectOf, unusable } from './metric-state.ts';
import type { MetricState, Observation, Rollout } from './rollout.ts';
import type { Sample } from './sample.ts';
import type { MeasuredSpec, MetricSpec } from './spec.ts';
import { judgeMeasured, measure } from './threshold.ts';
import type { Arm, Ms } from './units.ts';
import { POD_NAME } from './verdict-text.ts';

/** Folds one tick's answers into the metrics it asked for, and judges them. */
export const foldSamples = (
  rollout: Rollout,
  names: readonly string[],
  samples: readonly Sample[],
  now: Ms,
  askedAt: Ms = now,
): Rollout => {
  const folded = rollout.metrics.map((metric): Folded => {
    const spec = rollout.plan.metrics.find(({ name }) => name === metric.name);
    if (spec === undefined || !names.includes(metric.name)) return { metric, dropped: [] };
    const of = (arm: Arm): Sample | undefined =>
      samples.find((sample) => sample.metric === metric.name && sample.arm === arm);
    const asked: MetricState = { ...metric, nextAt: nextAt(pace(rollout, spec, now), askedAt, now) };
    const { metric: next, dropped } =
      spec.kind === 'measured'
        ? { metric: foldMeasured(rollout, asked, spec, of, now), dropped: [] }
        : foldCounted(rollout, asked, spec, of, now);
    return { metric: { ...next, nextAt: Math.max(next.nextAt, now + askedToWait(samples)) }, dropped };
  });
  const counted = withWarning(
    { ...rollout, metrics: folded.map(({ metric }) => metric) },
    folded.flatMap(({ dropped }) => dropped),
  );
  return { ...counted, metrics: withVerdicts(counted).map((metric) => remembered(counted, metric, now)) };
};

const FELL = 'two stores seem to tell the same counters differently';

/** Once: the next pods would say the same. */
const withWarning = (rollout: Rollout, [pod]: readonly string[]): Rollout => {
  if (pod === undefined || rollout.warnings.some((text) => text.startsWith(FELL))) return rollout;
  const whose = POD_NAME.test(pod) ? `those of ${pod}` : 'those without a known pod';
  const text = `${FELL}: ${whose} went down, and no container of it began anew; only what rises above the highest count is judged`;
  return { ...rollout, warnings: [...rollout.warnings, text] };
};

/** What a look that read pods tells about whose counters begin anew. */
export const foldLives = (metrics: readonly MetricState[], { stable, canary }: Observation): readonly MetricState[] =>
  metrics.map((metric) =>
    withLives(withLives(metric, 'stable', stable?.lives ?? null), 'canary', canary?.lives ?? null),
  );

/** The pace is that of the questions, however long answers take; who answers slowly is left half of it in peace. */
const nextAt = (every: Ms, askedAt: Ms, now: Ms): Ms => Math.max(askedAt + every, now + every / 2);

/** A weight that is new harms most while it is not yet seen: for so long it is looked at with each scrape. */
const EAGER_MS: Ms = 10_000;

const pace = (rollout: Rollout, spec: MetricSpec, now: Ms): Ms => {
  if (spec.kind === 'measured') return spec.everyMs;
  const { sampleMs, counterMs } = rollout.plan.timings;
  const isNew = now - (rollout.steps.at(-1)?.startedAt ?? 0) < EAGER_MS;
  return rollout.phase === 'progressing' && !isNew ? sampleMs : Math.min(sampleMs, Math.max(1_000, counterMs));
};

/** A store that is asked too often says when to come back. */
const askedToWait = (samples: readonly Sample[]): Ms =>
  Math.max(0, ...samples.map((sample) => (sample.kind === 'error' ? (sample.retryAfterMs ?? 0) : 0)));

/** All of them are judged anew: what one brought changes what they say together. */
const withVerdicts = (rollout: Rollout): readonly MetricState[] => {
  const { plan, metrics, suspectedMs, step } = rollout;
  const subject = subjectOf(rollout);
  const cases = metrics.flatMap((state): readonly Case[] => {
    const spec = plan.metrics.find(({ name }) => name === state.name);
    return spec === undefined || spec.kind === 'measured' || state.subject !== subject ? [] : [{ spec, state }];
  });
  const verdicts = judge(cases, {
    judgement: plan.judgement,
    subject,
    steps: stepsOf(rollout, subject),
    step: evidenceStep(rollout, subject),
    isHeldLongEnough: suspectedMs >= plan.timings.noDataMs,
    isLast: step === plan.steps.length - 1,
    canaryPods: rollout.observation?.canary?.ready ?? 1,
  });
  const byName = new Map(cases.map(({ spec }, index) => [spec.name, verdicts[index]]));
  return metrics.map((metric) => ({ ...metric, verdict: byName.get(metric.name) ?? metric.verdict }));
};

/** What a metric that may not decide would have done, the first time. */
const remembered = (rollout: Rollout, metric: MetricState, now: Ms): MetricState => {
  const spec = rollout.plan.metrics.find(({ name }) => name === metric.name);
  const onlyReports = spec?.dryRun === true || rollout.plan.judgement.mode === 'dry-run';
  if (!onlyReports || metric.wouldHave !== null || metric.verdict.kind !== 'failed') return metric;
  return { ...metric, wouldHave: { at: now, step: rollout.step, explanation: metric.verdict.explanation } };
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
  const isFailed = result.kind === 'failed';
  const more = Number(isFailed);
  const [measurements, failed, failedInAll] = [
    metric.measurements + 1,
    metric.failed + more,
    metric.failedInAll + more,
  ];
  const verdict = judgeMeasured(spec, {
    measurements,
    failed,
    failedInAll,
    why: isFailed ? result.why : null,
    subject,
  });
  const counts = { value, measurements, failed, failedInAll, verdict };
  return { ...metric, ...counts, noDataSince: null, noDataWhy: null, sampledAt: now };
};
