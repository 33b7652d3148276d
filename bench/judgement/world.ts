import type { Tally } from '../../src/core/rollout.ts';
import type { Sample, Series } from '../../src/core/sample.ts';
import type { Random } from './random.ts';

/** The users, the application and its troubles. Times in seconds, ratios from 0 to 1. */
export interface Scenario {
  /** Requests per second to both versions together. */
  readonly rate: number;
  /** Failure ratio of a good version. */
  readonly base: number;
  /** So many failures come at once, in one pod: a user who tries again, a broken connection. 1: each on its own. */
  readonly clump: number;
  /** At some time both versions fail eight times as often for a minute. */
  readonly incident: boolean;
  /** Pods differ by chance: standard deviation of the logarithm of their failure ratios. */
  readonly podSpread: number;
  /** Failure ratios of pods drift, each on its own: the same, with a correlation time of 30 s. */
  readonly drift: number;
  /** This part of the samples of each version is lost; the next one brings what it would have. */
  readonly loss: number;
}

export const CALM: Omit<Scenario, 'rate' | 'base'> = {
  clump: 1,
  incident: false,
  podSpread: 0,
  drift: 0,
  loss: 0,
};

export const STABLE_PODS = 10;
export const TICK = 5;
const HISTORY = 15 * 60;
const PLANNED = 5 * 60;
const DRIFT_TIME = 30;
const INCIDENT = { seconds: 60, times: 8 };

/** Stable's pods: how each differs from the mean, lasting from the history to the end. */
export type Pods = readonly number[];

export const drawPods = (count: number, { podSpread }: Scenario, random: Random): Pods =>
  Array.from({ length: count }, () =>
    podSpread === 0 ? 1 : Math.exp(podSpread * random.normal() - podSpread ** 2 / 2),
  );

/** Canary's size, as the action keeps it. */
export const canaryPods = (weight: number): number => Math.max(1, Math.ceil(weight * STABLE_PODS - 1e-9));

/** What happened in some seconds, by version. */
export interface Traffic {
  readonly canary: Tally;
  readonly stable: Tally;
}

export interface World {
  /** Lets time go by. `weight`: canary's part of the traffic, 0 to 1. */
  pass(seconds: number, weight: number): Traffic;
}

/** `canaryBase`: the failure ratio of the new version. */
export const createWorld = (scenario: Scenario, stable: Pods, canaryBase: number, random: Random): World => {
  const incidentAt = random.uniform() * PLANNED;
  const canaryTrouble = createTrouble(drawPods(STABLE_PODS, scenario, random), scenario, random);
  const stableTrouble = createTrouble(stable, scenario, random);
  let now = 0;
  const piece = (seconds: number, weight: number): Traffic => {
    const shared = scenario.incident ? incidentFactor(incidentAt, now, now + seconds) : 1;
    now += seconds;
    const requests = scenario.rate * seconds;
    const count = (part: number, ratio: number): Tally => draw(requests * part, ratio * shared, scenario.clump, random);
    return {
      canary: count(weight, canaryBase * canaryTrouble(canaryPods(weight), seconds)),
      stable: count(1 - weight, scenario.base * stableTrouble(STABLE_PODS, seconds)),
    };
  };
  return {
    pass: (seconds, weight) => {
      if (scenario.drift === 0) return piece(seconds, weight);
      let all: Traffic = { canary: NOTHING, stable: NOTHING };
      for (let left = seconds; left > 0; left -= TICK) {
        const more = piece(Math.min(TICK, left), weight);
        all = { canary: plus(all.canary, more.canary), stable: plus(all.stable, more.stable) };
      }
      return all;
    },
  };
};

const NOTHING: Tally = { requests: 0, failures: 0 };

export const plus = (a: Tally, b: Tally): Tally => ({
  requests: a.requests + b.requests,
  failures: a.failures + b.failures,
});

/** Requests come by Poisson and each fails for itself: then failures and successes are two Poisson streams. */
const draw = (requests: number, ratio: number, clump: number, random: Random): Tally => {
  const failing = Math.min(1, ratio);
  const failures = clump * random.poisson((requests * failing) / clump);
  return { failures, requests: failures + random.poisson(requests * (1 - failing)) };
};

/** The mean over a time of which the incident may fill a part. */
const incidentFactor = (at: number, from: number, to: number): number => {
  const inside = Math.max(0, Math.min(to, at + INCIDENT.seconds) - Math.max(from, at));
  return 1 + ((INCIDENT.times - 1) * inside) / (to - from);
};

type Trouble = (pods: number, seconds: number) => number;

/** How much worse than its mean a version does now: pods differ, and drift as autoregressive processes. */
const createTrouble = (pods: Pods, { podSpread, drift }: Scenario, random: Random): Trouble => {
  if (podSpread === 0 && drift === 0) return () => 1;
  const drifts = createDrift(pods.length, drift, random);
  return (count, seconds) => {
    const now = drifts(seconds);
    let sum = 0;
    for (let pod = 0; pod < count; pod += 1) sum += (pods[pod] ?? 1) * Math.exp((now[pod] ?? 0) - drift ** 2 / 2);
    return sum / count;
  };
};

const createDrift = (pods: number, drift: number, random: Random): ((seconds: number) => Float64Array) => {
  const state = new Float64Array(pods);
  if (drift > 0) for (let pod = 0; pod < pods; pod += 1) state[pod] = drift * random.normal();
  return (seconds) => {
    if (drift === 0) return state;
    const keep = Math.exp(-seconds / DRIFT_TIME);
    const fresh = drift * Math.sqrt(1 - keep ** 2);
    for (let pod = 0; pod < pods; pod += 1) state[pod] = keep * (state[pod] ?? 0) + fresh * random.normal();
    return state;
  };
};

/** What a store kept of stable before the start: the counters of each pod, every tick of 15 minutes. */
export const drawHistory = (metric: string, scenario: Scenario, stable: Pods, random: Random): Sample => {
  const incidentAt = random.uniform() * (HISTORY - INCIDENT.seconds);
  const drifts = createDrift(stable.length, scenario.drift, random);
  const requests: [number, number][][] = stable.map(() => [[0, 0]]);
  const failures: [number, number][][] = stable.map(() => [[0, 0]]);
  const sums = stable.map(() => ({ requests: 0, failures: 0 }));
  for (let now = 0; now < HISTORY; now += TICK) {
    const shared = scenario.incident ? incidentFactor(incidentAt, now, now + TICK) : 1;
    const drifted = drifts(TICK);
    stable.forEach((factor, pod) => {
      const ratio = scenario.base * factor * shared * Math.exp((drifted[pod] ?? 0) - scenario.drift ** 2 / 2);
      const more = draw((scenario.rate / stable.length) * TICK, ratio, scenario.clump, random);
      const sum = plus(sums[pod] ?? NOTHING, more);
      sums[pod] = sum;
      requests[pod]?.push([(now + TICK) * 1000, sum.requests]);
      failures[pod]?.push([(now + TICK) * 1000, sum.failures]);
    });
  }
  const series = (points: [number, number][], pod: number): Series => ({ id: `pod-${pod}`, pod: `pod-${pod}`, points });
  return { metric, arm: 'stable', kind: 'counters', requests: requests.map(series), failures: failures.map(series) };
};
