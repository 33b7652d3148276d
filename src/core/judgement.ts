import { ceilingOdds, type Evidence, type EvidenceSettings, failuresBelow, oddsOf, upperBound } from './evidence.ts';
import { formatCount, formatNumber, formatRatio } from './format.ts';
import type { Calibration, PlannedJudgement } from './plan.ts';
import type { MetricState, MetricVerdict, Stream, Tally } from './rollout.ts';
import type { CountedSpec, LatencySpec } from './spec.ts';
import type { Arm } from './units.ts';

export type EvidenceSpec = CountedSpec | LatencySpec;

/** One metric as the judge sees it. */
export interface Case {
  readonly spec: EvidenceSpec;
  readonly state: Pick<MetricState, 'streams' | 'step' | 'failuresByPod'>;
}

/** What is the same for all metrics of one look. */
export interface Bench {
  readonly judgement: PlannedJudgement;
  readonly subject: Arm;
  /** Steps of the plan, or of the return to stable. */
  readonly steps: number;
  /** Steps stood for evidence as long as they may. */
  readonly isHeldLongEnough: boolean;
  /** The last step: what `require-evidence` asks for is needed now. */
  readonly isLast: boolean;
  /** Canary pods, to tell one bad pod from a bad version. */
  readonly canaryPods: number;
}

/** A tolerance is not judged by its second failure. */
export const MIN_FAILURES = 3;

/** How the user's word for it becomes limits. `strict` guarantees 1 false rollback in 100 at most, `fast` 1 in 20. */
export const ODDS = {
  strict: { rollbackOdds: 100, holdOdds: 10 },
  balanced: { rollbackOdds: 30, holdOdds: 5 },
  fast: { rollbackOdds: 20, holdOdds: 5 },
} as const;

export const settingsOf = (spec: EvidenceSpec, { phi, tolerance }: Calibration, steps: number): EvidenceSettings => ({
  steps,
  tolerance,
  phi,
  ceiling: spec.ceiling,
  floor: spec.floor,
});

const UNCALIBRATED: Calibration = { phi: 1, tolerance: 1.1, bounds: [], part: 1, history: null };

export const calibrationOf = ({ metrics }: PlannedJudgement, name: string): Calibration =>
  metrics[name] ?? UNCALIBRATED;

/** A metric's evidence in one number each: for the rollback, and for the hold, which needs no three failures. */
interface Weighed extends Case {
  readonly calibration: Calibration;
  readonly settings: EvidenceSettings;
  /** The stream that says most. */
  readonly stream: Stream;
  readonly odds: number;
  readonly sure: number;
  /** Both arms are above the ceiling: no reason to roll one of them back. */
  readonly bothAbove: boolean;
}

/**
 * Verdicts of all metrics judged on evidence, in their order. Those that decide are merged by their parts: the weighted
 * mean of evidence is evidence (https://arxiv.org/abs/1912.06116); the one that says most is named.
 */
export const judge = (cases: readonly Case[], bench: Bench): readonly MetricVerdict[] => {
  const weighed = cases.map((one) => weigh(one, bench));
  const deciding = weighed.filter(({ spec }) => !spec.dryRun);
  const merged = (of: (one: Weighed) => number): number =>
    deciding.reduce((sum, one) => sum + one.calibration.part * of(one), 0);
  const [sure, odds] = [merged((one) => one.sure), merged((one) => one.odds)];
  const loudest = (of: (one: Weighed) => number): Weighed | undefined =>
    deciding.toSorted((a, b) => b.calibration.part * of(b) - a.calibration.part * of(a))[0];
  const { rollbackOdds, holdOdds } = bench.judgement;
  const failing = sure >= rollbackOdds ? loudest((one) => one.sure) : undefined;
  const suspect = odds >= holdOdds ? loudest((one) => one.odds) : undefined;
  return weighed.map((one) => {
    const own = { sure: one.spec.dryRun ? one.sure : sure, odds: one.spec.dryRun ? one.odds : odds };
    const others = deciding.length > 1 && !one.spec.dryRun;
    if (one === failing || (one.spec.dryRun && own.sure >= rollbackOdds)) return failed(one, own.sure, others, bench);
    if (one.bothAbove && !bench.isHeldLongEnough) return bothUnhealthy(one, bench);
    const isSuspect = one === suspect || (one.spec.dryRun && own.odds >= holdOdds);
    if (isSuspect && failing === undefined && !bench.isHeldLongEnough) return held(one, own.odds, others, bench);
    return going(one, bench);
  });
};

const weigh = (one: Case, { judgement, steps }: Bench): Weighed => {
  const calibration = calibrationOf(judgement, one.spec.name);
  const full = settingsOf(one.spec, calibration, steps);
  const [main] = one.state.streams;
  const above = (arm: 'subject' | 'reference'): boolean =>
    full.ceiling !== null && main !== undefined && ceilingOdds(main.evidence, arm) >= judgement.rollbackOdds;
  const bothAbove = above('subject') && above('reference');
  // While stable is above it too, the ceiling tells nothing about the new version.
  const settings: EvidenceSettings = bothAbove ? { ...full, ceiling: null } : full;
  const oddsIn = ({ evidence }: Stream): number => oddsOf(evidence, settings);
  const sureIn = (stream: Stream): number =>
    stream.evidence.subject.failures >= judgement.minFailures ? oddsIn(stream) : Math.min(1, oddsIn(stream));
  const parts = streamParts(one);
  const mean = (of: (stream: Stream) => number): number =>
    one.state.streams.reduce((sum, stream, index) => sum + (parts[index] ?? 0) * of(stream), 0);
  const stream = one.state.streams.toSorted((a, b) => oddsIn(b) - oddsIn(a))[0] ?? EMPTY;
  return { ...one, calibration, settings, stream, odds: mean(oddsIn), sure: mean(sureIn), bothAbove };
};

const NONE: Tally = { requests: 0, failures: 0 };
const EMPTY: Stream = {
  bound: null,
  pending: { stable: null, canary: null },
  total: { stable: NONE, canary: NONE },
  evidence: {
    starts: [],
    ceiling: { subject: [], reference: [] },
    floor: [],
    safe: [],
    subject: NONE,
    reference: NONE,
  },
};

/** The bound that the user named has half of a latency's evidence, the others the rest. */
const streamParts = ({ spec, state }: Case): readonly number[] => {
  const count = state.streams.length;
  const isNamed = (bound: number | null): boolean => spec.kind === 'latency' && bound === spec.bound;
  const named = state.streams.some(({ bound }) => isNamed(bound)) && count > 1;
  return state.streams.map(({ bound }) => (named ? (isNamed(bound) ? 0.5 : 0.5 / (count - 1)) : 1 / count));
};

// --- sentences ------------------------------------------------------------------

const other = (arm: Arm): Arm => (arm === 'stable' ? 'canary' : 'stable');

const counted = ({ requests, failures }: Tally): string =>
  `${formatCount(failures)} of ${formatCount(requests)} requests${requests === 0 ? '' : ` (${formatRatio(failures / requests)})`}`;

/** `the canary failed 3 of 125 requests (2.4 %), stable 2 of 2 375 requests (0.08 %)` */
const comparison = ({ spec, stream }: Weighed, { subject }: Bench): string => {
  const { evidence, bound } = stream;
  const slower =
    bound === null ? '' : ` slower than ${formatNumber(bound, spec.kind === 'latency' ? (spec.unit ?? '') : '')}`;
  const verb = bound === null ? 'failed' : 'answered';
  const of = (tally: Tally): string => `${counted(tally)}${slower}`;
  return `the ${subject} ${verb} ${of(evidence.subject)}, ${other(subject)} ${counted(evidence.reference)}`;
};

/** `5.5`, `31`, `1 200`, `more than a million` */
export const formatOdds = (odds: number): string => {
  if (odds >= 1e6) return 'over a million';
  return odds >= 10 ? formatCount(odds) : String(Number(odds.toPrecision(2)));
};

const likelier = (odds: number, { subject }: Bench): string =>
  `${formatOdds(odds)} times likelier if the ${subject === 'canary' ? 'new version' : 'updated stable'} is worse`;

const clumps = ({ calibration }: Weighed): string =>
  calibration.phi < 1.05
    ? ''
    : `; failures come in clumps, so evidence counts 1/${Number(calibration.phi.toPrecision(2))}`;

const failed = (one: Weighed, odds: number, isMerged: boolean, bench: Bench): MetricVerdict => {
  const together = isMerged ? 'with all metrics together ' : '';
  const limit = bench.judgement.rollbackOdds;
  const above = isCeilingAlone(one) ? `; above the ceiling of ${ceilingText(one)}` : '';
  const explanation = `${comparison(one, bench)}: ${together}${likelier(odds, bench)} (limit ${limit})${above}${onePod(one, bench)}${clumps(one)}`;
  return { kind: 'failed', odds, explanation };
};

/** Without the ceiling it would not have been enough. */
const isCeilingAlone = ({ settings, stream }: Weighed): boolean =>
  settings.ceiling !== null &&
  oddsOf(stream.evidence, { ...settings, ceiling: null }) < oddsOf(stream.evidence, settings) / 2;

const ceilingText = ({ spec }: Weighed): string => {
  const ceiling = formatRatio(spec.ceiling ?? 1);
  return spec.slo === null
    ? ceiling
    : `${ceiling} (${spec.slo.burnRate} times what ${formatRatio(spec.slo.objective)} allows)`;
};

/** All failures on one of several pods may be that pod's own trouble: who reads it looks there first. */
const onePod = ({ state }: Weighed, { subject, canaryPods }: Bench): string => {
  const pods = Object.entries(state.failuresByPod);
  const [only] = pods;
  return subject === 'canary' && pods.length === 1 && only !== undefined && canaryPods > 1
    ? `; all of them on ${only[0]}, one of ${canaryPods} pods`
    : '';
};

const held = (one: Weighed, odds: number, isMerged: boolean, bench: Bench): MetricVerdict => {
  const together = isMerged ? 'with all metrics together ' : '';
  const explanation = `${comparison(one, bench)}: ${together}${likelier(odds, bench)}; the weight stands until it is ${bench.judgement.rollbackOdds} times, or fades${clumps(one)}`;
  return { kind: 'held', odds, explanation };
};

const bothUnhealthy = (one: Weighed, bench: Bench): MetricVerdict => ({
  kind: 'held',
  odds: one.odds,
  explanation: `${comparison(one, bench)}: both versions are above the ceiling of ${ceilingText(one)}, which is no reason to roll one of them back; the weight stands`,
});

const going = (one: Weighed, bench: Bench): MetricVerdict => {
  const { subject, judgement } = bench;
  const pending = (explanation: string): MetricVerdict => ({ kind: 'pending', odds: null, explanation });
  const had = one.state.step[subject].requests;
  if (had < judgement.minRequests)
    return pending(
      `the ${subject} had ${formatCount(had)} of the ${formatCount(judgement.minRequests)} requests that a step needs`,
    );
  const { evidence } = one.stream;
  if (evidence.reference.requests === 0) return pending(`the ${other(subject)} had no requests to compare with`);
  const lacks = bench.isLast ? lacking(one, bench) : null;
  if (lacks !== null) return pending(lacks);
  return { kind: 'pass', odds: one.odds, explanation: `${comparison(one, bench)}${assurance(one, bench)}` };
};

/** What `require-evidence` still asks for; null when it is there. */
const lacking = (one: Weighed, { judgement, subject }: Bench): string | null => {
  const { requireEvidence } = judgement;
  if (requireEvidence === null || one.spec.dryRun || subject === 'stable') return null;
  const bound = upperBound(one.stream.evidence);
  if (bound !== null && bound <= requireEvidence) return null;
  const known = bound === null ? 'nothing can be excluded yet' : `95 % sure it is not worse than ${bound}x`;
  return `${known}; \`require-evidence\` asks for ${requireEvidence}x`;
};

/** How sure it is that nothing is wrong, or that too little was seen to tell. */
const assurance = (
  { stream: { evidence }, odds }: Weighed,
  { judgement, isHeldLongEnough, subject }: Bench,
): string => {
  if (odds >= judgement.holdOdds && isHeldLongEnough)
    return `: still ${formatOdds(odds)} times likelier if it is worse, but it stood long enough without more evidence`;
  if (evidence.subject.failures === 0) return `; 95 % sure that it fails below ${formatRatio(failuresBelow(evidence))}`;
  if (isBetter(evidence)) return `; ${other(subject)} is the worse one`;
  const bound = upperBound(evidence);
  return bound === null ? '; too few to tell how much worse it could be' : `; 95 % sure it is not worse than ${bound}x`;
};

/** The reference fails twice as often, and not by two or three failures. */
const isBetter = ({ subject, reference }: Evidence): boolean =>
  reference.failures >= 20 &&
  subject.requests > 0 &&
  (2 * subject.failures) / subject.requests <= reference.failures / reference.requests &&
  (subject.requests * reference.failures) / reference.requests >= 10;
