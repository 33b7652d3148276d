import type { Foresight } from './foresight.ts';
import type { Plan } from './plan.ts';
import type { Finding, Reason } from './reason.ts';
import type { Rollout } from './rollout.ts';
import type { Ms } from './units.ts';

export type Status =
  | 'promoted'
  | 'unchanged'
  | 'planned'
  | 'paused'
  | 'accepted'
  | 'rolled-back'
  | 'aborted'
  | 'halted'
  | 'rejected';

/** One mistake in what the user wrote. Line and column start at 1; null where the text has no lines (a single input). */
export interface Issue {
  /** The input (`weights`), or the config file's path relative to the workspace. */
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  /** Where in the document: `metrics[1].max-increase`; '' at the top. */
  readonly path: string;
  /** What is wrong, what was expected, the nearest name: a full sentence without the position. */
  readonly message: string;
}

/** How a run ended: what the outputs, the exit code and the last report are made from. */
export type Outcome =
  /** Nothing was touched. Issues are mistakes in the configuration; findings are what the checks found. */
  | {
      readonly kind: 'rejected';
      readonly reason: Reason;
      readonly issues: readonly Issue[];
      readonly findings: readonly Finding[];
      readonly subject: Subject | null;
    }
  | { readonly kind: 'unchanged'; readonly reason: Reason; readonly subject: Subject }
  /** `status`, `sweep`, and a command that was handed to the run that holds the lock. `failed`: a sweep could not make one safe. */
  | {
      readonly kind: 'accepted';
      readonly reason: Reason;
      readonly rollouts: readonly RolloutEntry[];
      readonly failed: boolean;
    }
  | { readonly kind: 'planned'; readonly reason: Reason; readonly preview: Preview }
  | FirstRelease
  /** The rollout is in a terminal phase. */
  | { readonly kind: 'finished'; readonly rollout: Rollout };

/** A Deployment that did not exist: created from its manifest as it is, with nothing to compare it with. */
export interface FirstRelease {
  readonly kind: 'first-release';
  /** `rolled-back`, `aborted`: it was removed again. `halted`: it stands, and a person has to look at it. */
  readonly status: 'planned' | 'promoted' | 'rolled-back' | 'aborted' | 'halted';
  readonly reason: Reason;
  readonly subject: Subject;
  readonly rolloutId: string;
  /** null: nothing was written. */
  readonly times: { readonly startedAt: Ms; readonly finishedAt: Ms } | null;
  readonly findings: readonly Finding[];
  /** `planned`: the Role that allows it, as YAML. */
  readonly role: string | null;
}

/** One open rollout, for `status` and `sweep`. */
export interface RolloutEntry {
  readonly namespace: string;
  readonly deployment: string;
  /** null: its state cannot be read; `note` says why. */
  readonly rollout: Rollout | null;
  readonly lock: 'held' | 'free';
  /** Of the run that holds the lock, or held it last. */
  readonly runUrl: string | null;
  /** What a sweep did, or why it left it alone; a sentence. */
  readonly note: string | null;
  /** A sweep could not make it safe. */
  readonly failed: boolean;
}

export interface Subject {
  readonly namespace: string | null;
  readonly deployment: string;
  readonly images: readonly string[];
}

/** What `command: plan` reports. */
export interface Preview {
  readonly plan: Plan;
  readonly findings: readonly Finding[];
  /** Shortest time the rollout takes when all is well. */
  readonly durationMs: number;
  /** Every object, what would happen to it, and which fields. */
  readonly touches: readonly {
    readonly object: string;
    readonly action: 'create' | 'patch' | 'delete';
    readonly fields: readonly string[];
  }[];
  /** The Role that allows it, as YAML. */
  readonly role: string;
  /** Role and RoleBinding of the watchdog's service account, as YAML; null: there is no watchdog. */
  readonly watchdogRole: string | null;
  readonly peak: Peak;
  /** What stable's past tells about it; null: nothing in it is judged on evidence. */
  readonly foresight: Foresight | null;
}

/** The most that runs at a time. Cores and bytes as the pods request them; null: they request none. */
export interface Peak {
  readonly pods: number;
  readonly cpu: number | null;
  readonly memory: number | null;
}

/** The last words of the pods that failed, by pod; plain hostile text, at most 20 lines each. */
export interface PodNote {
  readonly pod: string;
  readonly state: string;
  readonly lines: readonly string[];
}
