import { observedShare } from './bake.ts';
import { subjectOf } from './metric-state.ts';
import type { MetricState, Rollout, StepMetric, StepRecord } from './rollout.ts';
import type { Rung } from './traffic.ts';
import type { Arm, Ms } from './units.ts';

/** Brings the record of the step that runs up to date: what the report shows of it. */
export const refreshRecord = (rollout: Rollout, now: Ms, verdict: StepRecord['verdict'] = 'running'): Rollout => {
  const record = rollout.steps.at(-1);
  if (record === undefined || record.endedAt !== null || subjectOf(rollout) === 'stable') return rollout;
  const share = observedShare(rollout);
  const refreshed: StepRecord = {
    ...record,
    verifiedAt: record.verifiedAt ?? rollout.stage.verifiedAt,
    heldMs: rollout.stage.name === 'bake' ? rollout.stage.heldMs : record.heldMs,
    verification: share !== null && record.verifiedAt !== null ? 'V3' : rungOf(rollout, record),
    observedShare: share?.share ?? null,
    verdict,
    endedAt: verdict === 'running' ? null : now,
    metrics: rollout.metrics.map((metric) => stepMetric(rollout, metric)),
  };
  return { ...rollout, steps: [...rollout.steps.slice(0, -1), refreshed] };
};

const rungOf = (rollout: Rollout, record: StepRecord): Rung | null =>
  rollout.stage.verifiedAt === null ? record.verification : rollout.traffic.rung;

const stepMetric = (rollout: Rollout, metric: MetricState): StepMetric => {
  const spec = rollout.plan.metrics.find(({ name }) => name === metric.name);
  const common = {
    name: metric.name,
    verdict: metric.verdict.kind,
    odds: metric.verdict.odds,
    explanation: metric.verdict.explanation,
  };
  if (spec === undefined || spec.kind === 'measured') {
    return {
      ...common,
      canary: metric.value.canary,
      stable: metric.value.stable,
      unit: spec?.unit ?? null,
      requests: null,
      failures: null,
    };
  }
  const { canary, stable } = metric.step;
  const ratio = (arm: Arm): number | null =>
    metric.step[arm].requests === 0 ? null : metric.step[arm].failures / metric.step[arm].requests;
  return {
    ...common,
    canary: ratio('canary'),
    stable: ratio('stable'),
    unit: null,
    requests: { canary: canary.requests, stable: stable.requests },
    failures: { canary: canary.failures, stable: stable.failures },
  };
};
