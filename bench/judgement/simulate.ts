import type { Calibration } from '../../src/core/plan.ts';
import { calibrated } from './calibrated.ts';
import { type Cell, DECIDERS, type Decider, failureRatio } from './cells.ts';
import { ours } from './ours.ts';
import type { Ending } from './ramp.ts';
import { createRandom, type Random } from './random.ts';
import { argo, flagger } from './rivals.ts';
import { createWorld, drawHistory, drawPods, type Pods, STABLE_PODS, type World } from './world.ts';

/** Sums over many runs. */
export interface Totals {
  readonly runs: number;
  readonly rolledBack: number;
  readonly atOnce: number;
  readonly held: number;
  /** Seconds until the roll back, of those rolled back; and until the promotion, of the others. */
  readonly reaction: number;
  readonly promotion: number;
  readonly harmed: number;
  readonly harmedSquares: number;
  readonly phi: number;
  readonly tolerance: number;
}

export type CellTotals = Readonly<Partial<Record<Decider, Totals>>>;

const NOTHING: Totals = {
  runs: 0,
  rolledBack: 0,
  atOnce: 0,
  held: 0,
  reaction: 0,
  promotion: 0,
  harmed: 0,
  harmedSquares: 0,
  phi: 0,
  tolerance: 0,
};

export const NO_TOTALS: CellTotals = {};

/** So many runs are judged by what one history of stable told: drawing it costs more than a run. */
const RUNS_PER_HISTORY = 10;

/** `seed`: the same seed and runs, the same sums. */
export const simulate = (cell: Cell, runs: number, seed: string): CellTotals => {
  const random = createRandom(seed);
  let totals = NO_TOTALS;
  for (let done = 0; done < runs; done += RUNS_PER_HISTORY) {
    const stable = drawPods(STABLE_PODS, cell.scenario, random);
    const calibration = calibrated((metric) => drawHistory(metric, cell.scenario, stable, random));
    for (let run = done; run < Math.min(runs, done + RUNS_PER_HISTORY); run += 1)
      totals = joined(totals, oneOfEach(cell, stable, calibration, random));
  }
  return totals;
};

const oneOfEach = (cell: Cell, stable: Pods, calibration: Calibration, random: Random): CellTotals => {
  const bad = failureRatio(cell.fault, cell.scenario.base);
  const world = (): World => createWorld(cell.scenario, stable, bad, random);
  const play: Readonly<Record<Decider, () => Ending>> = {
    ours: () => ours(world(), random, cell.scenario.loss, calibration),
    'Flagger 1': () => flagger(world(), 1),
    'Flagger 5': () => flagger(world(), 5),
    'Argo 0': () => argo(world(), 0),
    'Argo 3': () => argo(world(), 3),
  };
  return Object.fromEntries(cell.deciders.map((decider) => [decider, totalsOf(play[decider](), calibration)]));
};

const totalsOf = (ending: Ending, { phi, tolerance }: Calibration): Totals => ({
  runs: 1,
  rolledBack: Number(ending.rolledBack),
  atOnce: Number(ending.atOnce),
  held: Number(ending.held),
  reaction: ending.rolledBack ? ending.seconds : 0,
  promotion: ending.rolledBack ? 0 : ending.seconds,
  harmed: ending.harmed,
  harmedSquares: ending.harmed ** 2,
  phi,
  tolerance,
});

export const joined = (a: CellTotals, b: CellTotals): CellTotals =>
  Object.fromEntries(
    DECIDERS.flatMap((decider) => {
      const [one, other] = [a[decider], b[decider]];
      if (one === undefined && other === undefined) return [];
      return [[decider, plus(one ?? NOTHING, other ?? NOTHING)]];
    }),
  );

const plus = (a: Totals, b: Totals): Totals => ({
  runs: a.runs + b.runs,
  rolledBack: a.rolledBack + b.rolledBack,
  atOnce: a.atOnce + b.atOnce,
  held: a.held + b.held,
  reaction: a.reaction + b.reaction,
  promotion: a.promotion + b.promotion,
  harmed: a.harmed + b.harmed,
  harmedSquares: a.harmedSquares + b.harmedSquares,
  phi: a.phi + b.phi,
  tolerance: a.tolerance + b.tolerance,
});
