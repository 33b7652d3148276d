import type { Rollout } from '../core/rollout.ts';
import type { CallProblem } from './cluster.ts';

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
  | { readonly kind: 'lost'; readonly holder: string }
  | { readonly kind: 'failed'; readonly problem: CallProblem };

export interface Command {
  readonly name: 'pause' | 'resume' | 'promote' | 'abort';
  readonly rolloutId: string | null;
  readonly raw: string;
}

/** State in a ConfigMap, lock in a Lease, both named `canary-rollout-<deployment>`. */
export interface Store {
  /** Without taking the lock: is a rollout open? */
  load(
    signal: AbortSignal,
  ): Promise<
    | { readonly kind: 'none' }
    | { readonly kind: 'open'; readonly saved: SavedRollout; readonly lock: (Acquired & { kind: 'held' }) | null }
    | { readonly kind: 'failed'; readonly problem: CallProblem }
  >;
  acquire(holder: Holder, signal: AbortSignal): Promise<Acquired>;
  /** `lost` when somebody else holds the Lease. */
  renew(signal: AbortSignal): Promise<Saved>;
  /** Only while the lock is held by this run. */
  save(rollout: Rollout, signal: AbortSignal): Promise<Saved>;
  /** Gives the lock back. `keepState` false: ConfigMap and Lease are deleted, with preconditions. */
  release(keepState: boolean, signal: AbortSignal): Promise<Saved>;
  commands(signal: AbortSignal): AsyncIterable<Command>;
  acknowledge(command: Command, signal: AbortSignal): Promise<Saved>;
}
