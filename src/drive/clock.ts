import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../ports/clock.ts';

/** Timers of Node overflow beyond this. */
const LONGEST_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  sleepUntil: async (at, signal) => {
    for (let left = at - Date.now(); left > 0; left = at - Date.now()) {
      await sleep(Math.min(left, LONGEST_MS), undefined, { signal });
    }
    signal.throwIfAborted();
  },
};
