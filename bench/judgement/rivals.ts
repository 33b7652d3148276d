import type { Tally } from '../../src/core/rollout.ts';
import { type Ending, INTERVAL, WEIGHTS, weightOf } from './ramp.ts';
import type { World } from './world.ts';

/** The success rate that both tools' own examples ask for. */
const LIMIT = 0.99;

const succeeds = ({ requests, failures }: Tally): boolean => requests > 0 && 1 - failures / requests >= LIMIT;

/**
 * Flagger 1.44.0, pkg/controller/scheduler.go: one check an interval of the last minute, canary only, no data fails too;
 * a failed check freezes the weight and is never forgotten; a run that STARTS with `threshold` failed checks rolls back.
 * In its favour: counts are exact and at hand at once, no scrape and no `rate()` in between.
 */
export const flagger = (world: World, threshold: number): Ending => {
  let [step, failed, seconds, harmed] = [0, 0, 0, 0];
  for (;;) {
    const { canary } = world.pass(INTERVAL, weightOf(step));
    seconds += INTERVAL;
    harmed += canary.failures;
    if (failed >= threshold) return { rolledBack: true, seconds, harmed, atOnce: false, held: true };
    if (!succeeds(canary)) failed += 1;
    else if (step + 1 === WEIGHTS.length)
      return { rolledBack: false, seconds, harmed, atOnce: false, held: failed > 0 };
    else step += 1;
  }
};

/**
 * Argo Rollouts 1.9.1, analysis/analysis.go: background analysis, one measurement a minute; it fails with more than
 * `failureLimit` failed ones and aborts at once; the weight goes on in between. No data is an error, which is no failure
 * (four in a row are forgiven, more cannot happen here). In its favour: as above.
 */
export const argo = (world: World, failureLimit: number): Ending => {
  let [failed, harmed] = [0, 0];
  for (const [step, weight] of WEIGHTS.entries()) {
    const { canary } = world.pass(INTERVAL, weight);
    harmed += canary.failures;
    if (canary.requests > 0 && !succeeds(canary)) failed += 1;
    if (failed > failureLimit)
      return { rolledBack: true, seconds: (step + 1) * INTERVAL, harmed, atOnce: step === 0, held: false };
  }
  return { rolledBack: false, seconds: WEIGHTS.length * INTERVAL, harmed, atOnce: false, held: false };
};
