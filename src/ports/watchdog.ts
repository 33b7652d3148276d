import type { Guard } from '../core/marks.ts';
import type { ObjectRef, Permission, Request, Seen } from '../core/objects.ts';
import type { Plan, Target } from '../core/plan.ts';

/** What a watchdog is to do when the runner falls silent, as the adapters planned it at the time it is started. */
export interface WatchdogOrders {
  readonly plan: Plan;
  readonly guard: Guard;
  /** `TrafficRouter.returns`: JSON Patches that test the way-back mark. */
  readonly returns: readonly Request[];
  /** The canary Service's selector, a JSON Patch that tests the Service's own mark. null: there is none. */
  readonly lastResort: Request | null;
}

export type WatchdogHealth =
  | { readonly kind: 'absent' }
  /** It sees the Lease. */
  | { readonly kind: 'alive' }
  /** It was made, but does not see the Lease: not started yet, or it cannot. */
  | { readonly kind: 'unready' }
  /** It will not come back by itself. */
  | { readonly kind: 'dead'; readonly reason: string };

/**
 * The dead man's switch: a Job in the cluster that returns the traffic when nobody has renewed the Lease for a while.
 * Pure: it turns objects into requests and statements.
 */
export interface Watchdog {
  /** Rights of the runner, in the rollout's namespace; those of the Job itself are in `role`. */
  readonly permissions: readonly Permission[];
  /** The Job: `<deployment>-canary-watchdog`. */
  ref(target: Target): ObjectRef;
  /** Everything the methods below need to have been read: the Job and the state's ConfigMap. */
  reads(target: Target): readonly ObjectRef[];
  /** Creates it, whatever is there. `stateUid`: of the ConfigMap, which owns it. [] where no watchdog is asked for, by the plan and by this job. */
  creation(orders: WatchdogOrders, stateUid: string): readonly Request[];
  /** Requests after which it runs, replacing a dead one or an earlier rollout's; [] when it runs, when there is no state to watch, and when none is asked for. */
  start(seen: Seen, orders: WatchdogOrders): readonly Request[];
  /** Requests that remove it, with preconditions; [] when it is gone. */
  remove(seen: Seen, target: Target): readonly Request[];
  /** What the Job's status says. A Job that an earlier rollout left is `absent`. */
  health(seen: Seen, target: Target): WatchdogHealth;
  /** What the user gives its service account: Role and RoleBinding as YAML. null where no watchdog is asked for. */
  role(plan: Plan): string | null;
}
