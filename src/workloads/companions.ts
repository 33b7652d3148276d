import { type Guard, markField } from '../core/marks.ts';
import {
  HORIZONTAL_POD_AUTOSCALER,
  objectIn,
  type ReadRef,
  type Request,
  refText,
  type Seen,
} from '../core/objects.ts';
import type { Companion, Target } from '../core/plan.ts';
import type { Progress } from '../core/rollout.ts';
import { fieldsOf } from '../core/shape.ts';
import { ok, problem } from '../core/units.ts';
import { isOurs, notOurs, planRemoval, type Requests } from './ours.ts';
import { texts, toJson, without } from './shape.ts';
import { MANAGED_BY, MANAGER, untracked } from './tracking.ts';

/** All bodies together: they are saved in the rollout's state. */
export const LARGEST_COMPANIONS_BYTES = 128 * 1024;

/** Of the copies, what the course of the rollout hangs on: the others are read by the writes that are about them, and stop nothing else. */
export const companionReads = (target: Target): readonly ReadRef[] =>
  target.companions.map(({ ref }) => ref).filter(({ kind }) => kind === HORIZONTAL_POD_AUTOSCALER.kind);

/** The bodies come back from the saved state, which others may have written: of their metadata only labels and annotations are taken. */
const creation = ({ ref, body }: Companion, target: Target, guard: Guard): Request => {
  const metadata = fieldsOf(fieldsOf(body)['metadata']);
  const marks = { [guard.holder.key]: guard.holder.value, [guard.wayBack.key]: guard.wayBack.value };
  const isOnLabels = markField(ref.kind) === 'labels';
  return {
    verb: 'create',
    ref,
    contentType: 'application/json',
    body: toJson({
      ...without(fieldsOf(body), new Set(['status'])),
      apiVersion: ref.apiVersion,
      kind: ref.kind,
      metadata: {
        name: ref.name,
        namespace: target.namespace,
        labels: { ...untracked(texts(metadata['labels'])), [MANAGED_BY]: MANAGER, ...(isOnLabels ? marks : {}) },
        annotations: {
          ...untracked(texts(metadata['annotations'])),
          ...target.annotations,
          ...(isOnLabels ? {} : marks),
        },
      },
    }),
  };
};

const planOne = (companion: Companion, seen: Seen, target: Target, guard: Guard): Requests => {
  const { ref } = companion;
  if (ref.namespace !== target.namespace) return problem(`${refText(ref)} is not in the namespace of the rollout.`);
  const existing = objectIn(seen, ref);
  if (existing === null) return ok([creation(companion, target, guard)]);
  if (existing.metadata.deletionTimestamp !== undefined) return problem(`${refText(ref)} is still being deleted.`);
  return isOurs(existing, guard) ? ok([]) : notOurs(ref);
};

/** Creates the copies that are not there yet, with both marks. */
export const planCompanions = (seen: Seen, target: Target, guard: Guard): Requests => {
  const planned = target.companions.map((one) => planOne(one, seen, target, guard));
  const failed = planned.find((one) => !one.ok);
  return failed ?? ok(planned.flatMap((one) => (one.ok ? one.value : [])));
};

/** Removes those that carry this run's mark. One that does not is told when nothing else is left to remove. */
export const removeCompanions = (seen: Seen, target: Target, guard: Guard): Requests => {
  const planned = target.companions.map(({ ref }) => planRemoval(seen, ref, guard, 'Background'));
  const requests = planned.flatMap((one) => (one.ok ? one.value : []));
  const failed = planned.find((one) => !one.ok);
  return failed === undefined || requests.length > 0 ? ok(requests) : failed;
};

export const companionsProgress = (seen: Seen, target: Target, stage: 'companions' | 'remove-companions'): Progress => {
  const waits = target.companions.find(({ ref }) => (objectIn(seen, ref) === null) === (stage === 'companions'));
  if (waits === undefined) return { kind: 'done' };
  const wanted = stage === 'companions' ? 'created' : 'removed';
  return { kind: 'pending', waitingFor: `${refText(waits.ref)} to be ${wanted}` };
};
