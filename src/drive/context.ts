import type { Entry } from '../core/journal.ts';
import type { Guard } from '../core/marks.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { MetricSource } from '../ports/metric-source.ts';
import type { Store } from '../ports/store.ts';
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
