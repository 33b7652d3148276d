import { parentPort, workerData } from 'node:worker_threads';
import type { Cell } from './cells.ts';
import type { Done, Task } from './pool.ts';
import { simulate } from './simulate.ts';

const cells = workerData as readonly Cell[];

parentPort?.on('message', ({ cell, runs, seed }: Task) => {
  const found = cells[cell];
  if (found === undefined) throw new Error(`no cell ${cell}`);
  const done: Done = { cell, totals: simulate(found, runs, seed) };
  parentPort?.postMessage(done);
});
