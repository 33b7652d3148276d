import type { Guard } from '../core/marks.ts';
import type { KubeObject, ObjectRef, Permission, ReadRef, Request, ResourceKind, Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import type { Abilities, Traffic, Verification } from '../core/traffic.ts';
import type { Json, Ms, Result } from '../core/units.ts';

/** A kind of route that an adapter knows, and the words a user may write for it before the slash. */
export interface RouteKind extends ResourceKind {
  /** Lower case, the first one is shown: `httproute`, `httproutes`. */
  readonly aliases: readonly string[];
  /** Versions it can work with, best first; the first that the cluster serves is used. */
  readonly versions: readonly string[];
}

/**
 * Knows one family of objects that split traffic. Pure: it turns objects into requests and statements; `drive` alone
 * reads and sends. Every request is a guarded patch of owned fields only and can be repeated safely.
 */
export interface TrafficRouter {
  readonly name: string;
  /** One line for tables: what it is. */
  readonly title: string;
  readonly kinds: readonly RouteKind[];
  readonly abilities: Abilities;
  /** Rights in the rollout's namespace. */
  readonly permissions: readonly Permission[];
  /** Which of these objects send traffic to the Service. `objects` are all of the adapter's kinds in the namespace. */
  candidates(
    objects: readonly KubeObject[],
    service: { readonly namespace: string; readonly name: string },
  ): readonly ObjectRef[];
  /** Everything the other methods need to have been read. */
  reads(target: Target): readonly ReadRef[];
  /**
   * Whether the routes have a form it can work with: before the first write, and after a foreign change. With `original`,
   * rules that were added since are told from rules that lost our entry.
   */
  check(seen: Seen, target: Target, original?: Json): readonly Finding[];
  /** The owned fields as they are before the first write, in a form of its own, for `plan` and `restore`. Saved with the state. */
  original(seen: Seen, target: Target): Json;
  /** What the routes do now. A missing or foreign-changed entry of ours is a problem in words; weights of ours that disagree between rules are one too. With `original`, rules that were added since do not count. */
  current(seen: Seen, target: Target, original?: Json): Result<Traffic, string>;
  /** Requests that make it so; [] when it is so already. One patch per object with both weights. Guarded by uid, generation, names and the holder mark. */
  plan(seen: Seen, target: Target, want: Traffic, guard: Guard, original: Json): Result<readonly Request[], string>;
  /** Requests that return all traffic to stable, with the entry kept: guarded by the way-back mark and names, not by generation. [] when it is so already. */
  wayBack(seen: Seen, target: Target, guard: Guard, original: Json): readonly Request[];
  /**
   * The way back as somebody else may have to send it later, whatever the weight is then: guarded like `wayBack`, and there
   * even when nothing has to be returned yet. One per object that has an entry of ours.
   */
  returns(seen: Seen, target: Target, guard: Guard): readonly Request[];
  /** Requests that remove what is ours and put the owned fields back. Guarded by names and the holder mark. [] when it is so already. */
  restore(seen: Seen, target: Target, original: Json, guard: Guard): readonly Request[];
  /** How surely `want` is in force, up to the router's highest rung without traffic. `pending` before the controller's status has moved. */
  verify(seen: Seen, target: Target, want: Traffic, original?: Json): Verification;
  /** How long after a write the data plane of these routes may need, where their status names the implementation. Absent: `abilities.settleMs`. */
  settleMs?(seen: Seen, target: Target): Ms;
  /** The fields that `plan` writes, for the preview: `spec.rules[0].backendRefs[].weight`. By `refKey`. */
  fields(seen: Seen, target: Target): Readonly<Record<string, readonly string[]>>;
}
