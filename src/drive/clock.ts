import { setTimeout as sleep } from 'node:timers/promises';
import type { Ms } from '../core/units.ts';
import type { Clock } from '../ports/clock.ts';

/** Timers of Node overflow beyond this. */
const LONGEST_MS = 2_147_483_647;

/**
 * A clock that never goes back: when the machine's is corrected by minutes, looks, samples and the lease must not wait that
 * long. `wall` is epoch ms; `steady` is epoch ms too, taken once and counted on.
 */
export const clockOf = (wall: () => Ms, steady: () => Ms): Clock => {
  const now = (): Ms => Math.max(wall(), Math.floor(steady()));
  return {
    now,
    sleepUntil: async (at, signal) => {
      for (let left = at - now(); left > 0; left = at - now()) {
        await sleep(Math.min(left, LONGEST_MS), undefined, { signal });
      }
      signal.throwIfAborted();
    },
  };
};

export const systemClock: Clock = clockOf(
  () => Date.now(),
  () => performance.timeOrigin + performance.now(),
);
