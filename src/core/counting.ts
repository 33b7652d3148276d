import {
  type Cursors,
  type Depth,
  type Fall,
  type Falls,
  fallen,
  type Increment,
  type Scope,
  seenSince,
  sum,
  type Taken,
  takeIncrements,
} from './increments.ts';
import type { ArmSeen, Doubt, MetricState, Tally } from './rollout.ts';
import type { BucketSeries, Sample, Series } from './sample.ts';
import type { Arm, Ms } from './units.ts';

/** What one answer brought of one arm. */
export interface Counted {
  readonly cursors: Cursors;
  readonly doubts: readonly Doubt[];
  readonly lives: MetricState['lives'];
  /** By stream: what may be judged. null: no point was new. */
  readonly judged: readonly (Tally | null)[];
  /** Of the first stream: since the step began, and all of it. */
  readonly step: Tally;
  readonly all: Tally;
  readonly requests: readonly Increment[];
  readonly failuresByPod: Readonly<Record<string, number>>;
  /** Pods whose counters went down although they did not begin anew. */
  readonly dropped: readonly string[];
}

export interface CountingScope {
  readonly arm: Arm;
  /** By stream: the bound, or null for failures. */
  readonly bounds: readonly (number | null)[];
  /** Counting starts here where there is no cursor yet, and the step's tallies do. */
  readonly since: Ms;
  readonly scrapeMs: Ms;
  readonly ignoreFirstMs: Ms;
  readonly seen: ArmSeen | null;
  /** When the look behind `seen` was begun. */
  readonly seenAt: Ms;
  readonly now: Ms;
}

type Answer = Extract<Sample, { kind: 'counters' | 'buckets' }>;

/** Counters of one kind, by the word that keeps their cursors apart. */
interface Side {
  readonly word: string;
  readonly series: readonly Series[];
}

const sidesOf = (answer: Answer, bounds: CountingScope['bounds']): readonly Side[] => {
  if (answer.kind === 'counters')
    return [
      { word: 'requests', series: answer.requests },
      { word: 'failures', series: answer.failures },
    ];
  const upTo = (bound: number): readonly BucketSeries[] => answer.buckets.filter((one) => one.bound === bound);
  const finite = bounds.filter((bound) => bound !== null);
  return [
    { word: 'requests', series: upTo(Number.POSITIVE_INFINITY) },
    ...finite.map((bound) => ({ word: `le ${bound}`, series: upTo(bound) })),
  ];
};

/** Folds one arm's raw points into increments, by the rules of docs/judgement.md: what a pod counted, once, and only while it was ours. */
export const countArm = (metric: MetricState, answer: Answer, options: CountingScope): Counted => {
  const { arm, since, scrapeMs } = options;
  const sides = sidesOf(answer, options.bounds);
  const fell = sides.flatMap(({ word, series }) => fallen(metric.cursors, series, { scope: `${word}|${arm}`, since }));
  const pods = [...new Set(fell.map(({ pod }) => pod))];
  const judgedFalls = pods.map((pod) => [pod, fallOf(metric, pod, isDeep(fell, pod), options)] as const);
  const falls: Falls = new Map(judgedFalls);
  const scope = { podScope: `pod|${arm}`, since, scrapeMs, falls };
  const taken = takeAll(metric.cursors, sides, scope, arm);
  const [requests, ...rest] = taken.sides;
  const sources = options.bounds.map((_, index) => rest[index]);
  const tallies = (of: (taken: Taken) => number): readonly Tally[] =>
    sources.map((source, index) => tallyOf(requests, source, options.bounds[index] ?? null, of));
  const mature = ({ increments }: Taken): number =>
    sum(increments.filter((one) => one.to > since && !isYoung(one, taken.cursors, options)));
  const isNew = taken.sides.some(({ increments }) => increments.length > 0);
  return {
    cursors: taken.cursors,
    doubts: doubtsAfter(metric, falls, options),
    lives: livesAfter(metric, falls, options),
    judged: tallies(mature).map((tally) => (isNew ? tally : null)),
    step: tallies(({ increments }) => sum(increments.filter(({ to }) => to > since)))[0] ?? NOTHING,
    // The canary's pods are the rollout's own: what they counted before they were first seen is harm too.
    all: tallies(({ increments, started }) => sum(increments) + (arm === 'canary' ? started : 0))[0] ?? NOTHING,
    requests: requests?.increments ?? [],
    failuresByPod: options.bounds[0] === null ? byPod(sources[0]?.increments ?? []) : {},
    dropped: judgedFalls.filter(([, fall]) => fall === 'drop').map(([pod]) => pod),
  };
};

const NOTHING: Tally = { requests: 0, failures: 0 };

const takeAll = (
  cursors: Cursors,
  sides: readonly Side[],
  scope: Omit<Scope, 'scope'>,
  arm: Arm,
): { readonly cursors: Cursors; readonly sides: readonly Taken[] } =>
  sides.reduce<{ cursors: Cursors; sides: readonly Taken[] }>(
    (done, { word, series }) => {
      const taken = takeIncrements(done.cursors, series, { ...scope, scope: `${word}|${arm}` });
      return { cursors: taken.cursors, sides: [...done.sides, taken] };
    },
    { cursors, sides: [] },
  );

/** Failures are counted as such, or are what is not among the fast ones. */
const tallyOf = (
  requests: Taken | undefined,
  source: Taken | undefined,
  bound: number | null,
  of: (taken: Taken) => number,
): Tally => {
  const all = requests === undefined ? 0 : of(requests);
  const found = source === undefined ? 0 : of(source);
  return { requests: all, failures: bound === null ? found : Math.max(0, all - found) };
};

const isYoung = ({ pod, to }: Increment, cursors: Cursors, { arm, ignoreFirstMs }: CountingScope): boolean =>
  to <= (seenSince(cursors, `pod|${arm}`, pod) ?? 0) + ignoreFirstMs;

const byPod = (increments: readonly Increment[]): Readonly<Record<string, number>> => {
  const found = new Map<string, number>();
  for (const { pod, amount } of increments)
    if (pod !== null && amount > 0) found.set(pod, (found.get(pod) ?? 0) + amount);
  return Object.fromEntries(found);
};

// --- counters that went down ----------------------------------------------------

/** Nobody begins anew above half of what was counted before; a store that lags does. */
const isDeep = (fell: readonly Depth[], pod: string): boolean => {
  const own = fell.filter((one) => one.pod === pod);
  const total = (of: (one: Depth) => number): number => own.reduce((all, one) => all + of(one), 0);
  return total(({ after }) => after) * 2 < total(({ before }) => before);
};

/** Whether the pod began anew can only be told by a look at it that is later than the fall. */
const fallOf = (metric: MetricState, pod: string, deep: boolean, { arm, seen, seenAt }: CountingScope): Fall => {
  const doubt = metric.doubts.find((one) => one.pod === pod && one.arm === arm);
  const lives = seen?.lives ?? null;
  if (doubt === undefined || lives === null || seenAt <= doubt.since) return 'wait';
  const life = Object.hasOwn(lives, pod) ? lives[pod] : undefined;
  const known = metric.lives[lifeKey(arm, pod)];
  return deep && life !== undefined && known !== undefined && life !== known ? 'reset' : 'drop';
};

const lifeKey = (arm: Arm, pod: string): string => `${arm}|${pod}`;

const doubtsAfter = (metric: MetricState, falls: Falls, { arm, now }: CountingScope): readonly Doubt[] => {
  const others = metric.doubts.filter((one) => one.arm !== arm);
  const waiting = [...falls].flatMap(([pod, fall]) => (fall === 'wait' ? [pod] : []));
  return [
    ...others,
    ...waiting.map(
      (pod) => metric.doubts.find((one) => one.arm === arm && one.pod === pod) ?? { arm, pod, since: now },
    ),
  ];
};

/** Counters that began anew are of the life that was seen then; so are those of a pod that was never looked at before. */
const livesAfter = (metric: MetricState, falls: Falls, { arm, seen }: CountingScope): MetricState['lives'] => {
  const lives = seen?.lives ?? {};
  const seenAnew = [...falls].flatMap(([pod, fall]) => {
    const key = lifeKey(arm, pod);
    const life = Object.hasOwn(lives, pod) ? lives[pod] : undefined;
    const isNews = fall === 'reset' || (fall === 'drop' && metric.lives[key] === undefined);
    return isNews && life !== undefined ? [[key, life] as const] : [];
  });
  return seenAnew.length === 0 ? metric.lives : { ...metric.lives, ...Object.fromEntries(seenAnew) };
};

/**
 * The life that the counters of each pod belong to, from a look that read pods: the newest as long as nothing of the pod
 * was counted, and from then on the one that it was counted in.
 */
export const withLives = (metric: MetricState, arm: Arm, lives: ArmSeen['lives']): MetricState => {
  if (lives === null || metric.streams.length === 0) return metric;
  const known = Object.entries(lives).flatMap(([pod, life]) => {
    const key = lifeKey(arm, pod);
    const isKept = metric.lives[key] !== undefined && seenSince(metric.cursors, `pod|${arm}`, pod) !== null;
    return isKept ? [] : [[key, life] as const];
  });
  return { ...metric, lives: { ...metric.lives, ...Object.fromEntries(known) } };
};
