import type { Clock } from '../../src/ports/clock.ts';

export interface FakeClock extends Clock {
  /** What sleepers do not do by themselves. */
  advance(ms: number): void;
}

/** Time passes only by sleeping: a sleep ends in the next turn, with the clock moved on to its end. */
export const fakeClock = (start = Date.parse('2026-03-01T10:00:00Z')): FakeClock => {
  let now = start;
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
    sleepUntil: async (at, signal) => {
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
      now = Math.max(now, at);
    },
  };
};
