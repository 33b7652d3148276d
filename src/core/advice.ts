import { type Cost, costOfTotalFailure, type Outlook, type Scene, type Sight, sightsIn } from './power.ts';
import type { BasisPoints, Ms } from './units.ts';

/** What would see more, or cost less, than the plan as it is. */
export type Advice =
  /** Another first weight: what a total failure costs now, and would. */
  | { readonly kind: 'first-weight'; readonly weight: BasisPoints; readonly now: Cost; readonly better: Cost }
  /** Every interval so many times as long: the smallest regression that 9 of 10 times is seen, now (null: none) and better. */
  | {
      readonly kind: 'interval';
      readonly times: number;
      readonly firstMs: Ms;
      readonly now: number | null;
      readonly better: number;
    }
  /** No interval of reasonable length would show so much as this. */
  | { readonly kind: 'little-traffic'; readonly worse: number }
  /** Counters that are read every second, from the pods themselves. */
  | { readonly kind: 'sooner'; readonly now: Cost; readonly better: Cost };

export interface Bounds {
  /** The smallest weight that the router can express; null: it splits pods, not requests. */
  readonly granularity: BasisPoints | null;
  readonly timeoutMs: Ms;
}

/** Canary requests that one look should have, so that a bad release is seen by the first, and the weights that are sensible. */
const REQUESTS_A_LOOK = 20;
const LEAST_FIRST: BasisPoints = 100;
const MOST_FIRST: BasisPoints = 500;
const HALF_A_PERCENT: BasisPoints = 50;
/** What is not at least this many requests is not worth a change. */
const WORTH_REQUESTS = 10;
const TIMES = [1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60];
/** Nobody waits longer for a release because a table says so. */
const LONGEST_MS: Ms = 2 * 3_600_000;
const SECOND: Ms = 1_000;

export const adviceOn = (outlook: Outlook, scene: Scene, bounds: Bounds): readonly Advice[] =>
  [firstWeight(outlook, scene, bounds), interval(outlook, scene, bounds), sooner(outlook, scene)].filter(
    (one) => one !== null,
  );

const firstWeight = (outlook: Outlook, scene: Scene, { granularity }: Bounds): Advice | null => {
  const [first, second] = scene.steps;
  if (granularity === null || first === undefined) return null;
  const perLook = (outlook.requestsPerSecond * scene.sampleMs) / 1000;
  const share = Math.min(MOST_FIRST, Math.max(LEAST_FIRST, (10_000 * REQUESTS_A_LOOK) / perLook));
  const unit = Math.max(granularity, HALF_A_PERCENT);
  const weight = Math.ceil(share / unit) * unit;
  if (weight >= (second?.share ?? 1) * 10_000) return null;
  const [now, better] = [
    costOfTotalFailure(outlook, scene),
    costOfTotalFailure(outlook, {
      ...scene,
      steps: [{ ...first, share: weight / 10_000 }, ...scene.steps.slice(1)],
    }),
  ];
  return now !== null && better !== null && isWorth(now, better) ? { kind: 'first-weight', weight, now, better } : null;
};

const isWorth = (now: Cost, better: Cost): boolean =>
  better.requests <= now.requests / 2 && now.requests - better.requests >= WORTH_REQUESTS;

/** Twice as many failures should be seen; where that takes too long, five times as many. */
const interval = (outlook: Outlook, scene: Scene, { timeoutMs }: Bounds): Advice | null => {
  const [first] = scene.steps;
  if (first === undefined || outlook.rates.every(({ failureRatio }) => failureRatio === 0)) return null;
  const now = smallestSure(sightsIn(outlook, scene, 0, scene.steps.length - 1));
  const whole = scene.steps.reduce((sum, { ms }) => sum + ms, 0);
  const possible = TIMES.filter((times) => whole * times <= Math.min(timeoutMs / 2, LONGEST_MS));
  for (const goal of [2, 5]) {
    if (now !== null && now <= goal) return null;
    for (const times of possible) {
      const steps = scene.steps.map((step) => ({ ...step, ms: step.ms * times }));
      const better = smallestSure(sightsIn(outlook, { ...scene, steps }, 0, steps.length - 1));
      if (better !== null && better <= goal) return { kind: 'interval', times, firstMs: first.ms * times, now, better };
    }
  }
  return { kind: 'little-traffic', worse: 5 };
};

const smallestSure = (sights: readonly Sight[]): number | null => {
  const found = sights.find(({ isSure, ms }) => isSure && ms !== null)?.worse ?? null;
  return found === 'all' ? null : found;
};

const sooner = (outlook: Outlook, scene: Scene): Advice | null => {
  if (scene.scrapeMs < 5 * SECOND) return null;
  const [now, better] = [
    costOfTotalFailure(outlook, scene),
    costOfTotalFailure(outlook, { ...scene, sampleMs: SECOND, scrapeMs: SECOND }),
  ];
  return now !== null && better !== null && isWorth(now, better) ? { kind: 'sooner', now, better } : null;
};
