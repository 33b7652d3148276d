import { isWrittenByUs } from '../core/field-managers.ts';
import { formatDuration } from '../core/format.ts';
import {
  type KubeObject,
  listIn,
  listRef,
  type ObjectRef,
  objectIn,
  POD,
  REPLICA_SET,
  refText,
  type Seen,
} from '../core/objects.ts';
import type { FirstRelease, Subject } from '../core/outcome.ts';
import type { Reason, ReasonCode } from '../core/reason.ts';
import { rejection } from '../core/rejection.ts';
import { roleYaml } from '../core/rights.ts';
import { canonical, type Fields, fieldsOf } from '../core/shape.ts';
import type { Spec } from '../core/spec.ts';
import type { Ms } from '../core/units.ts';
import type { PodNote } from '../ports/reporter.ts';
import type { Store } from '../ports/store.ts';
import type { FirstReady } from './check-first.ts';
import type { Means } from './context.ts';
import { notesOf } from './pod-notes.ts';
import { NOTHING_SEEN, readAll } from './read.ts';
import { type Released, released } from './to-end.ts';

export interface FirstInput extends Means {
  readonly spec: Pick<Spec, 'readyTimeoutMs'>;
  readonly store: Store;
  readonly rolloutId: string;
}

type Status = FirstRelease['status'];

interface End {
  readonly status: Exclude<Status, 'planned'>;
  readonly reason: Reason;
  readonly pods: readonly PodNote[];
}

const SEND_MS: Ms = 15_000;
const LOOK_EVERY_MS: Ms = 1_000;
const RENEW_EVERY_MS: Ms = 10_000;
const NOTES_MS: Ms = 5_000;
const GONE_MS: Ms = 30_000;
const TRIES = 5;

/**
 * Creates the Deployment, under a lock that is held already, and waits until it is ready. If it is not in time, or the run
 * is cancelled, it is removed again, unless somebody else has changed it meanwhile. The lock is given back in every case.
 */
export const firstRelease = async (input: FirstInput, ready: FirstReady, subject: Subject): Promise<Released> => {
  const startedAt = input.clock.now();
  const say = teller(input);
  const name = refText(ready.creation.ref);
  say(`${name} does not exist: it is created as the manifest has it; there is nothing to compare it with`);
  const created = await create(input, ready);
  if (created.kind === 'refused') {
    await input.store.release(false, AbortSignal.timeout(SEND_MS));
    return released(rejection(created.code, `${name} was not created: ${created.why}`, subject));
  }
  const end =
    created.kind === 'created' ? await watchToEnd(input, ready, created.object, say) : unknown(name, created.why);
  say(end.reason.text);
  // Who lost the lock writes nothing more.
  if (end.reason.code !== 'lock-lost') await input.store.release(false, AbortSignal.timeout(SEND_MS));
  const outcome: FirstRelease = {
    kind: 'first-release',
    status: end.status,
    reason: end.reason,
    subject,
    rolloutId: input.rolloutId,
    times: { startedAt, finishedAt: input.clock.now() },
    findings: ready.findings,
    role: null,
  };
  return { outcome, pods: end.pods };
};

/** For `command: plan`: nothing was written. */
export const plannedFirst = (
  { creation, findings, permissions }: FirstReady,
  subject: Subject,
  rolloutId: string,
): FirstRelease => ({
  kind: 'first-release',
  status: 'planned',
  reason: {
    code: 'planned',
    text: `${refText(creation.ref)} does not exist: it would be created as the manifest has it, without steps, because there is nothing to compare it with`,
    metric: null,
  },
  subject,
  rolloutId,
  times: null,
  findings,
  role: roleYaml(permissions, creation.ref.namespace),
});

const teller =
  ({ clock, log }: FirstInput) =>
  (text: string): void =>
    log({ at: clock.now(), group: 'first release', level: 'info', text });

const endOf = (status: End['status'], code: ReasonCode, text: string, pods: readonly PodNote[] = []): End => ({
  status,
  reason: { code, text, metric: null },
  pods,
});

const unknown = (name: string, why: string): End =>
  endOf('halted', 'cluster-unreachable', `whether ${name} was created is not known: ${why}; look at it, and run again`);

const watchToEnd = async (
  input: FirstInput,
  ready: FirstReady,
  created: KubeObject,
  say: (text: string) => void,
): Promise<End> => {
  const name = refText(ready.creation.ref);
  const watched = await watch(input, ready, created, say);
  if (watched.kind === 'ready')
    return endOf('promoted', 'completed', `${name} was created and is ready; there was nothing to compare it with`);
  if (watched.kind === 'lost') return endOf('halted', 'lock-lost', `${watched.how}; ${name} is left as it is`);
  if (watched.kind === 'gone')
    return endOf('rolled-back', 'stable-changed', `somebody removed ${name} before it was ready`);
  return endEarly(input, ready, created, watched);
};

/** Cancelled, or not ready in time. */
const endEarly = async (
  input: FirstInput,
  ready: FirstReady,
  created: KubeObject,
  { kind, seen }: Unready,
): Promise<End> => {
  const pods = await podNotes(input, seen, created);
  const why =
    kind === 'cancelled'
      ? 'the workflow run was cancelled'
      : `it was not ready within ${formatDuration(input.spec.readyTimeoutMs)}: ${problemOf(input, ready, seen)}`;
  return removed(input, created, ready.creation.ref, { isCancel: kind === 'cancelled', why, pods });
};

// --- create -------------------------------------------------------------------

type Created =
  | { readonly kind: 'created'; readonly object: KubeObject }
  | { readonly kind: 'refused'; readonly code: ReasonCode; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string };

/** An answer that was lost is asked for again; what is there then is ours by its writer and its template. */
const create = async ({ cluster, clock }: FirstInput, { creation, request }: FirstReady): Promise<Created> => {
  const wanted = request.version.kind === 'manifest' ? request.version.template : null;
  let why = '';
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (tries > 0) await pause(clock, LOOK_EVERY_MS);
    const answer = await cluster.send(creation, { dryRun: false, signal: AbortSignal.timeout(SEND_MS) });
    if (answer.kind === 'ok') return { kind: 'created', object: answer.value };
    why = answer.message;
    if (answer.kind === 'unreachable' || answer.kind === 'throttled') continue;
    if (answer.kind !== 'conflict') return { kind: 'refused', code: 'refused-by-cluster', why };
    const found = tries === 0 ? null : await cluster.read(creation.ref, AbortSignal.timeout(SEND_MS));
    const live = found?.kind === 'ok' && isWrittenByUs(found.value) ? found.value : null;
    if (live !== null && canonical(templateIn(live)) === canonical(wanted)) return { kind: 'created', object: live };
    return { kind: 'refused', code: 'object-exists', why: 'somebody else has created it meanwhile; run again' };
  }
  return { kind: 'unknown', why };
};

const templateIn = (object: KubeObject): unknown => fieldsOf(object['spec'])['template'];

const pause = (clock: FirstInput['clock'], ms: Ms): Promise<void> =>
  clock.sleepUntil(clock.now() + ms, new AbortController().signal);

// --- watch --------------------------------------------------------------------

interface Unready {
  readonly kind: 'late' | 'cancelled';
  readonly seen: Seen;
}

type Watched =
  | { readonly kind: 'ready' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'lost'; readonly how: string }
  | Unready;

const watch = async (
  input: FirstInput,
  { request, creation }: FirstReady,
  created: KubeObject,
  say: (text: string) => void,
): Promise<Watched> => {
  const { cluster, clock, workload, store, cancelled } = input;
  const until = clock.now() + input.spec.readyTimeoutMs;
  let renewAt = clock.now() + RENEW_EVERY_MS;
  let seen = NOTHING_SEEN;
  let said = '';
  for (;;) {
    if (cancelled.aborted) return { kind: 'cancelled', seen };
    const read = await readAll(
      cluster,
      workload.surveys(request),
      AbortSignal.any([cancelled, AbortSignal.timeout(SEND_MS)]),
    );
    if (read.kind === 'read') {
      seen = read.seen;
      if (objectIn(seen, creation.ref)?.metadata.uid !== created.metadata.uid) return { kind: 'gone' };
      if (workload.isUnchanged(seen, request)) return { kind: 'ready' };
      const problem = problemOf(input, { request }, seen);
      if (problem !== said) say(problem);
      said = problem;
    }
    const now = clock.now();
    if (now >= until) return { kind: 'late', seen };
    if (now >= renewAt) {
      const renewed = await store.renew(AbortSignal.timeout(SEND_MS));
      if (renewed.kind === 'lost') return { kind: 'lost', how: renewed.how };
      renewAt = now + RENEW_EVERY_MS;
    }
    await clock.sleepUntil(Math.min(until, now + LOOK_EVERY_MS), cancelled).catch(() => undefined);
  }
};

/** With the worst pod's reason, as a stable that is not healthy is told of. */
const problemOf = ({ workload }: FirstInput, { request }: Pick<FirstReady, 'request'>, seen: Seen): string =>
  workload.resolve(seen, request).findings.find(({ code }) => code === 'stable-not-healthy')?.message ??
  'its pods could not be read';

const ownedBy = (objects: readonly KubeObject[], uids: ReadonlySet<string>): readonly KubeObject[] =>
  objects.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uids.has(uid)) === true);

const podNotes = async ({ cluster }: FirstInput, seen: Seen, created: KubeObject): Promise<readonly PodNote[]> => {
  const namespace = created.metadata.namespace ?? '';
  const sets = ownedBy(listIn(seen, listRef(REPLICA_SET, namespace)), new Set([created.metadata.uid ?? '']));
  const uids = new Set(sets.map(({ metadata }) => metadata.uid ?? ''));
  const pods = ownedBy(listIn(seen, listRef(POD, namespace)), uids);
  return notesOf(cluster, pods, AbortSignal.timeout(NOTES_MS)).catch(() => []);
};

// --- remove -------------------------------------------------------------------

interface Because {
  readonly isCancel: boolean;
  readonly why: string;
  readonly pods: readonly PodNote[];
}

/** Its size may be an autoscaler's. */
const specOf = (object: KubeObject): string => {
  const { replicas: _replicas, ...rest }: Fields = fieldsOf(object['spec']);
  return canonical(rest);
};

const removed = async (
  { cluster, clock }: FirstInput,
  created: KubeObject,
  ref: ObjectRef,
  { isCancel, why, pods }: Because,
): Promise<End> => {
  const code: ReasonCode = isCancel ? 'cancelled' : 'canary-not-ready';
  const left = await removeUnlessChanged({ cluster, clock }, created, ref);
  if (left !== null)
    return endOf('halted', code, `${why}; ${refText(ref)} stands, because ${left}: repair it, or remove it`, pods);
  return endOf(isCancel ? 'aborted' : 'rolled-back', code, `${why}; ${refText(ref)} was removed again`, pods);
};

/** null: it is gone, or going. Otherwise why it was left. */
const removeUnlessChanged = async (
  { cluster, clock }: Pick<FirstInput, 'cluster' | 'clock'>,
  created: KubeObject,
  ref: ObjectRef,
): Promise<string | null> => {
  let why = 'it could not be read';
  let isSent = false;
  const giveUpAt = clock.now() + GONE_MS;
  for (let tries = 0; isSent ? clock.now() < giveUpAt : tries < TRIES; tries += 1) {
    if (tries > 0) await pause(clock, LOOK_EVERY_MS);
    const found = await cluster.read(ref, AbortSignal.timeout(SEND_MS));
    if (found.kind === 'missing') return null;
    if (found.kind !== 'ok') why = found.message;
    if (found.kind !== 'ok' || isSent) continue;
    const { uid, resourceVersion } = found.value.metadata;
    if (uid !== created.metadata.uid) return null;
    if (specOf(found.value) !== specOf(created)) return 'somebody else has changed it';
    const preconditions = { uid: uid ?? '', resourceVersion: resourceVersion ?? '' };
    // Foreground: it is gone only when its pods are.
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy: 'Foreground' };
    const answer = await cluster.send(
      { verb: 'delete', ref, contentType: 'application/json', body },
      { dryRun: false, signal: AbortSignal.timeout(SEND_MS) },
    );
    isSent = answer.kind === 'ok';
    if (answer.kind !== 'ok') why = answer.message;
  }
  return isSent ? null : why;
};
