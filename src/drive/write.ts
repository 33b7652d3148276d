import { markPath } from '../core/marks.ts';
import {
  DEPLOYMENT,
  isListRef,
  type ObjectRef,
  objectRef,
  type ReadRef,
  type Request,
  refKey,
  refText,
  SERVICE,
  type Seen,
} from '../core/objects.ts';
import type { Intent, Rollout, WriteOutcome } from '../core/rollout.ts';
import { ok, type Result } from '../core/units.ts';
import type { CallProblem } from '../ports/cluster.ts';
import type { DriveContext } from './context.ts';
import { refsOf } from './look.ts';
import { claimRequest, commitRequest, lastResortRequest, unmarkRequest, wayBackClosed } from './marking.ts';
import { mergeSeen, readAll } from './read.ts';
import { watchdogReads, watchdogRequests } from './watchdog.ts';

/** A conflict means: read again, plan again. This often, then it is an answer. */
const MAX_ROUNDS = 5;

/**
 * Everything that carries marks, the canary Service first: it is the last resort, and must be closed before any other
 * way back (design §1.5). Objects that do not exist are passed over.
 */
const markedObjects = ({ workload }: DriveContext, { plan }: Rollout): readonly ObjectRef[] => {
  const { namespace, canaryService, canaryDeployment, routes, companions } = plan.target;
  const service = canaryService === null ? [] : [objectRef(SERVICE, namespace, canaryService)];
  const created = [objectRef(DEPLOYMENT, namespace, canaryDeployment), ...companions.map(({ ref }) => ref)];
  const all = [...service, ...routes, ...workload.marked(plan.target), ...created];
  return [...new Map(all.map((ref) => [refKey(ref), ref])).values()];
};

const present = (requests: readonly (Request | null)[]): readonly Request[] =>
  requests.filter((request) => request !== null);

/** The requests that bring an intent about, given what was seen; [] when it is so already. Pure. */
export const requestsFor = (
  context: DriveContext,
  rollout: Rollout,
  intent: Intent,
  seen: Seen,
): Result<readonly Request[], string> => {
  const { router, workload, guard } = context;
  const { target, original } = rollout.plan;
  switch (intent.kind) {
    case 'claim':
      return ok(
        present(markedObjects(context, rollout).map((ref) => claimRequest(seen, ref, [guard.holder, guard.wayBack]))),
      );
    case 'hold':
      return ok(present(markedObjects(context, rollout).map((ref) => claimRequest(seen, ref, [guard.holder]))));
    case 'commit':
      return ok(present(markedObjects(context, rollout).map((ref) => commitRequest(seen, ref, guard))));
    case 'unclaim':
      return ok(present(markedObjects(context, rollout).map((ref) => unmarkRequest(seen, ref, guard))));
    case 'traffic':
      return router.plan(seen, target, intent.want, guard, original);
    case 'way-back':
      return ok(router.wayBack(seen, target, guard, original));
    case 'last-resort':
      return ok(present([lastResortRequest(seen, target, guard)]));
    case 'restore-route':
      return ok(router.restore(seen, target, original, guard));
    case 'watchdog':
      return ok(watchdogRequests(context, rollout.plan, seen));
    case 'workload':
      return workload.plan(seen, target, intent.stage, guard);
  }
};

const isWayBack = (intent: Intent): boolean => intent.kind === 'way-back' || intent.kind === 'last-resort';

/** What others did to what we write, which the rollout lives with: told once. */
const notesOf = (
  { router, workload }: DriveContext,
  { plan, warnings }: Rollout,
  intent: Intent,
  seen: Seen,
): readonly string[] => {
  if (intent.kind === 'workload')
    return (workload.notes?.(seen, plan.target, intent.stage) ?? []).filter((message) => !warnings.includes(message));
  if (intent.kind !== 'traffic') return [];
  return router
    .check(seen, plan.target, plan.original)
    .flatMap(({ severity, code, message }) => (severity === 'warning' && code === 'route-changed' ? [message] : []))
    .filter((message) => !warnings.includes(message));
};

/**
 * Carries out one write. Forward writes plan from a fresh read; the way back uses what was seen last, so that nothing
 * stands between the evidence and the request, and reads only after a conflict, or
 * when it would have nothing to send. `remember` keeps what the reads showed.
 */
export const write = async (
  context: DriveContext,
  rollout: Rollout,
  intent: Intent,
  seen: Seen,
  options: {
    readonly signal: AbortSignal;
    readonly remember: (seen: Seen) => void;
    /** Asked right before each forward request: a cancel or a lost lock since must stop it (design §3, ports). */
    readonly isWanted?: () => boolean;
  },
): Promise<WriteOutcome> => {
  let known = seen;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (round > 0 || !isWayBack(intent) || !isKnown(context, rollout, known)) {
      const fresh = await readAll(context.cluster, refsFor(context, rollout, intent), options.signal);
      if (fresh.kind === 'failed') return outcomeOf(fresh.problem, fresh.what, intent);
      known = mergeSeen(known, fresh.seen);
      options.remember(known);
    }
    const planned = requestsFor(context, rollout, intent, known);
    if (!planned.ok)
      return { kind: 'refused', code: 'refused-by-cluster', reason: planned.problem, final: !isWayBack(intent) };
    // Nothing to return by what was seen last: a write that landed since would be missed.
    if (isWayBack(intent) && round === 0 && planned.value.length === 0) continue;
    const closed = isWayBack(intent) && round > 0 ? closedWayBack(context, planned.value, known) : null;
    if (closed !== null) return closed;
    const isWanted = (): boolean => isWayBack(intent) || (options.isWanted?.() ?? true);
    const sent = await sendAll(context, planned.value, { atOnce: isWayBack(intent), signal: options.signal, isWanted });
    if (sent === 'unwanted') return NOT_WANTED;
    if (sent === null) return { kind: 'done', notes: notesOf(context, rollout, intent, known) };
    if (sent.problem.kind !== 'conflict') return outcomeOf(sent.problem, sent.what, intent);
  }
  return {
    kind: 'refused',
    code: 'refused-by-cluster',
    reason: `others kept changing the object (${MAX_ROUNDS} conflicts)`,
    final: false,
  };
};

/** The traffic must not have to wait for a policy that cannot be read. */
const isAboutCopies = (intent: Intent): boolean => {
  if (intent.kind === 'workload')
    return intent.stage.kind === 'companions' || intent.stage.kind === 'remove-companions';
  return ['claim', 'hold', 'commit', 'unclaim'].includes(intent.kind);
};

const refsFor = (context: DriveContext, { plan }: Rollout, intent: Intent): readonly ReadRef[] => [
  ...refsOf(context, plan, 'full'),
  ...(isAboutCopies(intent) ? plan.target.companions.map(({ ref }) => ref) : []),
  ...(intent.kind === 'watchdog' ? watchdogReads(context, plan) : []),
];

/** Whether the routes were ever read: a way back planned from nothing would write nothing. */
const isKnown = ({ router }: DriveContext, { plan }: Rollout, seen: Seen): boolean =>
  router.reads(plan.target).every((ref) => isListRef(ref) || seen.objects.has(refKey(ref)));

const closedWayBack = (context: DriveContext, requests: readonly Request[], seen: Seen): WriteOutcome | null => {
  const closed = requests.find(({ ref }) => wayBackClosed(seen.objects.get(refKey(ref)) ?? null, context.guard));
  if (closed === undefined) return null;
  return {
    kind: 'refused',
    code: 'lock-lost',
    reason: `the way-back mark on ${refText(closed.ref)} is gone`,
    final: true,
  };
};

interface SendProblem {
  readonly problem: CallProblem;
  readonly what: string;
}

const NOT_WANTED: WriteOutcome = {
  kind: 'failed',
  code: 'cancelled',
  reason: 'it was given up before it was sent',
};

/** Forward in order, stopping at the first problem; back all at once, because every route that returns traffic counts. */
const sendAll = async (
  context: DriveContext,
  requests: readonly Request[],
  {
    atOnce,
    signal,
    isWanted,
  }: { readonly atOnce: boolean; readonly signal: AbortSignal; readonly isWanted: () => boolean },
): Promise<SendProblem | 'unwanted' | null> => {
  if (atOnce) {
    const answers = await Promise.all(requests.map((request) => sendOne(context, request, signal)));
    return answers.find((answer) => answer !== null) ?? null;
  }
  for (const request of requests) {
    if (!isWanted()) return 'unwanted';
    const answer = await sendOne(context, request, signal);
    if (answer !== null) return answer;
  }
  return null;
};

const sendOne = async (
  { cluster }: DriveContext,
  request: Request,
  signal: AbortSignal,
): Promise<SendProblem | null> => {
  const answer = await cluster.send(request, { dryRun: false, signal });
  if (answer.kind === 'ok') return null;
  // What should go is gone; what should be patched and is gone is for the next plan to judge.
  if (answer.kind === 'missing' && request.verb === 'delete') return null;
  if (answer.kind === 'missing')
    return { problem: { kind: 'conflict', message: answer.message }, what: refText(request.ref) };
  return { problem: answer, what: `${request.verb} ${refText(request.ref)}` };
};

const outcomeOf = (problem: CallProblem, what: string, intent: Intent): WriteOutcome => {
  const reason = `${what}: ${problem.message}`;
  switch (problem.kind) {
    case 'forbidden':
      return { kind: 'refused', code: 'forbidden', reason, final: !isWayBack(intent) };
    case 'invalid':
      return { kind: 'refused', code: 'refused-by-cluster', reason, final: !isWayBack(intent) };
    case 'conflict':
    case 'missing':
      return { kind: 'refused', code: 'refused-by-cluster', reason, final: false };
    case 'unauthorised':
    case 'throttled':
    case 'unreachable':
      return { kind: 'failed', code: 'cluster-unreachable', reason };
  }
};

/** For dry runs before the marks exist: the same request without the tests of marks. */
export const withoutMarkTests = (request: Request, { guard }: Pick<DriveContext, 'guard'>): Request => {
  if (request.contentType !== 'application/json-patch+json' || !Array.isArray(request.body)) return request;
  const paths = [guard.holder, guard.wayBack].map((mark) => markPath(request.ref.kind, mark));
  const body = request.body.filter((operation: unknown) => !isTestOf(operation, paths));
  return { ...request, body };
};

const isTestOf = (operation: unknown, paths: readonly string[]): boolean => {
  const { op, path } = (operation ?? {}) as { op?: unknown; path?: unknown };
  return op === 'test' && typeof path === 'string' && paths.includes(path);
};
