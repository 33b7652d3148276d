import { addTick, NO_EVIDENCE } from '../../src/core/evidence.ts';
import {
  type Bench,
  type Case,
  calibrationOf,
  type EvidenceSpec,
  judge,
  settingsOf,
} from '../../src/core/judgement.ts';
import type { Calibration, PlannedJudgement } from '../../src/core/plan.ts';
import type { MetricVerdict, Stream, Tally } from '../../src/core/rollout.ts';
import type { LatencySpec } from '../../src/core/spec.ts';
import { ERRORS, JUDGEMENT } from './plan.ts';

/** What one step counted of both arms: failures of requests. */
export interface Counts {
  readonly subject: readonly [failures: number, requests: number];
  readonly reference: readonly [failures: number, requests: number];
  readonly step?: number;
  readonly frozen?: number;
}

/** A metric with its ticks: by stream, which has a bound where it is a latency. */
export interface Told {
  readonly spec?: EvidenceSpec;
  readonly ticks?: readonly Counts[];
  readonly streams?: readonly { readonly bound: number; readonly ticks: readonly Counts[] }[];
  readonly calibration?: Partial<Calibration>;
  readonly failuresByPod?: Readonly<Record<string, number>>;
  /** What the current step had, where it is not what was judged in it. */
  readonly had?: number;
}

export const SLOW: LatencySpec = {
  kind: 'latency',
  name: 'latency',
  histogram: 'latency_bucket',
  bound: null,
  unit: 's',
  onNoData: 'wait',
  dryRun: false,
  replicaLabels: [],
  ceiling: null,
  floor: null,
  slo: null,
};

export const BENCH: Bench = {
  judgement: JUDGEMENT,
  subject: 'canary',
  steps: 5,
  isHeldLongEnough: false,
  isLast: false,
  canaryPods: 1,
};

const tally = ([failures, requests]: readonly [number, number]): Tally => ({ requests, failures });

const CALIBRATION: Calibration = { phi: 1, tolerance: 1.1, bounds: [], part: 1, history: null };

const planned = (told: readonly Told[], judgement: PlannedJudgement): PlannedJudgement => ({
  ...judgement,
  metrics: Object.fromEntries(
    told.map(({ spec = ERRORS, calibration }) => [spec.name, { ...CALIBRATION, ...calibration }]),
  ),
});

const caseOf = (told: Told, { judgement, steps, subject }: Bench): Case => {
  const { spec = ERRORS, ticks, streams, failuresByPod = {} } = told;
  const stream = (bound: number | null, counts: readonly Counts[]): Stream => ({
    bound,
    pending: { stable: null, canary: null },
    total: { stable: tally([0, 0]), canary: tally([0, 0]) },
    evidence: counts.reduce(
      (evidence, { subject: mine, reference, step = 0, frozen = null }) =>
        addTick(
          evidence,
          { step, subject: tally(mine), reference: tally(reference), frozen },
          settingsOf(spec, calibrationOf(judgement, spec.name), steps, bound),
        ),
      NO_EVIDENCE,
    ),
  });
  const all = ticks === undefined ? (streams ?? []) : [{ bound: null, ticks }];
  const last = all[0]?.ticks.at(-1)?.step ?? 0;
  const inStep = (all[0]?.ticks ?? []).filter(({ step = 0 }) => step === last);
  const had = told.had ?? inStep.reduce((sum, one) => sum + one.subject[1], 0);
  const idle = tally([0, 0]);
  return {
    spec,
    state: {
      streams: all.map(({ bound, ticks: counts }) => stream(bound, counts)),
      step: { stable: idle, canary: idle, [subject]: tally([0, had]) },
      failuresByPod,
    },
  };
};

/** Verdicts of metrics that saw such counts, as the judge of the rollout gives them. */
export const verdictsOn = (told: readonly Told[], change: Partial<Bench> = {}): readonly MetricVerdict[] => {
  const bench = { ...BENCH, ...change };
  const complete = { ...bench, judgement: planned(told, bench.judgement) };
  return judge(
    told.map((one) => caseOf(one, complete)),
    complete,
  );
};
