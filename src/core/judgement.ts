import { ceilingOdds, type Evidence, type EvidenceSettings, loudestStart, NO_EVIDENCE, oddsOf } from './evidence.ts';
import type { Calibration, PlannedJudgement } from './plan.ts';
import type { MetricVerdict, Stream, Tally } from './rollout.ts';
import {
  type Bench,
  bothUnhealthy,
  type Case,
  type EvidenceSpec,
  failed,
  going,
  held,
  type Weighed,
} from './verdict-text.ts';

export type { Bench, Case, EvidenceSpec } from './verdict-text.ts';
export { formatOdds } from './verdict-text.ts';

/** A tolerance is not judged by its second failure. */
export const MIN_FAILURES = 3;

/** How the user's word for it becomes limits. `strict` guarantees 1 false rollback in 100 at most, `fast` 1 in 20. */
export const ODDS = {
  strict: { rollbackOdds: 100, holdOdds: 10 },
  balanced: { rollbackOdds: 30, holdOdds: 5 },
  fast: { rollbackOdds: 20, holdOdds: 5 },
} as const;

/** Of what is counted against `bound`, null for failures. Limits of a latency are about the bound that the user named. */
export const settingsOf = (
  spec: EvidenceSpec,
  { phi, tolerance }: Calibration,
  steps: number,
  bound: number | null,
): EvidenceSettings => {
  const isLimited = spec.kind === 'counted' || isNamed(bound, spec);
  return {
    steps,
    tolerance,
    phi,
    ceiling: isLimited ? spec.ceiling : null,
    floor: isLimited ? spec.floor : null,
  };
};

const UNCALIBRATED: Calibration = { phi: 1, tolerance: 1.1, bounds: [], part: 1, history: null };

export const calibrationOf = ({ metrics }: PlannedJudgement, name: string): Calibration =>
  (Object.hasOwn(metrics, name) ? metrics[name] : undefined) ?? UNCALIBRATED;

/**
 * Verdicts of all metrics judged on evidence, in their order. Those that decide are merged by their parts: the weighted
 * mean of evidence is evidence (https://arxiv.org/abs/1912.06116); the one that says most is named.
 */
export const judge = (cases: readonly Case[], bench: Bench): readonly MetricVerdict[] => {
  const weighed = cases.map((one) => weigh(one, bench));
  const deciding = weighed.filter(({ spec }) => !spec.dryRun);
  const merged = (of: (one: Weighed) => number): number =>
    deciding.reduce((sum, one) => sum + one.calibration.part * of(one), 0);
  const together = { sure: merged(({ sure }) => sure), odds: merged(({ odds }) => odds) };
  const loudest = (of: (one: Weighed) => number): Weighed | undefined =>
    deciding.toSorted((a, b) => b.calibration.part * of(b) - a.calibration.part * of(a))[0];
  const { rollbackOdds, holdOdds } = bench.judgement;
  const failing = together.sure >= rollbackOdds ? loudest(({ sure }) => sure) : undefined;
  const suspect = together.odds >= holdOdds ? loudest(({ odds }) => odds) : undefined;
  return weighed.map((one): MetricVerdict => {
    if (one.streams.length === 0 && one.spec.kind === 'latency') return NOT_JUDGED;
    const others = one.spec.dryRun ? 0 : deciding.length - 1;
    const { sure, odds } = one.spec.dryRun ? one : together;
    if (one.spec.dryRun ? sure >= rollbackOdds : one === failing) return failed(one, sure, others, bench);
    if (bench.isHeldLongEnough) return going(one, others, bench);
    if (one.shared !== null) return bothUnhealthy(one, one.shared, bench);
    const isSuspect = one.spec.dryRun ? odds >= holdOdds : one === suspect && failing === undefined;
    return isSuspect ? held(one, odds, others, bench) : going(one, others, bench);
  });
};

const NOT_JUDGED: MetricVerdict = {
  kind: 'ignored',
  odds: null,
  explanation: "not judged: in stable's history no bound of the histogram tells fast from slow; set `bound`",
};

const weigh = (one: Case, bench: Bench): Weighed => {
  const { judgement, steps } = bench;
  const calibration = calibrationOf(judgement, one.spec.name);
  const { streams } = one.state;
  const fullOf = ({ bound }: Stream): EvidenceSettings => settingsOf(one.spec, calibration, steps, bound);
  const shared = streams.find((stream) => areBothAbove(stream.evidence, fullOf(stream), bench)) ?? null;
  // While stable is above it too, the ceiling tells nothing about the new version.
  const settingsFor = (stream: Stream): EvidenceSettings =>
    shared === null ? fullOf(stream) : { ...fullOf(stream), ceiling: null };
  const oddsIn = (stream: Stream): number => oddsOf(stream.evidence, settingsFor(stream));
  const sureIn = (stream: Stream): number =>
    stream.evidence.subject.failures >= judgement.minFailures ? oddsIn(stream) : Math.min(1, oddsIn(stream));
  const parts = streamParts(one);
  // What is not counted says nothing, which is 1.
  const mean = (of: (stream: Stream) => number): number =>
    streams.length === 0 ? 1 : streams.reduce((sum, stream, index) => sum + (parts[index] ?? 0) * of(stream), 0);
  const loudest = streams.toSorted((a, b) => oddsIn(b) - oddsIn(a))[0] ?? EMPTY;
  const telling = streams.toSorted((a, b) => told(b, one.spec) - told(a, one.spec))[0] ?? EMPTY;
  return {
    ...one,
    calibration,
    settings: settingsFor(loudest),
    streams,
    loudest,
    telling,
    odds: mean(oddsIn),
    sure: mean(sureIn),
    shared,
  };
};

/**
 * Above the ceiling together: the subject surely, the reference by what it had over the same time. One with little traffic
 * may look fine by chance, so the subject has to look worse than it too, until that took as long as it may: without it,
 * an incident of both rolled one good release of nine back (8 times as many failures for 60 s, 10 requests/s).
 */
const areBothAbove = (evidence: Evidence, settings: EvidenceSettings, bench: Bench): boolean => {
  const { ceiling } = settings;
  const { judgement, steps, isHeldLongEnough } = bench;
  if (ceiling === null || ceilingOdds(evidence, 'subject', steps) < judgement.rollbackOdds) return false;
  const start = loudestStart(evidence, steps, 'ceiling');
  if (start === null || start.reference.requests === 0) return false;
  if (start.reference.failures > ceiling * start.reference.requests) return true;
  const relative = oddsOf({ ...evidence, starts: [start] }, { ...settings, steps: 1, ceiling: null, floor: null });
  return !isHeldLongEnough && relative < judgement.holdOdds;
};

const NONE: Tally = { requests: 0, failures: 0 };
const EMPTY: Stream = {
  bound: null,
  pending: { stable: null, canary: null },
  total: { stable: NONE, canary: NONE },
  evidence: NO_EVIDENCE,
};

/** The bound that the user named has half of a latency's evidence, the others the rest. */
const streamParts = ({ spec, state }: Case): readonly number[] => {
  const count = state.streams.length;
  const named = state.streams.some(({ bound }) => isNamed(bound, spec)) && count > 1;
  return state.streams.map(({ bound }) => (named ? (isNamed(bound, spec) ? 0.5 : 0.5 / (count - 1)) : 1 / count));
};

const isNamed = (bound: number | null, spec: EvidenceSpec): boolean => spec.kind === 'latency' && bound === spec.bound;

/** How much is known from a stream about both arms: rare failures say little. */
const told = ({ bound, evidence }: Stream, spec: EvidenceSpec): number =>
  isNamed(bound, spec) ? Number.POSITIVE_INFINITY : evidence.subject.failures + evidence.reference.failures;
