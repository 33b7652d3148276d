import { imagesAsked } from './core/manifest.ts';
import type { Permission } from './core/objects.ts';
import type { Outcome, Subject } from './core/outcome.ts';
import type { Run } from './core/plan.ts';
import type { Finding, Reason, ReasonCode } from './core/reason.ts';
import { refused, rejection } from './core/rejection.ts';
import type { Rollout } from './core/rollout.ts';
import type { Spec } from './core/spec.ts';
import { isTerminal } from './core/stage.ts';
import { startRollout } from './core/start.ts';
import { storeName } from './core/store-name.ts';
import type { Ms } from './core/units.ts';
import type { FirstReady } from './drive/check-first.ts';
import { contextOf, type Means } from './drive/context.ts';
import { problemFinding, warningText } from './drive/findings.ts';
import { firstRelease, plannedFirst } from './drive/first-release.ts';
import { type Preflight, preflight } from './drive/preflight.ts';
import { makePreview } from './drive/preview.ts';
import { type Declined, type Opening, reconnect, takeOver } from './drive/take-over.ts';
import { driveToEnd, type Released, released } from './drive/to-end.ts';
import { lockHeld, settleEarlier } from './earlier.ts';
import type { Store } from './ports/store.ts';

/** Everything one release works with. */
export interface Release extends Means {
  readonly spec: Spec;
  readonly run: Run;
  readonly rolloutId: string;
  /** Rights in the cluster that the source needs. */
  readonly sourcePermissions: readonly Permission[];
  /** What a plan tells of the sources. */
  readonly sourceNotices: readonly Finding[];
  readonly store: Store;
}

/** Reads and checks, locks, drives to the end, and cleans up (design §2). Expected trouble is an outcome, not a throw. */
export const release = async (input: Release): Promise<Released> => {
  const namespace = input.spec.namespace ?? input.cluster.defaultNamespace;
  const settled = await settleEarlier(
    { ...input, actor: input.run.actor, commandId: input.rolloutId },
    subjectOf(input, namespace),
  );
  if (settled.kind === 'ended') return settled.released;
  const signal = input.cancelled;
  const checked = await preflight({ ...input, namespace, now: input.clock.now(), signal });
  // First: checks that were given up would look like a cluster that cannot be reached.
  if (signal.aborted)
    return released(
      rejected(input, namespace, 'cancelled', 'the workflow run was cancelled before anything was written'),
    );
  // What another run has made since is no reason to refuse this one: that run is.
  if (checked.kind !== 'ready' && checked.kind !== 'first' && (await hasBegun(input))) return release(input);
  if (checked.kind === 'rejected') return released(refused(checked.findings, subjectOf(input, namespace)));
  if (checked.kind === 'unchanged') return released(unchanged(input, namespace));
  if (checked.kind === 'first') return createFirst(input, checked, namespace);
  if (input.spec.command === 'plan') {
    const reason: Reason = { code: 'planned', text: 'the plan was made and nothing was written', metric: null };
    const preview = await makePreview(checked, { ...input, now: input.clock.now(), signal });
    return released({ kind: 'planned', reason, preview });
  }
  return roll(input, checked, namespace);
};

/** Whether a rollout is open that was not when this run began. Reading it takes as long as the checks at most. */
const hasBegun = async ({ store }: Release): Promise<boolean> => {
  const found = await store.load(AbortSignal.timeout(10_000));
  return found.kind === 'open';
};

type Ready = Extract<Preflight, { kind: 'ready' }>;

/** The token of the lock, as it was taken; or how this run ends without it. */
const lock = async (
  input: Release,
  namespace: string,
): Promise<{ readonly token: string } | { readonly ended: Released }> => {
  const acquired = await input.store.acquire(input.holder, AbortSignal.timeout(60_000));
  if (acquired.kind === 'held' && input.spec.lockWaitMs > 0 && !input.cancelled.aborted)
    return { ended: await release(input) };
  if (acquired.kind === 'held') return { ended: released(lockHeld(acquired, subjectOf(input, namespace))) };
  if (acquired.kind === 'failed') {
    const finding = problemFinding(
      acquired.problem,
      `Lease ${namespace}/${storeName(input.spec.deployment)}`,
      input.cluster.server,
    );
    return { ended: released(refused([finding], subjectOf(input, namespace))) };
  }
  if (acquired.rollout !== null) {
    // Another run began one and died or halted while this one was checking: its plan and marks are not this run's.
    await input.store.release(true, AbortSignal.timeout(20_000));
    const text = 'another rollout began meanwhile and was not finished; run again to finish it first';
    return { ended: released(rejected(input, namespace, 'lock-held', text)) };
  }
  input.locked({ namespace, deployment: input.spec.deployment });
  return { token: acquired.token };
};

const roll = async (input: Release, ready: Ready, namespace: string): Promise<Released> => {
  const locked = await lock(input, namespace);
  if ('ended' in locked) return locked.ended;
  const start = startRollout(ready.plan, input.clock.now());
  const warnings = ready.findings.filter(({ severity }) => severity === 'warning').map(warningText);
  const context = contextOf(input, input.store, ready.plan, ready.router, locked.token);
  return driveToEnd(input, context, { ...start, warnings });
};

/** There is no such Deployment yet: there is nothing to roll out beside. */
const createFirst = async (input: Release, ready: FirstReady, namespace: string): Promise<Released> => {
  const subject = subjectOf(input, namespace);
  if (input.spec.command === 'plan') return released(plannedFirst(ready, subject, input.rolloutId));
  const locked = await lock(input, namespace);
  return 'ended' in locked ? locked.ended : firstRelease(input, ready, subject);
};

const FINISH_PAUSE_MS = 3_000;

/**
 * For the post step: finishes what main could not. The traffic may still be split, so a takeover that fails is tried again
 * until `giveUpAt`. `nothing`: there was nothing left to do, or another run is at it.
 */
export const finish = async (
  input: Means & { readonly store: Store },
  giveUpAt: Ms,
): Promise<Released | { readonly kind: 'nothing' } | { readonly kind: 'failed'; readonly why: string }> => {
  for (;;) {
    const taken = await takeOver(input, openingOfPost, reconnect);
    if (taken.kind === 'taken') {
      const { rollout, context, first } = taken;
      const now = input.clock.now();
      const cancel = isKept(rollout) ? [{ kind: 'cancel-requested', now, wayBackSent: false } as const] : [];
      return driveToEnd(input, context, rollout, [...first, ...cancel]);
    }
    if (taken.kind !== 'failed') return { kind: 'nothing' };
    if (!taken.canRetry || input.clock.now() >= giveUpAt) return { kind: 'failed', why: taken.why };
    await input.clock.sleepUntil(input.clock.now() + FINISH_PAUSE_MS, new AbortController().signal);
  }
};

/** `on-cancel: keep` holds for what main could not finish too. */
const isKept = ({ plan, phase, committedAt }: Rollout): boolean =>
  plan.conduct.onCancel === 'keep' && committedAt === null && phase !== 'rolling-back';

const openingOfPost = (saved: Rollout): Opening | Declined => {
  if (isTerminal(saved.phase)) return { declined: 'main left it on purpose, or called for a person' };
  const why: Reason = { code: 'cancelled', text: 'the workflow run ended before the rollout did', metric: null };
  return { why: isKept(saved) ? null : why };
};

// --- outcomes -----------------------------------------------------------------

const subjectOf = ({ spec }: Release, namespace: string): Subject => ({
  namespace,
  deployment: spec.deployment,
  images: imagesAsked(spec),
});

const rejected = (input: Release, namespace: string, code: ReasonCode, text: string): Outcome =>
  rejection(code, text, subjectOf(input, namespace));

const unchanged = (input: Release, namespace: string): Outcome => ({
  kind: 'unchanged',
  reason: {
    code: 'already-running',
    text: `stable already runs this ${input.spec.manifest === null ? 'image' : 'version'} and is ready`,
    metric: null,
  },
  subject: subjectOf(input, namespace),
});
