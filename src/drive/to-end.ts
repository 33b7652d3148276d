import type { Outcome } from '../core/outcome.ts';
import type { Event, Rollout } from '../core/rollout.ts';
import type { Clock } from '../ports/clock.ts';
import type { PodNote } from '../ports/reporter.ts';
import type { Store } from '../ports/store.ts';
import type { DriveContext } from './context.ts';
import { drive } from './drive.ts';
import { notePods } from './pod-notes.ts';
import { removeWatchdog } from './watchdog.ts';

/** How a job ended, with the last words of pods that failed. */
export interface Released {
  readonly outcome: Outcome;
  readonly pods: readonly PodNote[];
}

/** A job that drove nothing has only its outcome to tell. */
export const released = (outcome: Outcome): Released => ({ outcome, pods: [] });

/** Drives, reports each turn, takes the pods' last words when it turns back, and gives the lock back at the end. */
export const driveToEnd = async (
  input: { readonly progress: (rollout: Rollout) => void; readonly store: Store },
  context: DriveContext,
  start: Rollout,
  first: readonly Event[] = [],
): Promise<Released> => {
  let rollout = start;
  let notes: Promise<readonly PodNote[]> | null = null;
  let shown = { turn: '', waits: '', at: 0 };
  for await (const next of drive(context, start, first)) {
    rollout = next;
    if (next.phase === 'rolling-back') notes ??= notePods(context, next.plan);
    const turn = turnOf(next);
    const waits = JSON.stringify(next.waits.map(({ kind }) => kind));
    const now = context.clock.now();
    const isNews = turn !== shown.turn || (waits !== shown.waits && now - shown.at >= WAITS_EVERY_MS);
    if (!isNews) continue;
    input.progress(next);
    shown = { turn, waits, at: now };
  }
  const left = await putAway(input.store, context, rollout);
  const warnings = left === null ? rollout.warnings : [...rollout.warnings, left];
  return { outcome: { kind: 'finished', rollout: { ...rollout, warnings } }, pods: (await notes) ?? [] };
};

/** Data that comes and goes must not edit a comment every few seconds: GitHub takes 1000 statuses for a commit. */
const WAITS_EVERY_MS = 60_000;

/** What a reader would want to be told at once: a new phase, step, weight held, a command, a pause. */
const turnOf = ({ phase, step, stage, asked, paused, approval }: Rollout): string =>
  JSON.stringify([phase, step, stage.name === 'bake', asked.length, paused?.since, approval]);

const TRIES = 4;
const PAUSE_MS = 2_000;
const SAVE_MS = 10_000;
const RELEASE_MS = 20_000;

/** null: state and lock are as they should be. Otherwise what stays behind, in words; the next run takes it away. */
const putAway = async (store: Store, context: DriveContext, rollout: Rollout): Promise<string | null> => {
  // Who lost the lock writes nothing more.
  if (rollout.reason?.code === 'lock-lost') return null;
  const isOpen = rollout.phase === 'halted' || rollout.phase === 'left';
  if (!isOpen) await removeWatchdog(context, rollout.plan, AbortSignal.timeout(RELEASE_MS));
  return repeat(context.clock, async () => {
    const saved = isOpen ? await store.save(rollout, AbortSignal.timeout(SAVE_MS)) : null;
    if (saved?.kind === 'failed') return saved.problem.message;
    const released = await store.release(isOpen, AbortSignal.timeout(RELEASE_MS));
    return released.kind === 'failed' ? released.problem.message : null;
  });
};

const repeat = async (clock: Clock, act: () => Promise<string | null>): Promise<string | null> => {
  let why: string | null = null;
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (tries > 0) await clock.sleepUntil(clock.now() + PAUSE_MS, new AbortController().signal);
    why = await act();
    if (why === null) return null;
  }
  return `the state and the lock could not be put away: ${why}`;
};
