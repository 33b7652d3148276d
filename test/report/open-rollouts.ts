import type { Asked } from '../../src/core/command.ts';
import type { Outcome, RolloutEntry } from '../../src/core/outcome.ts';
import type { Plan, PlannedStep } from '../../src/core/plan.ts';
import type { ReasonCode } from '../../src/core/reason.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import type { Conduct } from '../../src/core/spec.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { CONDUCT } from '../fakes/conduct.ts';
import { anObservation, aPlan, aRollout, aStep, at } from '../fakes/rollout.ts';
import { promoted, type Story } from '../fakes/stories.ts';

/** Rollouts that a person steers, that nobody drives, or that stopped half way. */

export const planWith = (conduct: Partial<Conduct>, changes: Partial<Plan> = {}): Plan =>
  aPlan({ conduct: { ...CONDUCT, ...conduct }, ...changes });

export const withApproval = (index: number): readonly PlannedStep[] =>
  aPlan().steps.map((step, at) => ({ ...step, approval: at === index }));

export const asked = (time: string, changes: Partial<Asked> = {}): Asked => ({
  name: 'pause',
  rolloutId: 'r-812-1',
  by: 'octocat',
  id: time,
  raw: '{}',
  at: at(time),
  refused: null,
  acknowledged: true,
  ...changes,
});

export const finished = (rollout: Rollout, now = rollout.finishedAt ?? 0): Story => ({
  situation: { kind: 'finished', rollout },
  now,
});
export const running = (rollout: Rollout, now: string): Story => ({
  situation: { kind: 'running', rollout },
  now: at(now),
});

export const arm = { ...anObservation().stable } as NonNullable<Rollout['observation']>['stable'] & object;
export const old = { ...arm, images: [{ container: 'checkout', image: 'ghcr.io/acme/checkout:1.4.1' }] };
export const canary = { ...arm, uid: 'u2', template: 'canary' };

export const left = aRollout({
  plan: planWith({ until: { kind: 'weight', weight: 2000 } }),
  phase: 'left',
  reopensAs: 'progressing',
  untilReached: true,
  paused: { by: 'until: 20 %', since: at('10:05:15') },
  reason: { code: 'paused', text: 'the job ends here on purpose (`until: 20 %`)', metric: null },
  steps: [aStep(500, '10:02:10'), aStep(1000, '10:03:12'), aStep(2000, '10:04:14', { verdict: 'running' })],
  finishedAt: at('10:05:15'),
});

export const atDeploy = aRollout({
  ...promoted,
  plan: planWith({ until: { kind: 'promotion' }, holdMs: 24 * 3_600_000 }),
  phase: 'left',
  reopensAs: 'promoting',
  untilReached: true,
  stage: { ...promoted.stage, name: 'commit' },
  paused: { by: 'until: promotion', since: at('10:07:31') },
  reason: { code: 'paused', text: 'stable is to be updated by the deploy step that follows', metric: null },
  traffic: { ...promoted.traffic, wanted: weightOnly(10_000), verified: weightOnly(10_000) },
  observation: anObservation({ traffic: weightOnly(10_000), restored: false, stable: old, canary }),
  finishedAt: at('10:07:31'),
});

export const halted = (code: ReasonCode, text: string, changes: Partial<Rollout> = {}): Rollout => ({
  ...atDeploy,
  plan: aPlan(),
  phase: 'halted',
  untilReached: false,
  paused: null,
  stage: { ...promoted.stage, name: 'stable-ready' },
  reason: { code, text, metric: null },
  finishedAt: at('10:12:31'),
  ...changes,
});

export const look = (stable: typeof arm): Rollout['observation'] =>
  anObservation({ traffic: weightOnly(10_000), restored: false, stable, canary });

export const entry = (
  deployment: string,
  rollout: Rollout | null,
  changes: Partial<RolloutEntry> = {},
): RolloutEntry => ({
  namespace: 'shop',
  deployment,
  rollout,
  lock: 'free',
  runUrl: 'https://github.example.com/acme/shop/actions/runs/812',
  note: null,
  failed: false,
  ...changes,
});

export const accepted = (
  code: ReasonCode,
  text: string,
  rollouts: readonly RolloutEntry[],
  failed = false,
): Outcome => ({
  kind: 'accepted',
  reason: { code, text, metric: null },
  rollouts,
  failed,
});

export const approval: Rollout = aRollout({
  plan: planWith(
    { approval: { approvers: ['octocat', 'hubot'], selfApproval: false, timeoutMs: 3_600_000 } },
    { steps: withApproval(2) },
  ),
  approval: { step: 2, since: at('10:05:15'), by: null },
  waits: [{ kind: 'approval', since: at('10:05:15') }],
  steps: [
    aStep(500, '10:02:10'),
    aStep(1000, '10:03:12'),
    aStep(2000, '10:04:14', { endedAt: null, verdict: 'running' }),
  ],
});

export const paused: Rollout = aRollout({
  paused: { by: 'octocat', since: at('10:04:38') },
  waits: [
    { kind: 'paused', by: 'octocat', since: at('10:04:38') },
    { kind: 'no-data', metric: 'p99', since: at('10:05:00'), why: 'no data from the canary' },
  ],
  asked: [asked('10:04:38')],
});

export const everyEntry: readonly RolloutEntry[] = [
  entry('checkout', aRollout(), { lock: 'held' }),
  entry('cart', approval, { lock: 'held' }),
  entry('catalogue', left),
  entry('search', atDeploy),
  entry('payment', aRollout()),
  entry('mail', halted('promote-failed', 'stable did not become ready: `ImagePullBackOff` on 1 of 3 pods')),
  entry('login', null, { runUrl: null, note: 'its state has version 2, which this version does not know' }),
];
