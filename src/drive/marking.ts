import { addAt, jsonPatch, type Operation, removeAt, testOf } from '../core/json-patch.ts';
import { type Guard, type Mark, markField, markOn, markPath } from '../core/marks.ts';
import {
  type KubeObject,
  type ObjectRef,
  objectIn,
  objectRef,
  type Request,
  SERVICE,
  type Seen,
} from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import { isFields } from '../core/shape.ts';
import type { Json } from '../core/units.ts';

/**
 * Writes marks on an object that exists already; null when they are there. It tests the marks as they were read, so that a
 * claim that was long on its way cannot overwrite those of a run that took over since. That there is no mark cannot be
 * tested (a path that does not exist equals nothing): there the version of the object stands for it.
 */
export const claimRequest = (seen: Seen, ref: ObjectRef, marks: readonly Mark[]): Request | null => {
  const object = objectIn(seen, ref);
  if (object === null) return null;
  const missing = marks.filter((mark) => markOn(object, mark) !== mark.value);
  if (missing.length === 0) return null;
  const field = markField(object.kind);
  const map: readonly Operation[] = object.metadata[field] === undefined ? [addAt(`/metadata/${field}`, {})] : [];
  const additions = missing.map((mark) => addAt(markPath(object.kind, mark), mark.value));
  const old = missing.map((mark) => [markPath(object.kind, mark), markOn(object, mark)] as const);
  const tests = old.flatMap(([path, value]) => (value === null ? [] : [testOf(path, value)]));
  const version = old.every(([, value]) => value !== null)
    ? []
    : [testOf('/metadata/resourceVersion', object.metadata.resourceVersion ?? '')];
  return jsonPatch(ref, [
    testOf('/metadata/uid', object.metadata.uid ?? ''),
    ...version,
    ...tests,
    ...map,
    ...additions,
  ]);
};

/**
 * Closes the way back through an object; null when it is closed. A forward write: it tests the holder too, or a run that
 * lost its lock would close the way back of the one that took over.
 */
export const commitRequest = (seen: Seen, ref: ObjectRef, { holder, wayBack }: Guard): Request | null => {
  const object = objectIn(seen, ref);
  if (object === null || markOn(object, wayBack) !== wayBack.value) return null;
  return jsonPatch(ref, [...testsOf(object, [holder, wayBack]), removeAt(markPath(object.kind, wayBack))]);
};

/** Removes our marks from an object; null when it is not, or no longer, held by this run. */
export const unmarkRequest = (seen: Seen, ref: ObjectRef, { holder, wayBack }: Guard): Request | null => {
  const object = objectIn(seen, ref);
  if (object === null || markOn(object, holder) !== holder.value) return null;
  const ours = [holder, wayBack].filter((mark) => markOn(object, mark) === mark.value);
  return jsonPatch(ref, [...testsOf(object, ours), ...ours.map((mark) => removeAt(markPath(object.kind, mark)))]);
};

const testsOf = (object: KubeObject, marks: readonly Mark[]): readonly Operation[] =>
  marks.map((mark) => testOf(markPath(object.kind, mark), mark.value));

/** The way-back mark of an object is gone or another's: the way back through it is closed for good. */
export const wayBackClosed = (object: KubeObject | null, guard: Guard): boolean =>
  object !== null && markOn(object, guard.wayBack) !== guard.wayBack.value;

/**
 * Points the canary Service at stable's pods, where the weights cannot be changed any more. A way back: it tests the
 * Service's own mark (design §2.7). null when it is so already or one of the Services is missing.
 */
export const lastResortRequest = (seen: Seen, target: Target, guard: Guard): Request | null => {
  if (target.canaryService === null || target.service === null) return null;
  const ref = objectRef(SERVICE, target.namespace, target.canaryService);
  const canary = objectIn(seen, ref);
  const selector = selectorOf(objectIn(seen, objectRef(SERVICE, target.namespace, target.service)));
  if (canary === null || selector === null || JSON.stringify(selectorOf(canary)) === JSON.stringify(selector))
    return null;
  return jsonPatch(ref, [
    testOf(markPath('Service', guard.wayBack), guard.wayBack.value),
    addAt('/spec/selector', selector),
  ]);
};

const selectorOf = (service: KubeObject | null): Json | null => {
  const spec = service?.['spec'];
  const selector = isFields(spec) ? spec['selector'] : null;
  return isFields(selector) ? (selector as Json) : null;
};
