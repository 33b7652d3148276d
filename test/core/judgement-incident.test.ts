import { expect, test } from 'vitest';
import { addTick, type Evidence, NO_EVIDENCE } from '../../src/core/evidence.ts';
import { judge, settingsOf } from '../../src/core/judgement.ts';
import type { Tally } from '../../src/core/rollout.ts';
import { BENCH } from './bench.ts';
import { ERRORS, JUDGEMENT } from './plan.ts';
import { seeded } from './random.ts';

const WEIGHTS = [0.05, 0.1, 0.2, 0.5, 0.8];
const TICKS_A_STEP = 12;
const TICK_SECONDS = 5;
const INCIDENT_SECONDS = 60;

const CEILING = { ...ERRORS, ceiling: 0.02 };
const CALIBRATION = { phi: 1, tolerance: 1.1, bounds: [], part: 1, history: null };
const SETTINGS = settingsOf(CEILING, CALIBRATION, WEIGHTS.length, null);
const NOTHING: Tally = { requests: 0, failures: 0 };
const ENOUGH: Tally = { requests: 99, failures: 0 };

/** How many of so many events of such a chance happen; Poisson, as requests come. */
const drawn = (random: () => number, mean: number): number => {
  let [count, product] = [0, random()];
  for (; product > Math.exp(-mean); count += 1) product *= random();
  return count;
};

interface Scene {
  readonly requestsPerSecond: number;
  readonly failing: number;
  /** How many times as often both fail while there is an incident; and the canary, always. */
  readonly incident: number;
  readonly canary: number;
}

const isFailed = (evidence: Evidence, step: number): boolean => {
  const stream = {
    bound: null,
    pending: { stable: null, canary: null },
    total: { stable: NOTHING, canary: NOTHING },
    evidence,
  };
  const state = { streams: [stream], step: { stable: ENOUGH, canary: ENOUGH }, failuresByPod: {} };
  const judgement = { ...JUDGEMENT, metrics: { errors: CALIBRATION } };
  return judge([{ spec: CEILING, state }], { ...BENCH, judgement, step })[0]?.kind === 'failed';
};

const rollsBack = (seed: number, { requestsPerSecond, failing, incident, canary }: Scene): boolean => {
  const random = seeded(seed);
  const begins = random() * WEIGHTS.length * TICKS_A_STEP * TICK_SECONDS;
  let evidence = NO_EVIDENCE;
  for (let tick = 0; tick < WEIGHTS.length * TICKS_A_STEP; tick += 1) {
    const [step, now] = [Math.floor(tick / TICKS_A_STEP), tick * TICK_SECONDS];
    const isOn = now >= begins && now < begins + INCIDENT_SECONDS;
    const arm = (part: number, worse: number): Tally => {
      const requests = drawn(random, requestsPerSecond * TICK_SECONDS * part);
      const failures = drawn(random, requests * failing * worse * (isOn ? incident : 1));
      return { requests, failures: Math.min(requests, failures) };
    };
    const part = WEIGHTS[step] ?? 0;
    const counts = { step, subject: arm(part, canary), reference: arm(1 - part, 1), frozen: null };
    evidence = addTick(evidence, counts, SETTINGS);
    if (isFailed(evidence, step)) return true;
  }
  return false;
};

const share = (scene: Scene): number => {
  const runs = Array.from({ length: 400 }, (_, index) => rollsBack(index + 1, scene));
  return runs.filter(Boolean).length / runs.length;
};

test('with a ceiling, an incident of both versions rolls hardly a good release back', () => {
  expect(share({ requestsPerSecond: 10, failing: 0.01, incident: 8, canary: 1 })).toBeLessThanOrEqual(0.02);
});

test('with a ceiling, a new version that fails five times as often is rolled back as without an incident', () => {
  expect(share({ requestsPerSecond: 10, failing: 0.01, incident: 1, canary: 5 })).toBeGreaterThanOrEqual(0.95);
});
