import { type Counted, countArm } from './counting.ts';
import { addTallies, addTick, frozenLimit } from './evidence.ts';
import { type Increment, sum } from './increments.ts';
import { calibrationOf, type EvidenceSpec, settingsOf } from './judgement.ts';
import { type Answers, NOTHING, newStream, noData, other, subjectOf, unusable } from './metric-state.ts';
import type { MetricState, Rollout, Stream, Tally } from './rollout.ts';
import type { Sample } from './sample.ts';
import { ALL_TRAFFIC, type Arm, type Ms } from './units.ts';

const MOST_PODS = 50;
/** Of a name, which comes from a label that anybody can write. */
const LONGEST_POD = 253;

export interface Folded {
  readonly metric: MetricState;
  /** Pods whose counters went down although they did not begin anew. */
  readonly dropped: readonly string[];
}

/** Folds one tick of a metric that is judged on evidence: raw counters of both arms become tallies and evidence. */
export const foldCounted = (
  rollout: Rollout,
  before: MetricState,
  spec: EvidenceSpec,
  of: Answers,
  now: Ms,
): Folded => {
  const subject = subjectOf(rollout);
  // Evidence about the canary says nothing about the updated stable.
  const metric: MetricState =
    before.subject === subject
      ? before
      : {
          ...before,
          subject,
          streams: before.streams.map((stream) => ({ ...newStream(stream.bound), total: stream.total })),
        };
  const since = countsFrom(rollout, before);
  const canary = foldArm(rollout, metric, 'canary', of('canary'), { since, now });
  const stable = foldArm(rollout, canary.metric, 'stable', of('stable'), { since, now });
  const counted: MetricState = {
    ...stable.metric,
    streams: stable.metric.streams.map((stream) => withTick(rollout, spec, stream)),
  };
  const why = subject === 'canary' ? (canary.why ?? stable.why) : (stable.why ?? canary.why);
  const dropped = [...canary.dropped, ...stable.dropped];
  if (why !== null) return { metric: noData(rollout, counted, why, now), dropped };
  return { metric: { ...counted, noDataSince: null, noDataWhy: null, sampledAt: now }, dropped };
};

const foldArm = (
  rollout: Rollout,
  metric: MetricState,
  arm: Arm,
  sample: Sample | undefined,
  { since, now }: { readonly since: Ms; readonly now: Ms },
): Folded & { readonly why: string | null } => {
  const why = unusable(sample, arm) ?? missingCounters(metric, arm, sample);
  if (why !== null || (sample?.kind !== 'counters' && sample?.kind !== 'buckets'))
    return { metric, dropped: [], why: why ?? '' };
  const { plan, observation, stage } = rollout;
  const counted = countArm(metric, sample, {
    arm,
    bounds: metric.streams.map(({ bound }) => bound),
    since,
    scrapeMs: plan.timings.counterMs,
    ignoreFirstMs: plan.judgement.ignoreFirstMs,
    seen: observation?.[arm] ?? null,
    seenAt: observation?.at ?? 0,
    now,
  });
  const shared = afterVerified(counted.requests, stage.verifiedAt);
  return { why: null, dropped: counted.dropped, metric: added(metric, arm, counted, shared) };
};

/** A histogram without a bound that is judged says nothing about it. */
const missingCounters = (metric: MetricState, arm: Arm, sample: Sample | undefined): string | null => {
  const isCounted = metric.streams.some(({ bound }) => bound === null);
  if (isCounted && sample?.kind === 'counters') return sample.requests.length === 0 ? `no data from the ${arm}` : null;
  if (isCounted || sample?.kind !== 'buckets')
    return `no ${isCounted ? 'counters' : 'buckets of a histogram'} from the ${arm}`;
  const has = (bound: number): boolean => sample.buckets.some((one) => one.bound === bound);
  const wanted = [Number.POSITIVE_INFINITY, ...metric.streams.flatMap(({ bound }) => bound ?? [])];
  const missing = wanted.find((bound) => !has(bound));
  return missing === undefined ? null : `no bucket of ${Number.isFinite(missing) ? missing : '+Inf'} from the ${arm}`;
};

const added = (metric: MetricState, arm: Arm, counted: Counted, shared: readonly Increment[]): MetricState => ({
  ...metric,
  cursors: counted.cursors,
  doubts: counted.doubts,
  lives: counted.lives,
  streams: metric.streams.map((stream, index) => withPending(stream, arm, counted.judged[index] ?? null)),
  step: { ...metric.step, [arm]: addTallies(metric.step[arm], counted.step) },
  total: { ...metric.total, [arm]: addTallies(metric.total[arm], counted.all) },
  share: { ...metric.share, [arm]: metric.share[arm] + sum(shared) },
  ...(arm === 'canary'
    ? { ...scrapesOf(metric, shared), failuresByPod: withPods(metric.failuresByPod, counted.failuresByPod) }
    : {}),
});

const withPending = (stream: Stream, arm: Arm, more: Tally | null): Stream => {
  if (more === null) return stream;
  return {
    ...stream,
    pending: { ...stream.pending, [arm]: addTallies(stream.pending[arm] ?? NOTHING, more) },
    total: { ...stream.total, [arm]: addTallies(stream.total[arm], more) },
  };
};

const withPods = (
  known: MetricState['failuresByPod'],
  more: MetricState['failuresByPod'],
): MetricState['failuresByPod'] => {
  const all = new Map(Object.entries(known));
  for (const [name, failures] of Object.entries(more)) {
    const pod = name.slice(0, LONGEST_POD);
    all.set(pod, (all.get(pod) ?? 0) + failures);
  }
  return Object.fromEntries([...all].slice(0, MOST_PODS));
};

/** The return to stable has two steps of its own. */
const RETURN_STEPS = 2;

/** What waited for the other arm becomes evidence when both have moved on: both are judged over the same time. */
const withTick = (rollout: Rollout, spec: EvidenceSpec, stream: Stream): Stream => {
  const subject = subjectOf(rollout);
  const [mine, theirs] = [stream.pending[subject], stream.pending[other(subject)]];
  const calibration = calibrationOf(rollout.plan.judgement, spec.name);
  const isAlone = hasNoReference(rollout, subject);
  const isReady = mine !== null && (isAlone || (theirs !== null && theirs.requests > 0));
  if (!isReady || rollout.phase === 'rolling-back') return stream;
  const frozen = isAlone ? frozenLimit(stream.total[other(subject)], calibration.phi) : null;
  const tick = {
    step: evidenceStep(rollout, subject),
    subject: mine,
    reference: theirs ?? NOTHING,
    frozen,
  };
  const evidence = addTick(
    stream.evidence,
    tick,
    settingsOf(spec, calibration, stepsOf(rollout, subject), stream.bound),
  );
  return {
    ...stream,
    pending: { stable: ahead(stream.pending.stable), canary: ahead(stream.pending.canary) },
    evidence,
  };
};

/** Failures whose requests were not seen yet, because a scrape came between the two queries, count when these come. */
const ahead = (pending: Tally | null): Tally | null =>
  pending !== null && pending.failures > pending.requests
    ? { requests: 0, failures: pending.failures - pending.requests }
    : null;

/** By plan no request goes to the arm that would be compared with; never concluded from counts, which come late. */
const hasNoReference = ({ traffic, plan }: Rollout, subject: Arm): boolean =>
  plan.abilities.unit === 'requests' && traffic.wanted.canary === (subject === 'canary' ? ALL_TRAFFIC : 0);

export const stepsOf = ({ plan }: Rollout, subject: Arm): number =>
  subject === 'canary' ? plan.steps.length : RETURN_STEPS;

/** Index of the step that evidence is counted for now: of the weight in force, while capacity for the next is made. */
export const evidenceStep = (rollout: Rollout, subject: Arm): number =>
  subject === 'canary'
    ? Math.max(0, Math.min(rollout.step, rollout.steps.length - 1))
    : Number(hasNoReference(rollout, subject));

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

/**
 * A rollout that was taken up again counts from where it was last seen to: nothing twice, and nothing left out, while the
 * weight stands as it did, whatever is done first.
 */
const countsFrom = (rollout: Rollout, { cursors, sampledAt }: MetricState): Ms => {
  const isTakenUp = Object.keys(cursors).length === 0 && sampledAt !== null;
  const isOfStep = rollout.stage.name === 'bake' || (isTakenUp && standsAsBefore(rollout));
  const since = isOfStep ? stepStart(rollout) : rollout.stage.since;
  return isTakenUp ? Math.max(since, sampledAt) : since;
};

const standsAsBefore = ({ phase, stage }: Rollout): boolean =>
  phase === 'progressing' || stage.name === 'capacity' || stage.name === 'all-traffic';

const stepStart = (rollout: Rollout): Ms => rollout.steps.at(-1)?.startedAt ?? rollout.stage.since;

const afterVerified = (increments: readonly Increment[], verifiedAt: Ms | null): readonly Increment[] =>
  verifiedAt === null ? [] : increments.filter(({ from }) => from >= verifiedAt);
