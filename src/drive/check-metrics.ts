import { calibrate } from '../core/calibration.ts';
import type { EvidenceSpec } from '../core/judgement.ts';
import type { Facts } from '../core/make-plan.ts';
import type { Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import type { BoundQuery, Sample } from '../core/sample.ts';
import type { MetricSpec, Spec } from '../core/spec.ts';
import type { Ms } from '../core/units.ts';
import type { MetricSource } from '../ports/metric-source.ts';
import type { Preset } from '../ports/preset.ts';
import type { Workload } from '../ports/workload.ts';
import { hasErrors } from './findings.ts';
import { readHistory } from './history.ts';
import { resolvePresets } from './presets.ts';
import { bindQueries } from './sampling.ts';

export interface MetricsInput {
  readonly spec: Spec;
  readonly source: MetricSource | null;
  readonly presets: readonly Preset[];
  readonly workload: Workload;
  readonly now: Ms;
  readonly signal: AbortSignal;
}

export type CheckedMetrics = Pick<
  Facts,
  'metrics' | 'calibrations' | 'scrapeIntervalMs' | 'counterIntervalMs' | 'paceMs'
> & {
  readonly findings: readonly Finding[];
};

/** Of stable, before the start: long enough to know how its failures come. */
export const HISTORY_MS: Ms = 15 * 60_000;
/** Prometheus is not asked more often, and knows nothing newer. */
const USUAL_PACE_MS: Ms = 5_000;

const NOTHING: CheckedMetrics = {
  metrics: [],
  calibrations: {},
  scrapeIntervalMs: null,
  counterIntervalMs: null,
  paceMs: USUAL_PACE_MS,
  findings: [],
};

/** Presets become metrics, the source answers each query for stable, and stable's history sets what evidence weighs. */
export const checkMetrics = async (input: MetricsInput, target: Target, seen: Seen): Promise<CheckedMetrics> => {
  const { source, spec, signal } = input;
  if (source === null || spec.metrics.length === 0) return NOTHING;
  const ask = (metrics: readonly MetricSpec[]): readonly BoundQuery[] => queriesOfStable(input, target, seen, metrics);
  const resolved = await resolvePresets(spec.metrics, input.presets, target, async (metric) => {
    const { findings } = await source.check(ask([metric]), signal);
    return findings.find(({ severity }) => severity === 'error') ?? true;
  });
  if (hasErrors(resolved.findings)) return { ...NOTHING, findings: resolved.findings };
  const queries = ask(resolved.metrics);
  const {
    findings: answered,
    scrapeIntervalMs,
    counterIntervalMs = null,
    paceMs,
  } = await source.check(queries, signal);
  const findings = [...resolved.findings, ...answered];
  // While the fewest of them are judged, one that differs by chance weighs most.
  const stablePods = input.workload.observe(seen, target).stable?.replicas ?? 1;
  const canaryPods = Math.max(1, Math.ceil(((spec.steps[0]?.weight ?? 0) / 10_000) * stablePods));
  const checked = { metrics: resolved.metrics, scrapeIntervalMs, counterIntervalMs, paceMs };
  if (hasErrors(findings)) return { ...checked, calibrations: {}, findings };
  const calibrated = await calibrateAll(input, canaryPods, source, resolved.metrics, queries);
  return { ...checked, ...calibrated, findings: [...findings, ...calibrated.findings] };
};

const queriesOfStable = (
  { spec, workload }: MetricsInput,
  target: Target,
  seen: Seen,
  metrics: readonly MetricSpec[],
): readonly BoundQuery[] => {
  const shortest = Math.min(...spec.steps.map(({ intervalMs }) => intervalMs));
  return bindQueries(metrics, workload, seen, target, { windowMs: Math.max(60_000, shortest), arms: ['stable'] });
};

const isEvidence = (metric: MetricSpec): metric is EvidenceSpec => metric.kind !== 'measured';

const calibrateAll = async (
  { now, signal }: MetricsInput,
  canaryPods: number,
  source: MetricSource,
  metrics: readonly MetricSpec[],
  queries: readonly BoundQuery[],
): Promise<Pick<CheckedMetrics, 'calibrations' | 'findings'>> => {
  const judged = metrics.filter(isEvidence);
  const asked = queries.filter(({ metric }) => judged.some(({ name }) => name === metric));
  if (judged.length === 0) return { calibrations: {}, findings: [] };
  const history = await readHistory(source, asked, now - HISTORY_MS, now, signal);
  // A source without a memory has what its counters show now.
  const current = await source.sample(
    asked.filter(({ kind }) => kind === 'latency'),
    now - 60_000,
    now,
    signal,
  );
  const found = judged.map((metric) => {
    const of = (samples: readonly Sample[]): Sample | null => samples.find((one) => one.metric === metric.name) ?? null;
    return { metric, calibration: calibrate(metric, of(history), canaryPods, of(current)) };
  });
  return {
    calibrations: Object.fromEntries(found.map(({ metric, calibration }) => [metric.name, calibration])),
    findings: found.flatMap(({ metric, calibration }) => [
      ...(calibration.history === null ? [withoutHistory(metric)] : []),
      ...(metric.kind === 'latency' && calibration.bounds.length === 0 ? [noBounds(metric)] : []),
    ]),
  };
};

const withoutHistory = ({ name }: EvidenceSpec): Finding => ({
  severity: 'warning',
  code: 'metric-no-data',
  where: `metric "${name}"`,
  message:
    'Stable has no history in the source: whether its failures come in clumps is not known, and not corrected for.',
  advice: 'A client that tries again makes several failures of one. A store with 15 minutes of history would show it.',
});

const noBounds = ({ name }: EvidenceSpec): Finding => ({
  severity: 'error',
  code: 'metric-invalid',
  where: `metric "${name}"`,
  message: 'The histogram has no finite bound of stable to judge by.',
  advice: 'See that its `_bucket` series are selected.',
});
