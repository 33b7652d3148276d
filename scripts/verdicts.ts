import { addTick, NO_EVIDENCE } from '../src/core/evidence.ts';
import {
  type Bench,
  type Case,
  type EvidenceSpec,
  judge,
  MIN_FAILURES,
  ODDS,
  settingsOf,
} from '../src/core/judgement.ts';
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
  readonly calibration?: Partial<Calibration>;
  /** The pod that had all of the failures. */
  readonly pod?: string;
  /** Whether a second metric, which saw nothing, decides as well. */
  readonly isMerged?: boolean;
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

const REQUIRED: Partial<Bench> = { isLast: true, judgement: { ...BENCH.judgement, requireEvidence: 3 } };

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

/** What else the judge may say: docs/judgement.md explains it. */
const FURTHER: readonly Example[] = [
  { verdict: 'rolled back', canary: counts(6, 125), stable: counts(2, 2_375), calibration: { phi: 2.8 } },
  { verdict: 'rolled back', canary: counts(9, 125), stable: counts(2, 2_375), calibration: { tolerance: 1.5 } },
  { verdict: 'rolled back', canary: counts(4, 125), stable: counts(2, 2_375), isMerged: true },
  { verdict: 'held', canary: counts(2, 50), stable: counts(0, 2_500) },
  { verdict: 'held', canary: counts(2, 100), stable: counts(1, 1_900), calibration: { phi: 1.2 } },
  { verdict: 'waits', canary: counts(2, 1_500), stable: counts(40, 28_500), bench: REQUIRED },
  { verdict: 'passed', canary: counts(2, 100), stable: counts(2, 1_900), bench: { isHeldLongEnough: true } },
  { verdict: 'passed', canary: counts(1, 25), stable: counts(1, 475) },
  { verdict: 'passed', canary: counts(3, 10_000), stable: counts(2, 190_000), spec: { ...ERRORS, floor: 0.001 } },
];

const sentenceOf = (example: Example): string => {
  const { canary, stable, spec = ERRORS, bench, pod, isMerged = false } = example;
  const calibration = { ...CALIBRATION, ...example.calibration, ...(isMerged ? { part: 0.5 } : {}) };
  const metrics = { ...BENCH.judgement.metrics, [spec.name]: calibration, quiet: { ...CALIBRATION, part: 0.5 } };
  const asked: Bench = { ...BENCH, ...bench };
  const caseOf = (one: EvidenceSpec, mine: Tally, theirs: Tally): Case => {
    const tick = { step: 0, subject: mine, reference: theirs, frozen: null };
    const evidence = addTick(NO_EVIDENCE, tick, settingsOf(one, calibration, STEPS));
    const total = { canary: mine, stable: theirs };
    const bound = one.kind === 'latency' ? one.bound : null;
    const stream = { bound, pending: { stable: null, canary: null }, total, evidence };
    return {
      spec: one,
      state: { streams: [stream], step: total, failuresByPod: pod === undefined ? {} : { [pod]: mine.failures } },
    };
  };
  const quiet = caseOf({ ...ERRORS, name: 'quiet' }, counts(0, canary.requests), counts(0, stable.requests));
  const cases = [caseOf(spec, canary, stable), ...(isMerged ? [quiet] : [])];
  const [verdict] = judge(cases, { ...asked, judgement: { ...asked.judgement, metrics } });
  return verdict?.explanation ?? '';
};

/** Verdict and sentence, row by row. */
export const verdictRows = (): readonly (readonly [verdict: string, sentence: string])[] =>
  EXAMPLES.map((example) => [example.verdict, sentenceOf(example)]);

/** Sentences of every kind. */
export const sentences = (): readonly string[] => [...EXAMPLES, ...FURTHER].map(sentenceOf);
