import type { Entry } from '../core/journal.ts';
import { type Guard, guardOf } from '../core/marks.ts';
import type { Plan } from '../core/plan.ts';
import type { Rollout } from '../core/rollout.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Hazard } from '../ports/hazard.ts';
import type { MetricSource } from '../ports/metric-source.ts';
import type { Preset } from '../ports/preset.ts';
import type { Holder, Store } from '../ports/store.ts';
import type { TrafficRouter } from '../ports/traffic-router.ts';
import type { Watchdog } from '../ports/watchdog.ts';
import type { Workload } from '../ports/workload.ts';

/** Everything the loop reaches the world through. */
export interface DriveContext {
  readonly cluster: Cluster;
  readonly store: Store;
  readonly router: TrafficRouter;
  readonly workload: Workload;
  /** null: no adapter; the plan says whether one is asked for. */
  readonly watchdog: Watchdog | null;
  /** null when the plan has no metrics. */
  readonly source: MetricSource | null;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly log: (entry: Entry) => void;
  /** Fires when a person or the runner cancels: the way back is sent at once. */
  readonly cancelled: AbortSignal;
}

/** What a job has to work with, whichever rollout it drives. It knows neither GitHub nor a client library. */
export interface Means {
  readonly holder: Holder;
  readonly cluster: Cluster;
  readonly routers: readonly TrafficRouter[];
  readonly workload: Workload;
  readonly hazards: readonly Hazard[];
  /** The dead man's switch; null: there is none to be had. */
  readonly watchdog: Watchdog | null;
  readonly source: MetricSource | null;
  readonly presets: readonly Preset[];
  readonly clock: Clock;
  readonly cancelled: AbortSignal;
  readonly log: (entry: Entry) => void;
  /** Called when the lock is taken: from here on a post step has something to do. */
  readonly locked: (target: { readonly namespace: string; readonly deployment: string }) => void;
  /** A snapshot after each step and turn. */
  readonly progress: (rollout: Rollout) => void;
}

/** `token`: of the lock, as it was taken. */
export const contextOf = (
  means: Means,
  store: Store,
  plan: Plan,
  router: TrafficRouter,
  token: string,
): DriveContext => ({
  cluster: means.cluster,
  store,
  router,
  workload: means.workload,
  watchdog: means.watchdog,
  source: means.source,
  clock: means.clock,
  guard: guardOf(plan.target.namespace, plan.target.deployment, token, plan.target.rolloutId),
  log: means.log,
  cancelled: means.cancelled,
});
