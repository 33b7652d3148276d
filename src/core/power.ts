import { addTick, type Evidence, frozenLimit, NO_EVIDENCE } from './evidence.ts';
import { type EvidenceSpec, judge, settingsOf } from './judgement.ts';
import type { Calibration, PlannedJudgement } from './plan.ts';
import type { Tally } from './rollout.ts';
import type { Ms } from './units.ts';

/** A metric and what stable's traffic is like. */
export interface Outlook {
  readonly spec: EvidenceSpec;
  readonly calibration: Calibration;
  /** Of both arms together. */
  readonly requestsPerSecond: number;
  /** What stable fails, 0 to 1: of a latency at each bound. */
  readonly rates: readonly { readonly bound: number | null; readonly failureRatio: number }[];
}

export interface Scene {
  /** `share`: the canary's part of all requests, 0 to 1. */
  readonly steps: readonly { readonly share: number; readonly ms: Ms }[];
  readonly judgement: PlannedJudgement;
  /** Time between two samples, and between two scrapes. */
  readonly sampleMs: Ms;
  readonly scrapeMs: Ms;
}

/** How much worse: times as many failures, or every request fails. */
export type Worse = number | 'all';

/** When a regression is seen. */
export interface Sight {
  readonly worse: Worse;
  /** From its first request on, by half of the releases that have it; null: by less than half in the time there is. */
  readonly ms: Ms | null;
  /** 9 of 10 are seen in the time there is. */
  readonly isSure: boolean;
}

export const REGRESSIONS: readonly Worse[] = [1.3, 1.5, 2, 3, 5, 10, 'all'];

/** 9 of 10 are luckier than this many standard deviations. */
const UNLUCKY = 1.28;
const RESOLUTION_MS: Ms = 100;

/**
 * Regressions that are there from step `first` on, seen up to the end of step `last`.
 *
 * The expected counts of both arms, as fractions, go through the judge itself. Each log-likelihood ratio of the mixture
 * then grows by its expected drift: per second, of R requests with a share w for the canary and a failure ratio p of
 * stable, k = R w p r failures fall on the canary and m = R (1-w) p on stable, and hypothesis j gains
 * [k ln(r_j) + (k+m) (ln(d w + 1-w) - ln(d r_j w + 1-w))] / phi. Where the mixture of these passes the limit, with three
 * failures, half of the real walks have. Steps before `first` had no regression. The sum of exponentials is convex in
 * time: it passes the limit once, which a bisection finds. For 9 of 10 the canary's failures are taken as 1.28 standard
 * deviations sqrt(phi k (1-p)) fewer.
 */
export const sightsIn = (outlook: Outlook, scene: Scene, first: number, last: number): readonly Sight[] =>
  regressionsOf(outlook).map((worse) => ({
    worse,
    ms: seenAfter(outlook, scene, { worse, first, last, unlucky: 0 }, scene.scrapeMs / 2),
    isSure: seenAfter(outlook, scene, { worse, first, last, unlucky: UNLUCKY }, scene.scrapeMs / 2) !== null,
  }));

/** Where stable never failed, nothing is some times as much. */
const regressionsOf = ({ rates }: Outlook): readonly Worse[] => {
  const most = Math.max(0, ...rates.map(({ failureRatio }) => failureRatio));
  return REGRESSIONS.filter((worse) => worse === 'all' || (most > 0 && most * worse < 1));
};

/** What a release that fails every request costs, from the first request on. */
export interface Cost {
  readonly ms: Ms;
  readonly requests: number;
  /** When the scrape comes as late as it can. */
  readonly mostRequests: number;
}

/** null: the plan ends before it is seen. */
export const costOfTotalFailure = (outlook: Outlook, scene: Scene): Cost | null => {
  const course: Fault = { worse: 'all', first: 0, last: scene.steps.length - 1, unlucky: 0 };
  const ms = seenAfter(outlook, scene, course, scene.scrapeMs / 2);
  if (ms === null) return null;
  const most = seenAfter(outlook, scene, course, scene.scrapeMs) ?? ms;
  return {
    ms,
    requests: canaryRequests(outlook, scene, ms),
    mostRequests: canaryRequests(outlook, scene, most),
  };
};

const canaryRequests = ({ requestsPerSecond }: Outlook, { steps }: Scene, ms: Ms): number => {
  let left = ms;
  return steps.reduce((sum, step) => {
    const part = Math.min(left, step.ms);
    left -= part;
    return sum + (requestsPerSecond * step.share * part) / 1000;
  }, 0);
};

interface Fault {
  readonly worse: Worse;
  readonly first: number;
  readonly last: number;
  readonly unlucky: number;
}

/** Data is `lag` old when it is looked at, and looks are a sample apart. */
const seenAfter = (outlook: Outlook, scene: Scene, fault: Fault, lag: Ms): Ms | null => {
  const whole = scene.steps.slice(fault.first, fault.last + 1).reduce((sum, { ms }) => sum + ms, 0);
  const isSeen = (ms: Ms): boolean => isRolledBack(outlook, scene, fault, ms);
  if (!isSeen(whole)) return null;
  let [low, high] = [0, whole];
  while (high - low > RESOLUTION_MS) {
    const middle = (low + high) / 2;
    if (isSeen(middle)) high = middle;
    else low = middle;
  }
  const look = Math.ceil((high + lag) / scene.sampleMs) * scene.sampleMs;
  return look > whole ? null : look;
};

const isRolledBack = (outlook: Outlook, scene: Scene, fault: Fault, ms: Ms): boolean => {
  const { spec, calibration, rates } = outlook;
  const past = scene.steps.slice(0, fault.first).reduce((sum, step) => sum + step.ms, 0);
  const streams = rates.map(({ bound, failureRatio }) => ({
    bound,
    pending: { stable: null, canary: null },
    total: BOTH,
    evidence: expected(outlook, scene, fault, { bound, failureRatio }, past + ms),
  }));
  const [verdict] = judge([{ spec, state: { streams, step: BOTH, failuresByPod: {} } }], {
    judgement: { ...scene.judgement, metrics: { [spec.name]: calibration } },
    subject: 'canary',
    steps: scene.steps.length,
    isHeldLongEnough: false,
    isLast: false,
    canaryPods: 1,
  });
  return verdict?.kind === 'failed';
};

const NONE: Tally = { requests: 0, failures: 0 };
const BOTH = { stable: NONE, canary: NONE };

/** Evidence of the expected counts after `until`. One tick a step is enough: within a step nothing changes. */
const expected = (
  { spec, calibration, requestsPerSecond }: Outlook,
  scene: Scene,
  { worse, first, unlucky }: Fault,
  { bound, failureRatio }: Outlook['rates'][number],
  until: Ms,
): Evidence => {
  const settings = settingsOf(spec, calibration, scene.steps.length, bound);
  const bad = worse === 'all' ? 1 : Math.min(1, failureRatio * worse);
  const ticks = ticksOf(scene, requestsPerSecond, until);
  const faulty = ticks.slice(first).reduce((sum, { canary }) => sum + canary * bad, 0);
  const luck = faulty === 0 ? 1 : Math.max(0, 1 - unlucky * Math.sqrt((calibration.phi * (1 - bad)) / faulty));
  let reference = NONE;
  return ticks.reduce((evidence, { canary, stable }, step) => {
    const subject = { requests: canary, failures: canary * (step < first ? failureRatio : bad * luck) };
    const other = { requests: stable, failures: stable * failureRatio };
    reference = { requests: reference.requests + stable, failures: reference.failures + other.failures };
    const frozen = stable === 0 && canary > 0 ? frozenLimit(reference, calibration.phi) : null;
    return addTick(evidence, { step, subject, reference: other, frozen }, settings);
  }, NO_EVIDENCE);
};

const ticksOf = (
  { steps }: Scene,
  requestsPerSecond: number,
  until: Ms,
): readonly { readonly canary: number; readonly stable: number }[] => {
  let left = until;
  return steps.flatMap(({ share, ms }) => {
    const part = Math.min(left, ms);
    left -= part;
    const requests = (requestsPerSecond * part) / 1000;
    return part <= 0 ? [] : [{ canary: requests * share, stable: requests * (1 - share) }];
  });
};
