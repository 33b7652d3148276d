import { HALF, INDEPENDENT, NOISES, RATES } from './cells.ts';
import {
  atOnce,
  type Estimate,
  floorOf,
  harmed,
  harmLimit,
  held,
  isEnough,
  isGood,
  missed,
  percent,
  placeOf,
  type Result,
  rolledBack,
  tickHarm,
} from './results.ts';

/** One line of the table of goals. */
export interface Goal {
  readonly goal: string;
  readonly limit: string;
  /** The worst of the cells that the goal is about. */
  readonly measured: string;
  readonly where: string;
  readonly cells: number;
  /** `impossible`: below what Wald's floor and one tick cost any decider. `open`: too few runs to tell. */
  readonly verdict: 'met' | 'missed' | 'open' | 'impossible';
}

/** One cell against a limit that it must not be above. */
interface Trial extends Estimate {
  readonly result: Result;
  readonly limit: number;
  readonly text: string;
  readonly isImpossible?: boolean;
}

/** So many standard errors above the limit may be chance when there were few runs. */
const CHANCE = 3;

const worstOf = (goal: string, limit: string, trials: readonly Trial[], isShort: boolean): Goal => {
  const excess = ({ value, limit: most }: Trial): number => value / most;
  const [worst] = trials.toSorted((a, b) => excess(b) - excess(a));
  if (worst === undefined) throw new Error(`no cell for ${goal}`);
  const over = trials.filter(({ value, limit: most }) => value > most);
  const sure = isShort ? over.filter(({ value, error, limit: most }) => value - CHANCE * error > most) : over;
  const failing = over.every(({ isImpossible }) => isImpossible) ? 'impossible' : sure.length > 0 ? 'missed' : 'open';
  const verdict = over.length === 0 ? 'met' : failing;
  const count = over.length > 1 ? ` (and ${over.length - 1} more)` : '';
  return {
    goal,
    limit,
    measured: worst.text,
    where: `${placeOf(worst.result)}${count}`,
    cells: trials.length,
    verdict,
  };
};

type Row = readonly [goal: string, limit: string, trials: readonly Trial[]];

export const goalsOf = (results: readonly Result[], isShort: boolean): readonly Goal[] => {
  const rows = [
    ...falseRollbacks(results),
    ...harms(results),
    totalFailures(results),
    misses(results),
    ...holds(results),
    ...rivals(results),
  ];
  return rows.map(([goal, limit, trials]) => worstOf(goal, limit, trials, isShort));
};

const asked = NOISES.filter(({ isAsked }) => isAsked).map(({ name }) => name);

const goodIn = (results: readonly Result[], noise: string): readonly Result[] =>
  results.filter((result) => isGood(result) && result.cell.noise === noise);

const badOf = (results: readonly Result[], fault: string): readonly Result[] =>
  results.filter(({ cell }) => cell.noise === INDEPENDENT && cell.fault.name === fault);

const FALSE_LIMIT = 0.01;

const falseRollbacks = (results: readonly Result[]): readonly Row[] =>
  asked.map((noise): Row => {
    const trials = goodIn(results, noise).map((result): Trial => {
      const estimate = rolledBack(result, 'ours');
      return { ...estimate, result, limit: FALSE_LIMIT, text: percent(estimate.value) };
    });
    return [`G1 good releases rolled back: ${noise}`, '≤ 1 %', trials];
  });

const TIMES = ['2x', '3x', '5x', '10x'] as const;

const harmLimits = "≤ 2.2 × Wald's floor + one tick";

const harms = (results: readonly Result[]): readonly Row[] => {
  const trial = (result: Result): Trial => {
    const estimate = harmed(result, 'ours');
    const limit = harmLimit(result);
    return { ...estimate, result, limit, text: `${estimate.value.toFixed(1)} of ${limit.toFixed(1)}` };
  };
  const short = TIMES.flatMap((fault) => badOf(results, fault)).filter((result) => !isEnough(result));
  return [
    ...TIMES.map(
      (fault): Row => [`G2 users harmed: ${fault}`, harmLimits, badOf(results, fault).filter(isEnough).map(trial)],
    ),
    ['G2 users harmed: where the plan brings fewer than 9.5 N* requests', harmLimits, short.map(trial)],
  ];
};

const AT_ONCE = 0.99;

const totalFailures = (results: readonly Result[]): Row => {
  const trials = badOf(results, HALF.name)
    .filter(({ cell }) => cell.scenario.rate >= 100)
    .map((result): Trial => {
      const { value, error } = atOnce(result);
      return { value: 1 - value, error, result, limit: 1 - AT_ONCE, text: percent(value) };
    });
  return ['G3 50 % failing: rolled back at the first look, from 100/s on', '≥ 99 %', trials];
};

const MISSED_LIMIT = 0.05;

const misses = (results: readonly Result[]): Row => {
  const trials = [...TIMES, HALF.name]
    .flatMap((fault) => badOf(results, fault))
    .filter(isEnough)
    .map((result): Trial => {
      const estimate = missed(result, 'ours');
      return { ...estimate, result, limit: MISSED_LIMIT, text: percent(estimate.value) };
    });
  return ['G4 bad releases missed, where the plan brings 9.5 N* requests', '≤ 5 %', trials];
};

const HELD_LIMIT = 0.03;

const holds = (results: readonly Result[]): readonly Row[] =>
  asked.map((noise): Row => {
    const trials = goodIn(results, noise).map((result): Trial => {
      const estimate = held(result);
      return { ...estimate, result, limit: HELD_LIMIT, text: percent(estimate.value) };
    });
    return [`G5 good releases ever held: ${noise}`, '≤ 3 %', trials];
  });

/** Harm of Flagger with threshold 1, as a multiple of ours; nothing counts where it rolls back fewer good releases. */
const rivals = (results: readonly Result[]): readonly Row[] => {
  const row = (fault: string, rate: number, times: number): Row => {
    const trials = badOf(results, fault)
      .filter(({ cell: { scenario } }) => scenario.rate === rate && scenario.base === RIVALS_BASE)
      .map((result): Trial => timesLess(results, result, times));
    return [`G6 fewer harmed than by Flagger 1: ${fault}`, `≥ ${times}x`, trials];
  };
  return RATES.flatMap((rate) => [row('5x', rate, 3), row(HALF.name, rate, 20)]);
};

const RIVALS_BASE = 0.01;

const timesLess = (results: readonly Result[], result: Result, times: number): Trial => {
  const [mine, theirs] = [harmed(result, 'ours'), harmed(result, 'Flagger 1')];
  const { rate, base } = result.cell.scenario;
  const good = goodIn(results, INDEPENDENT).find(
    ({ cell: { scenario } }) => scenario.rate === rate && scenario.base === base,
  );
  if (good === undefined) throw new Error('no good release to compare with');
  const [myFalse, theirFalse] = [rolledBack(good, 'ours').value, rolledBack(good, 'Flagger 1').value];
  const value = mine.value / theirs.value;
  const error = value * Math.hypot(mine.error / mine.value, theirs.error / theirs.value);
  const harms = `${(1 / value).toFixed(1)}x (${mine.value.toFixed(1)}, ${theirs.value.toFixed(1)})`;
  return {
    value: myFalse <= theirFalse ? value : 1,
    error,
    result,
    limit: 1 / times,
    text: `${harms}; false ${percent(myFalse, 2)}, ${percent(theirFalse, 2)}`,
    isImpossible: theirs.value / times < floorOf(result).harmed + tickHarm(result),
  };
};
