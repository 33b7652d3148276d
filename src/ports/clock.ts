import type { Ms } from '../core/units.ts';

export interface Clock {
  /** Epoch ms. */
  now(): Ms;
  /** Resolves at the instant, or at once when it is past. Rejects with the signal's reason. */
  sleepUntil(at: Ms, signal: AbortSignal): Promise<void>;
}
