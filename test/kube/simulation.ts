import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../src/ports/clock.ts';

/** One time for a whole world, in which several machines live with clocks of their own. */
export interface Simulation {
  /** ms since its start. */
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A machine's clock: ahead or behind by `offset`, and standing still while the machine is paused. */
  clock(machine: Machine): Clock;
  /** Lets time pass. `check` runs after every step. */
  run(until: number, check: () => void): Promise<void>;
}

export interface Machine {
  readonly offset: number;
  pausedUntil: number;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Until nothing happens any more without time passing. A call goes through few turns. */
const settle = async (): Promise<void> => {
  for (let turns = 0; turns < 2; turns += 1) await turn();
};

export const simulation = (): Simulation => {
  let now = 0;
  const sleepers = new Set<Sleeper>();
  const sleepTo = (at: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', stop);
        resolve();
      };
      const sleeper = { at, wake };
      sleepers.add(sleeper);
      signal?.addEventListener('abort', stop);
    });
  return {
    now: () => now,
    sleep: (ms, signal) => sleepTo(now + ms, signal),
    clock: (machine) => ({
      now: () => now + machine.offset,
      sleepUntil: async (at, signal) => {
        signal.throwIfAborted();
        await sleepTo(at - machine.offset, signal);
        // A machine that is paused wakes late, and its clock has been set right by then.
        while (now < machine.pausedUntil) await sleepTo(machine.pausedUntil, signal);
      },
    }),
    run: async (until, check) => {
      while (now < until) {
        await settle();
        check();
        const next = [...sleepers].reduce<Sleeper | null>((a, b) => (a === null || b.at < a.at ? b : a), null);
        if (next === null) return;
        sleepers.delete(next);
        now = Math.max(now, next.at);
        next.wake();
      }
    },
  };
};

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
};
