import type { ListRef, Permission, Seen } from '../core/objects.ts';
import type { Plan, Target } from '../core/plan.ts';
import type { Finding, ReasonCode } from '../core/reason.ts';
import type { Spec } from '../core/spec.ts';

/** What is known when hazards are looked for: everything is found, and nothing is written. */
export interface Situation {
  readonly spec: Spec;
  readonly target: Target;
  /** null: none could be made; what needs it is told next time. */
  readonly plan: Plan | null;
  /** What the router writes, by `refKey` of the route, as `TrafficRouter.fields` names it. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
}

/** What the table of hazards says of one. */
export interface HazardRow {
  /** As in `a NetworkPolicy that selects stable's pods, and not the canary's`. */
  readonly hazard: string;
  /** What the rollout does about it, as in `refuses before the first write`. */
  readonly handling: string;
  /** The `reason-code` of the refusal; null: it is handled or warned of. */
  readonly code: ReasonCode | null;
  /** What turns the refusal into a warning, or into work: "`allow: NetworkPolicy/NAME`"; null: nothing does. */
  readonly override: string | null;
}

/**
 * Something that is usually in a cluster, and in the way of a rollout. Pure, like a router. Its lists are read one by one: a
 * kind that is not served is an empty list, and one that may not be read is told as not checked and is no key of `seen.lists`.
 */
export interface Hazard {
  /** kebab-case; one word per hazard, as the e2e suite `clusters` names it too. */
  readonly name: string;
  readonly rows: readonly HazardRow[];
  /** Lists in the namespace, or with the namespace `''` of the whole cluster. Beside what workload and router read, which is `seen`. */
  readonly reads: (situation: Situation, seen: Seen) => readonly ListRef[];
  /** Lists that few may read: where one is no key of `seen.lists`, `find` tells it. */
  readonly optional?: (situation: Situation, seen: Seen) => readonly ListRef[];
  /** For the Role: all of them `optional`, because what cannot be read is told. */
  readonly permissions: readonly Permission[];
  /** Errors that may be allowed carry `allow`. `seen` has what was read for all checks, the router's and the workload's too. */
  readonly find: (situation: Situation, seen: Seen) => readonly Finding[];
}
