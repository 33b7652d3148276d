import type { Command } from '../core/command.ts';
import type { Reason } from '../core/reason.ts';
import { reopen } from '../core/reopen.ts';
import type { Event, Rollout } from '../core/rollout.ts';
import type { Until } from '../core/spec.ts';
import { isTerminal } from '../core/stage.ts';
import type { Store } from '../ports/store.ts';
import { contextOf, type DriveContext, type Means } from './context.ts';
import { NOTHING_SEEN } from './read.ts';
import { write } from './write.ts';

/** The lease of a dead run is watched for its whole duration before it is taken. */
const ACQUIRE_MS = 120_000;
const CLAIM_MS = 15_000;
const CLAIM_ATTEMPTS = 3;
const CLAIM_PAUSE_MS = 1_000;
const READ_MS = 10_000;

/** What becomes of a rollout that is taken over, once its state is known. */
export interface Opening {
  /** Why it must not go on; null: it goes on. */
  readonly why: Reason | null;
  /** It is opened for one look at the metrics only. */
  readonly checks?: boolean;
  /** What the job was asked to do with it. */
  readonly command?: Command | null;
  /** Where this job is to end; null: where the rollout itself says. */
  readonly until?: Until | null;
}

export interface Held {
  readonly kind: 'held';
  readonly by: string;
  readonly runUrl: string | null;
  readonly since: string | null;
  readonly step: string | null;
}

export interface Taken {
  readonly kind: 'taken';
  readonly context: DriveContext;
  readonly rollout: Rollout;
  /** Commands that were waiting, to be fed to the loop first. */
  readonly first: readonly Event[];
}

export type TakenOver =
  | { readonly kind: 'none' }
  | Held
  /** `canRetry`: asking again later may help. */
  | { readonly kind: 'failed'; readonly why: string; readonly canRetry: boolean }
  /** It was not to be opened, for this reason, and is as it was. */
  | { readonly kind: 'declined'; readonly why: string }
  | Taken;

/** Why a rollout is left alone once its state is known. */
export interface Declined {
  readonly declined: string;
}

type TakeOver = Pick<Means, 'holder' | 'clock' | 'routers'> & { readonly store: Store };

/**
 * Takes the lock of a rollout that somebody left open, loads it and writes the new holder mark on all its objects, before
 * anything else. The state is hostile until the store has checked it.
 */
export const takeOver = async <Input extends TakeOver>(
  input: Input,
  opening: (saved: Rollout) => Opening | Declined,
  connect: (input: Input, saved: Rollout, token: string) => DriveContext | null,
): Promise<TakenOver> => {
  const acquired = await input.store.acquire(input.holder, AbortSignal.timeout(ACQUIRE_MS));
  if (acquired.kind === 'held') return acquired;
  if (acquired.kind === 'failed') return { kind: 'failed', why: acquired.problem.message, canRetry: true };
  const saved = acquired.rollout;
  const release = (keepState: boolean): Promise<unknown> =>
    input.store.release(keepState, AbortSignal.timeout(CLAIM_MS));
  if (saved === null) {
    await release(false);
    return { kind: 'none' };
  }
  if (saved.kind === 'unreadable') {
    await release(true);
    return { kind: 'failed', why: `the state of an earlier rollout cannot be used: ${saved.why}`, canRetry: false };
  }
  const { rollout } = saved;
  const how = opening(rollout);
  if ('declined' in how) {
    await release(true);
    return { kind: 'declined', why: how.declined };
  }
  const context = connect(input, rollout, acquired.token);
  if (context === null || (isTerminal(rollout.phase) && rollout.reopensAs === null)) {
    await release(true);
    return { kind: 'failed', why: endedText(rollout), canRetry: false };
  }
  const taken = await openAgain(context, rollout, how);
  if (typeof taken !== 'string') return taken;
  // The next one must not have to wait for this run's lease.
  await release(true);
  return { kind: 'failed', why: `an earlier rollout could not be taken over: ${taken}`, canRetry: true };
};

/** With the adapters that the saved plan names; null when this version does not have them. */
export const reconnect = (
  means: Means & { readonly store: Store },
  { plan }: Rollout,
  token: string,
): DriveContext | null => {
  const router = means.routers.find(({ name }) => name === plan.target.router);
  return router === undefined ? null : contextOf(means, means.store, plan, router, token);
};

const openAgain = async (context: DriveContext, saved: Rollout, opening: Opening): Promise<Taken | string> => {
  const { clock, store } = context;
  // A command that nobody was there for is acted on before anything else (design §1.5).
  const pending = await store.pending(AbortSignal.timeout(READ_MS)).catch(() => null);
  const waiting = pending?.kind === 'ok' && pending.value !== null ? [pending.value] : [];
  const commands = opening.command == null ? waiting : [...waiting, opening.command];
  const reopened = { ...reopen(saved, opening.why, clock.now()), checks: opening.checks === true };
  const rollout = opening.until == null ? reopened : endingAt(reopened, opening.until);
  const refused = await claim(context, rollout);
  if (refused !== null) return refused;
  const now = clock.now();
  return { kind: 'taken', context, rollout, first: commands.map((command) => ({ kind: 'commanded', now, command })) };
};

const endingAt = (rollout: Rollout, until: Until): Rollout => ({
  ...rollout,
  plan: { ...rollout.plan, conduct: { ...rollout.plan.conduct, until } },
  untilReached: false,
});

/** Nothing has returned the traffic yet: one lost request must not be the end of it. null: claimed, else why not. */
const claim = async (context: DriveContext, rollout: Rollout): Promise<string | null> => {
  const intent = rollout.committedAt === null ? 'claim' : 'hold';
  let why = '';
  for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt += 1) {
    const signal = AbortSignal.timeout(CLAIM_MS);
    if (attempt > 0) {
      await context.clock.sleepUntil(context.clock.now() + CLAIM_PAUSE_MS, signal);
      // Three attempts can take longer than a lease lasts; a mark written after that could be a successor's.
      const renewed = await context.store.renew(signal);
      if (renewed.kind === 'lost') return renewed.how;
    }
    const isWanted = (): boolean => context.clock.now() < (context.store.heldUntil() ?? 0);
    const options = { signal, remember: () => undefined, isWanted };
    const outcome = await write(context, rollout, { kind: intent }, NOTHING_SEEN, options);
    if (outcome.kind === 'done') return null;
    why = outcome.reason;
    if (outcome.kind === 'refused' && outcome.final) return why;
  }
  return why;
};

const endedText = ({ phase, plan }: Rollout): string =>
  isTerminal(phase)
    ? `an earlier rollout ended (${phase}) and left its state behind; delete the ConfigMap canary-rollout-${plan.target.deployment}`
    : 'the state of an earlier rollout names a router that this version does not have';
