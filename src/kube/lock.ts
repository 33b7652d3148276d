import { type KubeObject, LEASE, type ObjectRef, objectRef, type Request } from '../core/objects.ts';
import type { Ms } from '../core/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { CallProblem, Cluster } from '../ports/cluster.ts';
import type { Holder, Saved } from '../ports/store.ts';

/** How long a Lease must stand still, on the observer's own clock, before its holder counts as dead. */
export const LEASE_SECONDS = 30;
const POLL_MS: Ms = 1_000;
/** What one look counts at most: a clock that jumps, or a read that hangs, is no time in which the Lease was watched. */
const LONGEST_LOOK_MS: Ms = 3 * POLL_MS;
const MOST_CONFLICTS = 5;

export const RUN_URL = 'canary-rollout.github.io/run-url';
export const TOKEN = 'canary-rollout.github.io/token';
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'canary-rollout' } as const;

/** When the request was sent that proves it: nobody can take the Lease before it stood still for its duration from then on. */
export interface Proof {
  readonly sentAt: Ms;
}

export type Locked =
  | ({ readonly kind: 'acquired' } & Proof)
  | { readonly kind: 'held'; readonly lease: KubeObject }
  | { readonly kind: 'failed'; readonly problem: CallProblem };

/** `gone`: there is no Lease. */
export type Renewed =
  | ({ readonly kind: 'saved' } & Proof)
  | Exclude<Saved, { kind: 'saved' }>
  | { readonly kind: 'gone' };

/** The lock of one Deployment's rollouts. It is won by one request each time: a create, or a patch that tests what was read. */
export interface Lock {
  /** null: there is none. */
  read(signal: AbortSignal): Promise<{ kind: 'ok'; value: KubeObject | null } | CallProblem>;
  acquire(holder: Holder, token: string, signal: AbortSignal): Promise<Locked>;
  renew(holder: Holder, token: string, signal: AbortSignal): Promise<Renewed>;
  /** Where somebody deleted it. Of two who do, or who take it, one wins. */
  restore(holder: Holder, token: string, signal: AbortSignal): Promise<Renewed>;
  /** The Lease stays, held by nobody. */
  free(holder: Holder, token: string, signal: AbortSignal): Promise<Renewed>;
  remove(holder: Holder, token: string, signal: AbortSignal): Promise<Saved>;
}

export const createLock = (cluster: Cluster, namespace: string, name: string, clock: Clock): Lock => {
  const ref = objectRef(LEASE, namespace, name);
  const read: Lock['read'] = async (signal) => {
    const found = await cluster.read(ref, signal);
    return found.kind === 'missing' ? { kind: 'ok', value: null } : found;
  };
  const patch = async (operations: readonly Operation[], signal: AbortSignal): Promise<Renewed> => {
    const sentAt = clock.now();
    const answer = await cluster.send(patchOf(ref, operations), { dryRun: false, signal });
    if (answer.kind === 'ok') return { kind: 'saved', sentAt };
    const isRefused = answer.kind === 'conflict' || answer.kind === 'missing';
    return isRefused ? lostTo(read, signal) : { kind: 'failed', problem: answer };
  };
  const renew: Lock['renew'] = (holder, token, signal) =>
    patch([...mine(holder, token), { op: 'add', path: '/spec/renewTime', value: microTime(clock.now()) }], signal);
  return {
    read,
    acquire: (holder, token, signal) => acquire(cluster, ref, read, clock, { holder, token }, signal),
    renew,
    restore: async (holder, token, signal) => {
      const sentAt = clock.now();
      const request = creation(ref, { holder, token }, sentAt);
      const answer = await cluster.send(request, { dryRun: false, signal });
      if (answer.kind === 'ok') return { kind: 'saved', sentAt };
      return answer.kind === 'conflict' ? renew(holder, token, signal) : { kind: 'failed', problem: answer };
    },
    free: (holder, token, signal) =>
      patch([...mine(holder, token), { op: 'remove', path: '/spec/holderIdentity' }], signal),
    remove: (holder, token, signal) => remove(cluster, ref, read, { holder, token }, signal),
  };
};

export type Operation =
  | { readonly op: 'test' | 'add'; readonly path: string; readonly value: string | Readonly<Record<string, string>> }
  | { readonly op: 'remove'; readonly path: string };

interface Claim {
  readonly holder: Holder;
  readonly token: string;
}

export const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

const mine = (holder: Holder, token: string): readonly Operation[] => [
  { op: 'test', path: '/spec/holderIdentity', value: holder.id },
  { op: 'test', path: `/metadata/annotations/${escapePointer(TOKEN)}`, value: token },
];

export const patchOf = (ref: ObjectRef, operations: readonly Operation[]): Request => ({
  verb: 'patch',
  ref,
  contentType: 'application/json-patch+json',
  body: operations,
});

/** Kubernetes writes Lease times with microseconds. */
const microTime = (at: Ms): string => new Date(at).toISOString().replace('Z', '000Z');

const specOf = (lease: KubeObject): Readonly<Record<string, unknown>> => {
  const { spec } = lease;
  return typeof spec === 'object' && spec !== null ? { ...spec } : {};
};

/** null: nobody. */
export const holderOf = (lease: KubeObject): string | null => {
  const identity = specOf(lease)['holderIdentity'];
  return typeof identity === 'string' && identity !== '' ? identity : null;
};

/** What became of the lock, for the run that lost it: names the other by its address rather than the id that proves who it is. */
export const lossOf = (lease: KubeObject): string => {
  const holder = holderOf(lease);
  return holder === null
    ? 'the Lease was released, and nobody holds the lock'
    : `${lease.metadata.annotations?.[RUN_URL] ?? holder} took the lock`;
};

/** RFC 3339, by the holder's clock. */
export const acquiredAt = (lease: KubeObject): string | null => {
  const time = specOf(lease)['acquireTime'];
  return typeof time === 'string' ? time : null;
};

export const isHeldBy = (lease: KubeObject, holder: Holder, token: string): boolean =>
  holderOf(lease) === holder.id && lease.metadata.annotations?.[TOKEN] === token;

const lostTo = async (read: Lock['read'], signal: AbortSignal): Promise<Renewed> => {
  const found = await read(signal);
  if (found.kind !== 'ok') return { kind: 'failed', problem: found };
  if (found.value === null) return { kind: 'gone' };
  return { kind: 'lost', how: lossOf(found.value) };
};

const acquire = async (
  cluster: Cluster,
  ref: ObjectRef,
  read: Lock['read'],
  clock: Clock,
  claim: Claim,
  signal: AbortSignal,
): Promise<Locked> => {
  let last: CallProblem = { kind: 'conflict', message: 'the Lease changes faster than it can be taken' };
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; ) {
    const found = await read(signal);
    if (found.kind !== 'ok') return { kind: 'failed', problem: found };
    const lease = found.value;
    const holder = lease === null ? null : holderOf(lease);
    if (lease !== null && holder !== null && holder !== claim.holder.id) {
      const watched = await standsStill(lease, read, clock, signal);
      if (watched.kind !== 'still') return watched;
    }
    const sentAt = clock.now();
    const request = lease === null ? creation(ref, claim, sentAt) : takeover(ref, lease, claim, sentAt);
    const answer = await cluster.send(request, { dryRun: false, signal });
    if (answer.kind === 'ok') return { kind: 'acquired', sentAt };
    // An answer that is lost does not tell whether the Lease is ours by now: the next read does.
    const isOpen = answer.kind === 'conflict' || answer.kind === 'missing' || answer.kind === 'unreachable';
    if (!isOpen) return { kind: 'failed', problem: answer };
    if (answer.kind === 'unreachable') last = answer;
    conflicts += 1;
  }
  return { kind: 'failed', problem: last };
};

/**
 * Watches a foreign Lease for as long as it is valid. Two machines' clocks are never compared: what counts is that the
 * holder renews it. `held` when it changed to or stayed with a living holder.
 */
const standsStill = async (
  lease: KubeObject,
  read: Lock['read'],
  clock: Clock,
  signal: AbortSignal,
): Promise<Locked | { readonly kind: 'still' }> => {
  let watchedMs = 0;
  let lookedAt = clock.now();
  while (watchedMs < LEASE_SECONDS * 1000) {
    try {
      await clock.sleepUntil(clock.now() + POLL_MS, signal);
    } catch {
      return { kind: 'held', lease };
    }
    const found = await read(signal);
    if (found.kind !== 'ok') return { kind: 'failed', problem: found };
    const now = found.value;
    if (now === null || holderOf(now) === null) return { kind: 'still' };
    if (now.metadata.resourceVersion !== lease.metadata.resourceVersion) return { kind: 'held', lease: now };
    watchedMs += Math.min(clock.now() - lookedAt, LONGEST_LOOK_MS);
    lookedAt = clock.now();
  }
  return { kind: 'still' };
};

const annotationsOf = ({ holder, token }: Claim): Readonly<Record<string, string>> => ({
  [TOKEN]: token,
  ...(holder.runUrl === null ? {} : { [RUN_URL]: holder.runUrl }),
});

const creation = (ref: ObjectRef, claim: Claim, now: Ms): Request => ({
  verb: 'create',
  ref,
  contentType: 'application/json',
  body: {
    apiVersion: ref.apiVersion,
    kind: ref.kind,
    metadata: { name: ref.name, namespace: ref.namespace, labels: MANAGED_BY, annotations: annotationsOf(claim) },
    spec: {
      holderIdentity: claim.holder.id,
      leaseDurationSeconds: LEASE_SECONDS,
      acquireTime: microTime(now),
      renewTime: microTime(now),
      leaseTransitions: 0,
    },
  },
});

/** Tests the version that was read: of two who find the same dead holder, one wins. */
const takeover = (ref: ObjectRef, lease: KubeObject, claim: Claim, now: Ms): Request => {
  const transitions = specOf(lease)['leaseTransitions'];
  const spec = {
    holderIdentity: claim.holder.id,
    leaseDurationSeconds: LEASE_SECONDS,
    acquireTime: microTime(now),
    renewTime: microTime(now),
    leaseTransitions: (typeof transitions === 'number' ? transitions : 0) + 1,
  };
  const { [RUN_URL]: _url, ...annotations } = lease.metadata.annotations ?? {};
  return {
    verb: 'patch',
    ref,
    contentType: 'application/json-patch+json',
    body: [
      { op: 'test', path: '/metadata/uid', value: lease.metadata.uid ?? '' },
      { op: 'test', path: '/metadata/resourceVersion', value: lease.metadata.resourceVersion ?? '' },
      { op: 'add', path: '/metadata/annotations', value: { ...annotations, ...annotationsOf(claim) } },
      { op: 'add', path: '/spec', value: spec },
    ],
  };
};

export const deletion = (ref: ObjectRef, object: KubeObject): Request => ({
  verb: 'delete',
  ref,
  contentType: 'application/json',
  body: {
    preconditions: { uid: object.metadata.uid ?? '', resourceVersion: object.metadata.resourceVersion ?? '' },
    propagationPolicy: 'Background',
  },
});

const remove = async (
  cluster: Cluster,
  ref: ObjectRef,
  read: Lock['read'],
  claim: Claim,
  signal: AbortSignal,
): Promise<Saved> => {
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts += 1) {
    const found = await read(signal);
    if (found.kind !== 'ok') return { kind: 'failed', problem: found };
    if (found.value === null) return { kind: 'saved' };
    if (!isHeldBy(found.value, claim.holder, claim.token)) {
      return { kind: 'lost', how: lossOf(found.value) };
    }
    const answer = await cluster.send(deletion(ref, found.value), { dryRun: false, signal });
    if (answer.kind === 'ok' || answer.kind === 'missing') return { kind: 'saved' };
    if (answer.kind !== 'conflict') return { kind: 'failed', problem: answer };
  }
  return { kind: 'failed', problem: { kind: 'conflict', message: 'the Lease changes faster than it can be deleted' } };
};
