import type { Foresight, Known, MetricForesight } from '../core/foresight.ts';
import type { Worse } from '../core/power.ts';

/** What a plan foretells, in the `result` of `plan`. Users parse it. */
export interface ResultForesight {
  /** null: it could not be replayed. */
  readonly placebo: { readonly releases: number; readonly rolledBack: number; readonly held: number } | null;
  /** Those with a past. */
  readonly metrics: readonly {
    readonly name: string;
    readonly dryRun: boolean;
    readonly phi: number;
    readonly tolerance: number;
    readonly requestsPerSecond: number;
    /** 0 to 1; of a latency, of its first bound. */
    readonly failureRatio: number;
    /** The smallest regression that 9 of 10 times is seen before the plan ends; null: none is. */
    readonly seen: { readonly worse: Worse; readonly seconds: number } | null;
    /** What a release that fails every request costs; null: it is not seen. */
    readonly totalFailure: { readonly requests: number; readonly seconds: number } | null;
  }[];
}

export const resultForesight = (foresight: Foresight | null): ResultForesight | null => {
  if (foresight === null) return null;
  const { placebo, metrics } = foresight;
  return {
    placebo:
      placebo?.kind === 'replayed'
        ? { releases: placebo.releases, rolledBack: placebo.rolledBack, held: placebo.held }
        : null,
    metrics: metrics.filter((one) => one.kind === 'known').map(metricPart),
  };
};

const metricPart = (metric: MetricForesight & Known): ResultForesight['metrics'][number] => {
  const { name, dryRun, phi, tolerance, requestsPerSecond, rates, whole, cost } = metric;
  const seen = whole.find(({ isSure, ms }) => isSure && ms !== null);
  return {
    name,
    dryRun,
    phi,
    tolerance,
    requestsPerSecond,
    failureRatio: rates[0]?.failureRatio ?? 0,
    seen: seen === undefined ? null : { worse: seen.worse, seconds: (seen.ms ?? 0) / 1000 },
    totalFailure: cost === null ? null : { requests: Math.round(cost.requests), seconds: cost.ms / 1000 },
  };
};
