import type { Evidence } from './evidence.ts';
import type { Tally } from './tally.ts';
import type { Arm, Ms } from './units.ts';

/** Verdict of one metric on what it saw in a step. `pending`: too little to say. `held`: suspicious, the weight stands. */
export interface MetricVerdict {
  readonly kind: 'pass' | 'pending' | 'held' | 'failed' | 'ignored';
  /** Likelihood ratio against the canary where the test has one. */
  readonly odds: number | null;
  /** One sentence with the measured numbers. */
  readonly explanation: string;
}

/** What is counted against one limit: failures, or requests slower than a bound. */
export interface Stream {
  /** In the histogram's unit; null: failures. */
  readonly bound: number | null;
  /** Increments that wait for the other arm: both count over the same time. null: this arm brought none yet. */
  readonly pending: Readonly<Record<Arm, Tally | null>>;
  /** Of the whole rollout. */
  readonly total: Readonly<Record<Arm, Tally>>;
  readonly evidence: Evidence;
}

/** A counter went down, and it is not known yet whether its pod began anew. */
export interface Doubt {
  readonly arm: Arm;
  readonly pod: string;
  readonly since: Ms;
}

export interface MetricState {
  readonly name: string;
  readonly nextAt: Ms;
  /** Judged on evidence: one for failures, one for each bound of a latency. Measured: []. */
  readonly streams: readonly Stream[];
  /** Failures by canary pod, of the pods that had any. At most 50. */
  readonly failuresByPod: Readonly<Record<string, number>>;
  readonly doubts: readonly Doubt[];
  /** Evidence is about this arm. */
  readonly subject: Arm;
  /** Dry run: when it first would have rolled the release back, and why. */
  readonly wouldHave: { readonly at: Ms; readonly step: number; readonly explanation: string } | null;
  /** Counted: increments in this step and in the whole rollout. */
  readonly step: Readonly<Record<Arm, Tally>>;
  readonly total: Readonly<Record<Arm, Tally>>;
  /** Counted: requests between points that both lie after the weight was verified, and how many scrapes that covers. */
  readonly share: Readonly<Record<Arm, number>>;
  readonly shareScrapes: number;
  /** Counted: scrapes in a row that saw no request on any canary pod, after the weight was verified. */
  readonly quietScrapes: number;
  /** When the last usable answer came. */
  readonly sampledAt: Ms | null;
  /** Measured: the last values, how many measurements this step had, and how many failed. */
  readonly value: Readonly<Record<Arm, number | null>>;
  readonly measurements: number;
  readonly failed: number;
  /** Measured: failed measurements of the whole rollout. */
  readonly failedInAll: number;
  /** Since when the canary has no usable data; null while it has. */
  readonly noDataSince: Ms | null;
  readonly noDataWhy: string | null;
  readonly verdict: MetricVerdict;
  /** The last point taken of each series, by arm, side and series id. Not saved: after a resume the first sample is dropped again. */
  readonly cursors: Readonly<Record<string, readonly [at: Ms, value: number]>>;
  /** What tells that a pod's containers began anew, as it was when its counters were taken last; by arm and pod. Not saved either. */
  readonly lives: Readonly<Record<string, string>>;
}
