import { addTick, NO_EVIDENCE } from '../src/core/evidence.ts';
import { type Bench, type EvidenceSpec, judge, MIN_FAILURES, ODDS, settingsOf } from '../src/core/judgement.ts';
import type { Calibration } from '../src/core/plan.ts';
import type { Tally } from '../src/core/rollout.ts';
import type { CountedSpec } from '../src/core/spec.ts';

/** Counts that the judge is asked about, for the table of the README: what it says of them is not written by hand. */
interface Example {
  readonly verdict: string;
  readonly canary: Tally;
  readonly stable: Tally;
  readonly spec?: EvidenceSpec;
  readonly bench?: Partial<Bench>;
  /** The pod that had all of the failures. */
  readonly pod?: string;
}

const STEPS = 5;
const CALIBRATION: Calibration = { phi: 1, tolerance: 1.1, bounds: [], part: 1, history: null };
const COMMON = { onNoData: 'wait', dryRun: false, replicaLabels: [], ceiling: null, floor: null, slo: null } as const;
const ERRORS: CountedSpec = { kind: 'counted', name: 'errors', requests: '', failures: '', ...COMMON };
const LATENCY: EvidenceSpec = { kind: 'latency', name: 'latency', histogram: '', bound: 0.5, unit: 's', ...COMMON };
const OBJECTIVE: CountedSpec = { ...ERRORS, ceiling: 0.0144, slo: { objective: 0.999, burnRate: 14.4 } };

const BENCH: Bench = {
  judgement: {
    ...ODDS.balanced,
    minFailures: MIN_FAILURES,
    minRequests: 20,
    requireEvidence: null,
    ignoreFirstMs: 0,
    mode: 'decide',
    metrics: { errors: CALIBRATION, latency: CALIBRATION },
  },
  subject: 'canary',
  steps: STEPS,
  step: 0,
  isHeldLongEnough: false,
  isLast: false,
  canaryPods: 1,
};

const counts = (failures: number, requests: number): Tally => ({ requests, failures });

const EXAMPLES: readonly Example[] = [
  { verdict: 'rolled back', canary: counts(3, 125), stable: counts(2, 2_375) },
  { verdict: 'rolled back', canary: counts(10, 250), stable: counts(42, 4_750), spec: LATENCY },
  {
    verdict: 'rolled back, one pod',
    canary: counts(4, 125),
    stable: counts(2, 2_375),
    bench: { canaryPods: 4 },
    pod: 'checkout-canary-7d9f6-x2kqv',
  },
  { verdict: 'held', canary: counts(2, 100), stable: counts(2, 1_900) },
  { verdict: 'held, both unhealthy', canary: counts(60, 1_500), stable: counts(1_200, 28_500), spec: OBJECTIVE },
  { verdict: 'waits', canary: counts(0, 7), stable: counts(0, 150) },
  { verdict: 'passed', canary: counts(10, 9_900), stable: counts(20, 20_100) },
  { verdict: 'passed, no failures', canary: counts(0, 1_500), stable: counts(0, 28_500) },
  { verdict: 'passed, stable is worse', canary: counts(2, 1_500), stable: counts(300, 28_500) },
];

const sentenceOf = ({ canary, stable, spec = ERRORS, bench, pod }: Example): string => {
  const tick = { step: 0, subject: canary, reference: stable, frozen: null };
  const evidence = addTick(NO_EVIDENCE, tick, settingsOf(spec, CALIBRATION, STEPS));
  const total = { canary, stable };
  const bound = spec.kind === 'latency' ? spec.bound : null;
  const stream = { bound, pending: { stable: null, canary: null }, total, evidence };
  const failuresByPod = pod === undefined ? {} : { [pod]: canary.failures };
  const [verdict] = judge([{ spec, state: { streams: [stream], step: total, failuresByPod } }], { ...BENCH, ...bench });
  return verdict?.explanation ?? '';
};

/** Verdict and sentence, row by row. */
export const verdictRows = (): readonly (readonly [verdict: string, sentence: string])[] =>
  EXAMPLES.map((example) => [example.verdict, sentenceOf(example)]);
