import type { Entry } from '../core/journal.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Rollout } from '../core/rollout.ts';
import type { Ms } from '../core/units.ts';
import type { PodNote, Reporter } from '../ports/reporter.ts';

/** What a reporter may take at the end; during the rollout nobody waits for it. */
const CONCLUDE_MS = 20_000;

export interface FanOut {
  /** Starts a report with every reporter that has none under way; the newest snapshot wins. */
  report(rollout: Rollout, journal: readonly Entry[]): void;
  conclude(outcome: Outcome, journal: readonly Entry[], pods: readonly PodNote[]): Promise<void>;
}

/** Many reporters, none of which can hold up or fail a rollout: what one throws is a warning, once. */
export const fanOut = (
  reporters: readonly Reporter[],
  warn: (text: string) => void,
  concludeMs: Ms = CONCLUDE_MS,
): FanOut => {
  const busy = new Map<string, Promise<void>>();
  const next = new Map<string, readonly [Rollout, readonly Entry[]]>();
  const warned = new Set<string>();
  const complain = (reporter: Reporter, error: unknown): void => {
    if (warned.has(reporter.name)) return;
    warned.add(reporter.name);
    warn(`the ${reporter.name} could not be written: ${error instanceof Error ? error.message : String(error)}`);
  };
  const run = async (reporter: Reporter): Promise<void> => {
    for (let work = next.get(reporter.name); work !== undefined; work = next.get(reporter.name)) {
      next.delete(reporter.name);
      await attempt(() => reporter.report(...work)).catch((error: unknown) => complain(reporter, error));
    }
    busy.delete(reporter.name);
  };
  return {
    report: (rollout, journal) => {
      for (const reporter of reporters) {
        next.set(reporter.name, [rollout, journal]);
        if (!busy.has(reporter.name)) busy.set(reporter.name, run(reporter));
      }
    },
    conclude: async (outcome, journal, pods) => {
      next.clear();
      await Promise.all(
        reporters.map(async (reporter) => {
          // The last word is tried even when the one before it hangs.
          await within(concludeMs, busy.get(reporter.name)).catch((error: unknown) => complain(reporter, error));
          const concluded = attempt(() => reporter.conclude(outcome, journal, pods));
          await within(concludeMs, concluded).catch((error: unknown) => complain(reporter, error));
        }),
      );
    },
  };
};

/** What throws before it has made a promise rejects too. */
const attempt = async (work: () => Promise<void>): Promise<void> => work();

/** A timer of its own: those of `AbortSignal.timeout` do not keep the process alive until they fire. */
const within = async (limitMs: Ms, work: Promise<void> | undefined): Promise<void> => {
  if (work === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs / 1000} s`)), limitMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};
