import type fc from 'fast-check';
import { type Guard, markField } from '../../src/core/marks.ts';
import type { KubeObject, ObjectRef, Request } from '../../src/core/objects.ts';
import type { Target } from '../../src/core/plan.ts';
import type { ReasonCode } from '../../src/core/reason.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import type { BasisPoints, Json } from '../../src/core/units.ts';
import type { TrafficRouter } from '../../src/ports/traffic-router.ts';
import { type OnWrite, objectAt, seenOf, sendAll, type World, write } from './world.ts';

/** Everything the suite must know about a router: how its objects look, told without the help of the adapter. */
export interface RouterFixture {
  /** `gateway-api, HTTPRoute with a foreign backend` */
  readonly title: string;
  readonly router: TrafficRouter;
  readonly target: Target;
  /** The objects that the router writes. */
  readonly written: readonly ObjectRef[];
  /** Ready to start, accepted by the controller, without marks. */
  readonly world: World;
  /** Random worlds of that kind. */
  readonly worlds: fc.Arbitrary<World>;
  /** Weights that the router can express exactly, rising, in basis points. */
  readonly weights: readonly BasisPoints[];
  readonly onWrite?: OnWrite;
  /** The controller catches up with the spec. */
  readonly settle: (world: World) => World;
  /** The controller's no, and what the verdict is then; null where the router has no way to tell. */
  readonly refuse: { readonly world: (world: World) => World; readonly code: ReasonCode } | null;
  /** What stable and canary get natively, for each place that splits traffic. */
  readonly splits: (world: World) => readonly { readonly stable: number; readonly canary: number }[];
  /** The object without everything that the router owns: must never change by its hand. */
  readonly foreign: (object: KubeObject) => unknown;
  /** Somebody inserts something before our entries, in one way or another; none where the objects have no lists. */
  readonly inserts: readonly ((object: KubeObject) => KubeObject)[];
  /** Somebody removes our entries, or sets our fields back. */
  readonly revert: (object: KubeObject, start: KubeObject) => KubeObject;
  /** Worlds that must be refused before the first write. */
  readonly broken: readonly {
    readonly name: string;
    readonly world: World;
    readonly code: ReasonCode;
    readonly message: RegExp;
  }[];
  /** Whether `restore` puts the written fields back; false where the object is created and removed by the workload. */
  readonly restores: boolean;
  /** Whether forward patches test the generation. */
  readonly testsGeneration: boolean;
}

/** What the driver would do, on an imitated API server. */
export const driverOf = ({ router, target, onWrite, written }: RouterFixture, guard: Guard) => {
  const read = (world: World) => seenOf(world, router.reads(target));
  const claim = (world: World): World =>
    written.reduce((now, ref) => {
      const object = objectAt(now, ref);
      const field = markField(object.kind);
      const marks = { [guard.holder.key]: guard.holder.value, [guard.wayBack.key]: guard.wayBack.value };
      return write(now, ref, {
        ...object,
        metadata: { ...object.metadata, [field]: { ...object.metadata[field], ...marks } },
      });
    }, world);
  const planned = (world: World, weight: BasisPoints, original: Json): readonly Request[] => {
    const result = router.plan(read(world), target, weightOnly(weight), guard, original);
    if (!result.ok) throw new Error(result.problem);
    return result.value;
  };
  const set = (world: World, weight: BasisPoints, original: Json): World =>
    sendAll(world, planned(world, weight, original), onWrite);
  const back = (world: World, original: Json): World =>
    sendAll(world, router.wayBack(read(world), target, guard, original), onWrite);
  const restore = (world: World, original: Json): World =>
    sendAll(world, router.restore(read(world), target, original, guard), onWrite);
  const share = (world: World, original: Json): BasisPoints | string => {
    const current = router.current(read(world), target, original);
    return current.ok ? current.value.canary : current.problem;
  };
  const start = (world: World) => ({ original: router.original(read(world), target), world: claim(world) });
  return { read, claim, planned, set, back, restore, share, start };
};

/** Takes marks off, as the end of a rollout does. */
export const unmark = (world: World, written: readonly ObjectRef[], keys: readonly string[]): World =>
  written.reduce((now, ref) => {
    const object = objectAt(now, ref);
    const field = markField(object.kind);
    const rest = Object.entries(object.metadata[field] ?? {}).filter(([key]) => !keys.includes(key));
    return write(now, ref, { ...object, metadata: { ...object.metadata, [field]: Object.fromEntries(rest) } });
  }, world);

export const specs = (world: World, refs: readonly ObjectRef[]): unknown =>
  refs.map((ref) => objectAt(world, ref)['spec']);
