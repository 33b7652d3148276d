import type { BasisPoints, Ms } from './units.ts';

/** What the user wrote, checked and with defaults. Everything that needs the cluster to be known is still open. */
export interface Spec {
  readonly command: 'run' | 'plan';
  /** In the order given. `container` null: the Deployment must have exactly one. */
  readonly images: readonly ImageChange[];
  readonly deployment: string;
  /** null: the namespace of the context. */
  readonly namespace: string | null;
  /** null: found by the pods' labels. */
  readonly service: string | null;
  /** null: found when exactly one object routes to the Service. */
  readonly route: RouteChoice | null;
  /** At least one, weights rising. */
  readonly steps: readonly Step[];
  readonly metrics: readonly MetricSpec[];
  /** null only when there are no metrics. */
  readonly prometheus: PrometheusSpec | null;
  readonly timeoutMs: Ms;
  readonly readyTimeoutMs: Ms;
  readonly drainMs: Ms;
  readonly noDataTimeoutMs: Ms;
  readonly podLogs: 'summary' | 'comment' | 'off' | 'auto';
  readonly failOnRollback: boolean;
}

export interface ImageChange {
  readonly container: string | null;
  readonly image: string;
}

export type RouteChoice =
  | { readonly kind: 'replicas' }
  /** `KIND/NAME` as written, the kind in lower case: `httproute/checkout`. */
  | { readonly kind: 'objects'; readonly routes: readonly { readonly kind: string; readonly name: string }[] };

export interface Step {
  readonly weight: BasisPoints;
  readonly intervalMs: Ms;
}

export type MetricSpec = CountedSpec | MeasuredSpec;

interface CommonMetric {
  readonly name: string;
  readonly onNoData: 'wait' | 'fail' | 'ignore';
  /** Judged and reported, but never decides. */
  readonly dryRun: boolean;
}

/** Two selectors of cumulative counters, with placeholders. */
export interface CountedSpec extends CommonMetric {
  readonly kind: 'counted';
  readonly requests: string;
  readonly failures: string;
}

/** A PromQL expression, with placeholders, that gives one number. At least one limit is set. */
export interface MeasuredSpec extends CommonMetric {
  readonly kind: 'measured';
  readonly query: string;
  readonly min: number | null;
  readonly max: number | null;
  /** 0.2 is "20 % above stable". */
  readonly maxIncrease: number | null;
  readonly unit: string | null;
  /** Failed measurements tolerated in a step. */
  readonly failureLimit: number;
  readonly everyMs: Ms;
}

export interface PrometheusSpec {
  readonly address:
    | { readonly kind: 'url'; readonly url: string }
    /** GET through the API server's service proxy. `scheme` null: http. */
    | { readonly kind: 'service'; readonly namespace: string; readonly name: string; readonly port: string };
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** PEM */
  readonly ca: string | null;
}

/** The placeholders of queries, without their braces. `config` checks them, `metrics` fills them in. */
export const PLACEHOLDERS = ['namespace', 'deployment', 'service', 'route', 'arm', 'pods', 'window'] as const;
export type Placeholder = (typeof PLACEHOLDERS)[number];
