import type { Command } from './core/command.ts';
import { imagesAsked, manifestHash } from './core/manifest.ts';
import type { Outcome, Subject } from './core/outcome.ts';
import type { Reason } from './core/reason.ts';
import { refused, rejection } from './core/rejection.ts';
import type { Rollout } from './core/rollout.ts';
import type { Spec } from './core/spec.ts';
import { isAtDeploy } from './core/steering.ts';
import type { Ms } from './core/units.ts';
import type { Means } from './drive/context.ts';
import { problemFinding } from './drive/findings.ts';
import { type Held, type Opening, reconnect, takeOver } from './drive/take-over.ts';
import { driveToEnd, type Released, released } from './drive/to-end.ts';
import type { SavedRollout, Store } from './ports/store.ts';

export interface Earlier extends Means {
  readonly spec: Pick<Spec, 'command' | 'images' | 'manifest' | 'deployment' | 'lockWaitMs' | 'onExpired'>;
  readonly store: Store;
  readonly actor: string | null;
  /** Tells this run's request to go on from every other. */
  readonly commandId: string;
}

type Settled =
  /** What an open rollout means for this run: it is this one, it could not be ended, or another run drives it. */
  { readonly kind: 'ended'; readonly released: Released } | { readonly kind: 'free' };

const FREE: Settled = { kind: 'free' };
const LOAD_MS = 30_000;
const WAIT_PAUSE_MS = 2_000;

/**
 * State and Lease are read before anything else (design §2.1). A rollout that somebody drives rejects this run, or is
 * waited for; one that nobody drives is taken up when it is the same release, else brought to its end first.
 */
export const settleEarlier = async (input: Earlier, subject: Subject): Promise<Settled> => {
  const until = input.clock.now() + input.spec.lockWaitMs;
  for (;;) {
    const settled = await settleOnce(input, subject);
    if (settled.kind !== 'held') return settled;
    if (input.clock.now() >= until || input.cancelled.aborted) return ended(lockHeld(settled.held, subject));
    sayWaiting(input, settled.held, until);
    await input.clock.sleepUntil(input.clock.now() + WAIT_PAUSE_MS, input.cancelled).catch(() => undefined);
  }
};

/** Ending it and then going back too would go back by two versions. */
const OPEN_TEXT = 'a rollout is open, and stable still runs the version before it; `command: abort` returns to that';

const ended = (outcome: Outcome): Settled => ({ kind: 'ended', released: released(outcome) });

const settleOnce = async (
  input: Earlier,
  subject: Subject,
): Promise<Settled | { readonly kind: 'held'; readonly held: Held }> => {
  const found = await input.store.load(AbortSignal.timeout(LOAD_MS));
  // A missing right is told by the checks, with all others.
  if (found.kind === 'failed' && found.problem.kind === 'forbidden') return FREE;
  const isAlone = found.kind === 'none' && found.lock !== null && input.spec.command !== 'plan';
  if (found.kind === 'none' && !isAlone) return FREE;
  if (found.kind === 'failed')
    return ended(
      refused([problemFinding(found.problem, 'the state of an earlier rollout', input.cluster.server)], subject),
    );
  if (found.kind === 'open' && input.spec.command === 'plan') {
    const text = 'an earlier rollout was not finished; `command: run` resumes or ends it first';
    return ended(found.lock === null ? rejection('lock-held', text, subject) : lockHeld(found.lock, subject));
  }
  if (found.kind === 'open' && goesTooFar(input, found.saved))
    return ended(rejection('command-refused', OPEN_TEXT, subject));
  if (found.lock !== null && input.spec.lockWaitMs === 0) sayWatching(input, found.lock);
  const taken = await takeOver(input, (saved) => openingFor(input, saved), reconnect);
  if (taken.kind === 'none') return FREE;
  if (taken.kind === 'held') return { kind: 'held', held: taken };
  if (taken.kind !== 'taken') return ended(rejection('lock-held', taken.why, subject));
  const { namespace, deployment } = taken.rollout.plan.target;
  input.locked({ namespace, deployment });
  const driven = await driveToEnd(input, taken.context, taken.rollout, taken.first);
  return isOver(input, taken.rollout, driven) ? { kind: 'ended', released: driven } : FREE;
};

const goesTooFar = ({ spec }: Earlier, saved: SavedRollout): boolean =>
  spec.command === 'rollback' && saved.kind === 'rollout' && !isSame(spec, saved.rollout);

/** The same release goes on, unless `on-expired` says otherwise; any other is ended for the one that is to come. */
const openingFor = (input: Earlier, saved: Rollout): Opening => {
  if (!isSame(input.spec, saved)) {
    const text = `a release of ${imagesAsked(input.spec).join(', ') || 'an earlier version'} takes its place`;
    return { why: { code: 'superseded', text, metric: null } };
  }
  if (input.spec.onExpired === 'rollback') return { why: LOST };
  return { why: null, command: saved.phase === 'left' || isAtDeploy(saved) ? resumeBy(input) : null };
};

export const LOST: Reason = {
  code: 'cancelled',
  text: 'the run that began this rollout ended without finishing it',
  metric: null,
};

/** A run that releases the same again asks for what was left to go on. */
const resumeBy = ({ actor, commandId }: Earlier): Command => ({
  name: 'resume',
  rolloutId: null,
  by: actor,
  id: commandId,
  raw: 'resume',
});

/** Whether an open rollout is the very release that is asked for. */
export const isSame = (
  { command, images, manifest }: Pick<Spec, 'command' | 'images' | 'manifest'>,
  { plan }: Pick<Rollout, 'plan'>,
): boolean => {
  const { target } = plan;
  if (manifest !== null) return target.manifest === manifestHash(manifest);
  if (target.manifest !== undefined) return false;
  if ((command === 'rollback') !== (target.template !== null)) return false;
  if (command === 'rollback') return true;
  if (images.length !== target.images.length) return false;
  return images.every(({ container, image }) =>
    target.images.some((one) => one.image === image && (container === null || container === one.container)),
  );
};

/** Whether this run has nothing more to do: the rollout was its own, or it stopped where a person is needed. */
const isOver = (input: Earlier, taken: Rollout, { outcome }: Released): boolean => {
  if (outcome.kind !== 'finished' || input.cancelled.aborted) return true;
  const { phase } = outcome.rollout;
  if (phase === 'halted' || phase === 'left') return true;
  return isSame(input.spec, taken) && (taken.phase !== 'rolling-back' || phase === 'promoted');
};

const say = ({ clock, log }: Earlier, text: string): void =>
  log({ at: clock.now(), group: 'lock', level: 'info', text });

const sayWatching = (input: Earlier, { runUrl, by }: Held): void =>
  say(
    input,
    `another rollout holds the lock (${runUrl ?? by}); if it gives no sign of life for half a minute, it is taken over`,
  );

const sayWaiting = (input: Earlier, { runUrl, by, step }: Held, until: Ms): void =>
  say(
    input,
    `waiting for another rollout (${runUrl ?? by}${step === null ? '' : `, ${step}`}), ${Math.max(0, Math.round((until - input.clock.now()) / 1000))} s at most`,
  );

/** Names the other run, where it is, and since when. */
export const lockHeld = (held: Omit<Held, 'kind'>, subject: Subject): Outcome => {
  const run = held.runUrl ?? held.by;
  const since = held.since === null ? '' : ` since ${held.since}`;
  const step = held.step === null ? '' : `, ${held.step}`;
  return rejection('lock-held', `another rollout has held the lock${since} (${run}${step})`, subject);
};
