import type { Ms } from './units.ts';

/** One sentence of what happened, as console lines and reports show it. Plain text; hostile parts are not escaped here. */
export interface Entry {
  readonly at: Ms;
  /** Lines are grouped by this: `prepare`, `step 2 of 5: 10 %`, `promote`, `roll back`. */
  readonly group: string;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
}

/** What is kept of a run's sentences: a rollout of many hours must not fill the memory of its runner. */
export interface Journal {
  add(entry: Entry): void;
  /** The first and the last, with one line between them that says how many are left out. */
  entries(): readonly Entry[];
}

const FIRST = 800;
const LAST = 1_200;
/** More than any place shows of one entry. */
const TEXT_LIMIT = 20_000;

export const createJournal = (limits = { first: FIRST, last: LAST }): Journal => {
  const first: Entry[] = [];
  const last: Entry[] = [];
  let left: { readonly count: number; readonly end: Entry } | null = null;
  return {
    add: (given) => {
      const entry = given.text.length > TEXT_LIMIT ? { ...given, text: `${given.text.slice(0, TEXT_LIMIT)}…` } : given;
      if (first.length < limits.first) return void first.push(entry);
      last.push(entry);
      const end = last.length > limits.last ? last.shift() : undefined;
      if (end !== undefined) left = { count: (left?.count ?? 0) + 1, end };
    },
    entries: () => (left === null ? [...first, ...last] : [...first, leftOut(left.count, left.end), ...last]),
  };
};

const leftOut = (count: number, { at, group }: Entry): Entry => ({
  at,
  group,
  level: 'info',
  text: `… ${count === 1 ? '1 entry is' : `${count} entries are`} left out here …`,
});
