import { calibrate } from '../../src/core/calibration.ts';
import type { Calibration } from '../../src/core/plan.ts';
import type { Sample } from '../../src/core/sample.ts';
import { ERRORS } from './ours.ts';
import { weightOf } from './ramp.ts';
import { canaryPods } from './world.ts';

/** What preflight finds out about the one metric. */
export const calibrated = (history: (metric: string) => Sample): Calibration => ({
  ...calibrate(ERRORS, history(ERRORS.name), canaryPods(weightOf(0))),
  part: 1,
});
