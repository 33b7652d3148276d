import type { Series } from './sample.ts';
import type { Ms } from './units.ts';

/** Increase of one counter between two points that follow each other. */
export interface Increment {
  readonly from: Ms;
  readonly to: Ms;
  readonly amount: number;
  readonly pod: string | null;
}

/** By series: the last point taken. A pod's own key remembers when any of its series was first seen. */
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
 * known (its first 500, say) started at zero. A pod whose counters went down counts as `falls` says: from zero, not in
 * this tick, or not before that is known.
 */
export const takeIncrements = (cursors: Cursors, series: readonly Series[], options: Scope): Taken => {
  const next: Record<string, readonly [Ms, number]> = { ...firstOfPods(cursors, series, options), ...cursors };
  const increments: Increment[] = [];
  let started = 0;
  for (const one of series) {
    const key = `${options.scope}|${one.id}`;
    const podKey = `${options.podScope}|${one.pod ?? ''}`;
    const fall = options.falls.get(one.pod ?? '');
    const points = fall === 'wait' ? [] : pointsAfter(one.points, next[key], options.since);
    const first = points[0];
    if (first === undefined) continue;
    let last = next[key] ?? startOf(first, next[podKey], options.scrapeMs);
    if (last === null) started += first[1];
    for (const point of points) {
      // A pod of which one counter is dropped brings nothing at all: its failures without its requests would lie.
      if (last !== null && fall !== 'drop')
        increments.push({ from: last[0], to: point[0], amount: increase(last[1], point[1]), pod: one.pod });
      last = point;
    }
    next[key] = last ?? first;
  }
  return { increments, started, cursors: next };
};

/** Pods of which a counter went down since the cursors. */
export const fallen = (
  cursors: Cursors,
  series: readonly Series[],
  { scope, since }: Pick<Scope, 'scope' | 'since'>,
): readonly string[] =>
  series.flatMap(({ id, pod, points }) => {
    const cursor = cursors[`${scope}|${id}`];
    const values = [...(cursor === undefined ? [] : [cursor]), ...pointsAfter(points, cursor, since)];
    return values.some(([, value], index) => value < (values[index - 1]?.[1] ?? 0)) ? [pod ?? ''] : [];
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
  const fresh = cursor === undefined ? points : points.filter(([at]) => at > cursor[0]);
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

const increase = (previous: number, current: number): number => (current >= previous ? current - previous : current);

export const sum = (increments: readonly Increment[]): number =>
  increments.reduce((total, { amount }) => total + amount, 0);
