import type { KubeObject, ObjectRef, Request } from '../core/objects.ts';
import type { Rollout } from '../core/rollout.ts';
import type { Clock } from '../ports/clock.ts';
import type { CallProblem, Cluster } from '../ports/cluster.ts';
import type { Holder, Saved, SavedRollout } from '../ports/store.ts';
import {
  deletion,
  escapePointer,
  isHeldBy,
  type Lock,
  lossOf,
  MANAGED_BY,
  patchOf,
  type Renewed,
  RUN_URL,
  TOKEN,
} from './lock.ts';
import { deserialise, LARGEST_STATE_BYTES, type StateBounds, serialise } from './saved-rollout.ts';

const MOST_CONFLICTS = 5;

/** What this run took the lock with. */
export interface Held {
  readonly holder: Holder;
  readonly token: string;
}

export interface Context {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly lock: Lock;
  readonly ref: ObjectRef;
  readonly bounds: StateBounds;
}

export const DELETED = 'the Lease was deleted, and nobody holds the lock';

export type Read = { readonly kind: 'ok'; readonly value: KubeObject | null } | CallProblem;

export const readState = async ({ cluster, ref }: Context, signal: AbortSignal): Promise<Read> => {
  const found = await cluster.read(ref, signal);
  return found.kind === 'missing' ? { kind: 'ok', value: null } : found;
};

export const savedIn = (configMap: KubeObject, bounds: StateBounds): SavedRollout => {
  const { data } = configMap;
  const state = typeof data === 'object' && data !== null && 'state' in data ? data.state : undefined;
  return deserialise(typeof state === 'string' ? state : undefined, bounds);
};

/** Without a Lease, the token on the ConfigMap tells whether another run has had the lock since. */
export const restore = async (context: Context, { holder, token }: Held, signal: AbortSignal): Promise<Renewed> => {
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
export const claimState = async (context: Context, claim: Held, signal: AbortSignal): Promise<Read> => {
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

export const save = async (context: Context, claim: Held, rollout: Rollout, signal: AbortSignal): Promise<Saved> => {
  const state = serialise(rollout, claim.holder);
  const size = Buffer.byteLength(state);
  if (size > LARGEST_STATE_BYTES) {
    const message = `the state is ${size} bytes, more than the ${LARGEST_STATE_BYTES} that a ConfigMap is trusted with`;
    return { kind: 'failed', problem: { kind: 'invalid', message, causes: [] } };
  }
  const data = { state, ...holdOf(rollout) };
  const write = patchOf(context.ref, [
    { op: 'test', path: annotationPath(TOKEN), value: claim.token },
    { op: 'add', path: '/data', value: data },
  ]);
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts += 1) {
    const saved = await context.cluster.send(write, { dryRun: false, signal });
    if (saved.kind === 'ok') return { kind: 'saved' };
    if (saved.kind !== 'conflict' && saved.kind !== 'missing') return { kind: 'failed', problem: saved };
    const owned = await stillOwned(context, claim, signal);
    if (owned !== null) return owned;
    const made = saved.kind === 'missing' ? await create(context, claim, data, signal) : null;
    if (made !== null && made.kind !== 'conflict') return made.kind === 'ok' ? { kind: 'saved' } : failed(made);
    const claimed = await claimState(context, claim, signal);
    if (claimed.kind !== 'ok') return failed(claimed);
  }
  return failed({ kind: 'conflict', message: 'the ConfigMap changes faster than it can be saved' });
};

type Data = Readonly<Record<string, string>>;

/**
 * For how many seconds the watchdog leaves a rollout alone that was left on purpose: it reads no JSON, and has a clock of its
 * own. A word in place of the number is for good: a person was called, and there may be no stable to go back to.
 */
const holdOf = ({ phase, paused, plan, finishedAt }: Rollout): Data => {
  if (phase === 'halted') return { hold: 'halted' };
  if (phase !== 'left' || paused === null) return {};
  const left = paused.since + plan.conduct.holdMs - (finishedAt ?? paused.since);
  return { hold: String(Math.max(0, Math.ceil(left / 1000))) };
};

type NotSaved = Exclude<Saved, { kind: 'saved' }>;

const failed = (problem: CallProblem): NotSaved => ({ kind: 'failed', problem });

/** The Lease decides who may repair a ConfigMap that is gone or carries another token. null: this run. */
export const stillOwned = async (context: Context, claim: Held, signal: AbortSignal): Promise<NotSaved | null> => {
  const lease = await context.lock.read(signal);
  if (lease.kind !== 'ok') return failed(lease);
  if (lease.value === null) {
    const restored = await restore(context, claim, signal);
    if (restored.kind === 'gone') return { kind: 'lost', how: DELETED };
    return restored.kind === 'saved' ? null : restored;
  }
  if (isHeldBy(lease.value, claim.holder, claim.token)) return null;
  return { kind: 'lost', how: lossOf(lease.value) };
};

const create = (context: Context, claim: Held, data: Data, signal: AbortSignal) => {
  const { ref } = context;
  const request: Request = {
    verb: 'create',
    ref,
    contentType: 'application/json',
    body: {
      apiVersion: ref.apiVersion,
      kind: ref.kind,
      metadata: { name: ref.name, namespace: ref.namespace, labels: MANAGED_BY, annotations: annotationsOf(claim) },
      data,
    },
  };
  return context.cluster.send(request, { dryRun: false, signal });
};

/** Before the Lease: as long as there is a state, somebody holds it. */
export const removeState = async (context: Context, claim: Held, signal: AbortSignal): Promise<Saved> => {
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
