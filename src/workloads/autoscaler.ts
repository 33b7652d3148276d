import { addAt, jsonPatch, type Operation, removeAt, testOf } from '../core/json-patch.ts';
import { type Guard, markOn, markPath } from '../core/marks.ts';
import {
  HORIZONTAL_POD_AUTOSCALER,
  type KubeObject,
  type ObjectRef,
  objectIn,
  type ReadRef,
  type Request,
  refText,
  type Seen,
} from '../core/objects.ts';
import type { Autoscaler, Target } from '../core/plan.ts';
import type { Progress } from '../core/rollout.ts';
import { canonical, countOf, fieldsOf } from '../core/shape.ts';
import { type Json, ok, problem, type Result } from '../core/units.ts';
import { toJson } from './shape.ts';

type Requests = Result<readonly Request[], string>;
type Field = Autoscaler['fields'][number];
type Now = Field & { readonly now: Json };

export const MIN_REPLICAS = '/spec/minReplicas';
export const MAX_REPLICAS = '/spec/maxReplicas';

export const autoscalerReads = ({ autoscaler }: Target): readonly ReadRef[] =>
  autoscaler === null ? [] : [autoscaler.ref];

/** What stands at a JSON Pointer; null: nothing. */
const valueAt = (object: KubeObject, path: string): Json =>
  toJson(
    path
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>((value, part) => fieldsOf(value)[part], object),
  );

const same = (one: Json, other: Json): boolean => canonical(one) === canonical(other);

/** A minimum that somebody raised further keeps stable at its start too. */
const isHeld = ({ path, now, held }: Now): boolean =>
  same(now, held) || (path === MIN_REPLICAS && typeof now === 'number' && typeof held === 'number' && now >= held);

const fieldsNow = (object: KubeObject, { fields }: Autoscaler): readonly Now[] =>
  fields.map((field) => ({ ...field, now: valueAt(object, field.path) }));

/** The last part of the pointer, as people call the field. */
const nameOf = (path: string): string => (path.split('/').at(-1) ?? path).replaceAll('~1', '/').replaceAll('~0', '~');
const text = (value: Json): string => (value === null ? 'nothing' : JSON.stringify(value));

const guarded = (object: KubeObject, ref: ObjectRef, guard: Guard, operations: readonly Operation[]): Request =>
  jsonPatch(ref, [
    testOf('/metadata/uid', object.metadata.uid ?? ''),
    testOf(markPath(ref.kind, guard.holder), guard.holder.value),
    ...operations,
  ]);

/** That nothing is there cannot be tested by its path; the version of the object stands for it. */
const testNow = (object: KubeObject, { path, now }: Now): Operation =>
  now === null ? testOf('/metadata/resourceVersion', object.metadata.resourceVersion ?? '') : testOf(path, now);

/** An object without annotations has no map to add one to: before the marks are on it, as in a dry run. */
const mapFor = (object: KubeObject, fields: readonly Now[]): readonly Operation[] =>
  object.metadata.annotations === undefined && fields.some(({ path }) => path.startsWith('/metadata/annotations/'))
    ? [addAt('/metadata/annotations', {})]
    : [];

/** Sets the held fields, testing what they were. One that was deleted meanwhile scales nothing any more. */
export const holdAutoscaler = (seen: Seen, { autoscaler }: Target, guard: Guard): Requests => {
  if (autoscaler === null) return ok([]);
  const object = objectIn(seen, autoscaler.ref);
  if (object === null || object.metadata.deletionTimestamp !== undefined) return ok([]);
  const open = fieldsNow(object, autoscaler).filter((field) => !isHeld(field));
  const changed = open.find(({ now, was }) => !same(now, was));
  if (changed !== undefined) {
    const { path, now, was } = changed;
    return problem(
      `${nameOf(path)} of ${refText(autoscaler.ref)} is ${text(now)} now and was ${text(was)} when the rollout was planned: run again.`,
    );
  }
  if (open.length === 0) return ok([]);
  const operations = open.flatMap((field) => [testNow(object, field), addAt(field.path, field.held)]);
  return ok([guarded(object, autoscaler.ref, guard, [...mapFor(object, open), ...operations])]);
};

/** Puts the fields back that are still as they were held; what somebody changed since is left to them. */
export const releaseAutoscaler = (seen: Seen, { autoscaler }: Target, guard: Guard): Requests => {
  if (autoscaler === null) return ok([]);
  const { ref } = autoscaler;
  const object = objectIn(seen, ref);
  if (object === null || object.metadata.deletionTimestamp !== undefined) return ok([]);
  const ours = fieldsNow(object, autoscaler).filter(({ now, held }) => same(now, held));
  if (ours.length === 0) return ok([]);
  if (markOn(object, guard.holder) !== guard.holder.value)
    return problem(`${refText(ref)} does not carry this run's mark, so it is left alone`);
  const operations = ours.flatMap((field) => [
    testOf(field.path, field.held),
    field.was === null ? removeAt(field.path) : addAt(field.path, field.was),
  ]);
  return ok([guarded(object, ref, guard, operations)]);
};

/** What the release leaves as somebody else set it, in words. */
export const releaseNotes = (seen: Seen, { autoscaler }: Target): readonly string[] => {
  const object = autoscaler === null ? null : objectIn(seen, autoscaler.ref);
  if (autoscaler === null || object === null) return [];
  return fieldsNow(object, autoscaler)
    .filter(({ now, was, held }) => !same(now, held) && !same(now, was))
    .map(
      ({ path, now, was, held }) =>
        `somebody changed ${nameOf(path)} of ${refText(autoscaler.ref)} to ${text(now)} while the rollout held it at ${text(held)}: it is left so, and was ${text(was)} at the start`,
    );
};

export const autoscalerProgress = (
  seen: Seen,
  { autoscaler }: Target,
  stage: 'hold-autoscaler' | 'release-autoscaler',
): Progress => {
  const object = autoscaler === null ? null : objectIn(seen, autoscaler.ref);
  if (autoscaler === null || object === null) return { kind: 'done' };
  const fields = fieldsNow(object, autoscaler);
  const isDone = stage === 'hold-autoscaler' ? fields.every(isHeld) : fields.every(({ now, held }) => !same(now, held));
  const wanted = stage === 'hold-autoscaler' ? 'held' : 'released';
  return isDone ? { kind: 'done' } : { kind: 'pending', waitingFor: `${refText(autoscaler.ref)} to be ${wanted}` };
};

/**
 * Raises the minimum of the canary's own HorizontalPodAutoscaler to what the canary needs, or it would scale the canary
 * back down. [] when the canary has none, or it is high enough.
 */
export const raiseCanaryMinimum = (
  seen: Seen,
  { companions }: Target,
  replicas: number,
  guard: Guard,
): readonly Request[] => {
  const ref = companions.find(({ ref: { kind } }) => kind === HORIZONTAL_POD_AUTOSCALER.kind)?.ref;
  const object = ref === undefined ? null : objectIn(seen, ref);
  if (ref === undefined || object === null || object.metadata.deletionTimestamp !== undefined) return [];
  const spec = fieldsOf(object['spec']);
  const minimum = countOf(spec['minReplicas']) ?? null;
  if ((minimum ?? 1) >= replicas || markOn(object, guard.holder) !== guard.holder.value) return [];
  const maximum = countOf(spec['maxReplicas']) ?? replicas;
  return [
    guarded(object, ref, guard, [
      testNow(object, { path: MIN_REPLICAS, was: null, held: null, now: minimum }),
      addAt(MIN_REPLICAS, replicas),
      ...(maximum < replicas ? [addAt(MAX_REPLICAS, replicas)] : []),
    ]),
  ];
};
