import { formatNumber, formatWeight } from './format.ts';
import type { Plan, Target } from './plan.ts';
import type { Rollout, StepRecord } from './rollout.ts';
import type { Sample, Series } from './sample.ts';
import type { MetricSpec } from './spec.ts';
import { ALL_TRAFFIC, type BasisPoints, type Ms } from './units.ts';

/** What reaches stable past the route, by what was counted. */
export interface Outside {
  readonly perSecond: number;
  /** The weight at which it was counted. */
  readonly at: BasisPoints;
}

/** A handful may have begun before the weight was in force. */
const LEAST_REQUESTS = 5;
/** What is further back tells less about now, and is not asked for. */
const LONGEST_MS: Ms = 5 * 60_000;

/** The metric in which traffic is seen at all; null: nothing counts requests. */
const countedMetric = ({ metrics }: Plan): MetricSpec | null => metrics.find(({ kind }) => kind !== 'measured') ?? null;

/** Metrics that are asked only to see what still reaches stable: while it is updated and the route leads nobody to it. */
export const outsideMetrics = ({ plan, stage, traffic, undoes }: Rollout): readonly string[] => {
  const counted = countedMetric(plan);
  const isEmpty = stage.name === 'stable-ready' && traffic.verified?.canary === ALL_TRAFFIC && !undoes;
  return counted === null || !isEmpty || traffic.wanted.canary !== ALL_TRAFFIC ? [] : [counted.name];
};

/** From when on the old path is empty but for those who take another: as long as a drain takes. */
const emptySince = ({ stage, plan }: Rollout, now: Ms): Ms =>
  Math.max(stage.since + Math.max(plan.timings.drainMs, plan.timings.settleMs), now - LONGEST_MS);

/** When there is something to ask about: two scrapes of a path that should be empty. */
export const outsideDue = ({ stage, plan }: Rollout): Ms =>
  stage.since + Math.max(plan.timings.drainMs, plan.timings.settleMs) + 2 * Math.max(1_000, plan.timings.counterMs);

/** Where a question about it has to begin. */
export const outsideFrom = (rollout: Rollout, now: Ms): Ms => Math.min(now, emptySince(rollout, now));

const requestsOf = (sample: Sample): readonly Series[] => {
  if (sample.kind === 'counters') return sample.requests;
  return sample.kind === 'buckets' ? sample.buckets.filter(({ bound }) => !Number.isFinite(bound)) : [];
};

/** Increases between neighbouring points; where a counter begins anew, what it shows is not counted. */
const increase = (points: Series['points']): number =>
  points.reduce((sum, [, value], index) => sum + Math.max(0, value - (points[index - 1]?.[1] ?? value)), 0);

/** One answer about stable, as the whole of what is known: the question covers all of the time. */
export const foldOutside = (rollout: Rollout, samples: readonly Sample[], now: Ms): Rollout => {
  const [name] = outsideMetrics(rollout);
  const sample = samples.find(({ metric, arm }) => metric === name && arm === 'stable');
  const since = emptySince(rollout, now);
  const every = Math.max(1_000, rollout.plan.timings.counterMs);
  const asked: Rollout = {
    ...rollout,
    metrics: rollout.metrics.map((metric) => (metric.name === name ? { ...metric, nextAt: now + every } : metric)),
  };
  const series = sample === undefined ? [] : requestsOf(sample);
  const points = series.map((one) => one.points.filter(([at]) => at >= since));
  const instants = points.flatMap((some) => some.map(([at]) => at));
  const ms = instants.length === 0 ? 0 : Math.max(...instants) - Math.min(...instants);
  if (ms < every) return asked;
  return { ...asked, outside: { requests: points.reduce((sum, some) => sum + increase(some), 0), ms } };
};

/** With a weight that was held: stable had more of the requests than the weight leaves it, beyond chance. */
const besideWeight = (plan: Plan, { weight, observedShare, metrics, verifiedAt, endedAt }: StepRecord): number => {
  const counts = metrics.find(({ name }) => name === countedMetric(plan)?.name)?.requests ?? null;
  if (counts === null || observedShare === null || verifiedAt === null || endedAt === null) return 0;
  const [requests, asked, seconds] = [
    counts.canary + counts.stable,
    weight / ALL_TRAFFIC,
    (endedAt - verifiedAt) / 1000,
  ];
  if (requests === 0 || seconds <= 0 || weight === ALL_TRAFFIC) return 0;
  const share = observedShare / ALL_TRAFFIC;
  const scrapes = Math.max(1, (seconds * 1000) / Math.max(1_000, plan.timings.counterMs));
  // As wide as the share may be off the other way (`wrongShare`).
  const error = Math.max(0.03, 4 * Math.sqrt((asked * (1 - asked)) / requests)) + (1.5 * asked * (1 - asked)) / scrapes;
  return share >= asked - error ? 0 : (requests * (1 - share / asked)) / seconds;
};

/** null: nothing was seen to come another way, or nothing counts requests. */
export const outsideOf = ({ plan, outside, steps }: Rollout): Outside | null => {
  if (plan.abilities.unit === 'pods') return null;
  if (outside !== null)
    return outside.requests < LEAST_REQUESTS
      ? null
      : { perSecond: outside.requests / (outside.ms / 1000), at: ALL_TRAFFIC };
  const last = steps.findLast(({ verdict }) => verdict === 'passed');
  const perSecond = last === undefined ? 0 : besideWeight(plan, last);
  return last === undefined || perSecond === 0 ? null : { perSecond, at: last.weight };
};

/** `4 requests/s still reached stable past the route …`; null as `outsideOf`. */
export const outsideText = (rollout: Rollout): string | null => {
  const outside = outsideOf(rollout);
  if (outside === null) return null;
  const rate = `${formatNumber(Number(outside.perSecond.toPrecision(2)), '')} requests/s`;
  const when =
    outside.at === ALL_TRAFFIC
      ? 'reached stable past the route while it gave the canary everything'
      : `reached stable past the route, beside the ${formatWeight(ALL_TRAFFIC - outside.at)} that it gave stable`;
  return `${rate} ${when}: they were not split, and got the new version only with stable's own update (health checks are among them, where the metric counts these)`;
};

const ofRoute = ({ routes }: Target): string =>
  `all traffic of the ${routes.length === 0 ? 'Service' : routes.length === 1 ? 'route' : 'routes'}`;

/** What a plan can say that the canary gets: not everything, where there is another way to stable's pods. */
export const allOfPlan = ({ beside, target }: Pick<Plan, 'beside' | 'target'>): string =>
  beside.length === 0 ? 'all traffic' : ofRoute(target);

/** The same of a rollout, which may have seen requests that came another way. */
export const allTrafficOf = (rollout: Rollout): string =>
  outsideOf(rollout) === null ? allOfPlan(rollout.plan) : ofRoute(rollout.plan.target);
