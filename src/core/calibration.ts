import { type PodTick, podTicks } from './history.ts';
import type { Calibration } from './plan.ts';
import type { Sample } from './sample.ts';
import type { CountedSpec, LatencySpec, MetricSpec } from './spec.ts';
import type { Tally } from './tally.ts';
import { TOLERANCE, total, unevenness } from './unevenness.ts';
import type { Ms } from './units.ts';

/** Bounds that tell something: a share of requests above them that is neither too rare nor the rule. */
const TELLING = { least: 1e-4, most: 0.25, count: 6 } as const;

/**
 * What a metric's judgement has to know before the first request, from stable's past. `canaryPods`: of the first step.
 * `current`: what stable's counters show now, for a latency whose past names no bound. Without usable history failures
 * are taken to come one by one; a latency without any bound is not judged at all.
 */
export const calibrate = (
  metric: CountedSpec | LatencySpec,
  history: Sample | null,
  canaryPods: number,
  current: Sample | null = null,
): Omit<Calibration, 'part'> => {
  const bounds = metric.kind === 'counted' ? [] : boundsOf(metric, history, current);
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

/** The user's own first. */
const boundsOf = ({ bound }: LatencySpec, history: Sample | null, current: Sample | null): readonly number[] => {
  const own = bound === null ? [] : [bound];
  const past = tellingBounds(exceeding(history, pastOf).filter((one) => one.bound !== bound));
  if (own.length + past.length > 0) return [...own, ...past];
  const now = exceeding(current, totalsOf);
  const telling = tellingBounds(now);
  return telling.length > 0 ? telling : nearestBound(now);
};

type Buckets = Extract<Sample, { kind: 'buckets' }>;

/** Requests, and among them those slower than a bound. */
interface Exceeding extends Tally {
  readonly bound: number;
}

/** Of each finite bound, rising. */
const exceeding = (sample: Sample | null, count: (buckets: Buckets, bound: number) => Tally): readonly Exceeding[] => {
  if (sample?.kind !== 'buckets') return [];
  const known = [...new Set(sample.buckets.map(({ bound }) => bound))].filter(Number.isFinite).sort((a, b) => a - b);
  return known.map((bound) => ({ bound, ...count(sample, bound) }));
};

const pastOf = (sample: Buckets, bound: number): Tally => total(podTicks(sample, bound));

/** Since stable's pods began: a source without a memory knows no more. */
const totalsOf = ({ buckets }: Buckets, bound: number): Tally => {
  const upTo = (limit: number): number =>
    buckets.filter((one) => one.bound === limit).reduce((sum, { points }) => sum + (points.at(-1)?.[1] ?? 0), 0);
  const requests = upTo(Number.POSITIVE_INFINITY);
  return { requests, failures: requests - upTo(bound) };
};

const shareOf = ({ requests, failures }: Tally): number => (requests === 0 ? 0 : failures / requests);

/** Where stable is faster than every bound, a canary that exceeds the lowest is slower; where it is slower than all, the highest is left. */
const nearestBound = (counts: readonly Exceeding[]): readonly number[] => {
  const nearest = counts.find((one) => shareOf(one) <= TELLING.most) ?? counts.at(-1);
  return nearest === undefined ? [] : [nearest.bound];
};

/** Rising, and never two that the same requests exceeded. Of many, some over the whole range. */
const tellingBounds = (counts: readonly Exceeding[]): readonly number[] => {
  const telling: Exceeding[] = [];
  for (const one of counts) {
    const share = shareOf(one);
    if (share >= TELLING.least && share <= TELLING.most && telling.at(-1)?.failures !== one.failures) telling.push(one);
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
