import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Cell } from './cells.ts';
import { type CellTotals, joined, NO_TOTALS } from './simulate.ts';

/** What a worker does at a time. */
export interface Task {
  readonly cell: number;
  readonly runs: number;
  readonly seed: string;
}

export interface Done {
  readonly cell: number;
  readonly totals: CellTotals;
}

const RUNS_PER_TASK = 1_000;

/** A seed of its own for each task: the result is the same with any number of workers. */
const tasksOf = (cells: readonly Cell[], seed: string): readonly Task[] =>
  cells.flatMap(({ runs, noise, scenario, fault }, cell) =>
    Array.from({ length: Math.ceil(runs / RUNS_PER_TASK) }, (_, part): Task => {
      const name = `${noise}|${scenario.rate}|${scenario.base}|${fault.name}|${part}`;
      return { cell, runs: Math.min(RUNS_PER_TASK, runs - part * RUNS_PER_TASK), seed: `${seed}|${name}` };
    }),
  );

/** Sums of all cells, in their order, by as many threads as there are cores. */
export const simulateAll = async (cells: readonly Cell[], seed: string): Promise<readonly CellTotals[]> => {
  const waiting = [...tasksOf(cells, seed)];
  const totals: CellTotals[] = cells.map(() => NO_TOTALS);
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: cells });
      const next = (): void => {
        const task = waiting.shift();
        if (task !== undefined) worker.postMessage(task);
        else void worker.terminate().then(() => resolve());
      };
      worker.on('error', reject);
      worker.on('message', ({ cell, totals: more }: Done) => {
        totals[cell] = joined(totals[cell] ?? NO_TOTALS, more);
        next();
      });
      next();
    });
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, work));
  return totals;
};
