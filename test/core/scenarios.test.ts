import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import { aPlan, ERRORS, LATENCY, PODS } from './plan.ts';
import { script } from './script.ts';
import { CALM, type Trouble } from './world.ts';

interface Scenario {
  readonly file: string;
  readonly plan?: Partial<Plan>;
  readonly trouble?: Partial<Trouble>;
  /** Half of the answers take seconds: a write is in flight when the cancel comes. */
  readonly slowly?: boolean;
}

const podSteps: Plan['steps'] = [
  { asked: 2_500, weight: 2_500, intervalMs: 30_000, canaryReplicas: 1, approval: false },
  { asked: 5_000, weight: 5_000, intervalMs: 30_000, canaryReplicas: 3, approval: false },
];

const SCENARIOS: readonly Scenario[] = [
  { file: 'good-release' },
  { file: 'good-release-without-metrics', plan: { metrics: [] } },
  { file: 'bad-release', trouble: { canaryErrors: 0.3 } },
  { file: 'bad-only-at-50', trouble: { canaryErrors: 0.3, errorsFrom: 5_000 } },
  { file: 'no-data-then-data', trouble: { dataFrom: 40_000 } },
  { file: 'no-data-for-too-long', trouble: { dataFrom: 3_600_000 } },
  { file: 'no-data-ignored', plan: { metrics: [{ ...ERRORS, onNoData: 'ignore' }] }, trouble: { dataFrom: 3_600_000 } },
  { file: 'no-data-fails', plan: { metrics: [{ ...ERRORS, onNoData: 'fail' }] }, trouble: { dataFrom: 3_600_000 } },
  { file: 'too-few-requests', trouble: { traffic: 2 } },
  {
    file: 'metric-fails-within-its-limit',
    plan: { metrics: [{ ...LATENCY, failureLimit: 9 }] },
    trouble: { latency: 0.8 },
  },
  { file: 'metric-fails', plan: { metrics: [LATENCY] }, trouble: { latency: 0.8 } },
  { file: 'canary-never-ready', trouble: { canaryStarts: false } },
  { file: 'canary-dies', trouble: { canaryDiesAt: 20_000 } },
  { file: 'weight-never-confirmed', trouble: { confirms: false } },
  { file: 'route-changed', trouble: { foreignAt: 20_000 } },
  { file: 'stable-changed', trouble: { stableChangedAt: 20_000 } },
  { file: 'cancel-with-a-write-in-flight', slowly: true, trouble: { slow: 1, cancelAt: 71_000 } },
  { file: 'cancel-while-baking', trouble: { cancelAt: 20_000 } },
  { file: 'cancel-after-the-commit', trouble: { cancelAt: 98_000 } },
  { file: 'cancel-while-cleaning', trouble: { cancelAt: 109_500 } },
  { file: 'stable-never-ready', trouble: { stableStarts: false } },
  { file: 'updated-stable-is-worse', trouble: { stableErrors: 0.4 } },
  { file: 'way-back-refused-three-times', trouble: { canaryErrors: 0.3, wayBackRefusals: 3 } },
  { file: 'saves-fail', trouble: { saves: 'fail' } },
  { file: 'timeout', plan: { timings: { ...aPlan().timings, timeoutMs: 45_000 } } },
  { file: 'replicas-good', plan: { abilities: PODS, steps: podSteps } },
  { file: 'replicas-bad', plan: { abilities: PODS, steps: podSteps }, trouble: { canaryErrors: 0.3 } },
];

describe('a rollout, turn by turn', () => {
  test.each(SCENARIOS)('$file', async ({ file, plan, trouble }) => {
    const text = script(aPlan(plan), { ...CALM, ...trouble });

    await expect(text).toMatchFileSnapshot(`scenarios/${file}.txt`);
  });
});
