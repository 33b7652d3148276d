import { type Request, refText, type Seen } from '../core/objects.ts';
import type { Plan } from '../core/plan.ts';
import type { Rollout } from '../core/rollout.ts';
import type { Ms } from '../core/units.ts';
import type { WatchdogHealth } from '../ports/watchdog.ts';
import type { DriveContext } from './context.ts';
import { refsOf } from './look.ts';
import { lastResortRequest } from './marking.ts';
import { readAll } from './read.ts';

const LOOK_EVERY_MS: Ms = 30_000;
const CALL_MS: Ms = 10_000;
/** Scheduling and pulling an image take a while; from here on it is worth a word. */
const UNREADY_MS: Ms = 90_000;

/** What has to be read beside routes and Services before a watchdog can be started. */
export const watchdogReads = ({ watchdog }: DriveContext, { target }: Plan) => watchdog?.reads(target) ?? [];

/** The requests that start the watchdog, from a read of `refsOf(…, 'full')` and `watchdogReads`; [] when it runs. Pure. */
export const watchdogRequests = (
  { watchdog, router, guard }: DriveContext,
  plan: Plan,
  seen: Seen,
): readonly Request[] =>
  watchdog?.start(seen, {
    plan,
    guard,
    returns: router.returns(seen, plan.target, guard),
    lastResort: lastResortRequest(seen, plan.target, guard),
  }) ?? [];

/** The Job as it would be created, for dry runs and previews: before there is a state to own it. */
export const watchdogCreation = (
  { watchdog, router, guard }: Pick<DriveContext, 'watchdog' | 'router' | 'guard'>,
  plan: Plan,
  seen: Seen,
): readonly Request[] => {
  const orders = { plan, guard, returns: router.returns(seen, plan.target, guard), lastResort: null };
  return watchdog?.creation(orders, 'dry-run') ?? [];
};

/** From the first weight on, until the traffic is on its way back or the point of no return is passed. */
const isWatched = ({ plan, phase, committedAt }: Rollout): boolean =>
  plan.watchdog !== null && committedAt === null && (phase === 'progressing' || phase === 'promoting');

/**
 * Looks after the watchdog while the rollout runs, at once and then every 30 s: its death is a warning, and it is started
 * again. Ends when the signal fires; never throws, and what it cannot read it tries again.
 */
export const keepWatchdog = async (
  context: DriveContext,
  rolloutNow: () => Rollout,
  signal: AbortSignal,
  warn: (message: string) => void,
): Promise<void> => {
  if (context.watchdog === null || rolloutNow().plan.watchdog === null) return;
  let unreadySince: Ms | null = null;
  let said = '';
  const tell = (message: string): void => {
    if (message !== said) warn(message);
    said = message;
  };
  while (!signal.aborted) {
    const rollout = rolloutNow();
    const health = isWatched(rollout) ? await look(context, rollout.plan, signal, tell) : null;
    if (health?.kind === 'alive') said = '';
    const now = context.clock.now();
    unreadySince = health?.kind === 'unready' ? (unreadySince ?? now) : null;
    if (unreadySince !== null && now - unreadySince >= UNREADY_MS) {
      tell(unreadyText(context, rollout.plan));
      unreadySince = Number.POSITIVE_INFINITY;
    }
    await context.clock.sleepUntil(now + LOOK_EVERY_MS, signal).catch(() => undefined);
  }
};

const unreadyText = ({ watchdog }: DriveContext, { target }: Plan): string =>
  `the watchdog (${watchdog === null ? '' : refText(watchdog.ref(target))}) does not see the Lease: its pod does not start, or may not or cannot reach the API server; until it does, only the next run or \`sweep\` finishes this rollout if the runner is lost`;

/** One look; null when there was no answer. */
const look = async (
  context: DriveContext,
  plan: Plan,
  signal: AbortSignal,
  warn: (message: string) => void,
): Promise<WatchdogHealth | null> => {
  const { watchdog, cluster } = context;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
  const read = await readAll(cluster, watchdogReads(context, plan), limit).catch(() => null);
  if (watchdog === null || read?.kind !== 'read') return null;
  const health = watchdog.health(read.seen, plan.target);
  if (health.kind === 'alive' || health.kind === 'unready') return health;
  const why = health.kind === 'dead' ? `died: ${health.reason}` : 'is gone';
  const trouble = await startAgain(context, plan, limit);
  warn(
    `the watchdog (${refText(watchdog.ref(plan.target))}) ${why}; ${trouble === null ? 'it was started again' : `it could not be started again: ${trouble}`}`,
  );
  return health;
};

/** null: it was started. Otherwise why not. */
const startAgain = async (context: DriveContext, plan: Plan, signal: AbortSignal): Promise<string | null> => {
  const refs = [...refsOf(context, plan, 'full'), ...watchdogReads(context, plan)];
  const read = await readAll(context.cluster, refs, signal).catch(() => null);
  if (read === null) return 'there was no answer';
  if (read.kind === 'failed') return `${read.what}: ${read.problem.message}`;
  const requests = watchdogRequests(context, plan, read.seen);
  if (requests.length === 0) return 'there is no state to watch, or this job was given no `watchdog-image`';
  for (const request of requests) {
    const answer = await context.cluster.send(request, { dryRun: false, signal }).catch(() => null);
    if (answer === null) return 'there was no answer';
    if (answer.kind !== 'ok' && !(answer.kind === 'missing' && request.verb === 'delete')) return answer.message;
  }
  return null;
};

/** At the end of a rollout, before its state goes: best effort, because the Job goes with the state that owns it. */
export const removeWatchdog = async (context: DriveContext, plan: Plan, signal: AbortSignal): Promise<void> => {
  const { watchdog, cluster } = context;
  if (watchdog === null || plan.watchdog === null) return;
  const read = await readAll(cluster, watchdogReads(context, plan), signal).catch(() => null);
  if (read?.kind !== 'read') return;
  for (const request of watchdog.remove(read.seen, plan.target))
    await cluster.send(request, { dryRun: false, signal }).catch(() => undefined);
};
