import {
  type Evidence,
  type EvidenceSettings,
  failuresBelow,
  loudestStart,
  oddsOf,
  type Start,
  upperBound,
} from './evidence.ts';
import { formatCount, formatDuration, formatNumber, formatRatio } from './format.ts';
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
  /** Index of the current one; none: the one that was counted last. */
  readonly step?: number;
  /** Steps stood for evidence as long as they may. */
  readonly isHeldLongEnough: boolean;
  /** The last step: what `require-evidence` asks for is needed now. */
  readonly isLast: boolean;
  /** Canary pods, to tell one bad pod from a bad version. */
  readonly canaryPods: number;
}

/** A metric's evidence in one number each: for the rollback, and for the hold, which needs no three failures. */
export interface Weighed extends Case {
  readonly calibration: Calibration;
  /** Of the loudest stream. */
  readonly settings: EvidenceSettings;
  readonly streams: readonly Stream[];
  /** The stream that accuses most, and the one that most is known from. */
  readonly loudest: Stream;
  readonly telling: Stream;
  readonly odds: number;
  readonly sure: number;
  /** Where both arms are above the ceiling, or may be: no reason to roll one of them back. */
  readonly shared: Stream | null;
}

// --- words ------------------------------------------------------------------------

const other = (arm: Arm): Arm => (arm === 'stable' ? 'canary' : 'stable');
const called = (arm: Arm): string => (arm === 'canary' ? 'the canary' : 'stable');

/** `5.5`, `31`, `1 200`, `over a million` */
export const formatOdds = (odds: number): string => {
  if (odds >= 1e6) return 'over a million';
  return odds >= 10 ? formatCount(odds) : String(Number(odds.toPrecision(2)));
};

const someOf = ({ requests, failures }: Tally, unit: string): string =>
  `${failures === 0 ? 'none' : formatCount(failures)} of ${formatCount(requests)}${unit}`;

const ratioOf = ({ requests, failures }: Tally): string =>
  failures === 0 || requests === 0 ? '' : ` (${formatRatio(failures / requests)})`;

/** `the canary failed 3 of 125 requests (2.4 %), stable 2 of 2 375 (0.08 %)` */
const comparison = ({ spec }: Weighed, { bound }: Stream, counts: Start | Evidence, { subject }: Bench): string => {
  const unit = spec.kind === 'latency' ? (spec.unit ?? '') : '';
  const slower = bound === null ? '' : ` slower than ${formatNumber(bound, unit)}`;
  const verb = bound === null ? 'failed' : 'answered';
  const mine = `${someOf(counts.subject, ' requests')}${ratioOf(counts.subject)}${slower}`;
  const theirs = `${someOf(counts.reference, '')}${ratioOf(counts.reference)}`;
  const reference = counts.reference.requests === 0 ? 'had no requests' : theirs;
  return `${called(subject)} ${verb} ${mine}, ${called(other(subject))} ${reference}`;
};

/** What speaks against the subject, with the counts that it comes from: those since a later step where it began there. */
const accusation = (one: Weighed, bench: Bench): string => {
  const { loudest } = one;
  const start = loudestStart(loudest.evidence, bench.steps, isCeilingAlone(one) ? 'ceiling' : 'reference');
  if (start === null || start === loudest.evidence.starts[0]) return comparison(one, loudest, loudest.evidence, bench);
  const since = bench.subject === 'canary' ? `since step ${start.step + 1}` : 'with all traffic';
  const known = start.reference.requests > 0 ? start : { ...start, reference: loudest.evidence.reference };
  const before = known === start ? '' : ' before';
  return `${since} ${comparison(one, loudest, known, bench)}${before}`;
};

const accused = ({ subject }: Bench): string => (subject === 'canary' ? 'the new version' : 'the updated stable');

const likelier = (one: Weighed, odds: number, bench: Bench): string => {
  const { tolerance } = one.calibration;
  const worse = tolerance < 1.15 ? 'is worse' : `is more than ${Number(tolerance.toPrecision(2))} times worse`;
  const what = isCeilingAlone(one) ? `is above the ceiling of ${ceilingText(one)}` : worse;
  return `${formatOdds(odds)} times likelier if ${accused(bench)} ${what}`;
};

/** Without the ceiling it would not have been enough. */
const isCeilingAlone = ({ settings, loudest }: Weighed): boolean =>
  settings.ceiling !== null &&
  oddsOf(loudest.evidence, { ...settings, ceiling: null }) < oddsOf(loudest.evidence, settings) / 2;

const ceilingText = ({ spec }: Weighed): string => {
  const ceiling = formatRatio(spec.ceiling ?? 1);
  if (spec.slo === null) return ceiling;
  const objective = `${Number((spec.slo.objective * 100).toPrecision(6))} %`;
  return `${ceiling}, ${spec.slo.burnRate} times what ${objective} allows`;
};

const clumps = ({ calibration: { phi } }: Weighed): string =>
  phi < 1.05 ? '' : `; failures come in clumps of about ${Number(phi.toPrecision(2))}, which is allowed for`;

/** `others`: how many more metrics decide with it. */
const withOthers = (others: number): string =>
  others === 0 ? '' : `together with the other ${others === 1 ? 'metric' : 'metrics'} `;

const onlyReports = ({ spec }: Weighed, { judgement }: Bench): boolean => spec.dryRun || judgement.mode === 'dry-run';

const stands = (one: Weighed, bench: Bench): string =>
  onlyReports(one, bench) ? 'the weight would stand' : 'the weight stands';

// --- verdicts ---------------------------------------------------------------------

export const failed = (one: Weighed, odds: number, others: number, bench: Bench): MetricVerdict => ({
  kind: 'failed',
  odds,
  explanation: `${accusation(one, bench)}: ${withOthers(others)}${likelier(one, odds, bench)} (limit ${bench.judgement.rollbackOdds})${onePod(one, bench)}${clumps(one)}`,
});

/** A label of a metric says which pod it was, and anybody can write one: only what can be a name is told. */
export const POD_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** All failures on one of several pods may be that pod's own trouble: who reads it looks there first. */
const onePod = ({ state }: Weighed, { subject, canaryPods }: Bench): string => {
  const pods = Object.keys(state.failuresByPod);
  const [only] = pods;
  return subject === 'canary' && pods.length === 1 && only !== undefined && POD_NAME.test(only) && canaryPods > 1
    ? `; all failures were on ${only}, one of ${canaryPods} pods`
    : '';
};

export const held = (one: Weighed, odds: number, others: number, bench: Bench): MetricVerdict => {
  const { rollbackOdds, minFailures } = bench.judgement;
  const until =
    odds < rollbackOdds
      ? `; ${stands(one, bench)} until it is ${rollbackOdds} times, or fades`
      : `, but a rollback needs ${minFailures} failures; ${stands(one, bench)} until there are so many, or it fades`;
  const explanation = `${accusation(one, bench)}: ${withOthers(others)}${likelier(one, odds, bench)}${until}${clumps(one)}`;
  return { kind: 'held', odds, explanation };
};

export const bothUnhealthy = (one: Weighed, shared: Stream, bench: Bench): MetricVerdict => {
  const explanation = `${ceilingComparison(one, shared, bench)}; ${stands(one, bench)}`;
  return { kind: 'held', odds: one.odds, explanation };
};

const ceilingComparison = (one: Weighed, shared: Stream, bench: Bench): string => {
  const start = loudestStart(shared.evidence, bench.steps, 'ceiling') ?? shared.evidence;
  const { requests, failures } = start.reference;
  const said =
    failures > (one.spec.ceiling ?? 1) * requests
      ? `both are above the ceiling of ${ceilingText(one)}, which does not speak against ${accused(bench)}`
      : `above the ceiling of ${ceilingText(one)}, but hardly worse than ${called(other(bench.subject))}`;
  return `${comparison(one, shared, start, bench)}: ${said}`;
};

/** Nothing speaks for a rollback or a hold: it passes, or there is too little to say so. */
export const going = (one: Weighed, others: number, bench: Bench): MetricVerdict => {
  const lack = tooLittle(one, bench);
  if (lack !== null) return { kind: 'pending', odds: null, explanation: lack };
  const isSuspect = one.odds >= bench.judgement.holdOdds;
  const told = isSuspect ? accusation(one, bench) : comparison(one, one.telling, one.telling.evidence, bench);
  const lacks = bench.isLast ? lacking(one, bench) : null;
  if (lacks !== null) return { kind: 'pending', odds: null, explanation: `${told}; ${lacks}` };
  if (one.shared !== null && !isSuspect)
    return { kind: 'pass', odds: one.odds, explanation: ceilingComparison(one, one.shared, bench) };
  const rest = isSuspect
    ? `: ${likelier(one, one.odds, bench)}, ${isolated(others, bench)}`
    : `; ${assurance(one, bench)}`;
  return { kind: 'pass', odds: one.odds, explanation: `${told}${rest}` };
};

/** Why a metric that is suspicious does not hold the weight by itself. */
const isolated = (others: number, { isHeldLongEnough }: Bench): string => {
  if (isHeldLongEnough) return 'but the weight has stood for it as long as it may';
  return `counted together with the other ${others === 1 ? 'metric' : 'metrics'}`;
};

/** A step needs requests of both arms that were compared. */
const tooLittle = (one: Weighed, { subject, judgement, step }: Bench): string | null => {
  const { minRequests, ignoreFirstMs } = judgement;
  const had = one.state.step[subject].requests;
  const needed = (some: number): string =>
    `${called(subject)} had ${formatCount(some)} of the ${formatCount(minRequests)} requests that a step needs`;
  if (had < minRequests) return needed(had);
  const { evidence } = one.telling;
  if (evidence.reference.requests === 0) return `${called(other(subject))} had no requests to compare with`;
  const current = step === undefined ? evidence.starts.at(-1) : evidence.starts.find((start) => start.step === step);
  const judged = current?.subject.requests ?? 0;
  if (judged >= minRequests) return null;
  if (ignoreFirstMs > 0)
    return `${needed(judged)}, not counting the first ${formatDuration(ignoreFirstMs)} of each pod`;
  const some = judged === 0 ? 'none' : `only ${formatCount(judged)}`;
  return `${some} of the ${formatCount(had)} requests that ${called(subject)} had in this step could be compared with ${called(other(subject))} yet`;
};

/** What `require-evidence` still asks for; null when it is there. */
const lacking = (one: Weighed, { judgement, subject }: Bench): string | null => {
  const { requireEvidence } = judgement;
  if (requireEvidence === null || one.spec.dryRun || subject === 'stable') return null;
  const { evidence } = one.telling;
  const { floor } = one.spec;
  const bound = upperBound(evidence);
  if (bound !== null && bound <= requireEvidence) return null;
  const hasNone = evidence.subject.failures === 0;
  // How many times worse "none" is cannot be known, but that it stays below what matters can.
  if (hasNone && floor !== null && failuresBelow(evidence, one.calibration.phi) <= floor) return null;
  const known = bound === null ? TOO_FEW : lessThan(one, bound);
  const hint = bound === null && hasNone && floor === null ? '; a `floor` says what does not matter' : '';
  return `${known}, but \`require-evidence\` asks for ${requireEvidence} times${hint}`;
};

const TOO_FEW = 'too few failures to tell how much worse it could be';

const lessThan = ({ spec }: Weighed, bound: number): string =>
  `95 % sure that it ${spec.kind === 'counted' ? 'fails' : 'is that slow'} less than ${bound} times as often`;

/** How sure it is that nothing is wrong, or that too little was seen to tell. */
const assurance = (one: Weighed, bench: Bench): string => {
  const { telling, calibration, spec, settings, loudest } = one;
  const { subject, judgement } = bench;
  const { evidence } = telling;
  const isGated =
    settings.floor !== null && oddsOf(loudest.evidence, { ...settings, floor: null }) >= judgement.holdOdds;
  if (isGated)
    return `worse than ${called(other(subject))}, but not surely above the floor of ${formatRatio(spec.floor ?? 0)}`;
  if (evidence.subject.failures === 0)
    return `95 % sure that fewer than ${formatRatio(failuresBelow(evidence, calibration.phi))} ${spec.kind === 'counted' ? 'fail' : 'are slower'}`;
  if (isBetter(evidence)) return `${called(other(subject))} is the worse one`;
  const bound = upperBound(evidence);
  return bound === null ? TOO_FEW : lessThan(one, bound);
};

/** The reference fails twice as often, and not by two or three failures. */
const isBetter = ({ subject, reference }: Evidence): boolean =>
  reference.failures >= 20 &&
  subject.requests > 0 &&
  (2 * subject.failures) / subject.requests <= reference.failures / reference.requests &&
  (subject.requests * reference.failures) / reference.requests >= 10;
