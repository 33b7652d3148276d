import type { Entry } from '../../src/core/journal.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import type { PodNote } from '../../src/ports/reporter.ts';
import { FIRST_STORIES } from './first-stories.ts';
import { anObservation, aPlan, aRollout, aStep, at, counted, latency } from './rollout.ts';

/** What a report can be about, with the instant it is told at. */
export interface Story {
  readonly situation: { readonly kind: 'running'; readonly rollout: Rollout } | Outcome;
  readonly now: number;
  readonly journal?: readonly Entry[];
  readonly pods?: readonly PodNote[];
}

const running = (rollout: Rollout, now = '10:04:39'): Story => ({
  situation: { kind: 'running', rollout },
  now: at(now),
});
const finished = (rollout: Rollout, extras: Partial<Story> = {}): Story => ({
  situation: { kind: 'finished', rollout },
  now: rollout.finishedAt ?? 0,
  ...extras,
});

const entry = (time: string, group: string, text: string, level: Entry['level'] = 'info'): Entry => ({
  at: at(time),
  group,
  level,
  text,
});

export const JOURNAL: readonly Entry[] = [
  entry('10:02:00', 'prepare', 'checked 24 rights, 9 planned writes and 2 metrics; all fine'),
  entry('10:02:01', 'prepare', 'created Service shop/checkout-canary'),
  entry('10:02:01', 'prepare', 'created Deployment shop/checkout-canary with 1 pod'),
  entry('10:02:10', 'step 1 of 5: 5 %', 'weight 5 % written to httproute/checkout'),
  entry('10:02:15', 'step 1 of 5: 5 %', 'errors 0.08 % · 0.09 %, p99 212 ms · 208 ms', 'info'),
];

const failedErrors = counted([31, 1204], [4, 4811], {
  verdict: 'failed',
  explanation:
    'since step 3 the canary failed 31 of 1 204 requests (2.6 %), stable 4 of 4 811 (0.083 %): over a million times likelier if the new version is worse (limit 30)',
});

const back = {
  wanted: weightOnly(0),
  verified: weightOnly(0),
  rung: 'V1',
  firstAt: at('10:02:10'),
  wayBackSentAt: at('10:04:24') + 450,
  wayBackDoneAt: at('10:04:25') + 20,
  wayBackRefusals: 0,
} as const;

export const rolledBack = aRollout({
  phase: 'rolled-back',
  steps: [
    aStep(500, '10:02:10'),
    aStep(1000, '10:03:12'),
    aStep(2000, '10:04:14', {
      endedAt: at('10:04:24') + 420,
      heldMs: 10_400,
      verdict: 'failed',
      metrics: [failedErrors, latency(0.214, 0.209)],
    }),
  ],
  traffic: back,
  reason: { code: 'metric-failed', text: `errors: ${failedErrors.explanation}`, metric: 'errors' },
  observation: anObservation(),
  finishedAt: at('10:04:58'),
});

const slow = latency(0.812, 0.209, {
  verdict: 'failed',
  explanation: "the canary's 812 ms is above the limit of 500 ms",
});

const promotedSteps = [
  aStep(500, '10:02:10'),
  aStep(1000, '10:03:12'),
  aStep(2000, '10:04:14', { observedShare: 1970 }),
  aStep(5000, '10:05:16', { metrics: [counted([5, 5000], [5, 5010]), latency(0.211, 0.21)] }),
  aStep(8000, '10:06:18', { observedShare: null, metrics: [counted([6, 8000], [2, 2000]), latency(0.21, null)] }),
];

export const promoted = aRollout({
  phase: 'promoted',
  steps: promotedSteps,
  traffic: { ...back, wayBackSentAt: null, wayBackDoneAt: null },
  committedAt: at('10:07:30'),
  reason: { code: 'completed', text: 'The new version serves all traffic.', metric: null },
  observation: anObservation(),
  finishedAt: at('10:08:12'),
});

const subject = { namespace: 'shop', deployment: 'checkout', images: ['ghcr.io/acme/checkout:1.4.2'] };

const ROLE = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: canary-rollout
  namespace: shop
rules:
  - apiGroups: [gateway.networking.k8s.io]
    resources: [httproutes]
    verbs: [get, patch]
`;

const podNotes: readonly PodNote[] = [
  {
    pod: 'checkout-canary-7d9f6-abcde',
    state: 'CrashLoopBackOff, 4 restarts, last exit 1',
    lines: [
      'starting checkout 1.4.2',
      '\u001b[31mpanic\u001b[0m: no such table: ```orders```',
      '<img src=x onerror=alert(1)>',
    ],
  },
];

export const STORIES: Readonly<Record<string, Story>> = {
  ...FIRST_STORIES,
  running: { ...running(aRollout()), journal: JOURNAL },
  preparing: running(
    aRollout({
      phase: 'preparing',
      steps: [],
      step: -1,
      traffic: { ...aRollout().traffic, verified: null, firstAt: null },
    }),
    '10:02:05',
  ),
  'held-no-data': running(
    aRollout({
      steps: [
        aStep(500, '10:02:10'),
        aStep(1000, '10:03:12', {
          endedAt: null,
          heldMs: 12_000,
          verdict: 'running',
          observedShare: null,
          metrics: [counted([0, 0], [8, 9000], { verdict: 'pending' }), latency(null, 0.208)],
        }),
      ],
      waits: [{ kind: 'no-data', metric: 'errors', since: at('10:03:25'), why: 'no data from the canary' }],
    }),
    '10:03:40',
  ),
  'held-too-few-requests': running(
    aRollout({
      steps: [
        aStep(500, '10:02:10', {
          endedAt: null,
          verdict: 'running',
          metrics: [counted([0, 7], [0, 150], { verdict: 'pending' }), latency(0.2, 0.2)],
        }),
      ],
      waits: [
        {
          kind: 'evidence',
          metric: 'errors',
          why: 'errors: the canary had 7 of the 20 requests that a step needs',
        },
      ],
    }),
    '10:03:40',
  ),
  'rolling-back': running(
    {
      ...rolledBack,
      phase: 'rolling-back',
      finishedAt: null,
      traffic: { ...back, verified: null, wayBackDoneAt: null },
    },
    '10:04:24',
  ),
  'rolled-back-counted': finished(rolledBack, { journal: JOURNAL }),
  'rolled-back-measured': finished({
    ...rolledBack,
    plan: aPlan({ metrics: aPlan().metrics.slice(1) }),
    metrics: rolledBack.metrics.slice(1),
    steps: [aStep(500, '10:02:10', { endedAt: at('10:02:40'), heldMs: 29_000, verdict: 'failed', metrics: [slow] })],
    reason: { code: 'metric-failed', text: `p99: ${slow.explanation}`, metric: 'p99' },
  }),
  'canary-never-ready': finished(
    {
      ...rolledBack,
      steps: [],
      step: -1,
      traffic: { ...back, firstAt: null, wayBackSentAt: null, wayBackDoneAt: null },
      reason: {
        code: 'canary-not-ready',
        text: 'The canary did not become ready within 5 min: CrashLoopBackOff on 1 of 1 pods',
        metric: null,
      },
      finishedAt: at('10:07:10'),
    },
    { pods: podNotes },
  ),
  promoted: finished(promoted, { journal: JOURNAL }),
  'promoted-with-warnings': finished({
    ...promoted,
    warnings: ['interval 5s is below 10 s: few metrics are sampled that often', 'httproute/checkout has no `timeouts`'],
  }),
  'halted-promoting': finished({
    ...promoted,
    phase: 'halted',
    reopensAs: 'promoting',
    reason: {
      code: 'promote-failed',
      text: 'stable could not become ready: `ImagePullBackOff` on 1 of 3 pods',
      metric: null,
    },
    traffic: { ...promoted.traffic, wanted: weightOnly(10_000), verified: weightOnly(10_000) },
    observation: anObservation({
      stable: {
        ...anObservation().stable,
        ready: 2,
        replicas: 3,
        rolledOut: false,
        template: 'new',
        problem: 'ImagePullBackOff on 1 of 3 pods',
      } as never,
      canary: { ...anObservation().stable, uid: 'u2' } as never,
    }),
  }),
  'aborted-by-cancel': finished({
    ...rolledBack,
    steps: rolledBack.steps.map((step, index) =>
      index === 2 ? { ...step, verdict: 'aborted', metrics: promotedSteps[2]?.metrics ?? [] } : step,
    ),
    reason: { code: 'cancelled', text: 'The workflow run was cancelled.', metric: null },
  }),
  'rejected-by-config': {
    now: at('10:02:00'),
    situation: {
      kind: 'rejected',
      reason: { code: 'invalid-config', text: '3 mistakes in the configuration', metric: null },
      findings: [],
      subject,
      issues: [
        {
          file: 'weights',
          line: null,
          column: null,
          path: '',
          message: '`10, 5`: weights must rise; did you mean `5, 10`?',
        },
        {
          file: '.github/canary.yml',
          line: 14,
          column: 9,
          path: 'metrics[1]',
          message: 'unknown key `max-incerase`; did you mean `max-increase`?',
        },
        {
          file: '.github/canary.yml',
          line: 15,
          column: 12,
          path: 'metrics[1].query',
          message: 'unknown placeholder `{{pod}}`; known: `{{pods}}`, `{{namespace}}`',
        },
      ],
    },
  },
  'rejected-by-findings': {
    now: at('10:02:00'),
    situation: {
      kind: 'rejected',
      reason: {
        code: 'forbidden',
        text: 'A right is missing in the cluster: `patch` `httproutes` in `shop`',
        metric: null,
      },
      issues: [],
      subject,
      findings: [
        {
          severity: 'warning',
          code: 'stable-not-healthy',
          message: 'stable has one replica only',
          where: 'Deployment shop/checkout',
          advice: 'two or more survive a node',
        },
        {
          severity: 'error',
          code: 'forbidden',
          message: 'may not `patch` `httproutes.gateway.networking.k8s.io` in `shop`; this Role allows it:',
          where: 'HTTPRoute shop/checkout',
          advice: ROLE,
        },
      ],
    },
  },
  'lock-held': {
    now: at('10:02:00'),
    situation: {
      kind: 'rejected',
      reason: { code: 'lock-held', text: 'another rollout has held the lock since 10:01 UTC (run 811)', metric: null },
      issues: [],
      findings: [],
      subject,
    },
  },
  unchanged: {
    now: at('10:02:00'),
    situation: {
      kind: 'unchanged',
      reason: {
        code: 'already-running',
        text: 'stable already runs `ghcr.io/acme/checkout:1.4.2` and is ready',
        metric: null,
      },
      subject,
    },
  },
  planned: {
    now: at('10:02:00'),
    situation: {
      kind: 'planned',
      reason: { code: 'planned', text: 'The plan was made and nothing was written.', metric: null },
      preview: {
        plan: aPlan(),
        findings: [
          {
            severity: 'warning',
            code: 'route-unsupported',
            message: 'the route has no `timeouts`',
            where: 'HTTPRoute shop/checkout',
            advice: null,
          },
        ],
        durationMs: 372_000,
        touches: [
          { object: 'Service shop/checkout-canary', action: 'create', fields: [] },
          {
            object: 'HTTPRoute shop/checkout',
            action: 'patch',
            fields: ['/spec/rules/0/backendRefs', '/metadata/annotations'],
          },
        ],
        role: ROLE,
        watchdogRole: null,
        peak: { pods: 20, cpu: 5, memory: 2 ** 32 },
        foresight: null,
      },
    },
  },
};

/** A story with every text that others write replaced by this one. */
export const hostileStory = (evil: string): Story => {
  const plan = aPlan();
  const target = {
    ...plan.target,
    namespace: evil,
    deployment: evil,
    canaryDeployment: evil,
    canaryService: evil,
    router: evil,
    routes: plan.target.routes.map((route) => ({ ...route, kind: evil, name: evil })),
    images: [{ container: evil, image: evil }],
  };
  const metrics = plan.metrics.map((metric) =>
    metric.kind === 'counted'
      ? { ...metric, name: `${evil}1`, requests: evil, failures: evil }
      : { ...metric, name: `${evil}2`, query: evil, unit: evil },
  );
  const step = aStep(500, '10:02:10', {
    verdict: 'failed',
    metrics: [
      counted([3, 10], [1, 20], { name: `${evil}1`, verdict: 'failed', explanation: evil }),
      latency(1.5, 1, { name: `${evil}2`, unit: evil, explanation: evil }),
    ],
  });
  const rollout = aRollout({
    phase: 'halted',
    plan: aPlan({
      target,
      metrics,
      fromImages: [{ container: evil, image: `${evil}0` }],
      run: { ...plan.run, id: evil, url: evil },
    }),
    steps: [step],
    reason: { code: 'promote-failed', text: evil, metric: null },
    observation: anObservation({ stable: { ...anObservation().stable, imageIds: [evil], problem: evil } as never }),
    warnings: [evil],
    finishedAt: at('10:05:00'),
  });
  return finished(rollout, {
    journal: [{ at: at('10:02:00'), group: evil, level: 'error', text: evil }],
    pods: [{ pod: evil, state: evil, lines: [evil, evil] }],
  });
};
