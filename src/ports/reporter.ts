import type { Entry } from '../core/journal.ts';
import type { Outcome, PodNote } from '../core/outcome.ts';
import type { Rollout } from '../core/rollout.ts';

export type { PodNote };

/** Shows a snapshot and sentences to people. What it throws is a warning and never changes the outcome. */
export interface Reporter {
  readonly name: string;
  /** After each step and each change of phase. Never waited for by the rollout. */
  report(rollout: Rollout, journal: readonly Entry[]): Promise<void>;
  /** Once, at the end. */
  conclude(outcome: Outcome, journal: readonly Entry[], pods: readonly PodNote[]): Promise<void>;
}

/** Where journal entries go as they happen: the console. */
export interface Log {
  entry(entry: Entry): void;
  debug(text: string): void;
}
