import type { Rollout } from './rollout.ts';
import type { Ms } from './units.ts';

/** Scrapes without a request on the canary before its path counts as empty. */
const EMPTY_SCRAPES = 2;

/**
 * Whether the canary's path is empty (V4): null when it is, else what is waited for. Seen in a counted metric, two
 * scrapes without a request; where nothing counts, the path is left alone for `drain`, at least the settle time.
 */
export const isDrained = (rollout: Rollout, now: Ms): string | null => {
  const { timings } = rollout.plan;
  const patience = Math.max(timings.drainMs, timings.settleMs);
  if (now - rollout.stage.since >= patience) return null;
  if (rollout.plan.abilities.unit === 'pods')
    return rollout.observation?.canary?.ready === 0 ? null : 'the canary pods to end';
  const seen = rollout.metrics.find((metric) => isCounted(rollout, metric.name) && metric.sampledAt !== null);
  if (seen !== undefined && seen.noDataSince === null && seen.quietScrapes >= EMPTY_SCRAPES) return null;
  return 'the old path to be empty';
};

/** Whether the drain was seen rather than waited for. */
export const drainWasSeen = (rollout: Rollout, now: Ms): boolean => {
  const patience = Math.max(rollout.plan.timings.drainMs, rollout.plan.timings.settleMs);
  return now - rollout.stage.since < patience && isDrained(rollout, now) === null;
};

const isCounted = (rollout: Rollout, name: string): boolean =>
  rollout.plan.metrics.some((spec) => spec.name === name && spec.kind !== 'measured');
