import type { Series } from './sample.ts';
import type { Ms } from './units.ts';

/** Increase of one counter between two points that follow each other. */
export interface Increment {
  readonly from: Ms;
  readonly to: Ms;
  readonly amount: number;
  readonly pod: string | null;
}

/**
 * By series: the last point taken, with the highest value so far. A pod's own key remembers when any of its series was
 * first seen, and one of a series since when it is lower than it was.
 */
export type Cursors = Readonly<Record<string, readonly [at: Ms, value: number]>>;

/** `scope` keeps metrics, arms and sides apart; the pods of one arm are shared by its sides through `podScope`. */
export interface Scope {
  readonly scope: string;
  readonly podScope: string;
  /** Counting starts at the last point before, where there is no cursor yet. */
  readonly since: Ms;
  readonly scrapeMs: Ms;
  readonly falls: Falls;
}

/** What a counter that went down means, by pod: its containers began anew, two stores tell it differently, or it is not known yet. */
export type Fall = 'reset' | 'drop' | 'wait';
export type Falls = ReadonlyMap<string, Fall>;

export interface Taken {
  readonly increments: readonly Increment[];
  /** What series counted before their first point was seen: ours only where the pods are. */
  readonly started: number;
  readonly cursors: Cursors;
}

/**
 * Increments of cumulative counters since the cursors (notes: Prometheus' `rate` extrapolates, this does not). The first
 * point of a pod is only a start, because what it counted before is not ours; a series that appears on a pod already
 * known (its first 500, say) started at zero. A pod whose counters went down counts as `falls` says: from zero, only what
 * rises above all it counted before, or not before that is known.
 */
export const takeIncrements = (cursors: Cursors, series: readonly Series[], options: Scope): Taken => {
  const next: Record<string, Point> = { ...firstOfPods(cursors, series, options), ...cursors };
  const increments: Increment[] = [];
  let started = 0;
  for (const { id, pod, points: all } of series) {
    const key = `${options.scope}|${id}`;
    const fall = options.falls.get(pod ?? '') ?? 'drop';
    const points = fall === 'wait' ? [] : pointsAfter(all, next[key], options.since);
    const first = points[0];
    if (first === undefined) continue;
    const known = next[key] ?? startOf(first, next[`${options.podScope}|${pod ?? ''}`], options.scrapeMs);
    if (known === null) started += first[1];
    const from = known ?? first;
    const rest = known === null ? points.slice(1) : points;
    const lowKey = `low|${key}`;
    const lowSince = next[lowKey]?.[0] ?? null;
    const taken = fall === 'reset' ? anew(from, rest) : rising(from, rest, lowSince, options.scrapeMs);
    for (const step of taken.steps) increments.push({ ...step, pod });
    next[key] = taken.last;
    if (taken.lowSince !== null) next[lowKey] = [taken.lowSince, 0];
    else if (lowSince !== null) delete next[lowKey];
  }
  return { increments, started, cursors: next };
};

type Point = readonly [at: Ms, value: number];

interface Followed {
  readonly steps: readonly Omit<Increment, 'pod'>[];
  readonly last: Point;
  readonly lowSince: Ms | null;
}

/** A counter that stays low for so long is no second store that lags: something in the pod, or in a sum over pods, began anew. */
const LOW_MS: Ms = 60_000;

/**
 * Two stores whose clocks differ tell the same counter as going up and down: what counts is how far it got for good, or
 * the way up would count again and again. A point above a later one is not for good.
 */
const rising = (from: Point, points: Series['points'], low: Ms | null, scrapeMs: Ms): Followed => {
  const levels = points.map(([, value]) => value);
  for (let index = levels.length - 2; index >= 0; index -= 1)
    levels[index] = Math.min(levels[index] ?? 0, levels[index + 1] ?? 0);
  const steps: Omit<Increment, 'pod'>[] = [];
  let last = from;
  let lowSince = low;
  for (const [index, [at, value]] of points.entries()) {
    const level = levels[index] ?? value;
    lowSince = value < last[1] ? (lowSince ?? at) : null;
    if (level >= last[1]) {
      steps.push({ from: last[0], to: at, amount: level - last[1] });
      last = [at, level];
    } else if (lowSince !== null && at - lowSince > Math.max(LOW_MS, 4 * scrapeMs))
      [last, lowSince] = [[at, value], null];
    else last = [at, last[1]];
  }
  return { steps, last, lowSince };
};

/** A counter that began at zero between two points: what was counted before the first fall, and all since the last. */
const anew = (from: Point, points: Series['points']): Followed => {
  const all = [from, ...points];
  const falls = all.flatMap(([, value], index) => (value < (all[index - 1]?.[1] ?? 0) ? [index] : []));
  const [first, last] = [falls[0] ?? all.length, falls.at(-1) ?? all.length];
  const steps = all.flatMap(([to, value], index) => {
    const before = all[index - 1];
    if (before === undefined || (index >= first && index < last)) return [];
    return [{ from: before[0], to, amount: index === last ? value : value - before[1] }];
  });
  return { steps, last: all.at(-1) ?? from, lowSince: null };
};

/** How far counters of a pod went down, all of them together. */
export interface Depth {
  readonly pod: string;
  readonly before: number;
  readonly after: number;
}

/** What went down since the cursors, series by series. */
export const fallen = (
  cursors: Cursors,
  series: readonly Series[],
  { scope, since }: Pick<Scope, 'scope' | 'since'>,
): readonly Depth[] =>
  series.flatMap(({ id, pod, points }) => {
    const cursor = cursors[`${scope}|${id}`];
    const values = [...(cursor === undefined ? [] : [cursor]), ...pointsAfter(points, cursor, since)].map(
      ([, value]) => value,
    );
    const index = values.findIndex((value, at) => value < (values[at - 1] ?? 0));
    return index < 0 ? [] : [{ pod: pod ?? '', before: values[index - 1] ?? 0, after: values[index] ?? 0 }];
  });

/** When a pod was first seen by any of its series; null: not yet. */
export const seenSince = (cursors: Cursors, podScope: string, pod: string | null): Ms | null =>
  cursors[`${podScope}|${pod ?? ''}`]?.[0] ?? null;

/** When each pod was first seen, by any of its series: their order in the answer means nothing. */
const firstOfPods = (cursors: Cursors, series: readonly Series[], options: Scope): Cursors => {
  const firsts: Record<string, readonly [Ms, number]> = {};
  for (const one of series) {
    const podKey = `${options.podScope}|${one.pod ?? ''}`;
    const first = pointsAfter(one.points, cursors[`${options.scope}|${one.id}`], options.since)[0];
    const known = firsts[podKey];
    if (first !== undefined && (known === undefined || first[0] < known[0])) firsts[podKey] = [first[0], 0];
  }
  return firsts;
};

/** Points that are new. Of those before `since` only the last matters: it is where counting starts. */
const pointsAfter = (
  points: Series['points'],
  cursor: readonly [Ms, number] | undefined,
  since: Ms,
): Series['points'] => {
  const fresh = points.filter(([at, value]) => isCount(value) && (cursor === undefined || at > cursor[0]));
  if (cursor !== undefined) return fresh;
  const before = fresh.filter(([at]) => at <= since).at(-1);
  const after = fresh.filter(([at]) => at > since);
  return before === undefined ? after : [before, ...after];
};

/**
 * A new series of a pod that was seen before it began at zero; of a new pod it is unknown. Two targets in one pod are
 * scraped at different moments of an interval, so only what appears clearly later than one is new.
 */
const startOf = (
  first: readonly [Ms, number],
  podSeen: readonly [Ms, number] | undefined,
  scrapeMs: Ms,
): readonly [Ms, number] | null =>
  podSeen !== undefined && first[0] - podSeen[0] > 1.5 * scrapeMs ? [podSeen[0], 0] : null;

/** What no counter can show would make sums that JSON does not hold. */
const isCount = (value: number): boolean => value >= 0 && value <= Number.MAX_SAFE_INTEGER;

export const sum = (increments: readonly Increment[]): number =>
  increments.reduce((total, { amount }) => total + amount, 0);
