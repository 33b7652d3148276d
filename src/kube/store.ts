import { CONFIG_MAP, type KubeObject, objectRef, type ResourceKind } from '../core/objects.ts';
import { storeName } from '../core/store-name.ts';
import type { Ms } from '../core/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { CallProblem, Cluster } from '../ports/cluster.ts';
import type { Acquired, Saved, SavedRollout, Store } from '../ports/store.ts';
import { commandChannel } from './commands.ts';
import {
  type Context,
  claimState,
  DELETED,
  type Held,
  readState,
  removeState,
  restore,
  save,
  savedIn,
  stillOwned,
} from './config-map.ts';
import { acquiredAt, createLock, holderOf, LEASE_SECONDS, type Renewed, RUN_URL } from './lock.ts';
import { stepText } from './saved-rollout.ts';

export interface StoreOptions {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly deployment: string;
  readonly clock: Clock;
  /** Fit for a label value. */
  readonly randomToken: () => string;
  /** Kinds that a route in a saved state may have; their version does not matter. */
  readonly routeKinds: readonly ResourceKind[];
}

/**
 * State and lock of one Deployment. Every write of the state tests the lock's token, which each takeover replaces in the
 * ConfigMap before it reads the state: a run that lost the lock cannot save, whatever it believes.
 */
export const createStore = (options: StoreOptions): Store => {
  const { cluster, namespace, deployment, clock, routeKinds } = options;
  const name = storeName(deployment);
  const lock = createLock(cluster, namespace, name, clock);
  const context: Context = {
    cluster,
    clock,
    lock,
    ref: objectRef(CONFIG_MAP, namespace, name),
    bounds: { namespace, deployment, routeKinds },
  };
  let held: Held | null = null;
  let until: Ms | null = null;
  const withLock = async (act: (held: Held) => Promise<Renewed | Saved>): Promise<Saved> => {
    if (held === null) return { kind: 'lost', how: 'the lock was never taken' };
    const done = await act(held);
    // What an answer says about the lock is kept; a failure says nothing.
    if ('sentAt' in done) until = done.sentAt + LEASE_SECONDS * 1000;
    if (done.kind === 'lost' || done.kind === 'gone') until = null;
    return savedOf(done);
  };
  return {
    load: (signal) => load(context, signal),
    acquire: async (holder, signal) => {
      const claim = { holder, token: options.randomToken() };
      const { acquired, sentAt } = await acquire(context, claim, signal);
      if (acquired.kind !== 'acquired' || sentAt === null) return acquired;
      held = claim;
      until = sentAt + LEASE_SECONDS * 1000;
      return acquired;
    },
    renew: (signal) => withLock((claim) => renew(context, claim, until, signal)),
    heldUntil: () => until,
    save: (rollout, signal) => withLock((claim) => save(context, claim, rollout, signal)),
    release: (keepState, signal) => {
      // Even an attempt whose answer is lost may have given it away.
      until = null;
      return withLock((claim) => release(context, claim, keepState, signal));
    },
    ...commandChannel(cluster, context.ref, clock),
  };
};

const savedOf = (renewed: Renewed | Saved): Saved => {
  if (renewed.kind === 'gone') return { kind: 'lost', how: DELETED };
  return renewed.kind === 'saved' ? { kind: 'saved' } : renewed;
};

const load = async (context: Context, signal: AbortSignal): ReturnType<Store['load']> => {
  const [state, lease] = await Promise.all([readState(context, signal), context.lock.read(signal)]);
  if (state.kind !== 'ok') return { kind: 'failed', problem: state };
  if (lease.kind !== 'ok') return { kind: 'failed', problem: lease };
  if (state.value === null) return { kind: 'none', lock: lease.value === null ? null : heldBy(lease.value, null) };
  const saved = savedIn(state.value, context.bounds);
  return { kind: 'open', saved, lock: lease.value === null ? null : heldBy(lease.value, saved) };
};

const heldBy = (lease: KubeObject, saved: SavedRollout | null): (Acquired & { kind: 'held' }) | null => {
  const by = holderOf(lease);
  if (by === null) return null;
  return {
    kind: 'held',
    by,
    runUrl: lease.metadata.annotations?.[RUN_URL] ?? null,
    since: acquiredAt(lease),
    step: saved?.kind === 'rollout' ? stepText(saved.rollout) : null,
  };
};

/** `sentAt`: of the request that took the Lease. */
type Taken = { readonly acquired: Acquired; readonly sentAt: Ms | null };

const acquire = async (context: Context, claim: Held, signal: AbortSignal): Promise<Taken> => {
  const locked = await context.lock.acquire(claim.holder, claim.token, signal);
  if (locked.kind === 'failed') return { acquired: locked, sentAt: null };
  if (locked.kind === 'held') {
    const state = await readState(context, signal);
    const saved = state.kind === 'ok' && state.value !== null ? savedIn(state.value, context.bounds) : null;
    const held = heldBy(locked.lease, saved);
    return {
      acquired: held ?? notTaken({ kind: 'conflict', message: 'the Lease was released just now' }),
      sentAt: null,
    };
  }
  const state = await claimState(context, claim, signal);
  if (state.kind !== 'ok') return { acquired: notTaken(state), sentAt: null };
  const rollout = state.value === null ? null : savedIn(state.value, context.bounds);
  return { acquired: { kind: 'acquired', token: claim.token, rollout }, sentAt: locked.sentAt };
};

const notTaken = (problem: CallProblem): Acquired => ({ kind: 'failed', problem });

/**
 * After its own time the Lease may be another's, and is looked at before anything is written. One that somebody deleted
 * is made again.
 */
const renew = async (context: Context, claim: Held, until: Ms | null, signal: AbortSignal): Promise<Renewed> => {
  if (until !== null && context.clock.now() >= until) {
    const owned = await stillOwned(context, claim, signal);
    if (owned !== null) return owned;
  }
  const renewed = await context.lock.renew(claim.holder, claim.token, signal);
  return renewed.kind === 'gone' ? restore(context, claim, signal) : renewed;
};

const release = async (context: Context, claim: Held, keepState: boolean, signal: AbortSignal): Promise<Saved> => {
  const { holder, token } = claim;
  const owned = await stillOwned(context, claim, signal);
  if (owned !== null) return owned;
  if (keepState) return savedOf(await context.lock.free(holder, token, signal));
  const removed = await removeState(context, claim, signal);
  return removed.kind === 'saved' ? context.lock.remove(holder, token, signal) : removed;
};
