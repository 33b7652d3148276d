import { type Guard, markOn } from '../core/marks.ts';
import { type KubeObject, type ObjectRef, objectIn, type Request, refText, type Seen } from '../core/objects.ts';
import { ok, problem, type Result } from '../core/units.ts';
import { MANAGED_BY, MANAGER } from './tracking.ts';

export type Requests = Result<readonly Request[], string>;

/** Created by us and held by this run: the only objects that are ever scaled down or deleted. */
export const isOurs = (object: KubeObject, guard: Guard): boolean =>
  object.metadata.labels?.[MANAGED_BY] === MANAGER && markOn(object, guard.holder) === guard.holder.value;

export const notOurs = (ref: ObjectRef): Requests =>
  problem(`${refText(ref)} does not carry this run's mark, so it is left alone.`);

/** The preconditions are from the read that showed our mark: whatever happened since makes the delete a conflict. */
export const planRemoval = (
  seen: Seen,
  ref: ObjectRef,
  guard: Guard,
  propagationPolicy: 'Foreground' | 'Background',
): Requests => {
  const object = objectIn(seen, ref);
  if (object === null || object.metadata.deletionTimestamp !== undefined) return ok([]);
  if (!isOurs(object, guard)) return notOurs(ref);
  const { uid = '', resourceVersion = '' } = object.metadata;
  return ok([
    {
      verb: 'delete',
      ref,
      contentType: 'application/json',
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid, resourceVersion },
        propagationPolicy,
      },
    },
  ]);
};
