import { type Cell, type Decider, failureRatio, GOOD } from './cells.ts';
import { OFFERED, weightOf } from './ramp.ts';
import type { CellTotals, Totals } from './simulate.ts';
import { waldFloor } from './wald.ts';
import { TICK } from './world.ts';

/** One cell with what was measured in it. */
export interface Result {
  readonly cell: Cell;
  readonly totals: CellTotals;
}

/** A measured mean or share with its standard error. */
export interface Estimate {
  readonly value: number;
  readonly error: number;
}

const share = (count: number, runs: number): Estimate => {
  const value = count / runs;
  return { value, error: Math.sqrt((value * (1 - value)) / runs) };
};

const of = ({ totals, cell }: Result, decider: Decider): Totals => {
  const found = totals[decider];
  if (found === undefined) throw new Error(`${decider} did not run in ${cell.noise}`);
  return found;
};

export const ran = ({ totals }: Result, decider: Decider): boolean => totals[decider] !== undefined;

export const rolledBack = (result: Result, decider: Decider): Estimate =>
  share(of(result, decider).rolledBack, of(result, decider).runs);

export const missed = (result: Result, decider: Decider): Estimate =>
  share(of(result, decider).runs - of(result, decider).rolledBack, of(result, decider).runs);

export const held = (result: Result): Estimate => share(of(result, 'ours').held, of(result, 'ours').runs);

export const atOnce = (result: Result): Estimate => share(of(result, 'ours').atOnce, of(result, 'ours').runs);

/** Canary requests that failed until the roll back, or until the promotion of what was missed. */
export const harmed = (result: Result, decider: Decider): Estimate => {
  const { harmed: sum, harmedSquares, runs } = of(result, decider);
  const value = sum / runs;
  return { value, error: Math.sqrt(Math.max(0, harmedSquares / runs - value ** 2) / runs) };
};

/** Seconds from the first canary request to the roll back; null: there was none. */
export const reaction = (result: Result, decider: Decider): number | null => {
  const { rolledBack: count, reaction: sum } = of(result, decider);
  return count === 0 ? null : sum / count;
};

/** Seconds to the promotion. */
export const promotion = (result: Result): number =>
  of(result, 'ours').promotion / (of(result, 'ours').runs - of(result, 'ours').rolledBack);

export const calibration = (result: Result): { readonly phi: number; readonly tolerance: number } => ({
  phi: of(result, 'ours').phi / of(result, 'ours').runs,
  tolerance: of(result, 'ours').tolerance / of(result, 'ours').runs,
});

const badOf = ({ fault, scenario }: Cell): number => failureRatio(fault, scenario.base);

export const floorOf = ({ cell }: Result): { readonly requests: number; readonly harmed: number } =>
  waldFloor(cell.scenario.base, badOf(cell));

/** Times Wald's floor that harm may be, beside one tick's. */
const TIMES_FLOOR = 2.2;

/** What one tick at the first weight harms: no decider sees anything before it ends. */
export const tickHarm = ({ cell }: Result): number => cell.scenario.rate * weightOf(0) * TICK * badOf(cell);

export const harmLimit = (result: Result): number => TIMES_FLOOR * floorOf(result).harmed + tickHarm(result);

/** Times the requests of Wald's floor that the whole plan sends to the canary. */
export const offered = (result: Result): number => (OFFERED * result.cell.scenario.rate) / floorOf(result).requests;

/** Only where the plan brings that many can a fault be expected to be seen. */
const ENOUGH_OFFERED = 9.5;

export const isEnough = (result: Result): boolean => offered(result) >= ENOUGH_OFFERED;

export const isGood = ({ cell }: Result): boolean => cell.fault.name === GOOD.name;

export const placeOf = ({ cell: { scenario, fault, noise } }: Result): string => {
  const what = fault.name === GOOD.name ? noise : fault.name;
  return `${what}, ${scenario.rate}/s, ${percent(scenario.base)}`;
};

export const percent = (ratio: number, digits = 3): string => `${Number((ratio * 100).toPrecision(digits))} %`;
