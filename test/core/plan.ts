import { HORIZONTAL_POD_AUTOSCALER } from '../../src/core/objects.ts';
import type { Plan, PlannedJudgement } from '../../src/core/plan.ts';
import type { CountedSpec, MeasuredSpec } from '../../src/core/spec.ts';
import type { Abilities } from '../../src/core/traffic.ts';
import { CONDUCT } from '../fakes/conduct.ts';

const ROUTER: Abilities = {
  unit: 'requests',
  granularity: 10,
  rung: 'V1',
  settleMs: 2_000,
  zeroWeightEntry: true,
  allTraffic: true,
  header: false,
  cookie: false,
  mirror: false,
};

export const PODS: Abilities = { ...ROUTER, unit: 'pods', rung: 'V2', zeroWeightEntry: false, allTraffic: false };

export const ERRORS: CountedSpec = {
  kind: 'counted',
  name: 'errors',
  requests: 'requests',
  failures: 'failures',
  onNoData: 'wait',
  dryRun: false,
  replicaLabels: [],
  ceiling: null,
  floor: null,
  slo: null,
};

export const LATENCY: MeasuredSpec = {
  kind: 'measured',
  name: 'p99',
  query: 'p99',
  min: null,
  max: 0.5,
  maxIncrease: null,
  unit: 's',
  failureLimit: 0,
  failedChecks: null,
  everyMs: 10_000,
  onNoData: 'wait',
  dryRun: false,
  replicaLabels: [],
};

export const JUDGEMENT: PlannedJudgement = {
  rollbackOdds: 30,
  holdOdds: 5,
  minFailures: 3,
  minRequests: 20,
  requireEvidence: null,
  ignoreFirstMs: 0,
  mode: 'decide',
  metrics: {},
};

/** Something scales stable, and its copy the canary. */
export const AUTOSCALED: Pick<Plan['target'], 'autoscaler' | 'companions'> = {
  autoscaler: {
    ref: { ...HORIZONTAL_POD_AUTOSCALER, namespace: 'shop', name: 'checkout' },
    fields: [{ path: '/spec/minReplicas', was: 1, held: 3 }],
  },
  companions: [{ ref: { ...HORIZONTAL_POD_AUTOSCALER, namespace: 'shop', name: 'checkout-canary' }, body: {} }],
};

/** The canary is a Deployment of the user's own. */
export const PAIR: NonNullable<Plan['target']['pair']> = {
  replicas: 1,
  images: [{ container: 'checkout', image: 'checkout:1' }],
  arms: 'app=checkout',
};

/** A plan of three steps of 30 s for three stable pods; change what a test is about. */
export const aPlan = (change: Partial<Plan> = {}): Plan => {
  const abilities = change.abilities ?? ROUTER;
  return {
    target: {
      rolloutId: 'r1',
      namespace: 'shop',
      deployment: 'checkout',
      canaryDeployment: 'checkout-canary',
      service: 'checkout',
      canaryService: abilities.unit === 'pods' ? null : 'checkout-canary',
      router: abilities.unit === 'pods' ? 'replicas' : 'gateway-api',
      routes: [],
      relabel: { app: 'checkout-canary' },
      images: [{ container: 'checkout', image: 'checkout:2' }],
      annotations: {},
      template: null,
      companions: [],
      autoscaler: null,
      pair: null,
    },
    run: { id: '1', url: null, commit: null, repository: null, actor: null, pullRequest: null },
    abilities,
    steps: [500, 2_000, 5_000].map((weight) => ({
      asked: weight,
      weight,
      intervalMs: 30_000,
      canaryReplicas: Math.max(1, Math.ceil((weight / 10_000) * 3)),
      approval: false,
    })),
    metrics: [ERRORS],
    fromImages: [{ container: 'checkout', image: 'checkout:1' }],
    stableReplicas: 3,
    stableTemplate: 'template-1',
    uids: {},
    original: null,
    judgement: JUDGEMENT,
    conduct: CONDUCT,
    watchdog: null,
    promoteAt: 'all-traffic',
    beside: [],
    timings: {
      timeoutMs: 3_600_000,
      readyMs: 120_000,
      drainMs: 30_000,
      noDataMs: 60_000,
      verifyMs: 60_000,
      settleMs: 2_000,
      standMs: 2_000,
      observeMs: 5_000,
      counterMs: 1_000,
      sampleMs: 5_000,
      minWindowMs: 4_000,
      returnMs: 5_000,
    },
    ...change,
  };
};
