import type { Plan } from '../core/plan.ts';
import type { Reason } from '../core/reason.ts';
import { reopen } from '../core/reopen.ts';
import type { Rollout } from '../core/rollout.ts';
import { isTerminal } from '../core/stage.ts';
import type { Clock } from '../ports/clock.ts';
import type { Holder, Store } from '../ports/store.ts';
import type { TrafficRouter } from '../ports/traffic-router.ts';
import type { DriveContext } from './context.ts';
import { NOTHING_SEEN } from './read.ts';
import { write } from './write.ts';

/** The lease of a dead run is watched for its whole duration before it is taken. */
const ACQUIRE_MS = 120_000;
const CLAIM_MS = 15_000;
const CLAIM_ATTEMPTS = 3;
const CLAIM_PAUSE_MS = 1_000;

export type TakenOver =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'held';
      readonly by: string;
      readonly runUrl: string | null;
      readonly since: string | null;
      readonly step: string | null;
    }
  /** `canRetry`: asking again later may help. */
  | { readonly kind: 'failed'; readonly why: string; readonly canRetry: boolean }
  | { readonly kind: 'taken'; readonly context: DriveContext; readonly rollout: Rollout };

/**
 * Takes the lock of a rollout that somebody left open, loads it and writes the new holder mark on all its objects, before
 * anything else. The state is hostile until the store has checked it.
 */
export const takeOver = async <
  Input extends {
    readonly store: Store;
    readonly holder: Holder;
    readonly clock: Clock;
    readonly routers: readonly TrafficRouter[];
  },
>(
  input: Input,
  why: Reason,
  contextOf: (input: Input, plan: Plan, router: TrafficRouter, token: string) => DriveContext,
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
  const router = input.routers.find(({ name }) => name === saved.rollout.plan.target.router);
  if (router === undefined || isTerminal(saved.rollout.phase)) {
    await release(true);
    return { kind: 'failed', why: endedText(saved.rollout), canRetry: false };
  }
  const context = contextOf(input, saved.rollout.plan, router, acquired.token);
  const rollout = reopen(saved.rollout, why, input.clock.now());
  const refused = await claim(context, rollout);
  if (refused === null) return { kind: 'taken', context, rollout };
  // The next one must not have to wait for this run's lease.
  await release(true);
  return { kind: 'failed', why: `an earlier rollout could not be taken over: ${refused}`, canRetry: true };
};

/** Nothing has returned the traffic yet: one lost request must not be the end of it. null: claimed, else why not. */
const claim = async (context: DriveContext, rollout: Rollout): Promise<string | null> => {
  const intent = rollout.committedAt === null ? 'claim' : 'hold';
  let why = '';
  for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt += 1) {
    const signal = AbortSignal.timeout(CLAIM_MS);
    if (attempt > 0) await context.clock.sleepUntil(context.clock.now() + CLAIM_PAUSE_MS, signal);
    const options = { signal, remember: () => undefined };
    const outcome = await write(context, rollout, { kind: intent }, NOTHING_SEEN, options);
    if (outcome.kind === 'done') return null;
    why = outcome.reason;
    if (outcome.kind === 'refused' && outcome.final) return why;
  }
  return why;
};

const endedText = ({ phase, reason, plan }: Rollout): string =>
  phase === 'halted'
    ? `an earlier rollout halted (${reason?.text ?? 'no reason saved'}); a person must decide: see its report, then delete the ConfigMap canary-rollout-${plan.target.deployment}`
    : 'the state of an earlier rollout names a router that this version does not have';
