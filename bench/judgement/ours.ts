import { clockStands } from '../../src/core/bake.ts';
import { addTallies, addTick, type EvidenceSettings, NO_EVIDENCE, oddsOf } from '../../src/core/evidence.ts';
import { type EvidenceSpec, judge, MIN_FAILURES, ODDS, settingsOf } from '../../src/core/judgement.ts';
import type { Calibration, PlannedJudgement } from '../../src/core/plan.ts';
import type { MetricVerdict, Rollout, Stream, Tally } from '../../src/core/rollout.ts';
import { type Ending, INTERVAL, WEIGHTS, weightOf } from './ramp.ts';
import type { Random } from './random.ts';
import { canaryPods, TICK, type Traffic, type World } from './world.ts';

const NOTHING: Tally = { requests: 0, failures: 0 };
const MIN_REQUESTS = 20;
/** Seconds that steps may stand for evidence in all, and that one may lack requests. */
const PATIENCE = 300;

export const ERRORS: EvidenceSpec = {
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

/** What preflight plans, with the defaults of the inputs. */
const planned = (calibration: Calibration): PlannedJudgement => ({
  ...ODDS.balanced,
  minFailures: MIN_FAILURES,
  minRequests: MIN_REQUESTS,
  requireEvidence: null,
  ignoreFirstMs: 0,
  mode: 'decide',
  metrics: { [ERRORS.name]: calibration },
});

/** One release, as far as it has come. Seconds. */
export interface Progress {
  readonly step: number;
  /** The step's clock, and how long steps were longer for suspicion so far. */
  readonly held: number;
  readonly suspected: number;
  readonly seconds: number;
  readonly harmed: number;
  readonly inStep: Readonly<Record<'canary' | 'stable', Tally>>;
  readonly stream: Stream;
}

const START: Progress = {
  step: 0,
  held: 0,
  suspected: 0,
  seconds: 0,
  harmed: 0,
  inStep: { canary: NOTHING, stable: NOTHING },
  stream: {
    bound: null,
    pending: { canary: null, stable: null },
    total: { canary: NOTHING, stable: NOTHING },
    evidence: NO_EVIDENCE,
  },
};

/**
 * Drives the decider of src/core through the plan, one look every tick. `loss`: part of the samples that get lost; `seen`
 * is told of every look.
 */
export const ours = (
  world: World,
  random: Random,
  loss: number,
  calibration: Calibration,
  seen: (now: Progress) => void = () => {},
): Ending => {
  const judgement = planned(calibration);
  const settings = settingsOf(ERRORS, calibration, WEIGHTS.length, null);
  const arriving = createSamples(random, loss);
  let now = START;
  for (;;) {
    const traffic = world.pass(TICK, weightOf(now.step));
    const brought = arriving(traffic);
    const pending = merged(now.stream.pending, brought);
    const { canary, stable } = pending;
    // Both versions are judged over the same time: one whose sample got lost lets the other wait.
    const isTick = canary !== null && stable !== null;
    const tick = { step: now.step, subject: canary ?? NOTHING, reference: stable ?? NOTHING, frozen: null };
    now = {
      ...now,
      seconds: now.seconds + TICK,
      harmed: now.harmed + traffic.canary.failures,
      inStep: {
        canary: addTallies(now.inStep.canary, brought.canary ?? NOTHING),
        stable: addTallies(now.inStep.stable, brought.stable ?? NOTHING),
      },
      stream: {
        ...now.stream,
        pending: isTick ? { canary: null, stable: null } : pending,
        evidence: isTick ? addTick(now.stream.evidence, tick, settings) : now.stream.evidence,
      },
    };
    seen(now);
    const verdict = isQuiet(now, judgement, settings) ? UNHEARD : verdictOf(now, judgement);
    if (verdict.kind === 'failed') return endingOf(now, true);
    now = afterLook(now, verdict);
    if (now.step === WEIGHTS.length) return endingOf(now, false);
  }
};

const UNHEARD: MetricVerdict = { kind: 'pending', odds: null, explanation: '' };

/** Within a step, below the odds that hold it, the judge lets the clock run whatever it says: most of the time goes there. */
const isQuiet = ({ held, stream }: Progress, { holdOdds }: PlannedJudgement, settings: EvidenceSettings): boolean =>
  held + TICK < INTERVAL && oddsOf(stream.evidence, settings) < holdOdds;

const verdictOf = ({ stream, inStep, step, suspected }: Progress, judgement: PlannedJudgement): MetricVerdict => {
  const [verdict] = judge([{ spec: ERRORS, state: { streams: [stream], step: inStep, failuresByPod: {} } }], {
    judgement,
    subject: 'canary',
    steps: WEIGHTS.length,
    isHeldLongEnough: suspected >= PATIENCE,
    isLast: step === WEIGHTS.length - 1,
    canaryPods: canaryPods(weightOf(step)),
  });
  if (verdict === undefined) throw new Error('one metric has one verdict');
  return verdict;
};

/** The clock of a step: it may stand on suspicion, and nothing but a pass ends the step (core/decide.ts). */
const afterLook = (now: Progress, verdict: MetricVerdict): Progress => {
  const stands = clockStands(seenByClock(verdict));
  const held = now.held + (stands ? 0 : TICK);
  const isOver = held >= INTERVAL;
  const suspected = now.suspected + (verdict.kind === 'held' && (stands || isOver) ? TICK : 0);
  if (isOver && verdict.kind === 'pass')
    return { ...now, suspected, held: 0, step: now.step + 1, inStep: START.inStep };
  if (held > INTERVAL + 2 * PATIENCE) throw new Error('a step without requests is not what this simulates');
  return { ...now, suspected, held };
};

/** As much of a rollout as its clock looks at. */
const seenByClock = (verdict: MetricVerdict): Rollout => {
  const seen = {
    paused: null,
    plan: { judgement: { mode: 'decide' }, metrics: [ERRORS] },
    metrics: [{ name: ERRORS.name, verdict, noDataSince: null }],
  };
  return seen as unknown as Rollout;
};

const endingOf = ({ seconds, harmed, suspected }: Progress, rolledBack: boolean): Ending => ({
  rolledBack,
  seconds,
  harmed,
  atOnce: rolledBack && seconds === TICK,
  held: suspected > 0,
});

type Brought = Stream['pending'];

const merged = (pending: Brought, more: Brought): Brought => ({
  canary: more.canary === null ? pending.canary : addTallies(pending.canary ?? NOTHING, more.canary),
  stable: more.stable === null ? pending.stable : addTallies(pending.stable ?? NOTHING, more.stable),
});

/** Counters lose nothing: what a lost sample would have brought comes with that version's next one. */
const createSamples = (random: Random, loss: number): ((traffic: Traffic) => Brought) => {
  let unseen: Traffic = { canary: NOTHING, stable: NOTHING };
  const arm = (name: 'canary' | 'stable', traffic: Traffic): Tally | null => {
    const all = addTallies(unseen[name], traffic[name]);
    const arrived = loss === 0 || random.uniform() >= loss;
    unseen = { ...unseen, [name]: arrived ? NOTHING : all };
    return arrived ? all : null;
  };
  return (traffic) => ({ canary: arm('canary', traffic), stable: arm('stable', traffic) });
};
