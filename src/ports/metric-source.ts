import type { Finding } from '../core/reason.ts';
import type { BoundQuery, Sample } from '../core/sample.ts';
import type { Ms } from '../core/units.ts';

/** Answers queries; never judges. Secrets never appear in findings, samples or logs. */
export interface MetricSource {
  /** Asks each query once, bound to stable. Unreachable, credentials refused, no such metric, several series and PromQL errors (with position) are different findings. */
  check(queries: readonly BoundQuery[], signal: AbortSignal): Promise<SourceCheck>;
  /**
   * A whole tick: both arms at one instant `to`. Counted: raw points since `from`. Measured: one value.
   * Never rejects: what went wrong is a sample of kind `no-data` or `error`.
   */
  sample(queries: readonly BoundQuery[], from: Ms, to: Ms, signal: AbortSignal): Promise<readonly Sample[]>;
  /**
   * Raw points of counted and latency queries over a time before the rollout, as far as the source keeps any; a source
   * without a memory answers `no-data`. Queries of other kinds get none. Never rejects.
   */
  history(queries: readonly BoundQuery[], from: Ms, to: Ms, signal: AbortSignal): Promise<readonly Sample[]>;
}

export interface SourceCheck {
  readonly findings: readonly Finding[];
  /** Time between two raw samples of stable's series, read from their timestamps; null when it could not be seen. */
  readonly scrapeIntervalMs: Ms | null;
  /** Where some counters come faster than `scrapeIntervalMs`, for which the slowest of several sources counts: how fast. */
  readonly counterIntervalMs?: Ms;
  /** How often it may be asked for counters. */
  readonly paceMs: Ms;
}
