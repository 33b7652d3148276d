import type { CommandName } from './command.ts';
import type { BasisPoints, Json, Ms } from './units.ts';

/** What the user wrote, checked and with defaults. Everything that needs the cluster to be known is still open. */
export interface Spec {
  readonly command: 'run' | 'plan' | 'rollback';
  /** In the order given. Empty for `rollback`: what stable ran before. `container` null: the Deployment must have exactly one. */
  readonly images: readonly ImageChange[];
  /** The new version as a whole template, instead of images; null: none. */
  readonly manifest: Manifest | null;
  readonly deployment: string;
  /** An existing Deployment to be the canary; null: it is made. */
  readonly canaryDeployment: string | null;
  /** null: the namespace of the context. */
  readonly namespace: string | null;
  /** null: found by the pods' labels. */
  readonly service: string | null;
  /** null: found when exactly one object routes to the Service. */
  readonly route: RouteChoice | null;
  /** At least one, weights rising. */
  readonly steps: readonly Step[];
  readonly metrics: readonly AskedMetric[];
  readonly sources: SourcesSpec;
  readonly judgement: JudgementSpec;
  readonly timeoutMs: Ms;
  readonly readyTimeoutMs: Ms;
  readonly drainMs: Ms;
  readonly noDataTimeoutMs: Ms;
  readonly podLogs: 'summary' | 'comment' | 'off' | 'auto';
  readonly failOnRollback: boolean;
  /** How long another rollout of the Deployment is waited for. */
  readonly lockWaitMs: Ms;
  /** What becomes of a rollout of the same images whose runner died. */
  readonly onExpired: 'resume' | 'rollback';
  readonly conduct: Conduct;
  /** null: none. */
  readonly watchdog: WatchdogSpec | null;
  readonly surroundings: SurroundingsSpec;
}

/** What the release is told about the cluster around it. */
export interface SurroundingsSpec {
  /** Hazards that are warned of instead of refused, as `Finding.allow` names them. */
  readonly allow: readonly string[];
  /** Kinds of which the canary gets copies. */
  readonly copy: readonly CopiedKind[];
  /** `last-step`: stable is updated in place while the canary has the last weight. */
  readonly promoteAt: 'all-traffic' | 'last-step';
}

/** Kinds that can be copied for the canary. */
export const COPIED_KINDS = ['NetworkPolicy', 'PodDisruptionBudget', 'ServiceMonitor', 'PodMonitor'] as const;
export type CopiedKind = (typeof COPIED_KINDS)[number];

/** The new version as a file of the workspace. */
export interface Manifest {
  /** Path in the workspace, for messages. */
  readonly file: string;
  /** The Deployment as it stands there, with `image` put in. */
  readonly deployment: { readonly [member: string]: Json };
  /** null: the file does not say. */
  readonly namespace: string | null;
  /** Where the parts of the Deployment stand that the cluster may object to. */
  readonly places: Readonly<Record<'deployment' | 'namespace' | 'selector' | 'template', FilePlace>>;
  /** Everything else that the file has, which is not released. */
  readonly others: readonly ManifestObject[];
}

/** Both from 1. */
export interface FilePlace {
  readonly line: number;
  readonly column: number;
}

export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly line: number;
  /** The parts that can be compared with the cluster, of a ConfigMap or a Service; null: of all others. */
  readonly content: { readonly [member: string]: Json } | null;
}

/** What a rollout does where a person, or nobody, is in charge. */
export interface Conduct {
  /** Where the job ends on purpose, as `paused`; null: it goes through. */
  readonly until: Until | null;
  /** How long the rollout may be paused, in a run or between two. */
  readonly holdMs: Ms;
  readonly onCancel: 'rollback' | 'keep';
  readonly approval: ApprovalSpec;
}

export type Until = { readonly kind: 'weight'; readonly weight: BasisPoints } | { readonly kind: 'promotion' };

export interface ApprovalSpec {
  /** Logins, lower case. Empty: whoever may send commands. */
  readonly approvers: readonly string[];
  /** Whether who started the rollout may approve. */
  readonly selfApproval: boolean;
  readonly timeoutMs: Ms;
}

/** A Job in the cluster that returns the traffic when the runner has been silent for `afterMs`. */
export interface WatchdogSpec {
  /** With kubectl and a shell, pinned by digest. */
  readonly image: string;
  readonly serviceAccount: string;
  readonly afterMs: Ms;
}

/** A command on rollouts that are open, as the user wrote it. */
export interface ControlSpec {
  readonly command: CommandName | 'status' | 'sweep';
  /** null (`status`, `sweep`): every rollout of the namespace. */
  readonly deployment: string | null;
  /** null: that of the context. `*` (`status`, `sweep`): all. */
  readonly namespace: string | null;
  /** What a rollout that this command has to drive itself is judged by. */
  readonly sources: SourcesSpec;
  /** `resume`: where the job ends again; null: it goes through. */
  readonly until: Until | null;
  readonly podLogs: Spec['podLogs'];
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
  /** Its weight is held, and judged, until somebody approves. */
  readonly approval: boolean;
}

export type MetricSpec = CountedSpec | LatencySpec | MeasuredSpec;

/** What may stand in `metrics`; presets become metrics when the cluster and the store are known. */
export type AskedMetric = MetricSpec | PresetSpec;

interface CommonMetric {
  readonly name: string;
  readonly onNoData: 'wait' | 'fail' | 'ignore';
  /** Judged and reported, but never decides. */
  readonly dryRun: boolean;
  /** Labels by which the same series differ when several stores scrape the same pods. */
  readonly replicaLabels: readonly string[];
}

/** What is judged on evidence: requests of which some fail, or are too slow. Ratios from 0 to 1. */
interface EvidenceLimits {
  /** Above this failure ratio it is rolled back, where it is worse than stable too; while both are above it, the weight stands. */
  readonly ceiling: number | null;
  /** Below this failure ratio nothing is rolled back. */
  readonly floor: number | null;
  /** Where the ceiling comes from: `burnRate` times what the objective (0.999) lets fail. */
  readonly slo: { readonly objective: number; readonly burnRate: number } | null;
}

/** Two selectors of cumulative counters, with placeholders. */
export interface CountedSpec extends CommonMetric, EvidenceLimits {
  readonly kind: 'counted';
  readonly requests: string;
  readonly failures: string;
}

/** A selector of the `_bucket` series of a classic histogram, with placeholders. Requests above a bound count as failures. */
export interface LatencySpec extends CommonMetric, EvidenceLimits {
  readonly kind: 'latency';
  readonly histogram: string;
  /** One of the histogram's own bounds, in its unit; null: those that tell something by stable's history. */
  readonly bound: number | null;
  readonly unit: string | null;
}

/** `auto` or the name of a preset; becomes its metrics, each named `NAME: …`. */
export interface PresetSpec extends CommonMetric, EvidenceLimits {
  readonly kind: 'preset';
  readonly preset: string;
  /** For the preset's latency, in its histogram's unit. */
  readonly bound: number | null;
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
  /** Failed measurements of the whole rollout at which it is rolled back; the weight stands while one fails. null: off. */
  readonly failedChecks: number | null;
  readonly everyMs: Ms;
}

/** Where metrics come from. All null only when there are no metrics. */
export interface SourcesSpec {
  readonly prometheus: PrometheusSpec | null;
  /** The pods' own metrics. */
  readonly scrape: ScrapeSpec | null;
  /** The metrics of the router's pods: those behind a Service. */
  readonly scrapeRouter: RouterScrapeSpec | null;
}

export type ScrapeSpec =
  /** By the usual annotations `prometheus.io/port`, `prometheus.io/path` and `prometheus.io/scheme`. */
  | { readonly kind: 'auto' }
  /** A number, or the name of a container port. */
  | { readonly kind: 'port'; readonly port: string; readonly path: string };

export interface RouterScrapeSpec {
  readonly namespace: string;
  readonly service: string;
  /** A number, or the name of a container port of its pods. */
  readonly port: string;
  readonly path: string;
}

/** How evidence becomes a verdict. */
export interface JudgementSpec {
  readonly odds: 'strict' | 'balanced' | 'fast';
  /** How many times worse the canary must be excluded to be, before it is promoted; null: no such gate. */
  readonly requireEvidence: number | null;
  /** What a pod counts in this time after it was first seen is not judged. */
  readonly ignoreFirstMs: Ms;
  /** Canary requests that a step needs. */
  readonly minRequests: number;
  readonly mode: 'decide' | 'dry-run';
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
