import { fitName } from '../core/marks.ts';
import {
  CONFIG_MAP,
  type KubeObject,
  type ObjectRef,
  objectRef,
  type Request,
  type ResourceKind,
} from '../core/objects.ts';
import type { Rollout } from '../core/rollout.ts';
import type { Ms } from '../core/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { CallProblem, Cluster } from '../ports/cluster.ts';
import type { Acquired, Holder, Saved, SavedRollout, Store } from '../ports/store.ts';
import { commandChannel } from './commands.ts';
import {
  acquiredAt,
  createLock,
  deletion,
  escapePointer,
  holderOf,
  isHeldBy,
  LEASE_SECONDS,
  type Lock,
  MANAGED_BY,
  patchOf,
  type Renewed,
  RUN_URL,
  TOKEN,
} from './lock.ts';
import { deserialise, LARGEST_STATE_BYTES, type StateBounds, serialise, stepText } from './saved-rollout.ts';

const MOST_CONFLICTS = 5;

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

interface Held {
  readonly holder: Holder;
  readonly token: string;
}

interface Context {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly lock: Lock;
  readonly ref: ObjectRef;
  readonly bounds: StateBounds;
}

/** The name of a Deployment's ConfigMap and Lease. */
export const storeName = (deployment: string): string => fitName(`canary-rollout-${deployment}`, 253);

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
  /** What a request says about the lock is kept; a failed one says nothing. */
  const learn = (renewed: Renewed): Saved => {
    if (renewed.kind === 'saved') until = renewed.sentAt + LEASE_SECONDS * 1000;
    if (renewed.kind === 'lost' || renewed.kind === 'gone') until = null;
    return savedOf(renewed);
  };
  const withLock = (act: (held: Held) => Promise<Saved>): Promise<Saved> =>
    held === null ? Promise.resolve({ kind: 'lost', holder: 'nobody: the lock was never taken' }) : act(held);
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
    renew: (signal) => withLock(async (claim) => learn(await renew(context, claim, until, signal))),
    heldUntil: () => until,
    save: (rollout, signal) => withLock((claim) => save(context, claim, rollout, signal)),
    release: (keepState, signal) =>
      withLock(async (claim) => {
        const released = await release(context, claim, keepState, signal);
        if (released.kind !== 'failed') until = null;
        return released;
      }),
    ...commandChannel(cluster, context.ref, clock),
  };
};

const DELETED = 'nobody: the Lease was deleted';

const savedOf = (renewed: Renewed): Saved => {
  if (renewed.kind === 'gone') return { kind: 'lost', holder: DELETED };
  return renewed.kind === 'saved' ? { kind: 'saved' } : renewed;
};

type Read = { readonly kind: 'ok'; readonly value: KubeObject | null } | CallProblem;

const readState = async ({ cluster, ref }: Context, signal: AbortSignal): Promise<Read> => {
  const found = await cluster.read(ref, signal);
  return found.kind === 'missing' ? { kind: 'ok', value: null } : found;
};

const savedIn = (configMap: KubeObject, bounds: StateBounds): SavedRollout => {
  const { data } = configMap;
  const state = typeof data === 'object' && data !== null && 'state' in data ? data.state : undefined;
  return deserialise(typeof state === 'string' ? state : undefined, bounds);
};

const load = async (context: Context, signal: AbortSignal): ReturnType<Store['load']> => {
  const [state, lease] = await Promise.all([readState(context, signal), context.lock.read(signal)]);
  if (state.kind !== 'ok') return { kind: 'failed', problem: state };
  if (lease.kind !== 'ok') return { kind: 'failed', problem: lease };
  if (state.value === null) return { kind: 'none' };
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

/** Without a Lease, the token on the ConfigMap tells whether another run has had the lock since. */
const restore = async (context: Context, { holder, token }: Held, signal: AbortSignal): Promise<Renewed> => {
  const state = await readState(context, signal);
  if (state.kind !== 'ok') return { kind: 'failed', problem: state };
  const isOurs = state.value?.metadata.annotations?.[TOKEN] === token;
  return isOurs ? context.lock.restore(holder, token, signal) : { kind: 'gone' };
};

const annotationPath = (key: string): string => `/metadata/annotations/${escapePointer(key)}`;

const annotationsOf = ({ holder, token }: Held): Readonly<Record<string, string>> => ({
  [TOKEN]: token,
  ...(holder.runUrl === null ? {} : { [RUN_URL]: holder.runUrl }),
});

/** Puts the token on the ConfigMap, so that nobody else saves from here on; its answer is the last state there was. */
const claimState = async (context: Context, claim: Held, signal: AbortSignal): Promise<Read> => {
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts += 1) {
    const found = await readState(context, signal);
    if (found.kind !== 'ok' || found.value === null) return found;
    const { uid, resourceVersion, annotations } = found.value.metadata;
    const claimed = await context.cluster.send(
      patchOf(context.ref, [
        { op: 'test', path: '/metadata/uid', value: uid ?? '' },
        { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion ?? '' },
        { op: 'add', path: '/metadata/annotations', value: { ...annotations, ...annotationsOf(claim) } },
      ]),
      { dryRun: false, signal },
    );
    if (claimed.kind !== 'conflict' && claimed.kind !== 'missing') return claimed;
  }
  return { kind: 'conflict', message: 'the ConfigMap changes faster than it can be claimed' };
};

const save = async (context: Context, claim: Held, rollout: Rollout, signal: AbortSignal): Promise<Saved> => {
  const state = serialise(rollout, claim.holder);
  const size = Buffer.byteLength(state);
  if (size > LARGEST_STATE_BYTES) {
    const message = `the state is ${size} bytes, more than the ${LARGEST_STATE_BYTES} that a ConfigMap is trusted with`;
    return { kind: 'failed', problem: { kind: 'invalid', message, causes: [] } };
  }
  const write = patchOf(context.ref, [
    { op: 'test', path: annotationPath(TOKEN), value: claim.token },
    { op: 'add', path: '/data', value: { state } },
  ]);
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts += 1) {
    const saved = await context.cluster.send(write, { dryRun: false, signal });
    if (saved.kind === 'ok') return { kind: 'saved' };
    if (saved.kind !== 'conflict' && saved.kind !== 'missing') return { kind: 'failed', problem: saved };
    const owned = await stillOwned(context, claim, signal);
    if (owned !== null) return owned;
    const made = saved.kind === 'missing' ? await create(context, claim, state, signal) : null;
    if (made !== null && made.kind !== 'conflict') return made.kind === 'ok' ? { kind: 'saved' } : failed(made);
    const claimed = await claimState(context, claim, signal);
    if (claimed.kind !== 'ok') return failed(claimed);
  }
  return failed({ kind: 'conflict', message: 'the ConfigMap changes faster than it can be saved' });
};

type NotSaved = Exclude<Saved, { kind: 'saved' }>;

const failed = (problem: CallProblem): NotSaved => ({ kind: 'failed', problem });

/** The Lease decides who may repair a ConfigMap that is gone or carries another token. null: this run. */
const stillOwned = async (context: Context, claim: Held, signal: AbortSignal): Promise<NotSaved | null> => {
  const lease = await context.lock.read(signal);
  if (lease.kind !== 'ok') return failed(lease);
  if (lease.value === null) {
    const restored = await restore(context, claim, signal);
    if (restored.kind === 'gone') return { kind: 'lost', holder: DELETED };
    return restored.kind === 'saved' ? null : restored;
  }
  if (isHeldBy(lease.value, claim.holder, claim.token)) return null;
  return { kind: 'lost', holder: holderOf(lease.value) ?? 'nobody: the Lease was released' };
};

const create = (context: Context, claim: Held, state: string, signal: AbortSignal) => {
  const { ref } = context;
  const request: Request = {
    verb: 'create',
    ref,
    contentType: 'application/json',
    body: {
      apiVersion: ref.apiVersion,
      kind: ref.kind,
      metadata: { name: ref.name, namespace: ref.namespace, labels: MANAGED_BY, annotations: annotationsOf(claim) },
      data: { state },
    },
  };
  return context.cluster.send(request, { dryRun: false, signal });
};

const release = async (context: Context, claim: Held, keepState: boolean, signal: AbortSignal): Promise<Saved> => {
  const { holder, token } = claim;
  const owned = await stillOwned(context, claim, signal);
  if (owned !== null) return owned;
  if (keepState) return savedOf(await context.lock.free(holder, token, signal));
  const removed = await removeState(context, claim, signal);
  return removed.kind === 'saved' ? context.lock.remove(holder, token, signal) : removed;
};

/** Before the Lease: as long as there is a state, somebody holds it. */
const removeState = async (context: Context, claim: Held, signal: AbortSignal): Promise<Saved> => {
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts += 1) {
    const found = await readState(context, signal);
    if (found.kind !== 'ok') return failed(found);
    if (found.value === null) return { kind: 'saved' };
    if (found.value.metadata.annotations?.[TOKEN] !== claim.token) {
      const owned = await stillOwned(context, claim, signal);
      if (owned !== null) return owned;
    }
    const answer = await context.cluster.send(deletion(context.ref, found.value), { dryRun: false, signal });
    if (answer.kind === 'ok' || answer.kind === 'missing') return { kind: 'saved' };
    if (answer.kind !== 'conflict') return failed(answer);
  }
  return failed({ kind: 'conflict', message: 'the ConfigMap changes faster than it can be deleted' });
};
