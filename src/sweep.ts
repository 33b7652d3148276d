import { type Control, entryOf, targetsOf } from './control.ts';
import type { RolloutEntry } from './core/outcome.ts';
import type { Rollout } from './core/rollout.ts';
import { type Declined, type Opening, reconnect, takeOver } from './drive/take-over.ts';
import { driveToEnd, type Released, released } from './drive/to-end.ts';
import { LOST } from './earlier.ts';
import type { OpenRollout } from './ports/store.ts';

/** Each watches a lease for half a minute and then drives: side by side, but not all of a big cluster at once. */
const AT_ONCE = 8;

/**
 * `sweep`: makes every rollout safe that nobody drives. One whose runner died is rolled back, past the point of no return
 * finished; one that is paused is judged over the time since somebody last looked, and ends when its hold is over. One
 * that a run drives, or that waits for a person, is left alone. Stored requests are never carried out: everything is
 * planned anew from names and kinds (design §1.5).
 */
export const sweep = async (input: Control): Promise<Released> => {
  const listed = await targetsOf(input);
  if ('outcome' in listed) return listed;
  const entries: RolloutEntry[] = [];
  const queue = [...listed.targets];
  const work = async (): Promise<void> => {
    for (let target = queue.shift(); target !== undefined; target = queue.shift()) {
      const entry = await sweepOne(input, target);
      if (entry !== null) entries.push(entry);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const unsafe = entries.filter(({ failed }) => failed).length;
  const reason =
    unsafe === 0
      ? ({ code: 'swept', text: sweptText(entries.length), metric: null } as const)
      : ({
          code: 'sweep-failed',
          text: `${unsafe} of ${entries.length} could not be made safe`,
          metric: null,
        } as const);
  return released({ kind: 'accepted', reason, rollouts: entries, failed: unsafe > 0 });
};

const sweptText = (count: number): string =>
  count === 0
    ? 'no rollout is open'
    : count === 1
      ? '1 open rollout was looked at'
      : `${count} open rollouts were looked at`;

const sweepOne = async (input: Control, target: OpenRollout): Promise<RolloutEntry | null> => {
  if (target.lockOnly === true) return sweepLock(input, target);
  const before = await entryOf(input, target);
  if (before?.rollout == null) return before;
  if (waitsForPerson(before.rollout)) return { ...before, ...CALLS };
  const means = { ...input, store: input.storeOf(target), log: naming(input, target) };
  const taken = await takeOver(means, openingOf, reconnect);
  if (taken.kind === 'none') return null;
  if (taken.kind === 'held') return { ...before, lock: 'held', runUrl: taken.runUrl, note: 'a run drives it' };
  if (taken.kind !== 'taken') return { ...before, lock: 'free', note: taken.why, failed: true };
  const { outcome } = await driveToEnd(means, taken.context, taken.rollout, taken.first);
  const after = outcome.kind === 'finished' ? outcome.rollout : taken.rollout;
  return { ...before, rollout: after, lock: 'free', note: noteOf(after), failed: after.phase === 'halted' };
};

/** A lock without a state: taken when it stands still, and removed. */
const sweepLock = async (input: Control, { namespace, deployment }: OpenRollout): Promise<RolloutEntry> => {
  const means = { ...input, store: input.storeOf({ namespace, deployment }) };
  const taken = await takeOver(means, () => ({ declined: 'a run has just begun' }), reconnect);
  const entry = { namespace, deployment, rollout: null, runUrl: null, failed: false } as const;
  if (taken.kind === 'held') return { ...entry, lock: 'held', runUrl: taken.runUrl, note: 'a run has just begun' };
  if (taken.kind === 'failed') return { ...entry, lock: 'free', note: taken.why, failed: true };
  if (taken.kind !== 'none') return { ...entry, lock: 'free', note: 'a rollout began meanwhile: sweep again' };
  return { ...entry, lock: 'free', note: 'the lock of a run that died before it began was removed' };
};

/** Several are driven side by side: each line says which one it is about. */
const naming =
  ({ log }: Control, { namespace, deployment }: OpenRollout): Control['log'] =>
  (entry) =>
    log({ ...entry, group: 'sweep', text: `${namespace}/${deployment}: ${entry.text}` });

/** Past the point of no return the healthy copy serves; each new attempt would put users on the other one again. */
const waitsForPerson = ({ phase, committedAt }: Rollout): boolean => phase === 'halted' && committedAt !== null;

/** Told again and again until somebody has come. */
const CALLS = { note: 'it halted, and waits for a person', failed: true } as const;

const openingOf = (saved: Rollout): Opening | Declined => {
  if (waitsForPerson(saved)) return { declined: CALLS.note };
  const isPaused = saved.phase === 'left' || saved.paused !== null;
  return isPaused ? { why: null, checks: true } : { why: LOST };
};

const noteOf = ({ phase, reason, metrics }: Rollout): string => {
  switch (phase) {
    case 'promoted':
      return 'its promotion was finished';
    case 'rolled-back':
      return `it was rolled back: ${reason?.text ?? ''}`;
    case 'left':
      return metrics.some(({ noDataSince }) => noDataSince !== null)
        ? 'it is paused on purpose; there was no data to judge it by'
        : 'it is paused on purpose, and nothing speaks against it';
    default:
      return `it could not be made safe: ${reason?.text ?? ''}`;
  }
};
