import { type PodTick, podTicks } from './history.ts';
import type { Calibration } from './plan.ts';
import type { BucketSeries, Sample } from './sample.ts';
import type { CountedSpec, LatencySpec, MetricSpec } from './spec.ts';
import { TOLERANCE, total, unevenness } from './unevenness.ts';
import type { Ms } from './units.ts';

/** Bounds that tell something: a share of requests above them that is neither too rare nor the rule. */
const TELLING = { least: 1e-4, most: 0.25, count: 6 } as const;

/**
 * What a metric's judgement has to know before the first request, from stable's past. `canaryPods`: of the first step.
 * Without usable history failures are taken to come one by one, and a latency is judged at its own bound or, with none, not at all.
 */
export const calibrate = (
  metric: CountedSpec | LatencySpec,
  history: Sample | null,
  canaryPods: number,
): Omit<Calibration, 'part'> => {
  const own = metric.kind === 'latency' && metric.bound !== null ? [metric.bound] : [];
  const bounds = metric.kind === 'counted' ? [] : [...own, ...tellingBounds(history, own)];
  const streams = (metric.kind === 'counted' ? [null] : bounds).map((bound) =>
    history === null ? [] : podTicks(history, bound),
  );
  const told = streams.filter((ticks) => ticks.length > 0);
  const [first = history === null ? [] : podTicks(history, null)] = told;
  const seen = told.map((ticks) => unevenness(ticks, canaryPods));
  return {
    phi: Math.max(1, ...seen.map(({ phi }) => phi)),
    tolerance: Math.max(TOLERANCE, ...seen.map(({ tolerance }) => tolerance)),
    bounds,
    history: summary(first),
  };
};

const summary = (ticks: readonly PodTick[]): Calibration['history'] => {
  const { requests, failures } = total(ticks);
  const [from, to] = span(ticks);
  if (requests === 0 || to <= from) return null;
  return { ms: to - from, requestsPerSecond: (requests * 1_000) / (to - from), failureRatio: failures / requests };
};

const span = (ticks: readonly PodTick[]): readonly [Ms, Ms] => {
  let [from, to] = [Number.POSITIVE_INFINITY, 0];
  for (const tick of ticks) {
    from = Math.min(from, tick.from);
    to = Math.max(to, tick.to);
  }
  return [from, to];
};

// --- latency ------------------------------------------------------------------

/** Rising, and never two that the same requests exceeded. Of many, some over the whole range. */
const tellingBounds = (history: Sample | null, without: readonly number[]): readonly number[] => {
  if (history?.kind !== 'buckets') return [];
  const known = new Set(history.buckets.map(({ bound }: BucketSeries) => bound));
  const telling: { readonly bound: number; readonly failures: number }[] = [];
  for (const bound of [...known]
    .filter((one) => Number.isFinite(one) && !without.includes(one))
    .sort((a, b) => a - b)) {
    const { requests, failures } = total(podTicks(history, bound));
    const share = failures / requests;
    if (share >= TELLING.least && share <= TELLING.most && telling.at(-1)?.failures !== failures)
      telling.push({ bound, failures });
  }
  const count = Math.min(TELLING.count, telling.length);
  return Array.from({ length: count }, (_, index) =>
    Math.round((index * (telling.length - 1)) / Math.max(1, count - 1)),
  ).flatMap((index) => telling[index]?.bound ?? []);
};

// --- parts ------------------------------------------------------------------

const ERRORS_PART = 2 / 3;

/**
 * What each metric judged on evidence brings to the weighted mean, by name: failures together twice as much as latency,
 * where there are both, and the same inside a kind. One that does not decide stands for itself.
 */
export const partsOf = (metrics: readonly MetricSpec[]): Readonly<Record<string, number>> => {
  const judged = metrics.filter((metric) => metric.kind !== 'measured');
  const count = (kind: MetricSpec['kind']): number =>
    judged.filter((metric) => metric.kind === kind && !metric.dryRun).length;
  const [errors, latencies] = [count('counted'), count('latency')];
  const ofErrors = latencies === 0 ? 1 : ERRORS_PART;
  const ofLatencies = errors === 0 ? 1 : 1 - ERRORS_PART;
  return Object.fromEntries(
    judged.map(({ name, kind, dryRun }) => [
      name,
      dryRun ? 1 : kind === 'counted' ? ofErrors / errors : ofLatencies / latencies,
    ]),
  );
};
