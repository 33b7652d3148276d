import { expect, test } from 'vitest';
import { foldSamples } from '../../src/core/metrics.ts';
import type { MetricState, Rollout } from '../../src/core/rollout.ts';
import type { Sample, Series } from '../../src/core/sample.ts';
import { startRollout } from '../../src/core/start.ts';
import { aPlan } from './plan.ts';

const START = 100_000;
const PODS = ['a', 'b', 'c'];

const verified = (): Rollout => {
  const rollout = startRollout(aPlan(), START);
  return { ...rollout, phase: 'progressing', step: 0, stage: { ...rollout.stage, name: 'bake', verifiedAt: START } };
};

/** Each pod scraped in its own moment of the second, with the totals given. */
const counters = (arm: 'stable' | 'canary', totals: readonly number[]): Sample => {
  const requests = PODS.map(
    (pod, index): Series => ({
      id: pod,
      pod,
      points: totals.map((total, second) => [START + second * 1_000 + index * 100, total]),
    }),
  );
  return { metric: 'errors', arm, kind: 'counters', requests, failures: [] };
};

const fold = (rollout: Rollout, totals: readonly number[]): MetricState => {
  const samples = [counters('canary', totals), counters('stable', totals)];
  const [metric] = foldSamples(rollout, ['errors'], samples, START + totals.length * 1_000).metrics;
  if (metric === undefined) throw new Error('the plan has no metric');
  return metric;
};

test('three pods that are scraped four times were seen by four scrapes, not by twelve', () => {
  expect(fold(verified(), [0, 1, 2, 3, 4]).shareScrapes).toBe(4);
});

test('scrapes without a request count until one sees a request again', () => {
  const quiet = fold(verified(), [5, 5, 5]);
  const again = fold({ ...verified(), metrics: [quiet] }, [5, 5, 5, 6]);

  expect([quiet.quietScrapes, again.quietScrapes]).toEqual([2, 0]);
});
