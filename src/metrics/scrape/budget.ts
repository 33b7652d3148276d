import type { Ms } from '../../core/units.ts';
import type { Clock } from '../../ports/clock.ts';

/** How much may be read from a set of pods in a second. */
export interface Budget {
  /** Sets bytes aside; false: there are not so many left now. */
  take(bytes: number): boolean;
  /** What an answer had, once it is known: less gives bytes back, more is owed. */
  settle(taken: number, bytes: number): void;
}

/** Of all sources together: each set of pods has its own part, so that a large one does not starve the others. */
export const BYTES_PER_SECOND = 2 * 1024 * 1024;

/** As much as a second brings can be saved up. One answer that is larger is let through then, and owed. */
export const createBudget = (clock: Pick<Clock, 'now'>, bytesPerSecond: number): Budget => {
  let left = bytesPerSecond;
  let asOf: Ms = clock.now();
  return {
    take: (bytes) => {
      const now = clock.now();
      left = Math.min(bytesPerSecond, left + (Math.max(0, now - asOf) * bytesPerSecond) / 1000);
      asOf = now;
      if (left < Math.min(bytes, bytesPerSecond)) return false;
      left -= bytes;
      return true;
    },
    settle: (taken, bytes) => {
      left += taken - bytes;
    },
  };
};
