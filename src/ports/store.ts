import type { Command } from '../core/command.ts';
import type { Rollout } from '../core/rollout.ts';
import type { Ms } from '../core/units.ts';
import type { CallProblem, CallResult } from './cluster.ts';

/** Identity of a lock holder: random, so that a post step can prove that it is the same run. */
export interface Holder {
  readonly id: string;
  readonly runUrl: string | null;
}

export type Acquired =
  | {
      readonly kind: 'acquired' /** Changes with every takeover. */;
      readonly token: string;
      readonly rollout: SavedRollout | null;
    }
  | {
      readonly kind: 'held';
      readonly by: string;
      readonly runUrl: string | null;
      readonly since: string | null;
      readonly step: string | null;
    }
  | { readonly kind: 'failed'; readonly problem: CallProblem };

/** State read back is hostile until every field was checked. */
export type SavedRollout =
  | { readonly kind: 'rollout'; readonly rollout: Rollout }
  | { readonly kind: 'unreadable'; readonly why: string };

export type Saved =
  | { readonly kind: 'saved' }
  /** `how`: a clause, `https://… took the lock`. */
  | { readonly kind: 'lost'; readonly how: string }
  | { readonly kind: 'failed'; readonly problem: CallProblem };

export type { Command };

/** A Deployment whose state lies in the cluster: a rollout is open, or was left behind. */
export interface OpenRollout {
  readonly namespace: string;
  readonly deployment: string;
  /** Its run died between taking the lock and saving its first state: nothing of the user's was touched. */
  readonly lockOnly?: boolean;
}

/** Every open rollout of a namespace, or of all that may be read (null). Names only; each has to be loaded by its own store. */
export type ListOpen = (namespace: string | null, signal: AbortSignal) => Promise<CallResult<readonly OpenRollout[]>>;

/** State in a ConfigMap, lock in a Lease, both named `canary-rollout-<deployment>`. */
export interface Store {
  /** Without taking the lock: is a rollout open? */
  load(signal: AbortSignal): Promise<
    /** `lock`: of a run that has just begun, or that died before it saved anything or after it was done. */
    | { readonly kind: 'none'; readonly lock: (Acquired & { kind: 'held' }) | null }
    | { readonly kind: 'open'; readonly saved: SavedRollout; readonly lock: (Acquired & { kind: 'held' }) | null }
    | { readonly kind: 'failed'; readonly problem: CallProblem }
  >;
  acquire(holder: Holder, signal: AbortSignal): Promise<Acquired>;
  /** `lost` when somebody else holds the Lease, or has held it since. One that a person deleted is made again. */
  renew(signal: AbortSignal): Promise<Saved>;
  /**
   * Until when, on the clock, nobody else can have taken the lock: its duration after the last renewal that succeeded was
   * sent. null: it is not held, or was lost. From then on no forward write may be sent before a renewal succeeds. A person
   * who deletes the Lease makes it untrue; then only tokens and marks decide.
   */
  heldUntil(): Ms | null;
  /** Only while the lock is held by this run. */
  save(rollout: Rollout, signal: AbortSignal): Promise<Saved>;
  /** Gives the lock back. `keepState` false: ConfigMap and Lease are deleted, with preconditions. */
  release(keepState: boolean, signal: AbortSignal): Promise<Saved>;
  /** Each command once, within 2 s of the annotation. Ends when the signal fires. */
  commands(signal: AbortSignal): AsyncIterable<Command>;
  /** The command that stands in the cluster now; null: none, or none that is understood. */
  pending(signal: AbortSignal): Promise<CallResult<Command | null>>;
  /** Leaves a command for whoever holds the lock. `missing`: no rollout is open. */
  hand(command: Omit<Command, 'raw'>, signal: AbortSignal): Promise<CallResult<Command>>;
  acknowledge(command: Command, signal: AbortSignal): Promise<Saved>;
}
