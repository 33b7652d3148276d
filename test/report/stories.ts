import type { Plan } from '../../src/core/plan.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { anObservation, aPlan, aRollout, aStep, at } from '../fakes/rollout.ts';
import { promoted, rolledBack, type Story } from '../fakes/stories.ts';

import {
  accepted,
  approval,
  arm,
  asked,
  atDeploy,
  canary,
  entry,
  everyEntry,
  finished,
  halted,
  left,
  look,
  old,
  paused,
  planWith,
  running,
  withApproval,
} from './open-rollouts.ts';

export const planned = (plan: Plan): Story => ({
  now: at('10:02:00'),
  situation: {
    kind: 'planned',
    reason: { code: 'planned', text: 'The plan was made and nothing was written.', metric: null },
    preview: {
      plan,
      findings: [],
      durationMs: 372_000,
      touches: [],
      role: 'kind: Role',
      watchdogRole: plan.watchdog === null ? null : 'kind: Role\n---\nkind: RoleBinding',
      peak: { pods: 20, cpu: 5, memory: 2 ** 32 },
      foresight: null,
    },
  },
});

export const OPEN_STORIES: Readonly<Record<string, Story>> = {
  'left-at-weight': finished(left),
  'left-by-cancel': finished({
    ...left,
    plan: planWith({ onCancel: 'keep' }, { run: { ...aPlan().run, pullRequest: null } }),
    untilReached: false,
    paused: { by: 'the cancelled run', since: at('10:04:50') },
    reason: { code: 'cancelled', text: 'the workflow run was cancelled', metric: null },
  }),
  'left-over-night': finished({
    ...left,
    plan: planWith(
      {
        until: { kind: 'weight', weight: 2000 },
        holdMs: 20 * 3_600_000,
        approval: { approvers: ['octocat', 'mona'], selfApproval: false, timeoutMs: 3_600_000 },
      },
      {
        watchdog: { image: 'ghcr.io/acme/kubectl@sha256:0', serviceAccount: 'watchdog', afterMs: 60_000 },
        steps: withApproval(2),
      },
    ),
    approval: { step: 2, since: at('10:05:15'), by: null },
    unwatched: [{ from: at('10:03:00'), to: at('10:03:40') }],
  }),
  'left-for-deploy': finished(atDeploy),
  'left-for-deploy-done': finished({ ...atDeploy, observation: look({ ...arm, template: 'new' }) }),
  paused: running(paused, '10:05:30'),
  approval: running(approval, '10:17:15'),
  'approval-by-anybody': running(
    { ...approval, plan: planWith({}, { steps: withApproval(2), run: { ...aPlan().run, pullRequest: null } }) },
    '10:17:15',
  ),
  'resumed-unwatched': running(
    aRollout({
      unwatched: [
        { from: at('10:04:00'), to: at('10:21:00') },
        { from: at('23:50:00'), to: at('23:59:00') + 1_320_000 },
      ],
      leftMs: 1_020_000,
      asked: [asked('10:21:00', { name: 'resume', by: 'octocat (https://github.example.com/acme/shop/pull/7)' })],
    }),
    '10:30:00',
  ),
  'promoted-by-promote': finished({
    ...promoted,
    skipsSteps: true,
    steps: [...promoted.steps.slice(0, 2), aStep(2000, '10:04:14', { verdict: 'skipped', heldMs: 20_000 })],
    asked: [asked('10:04:38', { name: 'promote' })],
  }),
  'promoted-after-approval': finished({
    ...promoted,
    plan: planWith({}, { steps: withApproval(2) }),
    asked: [
      asked('10:04:50', { name: 'resume', by: 'mona', refused: 'mona started the rollout and may not approve it' }),
      asked('10:05:10', { name: 'resume', by: '@octocat' }),
      asked('10:06:00', { name: 'resume', by: 'hubot', refused: 'it is neither paused nor waiting for an approval' }),
    ],
  }),
  'command-refused': {
    now: at('10:20:00'),
    situation: {
      kind: 'rejected',
      reason: { code: 'command-refused', text: 'it is neither paused nor waiting for an approval', metric: null },
      issues: [],
      findings: [],
      subject: { namespace: 'shop', deployment: 'checkout', images: [] },
    },
  },
  'aborted-by-comment': finished({
    ...rolledBack,
    steps: [...rolledBack.steps.slice(0, 2), aStep(2000, '10:04:14', { verdict: 'aborted', heldMs: 10_400 })],
    reason: { code: 'aborted-by-user', text: 'octocat asked for it', metric: null },
    asked: [
      asked('10:03:00', { name: 'resume', by: 'mona', refused: 'it is neither paused nor waiting for an approval' }),
      asked('10:04:24', { name: 'abort', by: null }),
    ],
  }),
  'hold-expired': finished({
    ...rolledBack,
    reason: { code: 'hold-expired', text: 'paused by octocat, for longer than 1 h', metric: null },
  }),
  'halted-promote-failed': finished(
    halted('promote-failed', 'waited 5 min for stable: `ImagePullBackOff` on 1 of 10 pods', {
      observation: look({
        ...arm,
        template: 'new',
        rolledOut: false,
        ready: 9,
        problem: 'ImagePullBackOff on 1 of 10 pods',
      }),
    }),
  ),
  'halted-stable-not-updated': finished(
    halted('stable-not-updated', 'waited 5 min for stable on the judged image', {
      plan: atDeploy.plan,
      untilReached: true,
      stage: { ...promoted.stage, name: 'await-stable' },
      observation: look(old),
    }),
  ),
  'halted-image-moved': finished(
    halted('image-moved', 'stable runs `sha256:cd34`, which is not the image that was judged', {
      observation: look({ ...arm, template: 'new', imageIds: [`ghcr.io/acme/checkout@sha256:${'cd34'.repeat(16)}`] }),
    }),
  ),
  'halted-going-back': finished({
    ...rolledBack,
    phase: 'halted',
    reopensAs: 'rolling-back',
    reason: {
      code: 'metric-failed',
      text: 'errors: too many; then: waited 2 min for the router to confirm 0 %',
      metric: 'errors',
    },
    traffic: { ...rolledBack.traffic, verified: weightOnly(2000), wayBackDoneAt: null },
    observation: anObservation({ traffic: weightOnly(2000), restored: false, stable: old, canary }),
  }),
  'halted-lock-lost': finished({
    ...aRollout({ phase: 'halted', finishedAt: at('10:05:00') }),
    reason: {
      code: 'lock-lost',
      text: 'https://github.example.com/acme/shop/actions/runs/813 took the lock',
      metric: null,
    },
  }),
  'planned-with-waits': planned(
    planWith(
      {
        until: { kind: 'weight', weight: 2000 },
        approval: { approvers: ['octocat'], selfApproval: true, timeoutMs: 1_800_000 },
      },
      { steps: withApproval(2), watchdog: { image: 'a/b@sha256:0', serviceAccount: 'watchdog', afterMs: 60_000 } },
    ),
  ),
  'planned-until-promotion': planned(planWith({ until: { kind: 'promotion' } })),
  status: { now: at('10:20:00'), situation: accepted('listed', '7 rollouts are open', everyEntry) },
  'status-of-one': { now: at('10:20:00'), situation: accepted('listed', '1 rollout is open', everyEntry.slice(2, 3)) },
  'status-of-none': { now: at('10:20:00'), situation: accepted('listed', 'no rollout is open', []) },
  sweep: {
    now: at('10:20:00'),
    situation: accepted('swept', 'the rollouts that nobody drove were made safe', [
      entry('checkout', aRollout(), { lock: 'held', note: 'its run is alive: left alone' }),
      entry(
        'payment',
        { ...rolledBack, reason: { code: 'cancelled', text: 'its run was lost', metric: null } },
        {
          note: 'rolled back',
        },
      ),
      entry('search', promoted, { note: 'promotion finished' }),
      entry('catalogue', left, { note: 'judged over the last 15 min: good; it may wait until 11:05 UTC' }),
    ]),
  },
  'sweep-failed': {
    now: at('10:20:00'),
    situation: accepted(
      'sweep-failed',
      'a rollout that nobody drives could not be made safe',
      [
        entry('checkout', left, { note: 'left alone' }),
        entry('payment', aRollout(), { note: 'forbidden: may not patch `httproutes`', failed: true }),
      ],
      true,
    ),
  },
  'handed-over': {
    now: at('10:20:00'),
    situation: accepted('handed-over', 'the run that drives the rollout has acted on the command', [
      entry('checkout', aRollout(), { lock: 'held' }),
    ]),
  },
  'handed-over-unanswered': {
    now: at('10:20:00'),
    situation: accepted(
      'handed-over',
      'the command was left for the run that holds the lock; it has not acted on it yet',
      [],
    ),
  },
  'halted-rolling-back-a-promotion': finished(
    halted('promote-failed', 'waited 5 min for stable', {
      plan: aPlan({ target: { ...aPlan().target, template: { spec: {} } } }),
      observation: look({ ...arm, template: 'new', rolledOut: false, ready: 9 }),
    }),
  ),
  'undoing-at-deploy': running(
    aRollout({
      ...atDeploy,
      phase: 'promoting',
      reopensAs: null,
      paused: null,
      undoes: true,
      stage: { ...promoted.stage, name: 'return-some' },
      reason: { code: 'aborted-by-user', text: 'octocat asked for it', metric: null },
      finishedAt: null,
    }),
    '10:20:00',
  ),
  'undone-at-deploy': finished(
    aRollout({
      ...atDeploy,
      phase: 'rolled-back',
      reopensAs: null,
      paused: null,
      undoes: true,
      reason: { code: 'aborted-by-user', text: 'octocat asked for it', metric: null },
      traffic: { ...promoted.traffic, wanted: weightOnly(0), verified: weightOnly(0) },
      asked: [asked('10:19:50', { name: 'abort' })],
      finishedAt: at('10:20:31'),
    }),
  ),
  'lock-held-by-run': {
    now: at('10:20:00'),
    situation: {
      kind: 'rejected',
      reason: {
        code: 'lock-held',
        text: 'another rollout has held the lock since 2026-03-01T10:01:12.123456Z (https://github.example.com/acme/shop/actions/runs/811, step 2 of 5)',
        metric: null,
      },
      issues: [],
      findings: [],
      subject: { namespace: 'shop', deployment: 'checkout', images: [] },
    },
  },
};

/** What others write of a rollout that is open, replaced by this text everywhere. */
export const hostileOpen = (evil: string): readonly Story[] => {
  const plan = planWith({ approval: { approvers: [evil, `${evil}2`], selfApproval: false, timeoutMs: 3_600_000 } });
  const target = { ...plan.target, rolloutId: evil, images: [{ container: evil, image: evil }] };
  const hostile: Rollout = {
    ...approval,
    plan: { ...plan, target, run: { ...plan.run, actor: evil } },
    waits: [...approval.waits, { kind: 'paused', by: evil, since: at('10:04:00') }],
    asked: [asked('10:04:00', { by: evil, refused: evil, raw: evil })],
    paused: { by: evil, since: at('10:04:00') },
  };
  const gone: Rollout = { ...hostile, phase: 'left', reopensAs: 'progressing', finishedAt: at('10:05:00') };
  const list = accepted('swept', evil, [
    entry(evil, hostile, { namespace: evil, runUrl: evil, note: evil }),
    entry(evil, { ...hostile, phase: 'halted', reason: { code: 'promote-failed', text: evil, metric: null } }),
    entry(evil, null, { runUrl: 'https://evil.invalid/o/r/actions/runs/1?x=)[y](z', note: evil }),
  ]);
  const handed = accepted('handed-over', `${evil} (https://evil.invalid/o/r/actions/runs/1)`, []);
  return [
    running(hostile, '10:06:00'),
    finished(gone),
    finished({ ...gone, reopensAs: 'promoting', committedAt: at('10:04:30') }),
    { situation: list, now: at('10:20:00') },
    { situation: handed, now: at('10:20:00') },
  ];
};
