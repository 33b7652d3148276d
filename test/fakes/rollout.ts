import type { Plan } from '../../src/core/plan.ts';
import type { Observation, Rollout, StepMetric, StepRecord, Tally } from '../../src/core/rollout.ts';
import { startRollout } from '../../src/core/start.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import type { Arm } from '../../src/core/units.ts';
import { CONDUCT } from './conduct.ts';

/** Instants of the stories told in tests: 2026-03-01, `at('10:02:05')` UTC. */
export const at = (time: string): number => Date.parse(`2026-03-01T${time}Z`);

const CONTAINER = 'checkout';

export const aPlan = (changes: Partial<Plan> = {}): Plan => ({
  target: {
    rolloutId: 'r-812-1',
    namespace: 'shop',
    deployment: 'checkout',
    canaryDeployment: 'checkout-canary',
    service: 'checkout',
    canaryService: 'checkout-canary',
    router: 'gateway-api',
    routes: [
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'HTTPRoute',
        plural: 'httproutes',
        namespace: 'shop',
        name: 'checkout',
      },
    ],
    relabel: { app: 'checkout-canary' },
    images: [{ container: CONTAINER, image: 'ghcr.io/acme/checkout:1.4.2' }],
    template: null,
    companions: [],
    autoscaler: null,
    pair: null,
    annotations: {},
  },
  run: {
    id: '812',
    url: 'https://example.invalid/acme/shop/actions/runs/812',
    commit: 'c0ffee',
    repository: 'acme/shop',
    actor: 'mona',
    pullRequest: 7,
  },
  abilities: {
    unit: 'requests',
    granularity: 1,
    rung: 'V1',
    settleMs: 2000,
    zeroWeightEntry: true,
    allTraffic: true,
    header: false,
    cookie: false,
    mirror: false,
  },
  steps: [500, 1000, 2000, 5000, 8000].map((weight) => ({
    asked: weight,
    weight,
    intervalMs: 60_000,
    canaryReplicas: Math.ceil((weight / 10_000) * 10),
    approval: false,
  })),
  metrics: [
    {
      kind: 'counted',
      name: 'errors',
      onNoData: 'wait',
      dryRun: false,
      requests: 'http_requests_total{pod=~"{{pods}}"}',
      failures: 'http_requests_total{pod=~"{{pods}}", code=~"5.."}',
      replicaLabels: [],
      ceiling: null,
      floor: null,
      slo: null,
    },
    {
      kind: 'measured',
      name: 'p99',
      onNoData: 'wait',
      dryRun: false,
      query: 'histogram_quantile(0.99, sum by (le) (rate(latency_bucket{pod=~"{{pods}}"}[{{window}}])))',
      min: null,
      max: 0.5,
      maxIncrease: null,
      unit: 's',
      failureLimit: 0,
      failedChecks: null,
      replicaLabels: [],
      everyMs: 10_000,
    },
  ],
  fromImages: [{ container: CONTAINER, image: 'ghcr.io/acme/checkout:1.4.1' }],
  stableReplicas: 10,
  stableTemplate: 'hash',
  uids: {},
  original: null,
  judgement: {
    rollbackOdds: 30,
    holdOdds: 5,
    minFailures: 3,
    minRequests: 20,
    requireEvidence: null,
    ignoreFirstMs: 0,
    mode: 'decide',
    metrics: {
      errors: {
        phi: 1,
        tolerance: 1.1,
        bounds: [],
        part: 1,
        history: { ms: 900_000, requestsPerSecond: 205, failureRatio: 0.0008 },
      },
    },
  },
  conduct: CONDUCT,
  watchdog: null,
  promoteAt: 'all-traffic',
  beside: [],
  timings: {
    timeoutMs: 18_000_000,
    readyMs: 300_000,
    drainMs: 30_000,
    noDataMs: 300_000,
    verifyMs: 60_000,
    settleMs: 2000,
    standMs: 2000,
    observeMs: 5000,
    counterMs: 5000,
    sampleMs: 5000,
    minWindowMs: 20_000,
    returnMs: 10_000,
  },
  ...changes,
});

const tally = (requests: number, failures: number): Tally => ({ requests, failures });

type Counts = readonly [failures: number, requests: number];

/** `errors` as `[failures, requests]` of each arm. */
export const counted = (canary: Counts, stable: Counts, changes: Partial<StepMetric> = {}): StepMetric => ({
  name: 'errors',
  verdict: 'pass',
  canary: canary[1] === 0 ? null : canary[0] / canary[1],
  stable: stable[1] === 0 ? null : stable[0] / stable[1],
  unit: null,
  requests: { canary: canary[1], stable: stable[1] },
  failures: { canary: canary[0], stable: stable[0] },
  odds: null,
  explanation: `the canary failed ${canary[0]} of ${canary[1]} requests, stable ${stable[0]} of ${stable[1]}`,
  ...changes,
});

export const latency = (
  canary: number | null,
  stable: number | null,
  changes: Partial<StepMetric> = {},
): StepMetric => ({
  name: 'p99',
  verdict: canary === null ? 'pending' : 'pass',
  canary,
  stable,
  unit: 's',
  requests: null,
  failures: null,
  odds: null,
  explanation: canary === null ? 'not measured yet' : 'within its limits',
  ...changes,
});

/** A step of 60 s that begins at `start` and is verified 1 s later; passed unless told otherwise. */
export const aStep = (weight: number, start: string, changes: Partial<StepRecord> = {}): StepRecord => ({
  weight,
  intervalMs: 60_000,
  startedAt: at(start),
  verifiedAt: at(start) + 1000,
  endedAt: at(start) + 61_000,
  heldMs: 60_000,
  verification: 'V3',
  observedShare: weight - 10,
  verdict: 'passed',
  metrics: [counted([1, 1000], [8, 9000]), latency(0.212, 0.208)],
  ...changes,
});

export const anObservation = (changes: Partial<Observation> = {}): Observation => ({
  at: at('10:08:00'),
  asked: weightOnly(0),
  traffic: weightOnly(0),
  trafficProblem: null,
  changedBy: null,
  asWanted: true,
  verification: { kind: 'reached', rung: 'V1' },
  progress: null,
  restored: true,
  stable: {
    uid: 'u1',
    replicas: 10,
    ready: 10,
    endpoints: 10,
    rolledOut: true,
    template: 'hash',
    images: [{ container: CONTAINER, image: 'ghcr.io/acme/checkout:1.4.2' }],
    imageIds: [`ghcr.io/acme/checkout@sha256:${'ab12'.repeat(16)}`],
    problem: null,
    lives: null,
  },
  canary: null,
  ...changes,
});

const total = (steps: readonly StepRecord[], name: string, arm: Arm): Tally =>
  steps
    .flatMap(({ metrics }) => metrics.filter((metric) => metric.name === name))
    .reduce(
      (sum, { requests, failures }) =>
        tally(sum.requests + (requests?.[arm] ?? 0), sum.failures + (failures?.[arm] ?? 0)),
      tally(0, 0),
    );

/** A healthy rollout in its third step; totals follow from the steps. */
export const aRollout = (changes: Partial<Rollout> = {}): Rollout => {
  const plan = changes.plan ?? aPlan();
  const steps = changes.steps ?? [
    aStep(500, '10:02:10'),
    aStep(1000, '10:03:12'),
    aStep(2000, '10:04:14', { endedAt: null, heldMs: 24_300, verdict: 'running' }),
  ];
  const wanted = weightOnly(steps.at(-1)?.weight ?? 0);
  const start = startRollout(plan, at('10:02:00'));
  return {
    ...start,
    phase: 'progressing',
    stage: {
      name: 'bake',
      since: at('10:04:15'),
      write: { kind: 'none' },
      attempts: 0,
      trouble: null,
      troubleCode: null,
      retryAt: 0,
      verifiedAt: at('10:04:15'),
      heldMs: 24_300,
      countedUntil: at('10:04:39'),
    },
    step: steps.length - 1,
    traffic: {
      ...start.traffic,
      wanted,
      verified: wanted,
      rung: 'V1',
      firstAt: steps.length === 0 ? null : at('10:02:10'),
    },
    metrics: start.metrics.map((metric) => ({
      ...metric,
      total: { stable: total(steps, metric.name, 'stable'), canary: total(steps, metric.name, 'canary') },
      verdict: { kind: 'pass', odds: null, explanation: '' },
    })),
    steps,
    lookedAt: at('10:04:39'),
    revision: 1,
    savedRevision: 1,
    ...changes,
  };
};
