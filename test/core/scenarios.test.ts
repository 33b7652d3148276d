import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import { CONDUCT } from '../fakes/conduct.ts';
import { SLOW } from './bench.ts';
import { AUTOSCALED, aPlan, ERRORS, JUDGEMENT, LATENCY, PAIR, PODS } from './plan.ts';
import { script } from './script.ts';
import type { WalkOptions } from './walk.ts';
import { CALM, type Trouble } from './world.ts';

interface Scenario {
  readonly file: string;
  readonly plan?: Partial<Plan>;
  readonly trouble?: Partial<Trouble>;
  /** What people ask for, crashes, and who takes over. */
  readonly walk?: WalkOptions;
}

const podSteps: Plan['steps'] = [
  { asked: 2_500, weight: 2_500, intervalMs: 30_000, canaryReplicas: 1, approval: false },
  { asked: 5_000, weight: 5_000, intervalMs: 30_000, canaryReplicas: 3, approval: false },
];

const approvedSteps: Plan['steps'] = aPlan().steps.map((step, index) => ({ ...step, approval: index === 0 }));
const atPromotion: Partial<Plan> = { conduct: { ...CONDUCT, until: { kind: 'promotion' } } };
const lastStep: Partial<Plan> = { promoteAt: 'last-step' };
const autoscaled: Partial<Plan> = { target: { ...aPlan().target, ...AUTOSCALED } };
const paired: Partial<Plan> = { target: { ...aPlan().target, pair: PAIR } };
const pauseAt = (at: number) => ({ at, name: 'pause' }) as const;
const resumed: WalkOptions = { opened: { after: 60_000, command: 'resume' } };

const slowPlan: Partial<Plan> = {
  metrics: [SLOW],
  judgement: {
    ...JUDGEMENT,
    metrics: { latency: { phi: 1, tolerance: 1.1, bounds: [0.25], part: 1, history: null } },
  },
};
const requiring = (requireEvidence: number): Partial<Plan> => ({ judgement: { ...JUDGEMENT, requireEvidence } });

const SCENARIOS: readonly Scenario[] = [
  { file: 'good-release' },
  { file: 'good-release-without-metrics', plan: { metrics: [] } },
  { file: 'bad-release', trouble: { canaryErrors: 0.3 } },
  { file: 'autoscaled', plan: autoscaled },
  { file: 'autoscaled-and-bad', plan: autoscaled, trouble: { canaryErrors: 0.3 } },
  { file: 'pair', plan: paired },
  { file: 'pair-bad', plan: paired, trouble: { canaryErrors: 0.3 } },
  { file: 'pair-cancelled', plan: paired, trouble: { cancelAt: 20_000 } },
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
  { file: 'cancel-with-a-write-in-flight', trouble: { slow: 1, cancelAt: 71_000 } },
  { file: 'cancel-while-baking', trouble: { cancelAt: 20_000 } },
  { file: 'cancel-after-the-commit', trouble: { cancelAt: 98_000 } },
  { file: 'cancel-while-cleaning', trouble: { cancelAt: 109_500 } },
  { file: 'stable-never-ready', trouble: { stableStarts: false } },
  { file: 'updated-stable-is-worse', trouble: { stableErrors: 0.4 } },
  { file: 'way-back-refused-three-times', trouble: { canaryErrors: 0.3, wayBackRefusals: 3 } },
  { file: 'saves-fail', trouble: { saves: 'fail' } },
  { file: 'timeout', plan: { timings: { ...aPlan().timings, timeoutMs: 45_000 } } },
  {
    file: 'paused-and-resumed',
    walk: {
      commands: [
        { at: 20_000, name: 'pause' },
        { at: 60_000, name: 'resume' },
      ],
    },
  },
  {
    file: 'paused-for-too-long',
    plan: { conduct: { ...CONDUCT, holdMs: 30_000 } },
    walk: { commands: [pauseAt(20_000)] },
  },
  {
    file: 'bad-while-paused',
    trouble: { canaryErrors: 0.3, errorsFrom: 2_000 },
    walk: { commands: [pauseAt(42_000)] },
  },
  { file: 'promoted-early', walk: { commands: [{ at: 20_000, name: 'promote' }] } },
  { file: 'aborted', walk: { commands: [{ at: 20_000, name: 'abort' }] } },
  { file: 'abort-after-the-commit-is-refused', walk: { commands: [{ at: 98_000, name: 'abort' }] } },
  { file: 'approved', plan: { steps: approvedSteps }, walk: { commands: [{ at: 60_000, name: 'resume' }] } },
  { file: 'nobody-approves', plan: { steps: approvedSteps } },
  {
    file: 'approval-by-somebody-else',
    plan: {
      steps: approvedSteps,
      conduct: { ...CONDUCT, approval: { approvers: ['hubot'], selfApproval: false, timeoutMs: 60_000 } },
    },
    walk: { commands: [{ at: 60_000, name: 'resume' }] },
  },
  {
    file: 'until-a-weight',
    plan: { conduct: { ...CONDUCT, until: { kind: 'weight', weight: 2_000 } } },
    walk: resumed,
  },
  { file: 'until-promotion', plan: atPromotion, trouble: { deploys: 'stable' }, walk: resumed },
  {
    file: 'until-promotion-and-route-put-back',
    plan: atPromotion,
    trouble: { deploys: 'stable and route' },
    walk: resumed,
  },
  { file: 'until-promotion-without-deploy', plan: atPromotion, walk: resumed },
  { file: 'until-promotion-then-abort', plan: atPromotion, walk: { opened: { after: 60_000, command: 'abort' } } },
  { file: 'until-promotion-then-promote', plan: atPromotion, walk: { opened: { after: 60_000, command: 'promote' } } },
  {
    file: 'until-promotion-for-too-long',
    plan: { conduct: { ...CONDUCT, until: { kind: 'promotion' }, holdMs: 30_000 } },
    walk: { opened: { after: 60_000, command: null } },
  },
  {
    file: 'cancel-keeps',
    plan: { conduct: { ...CONDUCT, onCancel: 'keep' } },
    trouble: { cancelAt: 20_000 },
    walk: resumed,
  },
  { file: 'others-reach-stable', trouble: { outside: 4, updateMs: 45_000 } },
  { file: 'others-reach-stable-at-the-last-step', plan: lastStep, trouble: { outside: 20 } },
  { file: 'last-step', plan: lastStep },
  { file: 'last-step-of-5', plan: { ...lastStep, steps: aPlan().steps.slice(0, 1) } },
  { file: 'last-step-stable-never-ready', plan: lastStep, trouble: { stableStarts: false } },
  { file: 'last-step-stable-dies', plan: lastStep, trouble: { stableDies: true } },
  { file: 'last-step-updated-stable-is-worse', plan: lastStep, trouble: { stableErrors: 0.4 } },
  { file: 'last-step-canary-dies', plan: lastStep, trouble: { canaryDiesAt: 96_000 } },
  { file: 'last-step-cancelled', plan: lastStep, trouble: { cancelAt: 96_000 } },
  { file: 'last-step-cancelled-while-it-returns', plan: lastStep, trouble: { cancelAt: 100_000 } },
  { file: 'last-step-promoted-early', plan: lastStep, walk: { commands: [{ at: 20_000, name: 'promote' }] } },
  { file: 'runner-dies-and-another-goes-on', walk: { crashAfter: 60, resumes: true } },
  { file: 'runner-dies-and-another-goes-back', walk: { crashAfter: 60 } },
  {
    file: 'held-then-fades',
    trouble: { errors: 0.005, canaryErrors: 0.08, errorsUntil: 11_000 },
  },
  { file: 'held-long-enough', trouble: { canaryErrors: 0.05, errorsUntil: 11_000 } },
  {
    file: 'held-although-missing-data-is-ignored',
    plan: { metrics: [{ ...ERRORS, onNoData: 'ignore' }] },
    trouble: { canaryErrors: 0.05, errorsUntil: 11_000 },
  },
  { file: 'held-then-rolled-back', trouble: { errors: 0.01, canaryErrors: 0.04 } },
  { file: 'slow-latency', plan: slowPlan, trouble: { slowRequests: 0.01, canarySlow: 0.2 } },
  { file: 'fast-enough', plan: slowPlan, trouble: { slowRequests: 0.01 } },
  {
    file: 'incident-hits-both',
    plan: { metrics: [{ ...ERRORS, ceiling: 0.02 }] },
    trouble: { errors: 0.005, incident: { from: 20_000, to: 50_000, errors: 0.08 } },
  },
  { file: 'stable-is-worse', trouble: { errors: 0.05, canaryErrors: -0.045, stableErrors: -0.045 } },
  {
    file: 'dry-run',
    plan: { judgement: { ...JUDGEMENT, mode: 'dry-run' } },
    trouble: { canaryErrors: 0.3 },
  },
  {
    file: 'dry-run-without-data',
    plan: { judgement: { ...JUDGEMENT, mode: 'dry-run' } },
    trouble: { dataFrom: 3_600_000 },
  },
  {
    file: 'dry-run-of-one-metric',
    plan: { metrics: [{ ...ERRORS, dryRun: true }, LATENCY] },
    trouble: { canaryErrors: 0.3 },
  },
  { file: 'require-evidence', plan: requiring(5), trouble: { errors: 0.01 } },
  { file: 'require-evidence-that-never-comes', plan: requiring(1.1), trouble: { errors: 0.01 } },
  { file: 'counter-reset', trouble: { errors: 0.01, restartsAt: 25_000 } },
  { file: 'two-stores-differ', trouble: { errors: 0.01, lagsAt: 20_000 } },
  { file: 'only-late-fault', trouble: { errors: 0.01, canaryErrors: 0.2, errorsFrom: 5_000 } },
  {
    file: 'failed-checks',
    plan: { metrics: [{ ...LATENCY, failedChecks: 3 }] },
    trouble: { latency: 0.8 },
  },
  {
    file: 'held-while-scaling',
    trouble: { canaryErrors: 0.14, errorsSince: 75_500, errorsUntil: 76_500, startMs: 12_000 },
  },
  { file: 'replicas-good', plan: { abilities: PODS, steps: podSteps } },
  { file: 'replicas-bad', plan: { abilities: PODS, steps: podSteps }, trouble: { canaryErrors: 0.3 } },
];

describe('a rollout, turn by turn', () => {
  test.each(SCENARIOS)('$file', async ({ file, plan, trouble, walk }) => {
    const text = script(aPlan(plan), { ...CALM, ...trouble }, walk);

    await expect(text).toMatchFileSnapshot(`scenarios/${file}.txt`);
  });
});
