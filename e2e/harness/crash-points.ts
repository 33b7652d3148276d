import type { CrashPoint, Write } from './crash-proxy.ts';

/** A place in the life of a rollout at which its process is killed. */
export interface Place {
  /** `good · progressing/shift to 40 %: PATCH httproutes/checkout (before)`. */
  readonly name: string;
  readonly scenario: string;
  /** What is saved by then says `promoting/commit` or later; null: in between. */
  readonly isPastReturn: boolean | null;
  readonly crash: CrashPoint;
}

const isSave = ({ request }: Write): boolean => request.includes('configmaps/') && request.startsWith('PATCH');

/** Stages in which a rollout waits and writes nothing. */
const QUIET = /\/(settle|bake|stable-ready|drain)\b/;

/** The last stage in which a dead rollout returns to stable, and the stages after which it cannot. */
const RETURNS = /^(before any state|preparing|progressing|rolling-back)|^promoting\/(capacity|all-traffic)/;

/** Once the first of the marks is gone the way back may be closed: from the first request of `commit` on. */
const pastReturn = ({ stage }: Pick<Write, 'stage'>): boolean | null => {
  if (RETURNS.test(stage)) return false;
  return stage === 'promoting/commit' ? null : true;
};

/** The same request of another run of the same scenario: states may be saved at other moments, all else comes in order. */
const isSame = (write: Write) => (other: Write) => other.request === write.request && other.nth === write.nth;

const placeOf = (scenario: string, write: Write, when: CrashPoint['when']): Place => {
  // What is saved at any moment is told by its stage.
  const isAt = isSave(write) ? (other: Write): boolean => isSave(other) && other.stage === write.stage : isSame(write);
  const what = when === 'later' ? 'in the quiet' : `${write.request} (${when})`;
  const name = `${scenario} · ${write.stage}: ${what}`;
  return { name, scenario, isPastReturn: pastReturn(write), crash: { isAt, when } };
};

/**
 * Every state that a dead process can leave behind, from the writes of one that lived: each effect with its answer lost,
 * each first effect of a stage saved but not sent, and the stages in which it only waits. Between two effects of one stage
 * nothing is saved, so that after the one is before the other.
 */
export const placesOf = (scenario: string, writes: readonly Write[]): readonly Place[] =>
  writes.flatMap((write, index) => {
    const earlier = writes.slice(0, index);
    if (isSave(write)) {
      const isFirst = QUIET.test(write.stage) && !earlier.some(({ stage }) => stage === write.stage);
      return isFirst ? [placeOf(scenario, write, 'later')] : [];
    }
    const begins = !earlier.some((other) => !isSave(other) && other.stage === write.stage);
    const after = placeOf(scenario, write, 'after');
    return begins ? [placeOf(scenario, write, 'before'), after] : [after];
  });

/** Any write, by its number: where nobody wrote down what comes. */
export const placeAt = (scenario: string, index: number, when: 'before' | 'after'): Place => ({
  name: `${scenario} · write ${index + 1} (${when})`,
  scenario,
  isPastReturn: null,
  crash: { isAt: (write) => write.index === index, when },
});

/** The first effect of a stage, held before it is sent. */
export const placeIn = (scenario: string, stage: string): Place => ({
  name: `${scenario} · ${stage}`,
  scenario,
  isPastReturn: pastReturn({ stage }),
  crash: { isAt: (write) => !isSave(write) && write.stage.startsWith(stage), when: 'before' },
});

/** The place as it turned out: where a number was given, what it was. */
export const reached = (place: Place, write: Write): Place => {
  const { name, isPastReturn } = placeOf(place.scenario, write, place.crash.when);
  return { ...place, name, isPastReturn };
};
