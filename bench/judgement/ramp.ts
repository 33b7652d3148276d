/** The default plan; every decider goes through it. Weights from 0 to 1. */
export const WEIGHTS = [0.05, 0.1, 0.2, 0.5, 0.8] as const;
export const INTERVAL = 60;

/** How one simulated release ended. */
export interface Ending {
  readonly rolledBack: boolean;
  /** Seconds from the first canary request. */
  readonly seconds: number;
  /** Canary requests that failed until then. */
  readonly harmed: number;
  /** Rolled back at the first look. */
  readonly atOnce: boolean;
  /** A step stood still at least once because the release was suspected. */
  readonly held: boolean;
}

export const weightOf = (step: number): number => WEIGHTS[step] ?? 0;

/** Canary requests that the whole plan brings, for each request per second of both versions. */
export const OFFERED = WEIGHTS.reduce((sum, weight) => sum + weight * INTERVAL, 0);
