import type { Tally } from './tally.ts';

/**
 * Evidence that one arm, the subject, fails more than the other, the reference, allows: a mixture of likelihood ratios on
 * how failures split between the arms, given the requests that each had. Valid at every look, under any weights and
 * whatever shared trouble comes and goes. Method and numbers: docs/judgement.md.
 */
export interface Evidence {
  readonly starts: readonly Start[];
  /** The same against "the failure ratio is at most the ceiling", of each arm, start after start; [] without a ceiling. */
  readonly ceiling: { readonly subject: readonly number[]; readonly reference: readonly number[] };
  /** Against "the failure ratio is at most the floor", start after start; [] without a floor. */
  readonly floor: readonly number[];
  /** Logarithms of evidence against "the subject is at least so many times worse", one for each of MULTIPLES. */
  readonly safe: readonly number[];
  /** Everything that went into it. */
  readonly subject: Tally;
  readonly reference: Tally;
}

/** Evidence that is counted from a step on. */
export interface Start {
  readonly step: number;
  /** Logarithms of likelihood ratios, one for each of RATIOS. */
  readonly logs: readonly number[];
  /** Everything that went into it since that step began. */
  readonly subject: Tally;
  readonly reference: Tally;
}

/** What one look brought: increments of both arms over the same time. */
export interface Tick {
  /** Index of the step, from 0. */
  readonly step: number;
  readonly subject: Tally;
  readonly reference: Tally;
  /** The highest failure ratio of the reference that its past allows, where it gets no traffic by plan; else null. */
  readonly frozen: number | null;
}

export interface EvidenceSettings {
  /** Steps of the plan. */
  readonly steps: number;
  /** The subject may fail so many times as often. */
  readonly tolerance: number;
  /** Failures come in clumps of about so many: the evidence is divided by it. */
  readonly phi: number;
  readonly ceiling: number | null;
  readonly floor: number | null;
}

/** How much worse the subject may be beyond the tolerance, and how likely each is held before the start. */
const RATIOS = [1.5, 2, 3, 5, 10, 30, 100, 1000] as const;
const PRIOR = [0.2, 0.22, 0.2, 0.14, 0.1, 0.06, 0.05, 0.03] as const;
/** Of the evidence that counts from the first step on; the rest is for faults that only begin in a later one. */
const FROM_FIRST = 0.7;
const OF_CEILING = 0.1;
export const MULTIPLES = [1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100] as const;
/** An upper bound is named when it is this likely to hold: 95 %. */
const SURE_ODDS = 20;
/** What JSON and readers can hold. */
const MOST_ODDS = 1e12;

const NONE: Tally = { requests: 0, failures: 0 };
const zeros = (of: readonly unknown[]): readonly number[] => of.map(() => 0);

export const NO_EVIDENCE: Evidence = {
  starts: [],
  ceiling: { subject: [], reference: [] },
  floor: [],
  safe: zeros(MULTIPLES),
  subject: NONE,
  reference: NONE,
};

export const addTallies = (a: Tally, b: Tally): Tally => ({
  requests: a.requests + b.requests,
  failures: a.failures + b.failures,
});

/** What no counter can mean says nothing, and failures beyond the requests say no more than all of them. */
const sound = ({ requests, failures }: Tally): Tally => {
  const all = countable(requests);
  return { requests: all, failures: Math.min(countable(failures), all) };
};

const countable = (count: number): number =>
  Number.isFinite(count) ? Math.min(Math.max(0, count), Number.MAX_SAFE_INTEGER) : 0;

/** Folds one tick in. Ticks may be split or joined at will: only the sums of what had the same weight matter. */
export const addTick = (evidence: Evidence, tick: Tick, settings: EvidenceSettings): Evidence => {
  const subject = sound(tick.subject);
  const reference = sound(tick.reference);
  const { phi, ceiling, floor } = settings;
  const gain =
    tick.frozen === null ? relativeGain(subject, reference, settings) : frozenGain(subject, tick.frozen, settings);
  const starts = startsIn(evidence, tick.step, settings);
  const limited = (logs: readonly number[], tally: Tally, limit: number | null): readonly number[] =>
    limit === null ? [] : plus(logs, repeated(absoluteGain(tally, limit, phi), starts.length));
  return {
    starts: starts.map((start) => ({
      step: start.step,
      logs: plus(start.logs, gain),
      subject: addTallies(start.subject, subject),
      reference: addTallies(start.reference, reference),
    })),
    ceiling: {
      subject: limited(evidence.ceiling.subject, subject, ceiling),
      reference: limited(evidence.ceiling.reference, reference, ceiling),
    },
    floor: limited(evidence.floor, subject, floor),
    safe: tick.frozen === null ? plus(evidence.safe, safeGain(subject, reference, phi)) : evidence.safe,
    subject: addTallies(evidence.subject, subject),
    reference: addTallies(evidence.reference, reference),
  };
};

/** A step seen for the first time begins a count of its own; more than were planned would have no part in the mixture. */
const startsIn = ({ starts }: Evidence, step: number, { steps }: EvidenceSettings): Evidence['starts'] =>
  starts.some((start) => start.step === step) || starts.length >= Math.max(1, steps)
    ? starts
    : [...starts, { step, logs: zeros(RATIOS), subject: NONE, reference: NONE }];

const plus = (logs: readonly number[], gain: readonly number[]): readonly number[] =>
  gain.map((more, index) => (logs[index] ?? 0) + more);

const repeated = (gain: readonly number[], times: number): readonly number[] =>
  Array.from({ length: times }, () => gain).flat();

/** The subject's part of all requests. */
const partOf = (subject: Tally, reference: Tally): number => subject.requests / (subject.requests + reference.requests);

/**
 * Of k + m failures, k on the subject: with a part w of the requests and r times the failure ratio, the subject has
 * r w / (r w + 1 - w) of them. Binomial given their number; https://arxiv.org/abs/2011.03567 has the constant-w case.
 * Its expectation is at most 1 for every ratio up to the tolerance: also where each request fails for itself, because
 * (1 + p (a - 1))^n <= exp(n p (a - 1)); and a root of it (phi) has none above 1 either.
 */
const relativeGain = (subject: Tally, reference: Tally, { tolerance, phi }: EvidenceSettings): readonly number[] => {
  if (subject.requests === 0 || reference.requests === 0) return zeros(RATIOS);
  const w = partOf(subject, reference);
  const all = subject.failures + reference.failures;
  const allowed = Math.log1p((tolerance - 1) * w);
  return RATIOS.map(
    (ratio) => (subject.failures * Math.log(ratio) + all * (allowed - Math.log1p((tolerance * ratio - 1) * w))) / phi,
  );
};

const frozenGain = (subject: Tally, frozen: number, { tolerance, phi }: EvidenceSettings): readonly number[] =>
  absoluteGain(subject, tolerance * frozen, phi);

/** Below this a limit means "none at all", of which one failure would be infinite evidence. */
const LEAST_LIMIT = 1e-9;

/** One sample against a limit on its failure ratio. Alternatives stay below 1; a limit of 1 cannot be broken. */
const absoluteGain = ({ requests, failures }: Tally, asked: number, phi: number): readonly number[] => {
  if (asked >= 1) return zeros(RATIOS);
  const limit = Math.max(LEAST_LIMIT, asked);
  return RATIOS.map((ratio) => {
    const worse = Math.min(limit * ratio, (1 + limit) / 2);
    const [failed, passed] = [Math.log(worse / limit), Math.log1p(-worse) - Math.log1p(-limit)];
    return (failures * failed + (requests - failures) * passed) / phi;
  });
};

const safeGain = (subject: Tally, reference: Tally, phi: number): readonly number[] => {
  if (subject.requests === 0 || reference.requests === 0) return zeros(MULTIPLES);
  const w = partOf(subject, reference);
  const all = subject.failures + reference.failures;
  return MULTIPLES.map(
    (multiple) => (all * Math.log1p((multiple - 1) * w) - subject.failures * Math.log(multiple)) / phi,
  );
};

const mixed = (logs: readonly number[]): number =>
  PRIOR.reduce((sum, part, index) => sum + part * Math.exp(logs[index] ?? 0), 0);

/** Over the starts, by parts that were fixed before the first: what did not begin yet stands at 1. */
const overStarts = (starts: readonly (readonly number[])[], steps: number): number => {
  const counted = starts.slice(0, Math.max(1, steps));
  const begun = counted.reduce((sum, _, index) => sum + partOfStart(index, steps), 0);
  return counted.reduce((sum, logs, index) => sum + partOfStart(index, steps) * mixed(logs), Math.max(0, 1 - begun));
};

const partOfStart = (index: number, steps: number): number => {
  const later = Math.max(0, steps - 1);
  const first = later === 0 ? 1 : FROM_FIRST;
  return index === 0 ? first : index > later ? 0 : (1 - first) / later;
};

const startAfterStart = (logs: readonly number[]): readonly (readonly number[])[] =>
  Array.from({ length: Math.ceil(logs.length / RATIOS.length) }, (_, start) =>
    logs.slice(start * RATIOS.length, (start + 1) * RATIOS.length),
  );

/** How many times likelier everything seen is if the subject is worse than allowed. 1: nothing speaks for it. */
export const oddsOf = (evidence: Evidence, { steps, ceiling, floor }: EvidenceSettings): number => {
  const relative = overStarts(
    evidence.starts.map(({ logs }) => logs),
    steps,
  );
  // Below the floor or not worse than allowed: each alone is harmless, so both must be unlikely.
  const gated = floor === null ? relative : Math.min(relative, overStarts(startAfterStart(evidence.floor), steps));
  const odds =
    ceiling === null ? gated : (1 - OF_CEILING) * gated + OF_CEILING * ceilingOdds(evidence, 'subject', steps);
  return Math.min(odds, MOST_ODDS);
};

/**
 * How many times likelier it is that an arm is above the ceiling. 1 without a ceiling. `steps` of the plan: an arm may
 * also have got above it only in a later one.
 */
export const ceilingOdds = ({ ceiling }: Evidence, arm: 'subject' | 'reference', steps = 1): number =>
  Math.min(overStarts(startAfterStart(ceiling[arm]), steps), MOST_ODDS);

/**
 * The start that the evidence comes from, against the reference or the ceiling: of a fault that began in a later step,
 * that step. Where nothing failed before a step, it is that one too. null before the first tick.
 */
export const loudestStart = (evidence: Evidence, steps: number, against: 'reference' | 'ceiling'): Start | null => {
  const { starts, ceiling } = evidence;
  const { failures } = evidence.subject;
  const hasAll = starts.findLast(({ subject }) => failures > 0 && subject.failures === failures);
  if (hasAll !== undefined && hasAll !== starts[0]) return hasAll;
  const logs = against === 'ceiling' ? startAfterStart(ceiling.subject) : starts.map((start) => start.logs);
  const parts = logs.map((one, index) => partOfStart(index, steps) * mixed(one));
  return starts[parts.indexOf(Math.max(...parts))] ?? null;
};

/** The smallest of MULTIPLES that the subject is not worse than, at 95 %; null where none can be excluded. */
export const upperBound = ({ safe }: Evidence): number | null => {
  const possible = MULTIPLES.findLastIndex((_, index) => (safe[index] ?? 0) < Math.log(SURE_ODDS));
  return MULTIPLES[possible + 1] ?? null;
};

/** Without any failure the ratio cannot be known, only that the failure ratio is below this, at 95 %. Clumps say less. */
export const failuresBelow = ({ subject }: Evidence, phi = 1): number =>
  Math.min(1, (phi * Math.log(SURE_ODDS)) / subject.requests);

/** How surely a frozen reference is below its limit: 1 - 0.003. */
const FROZEN_LOG = Math.log(1 / 0.003);
const BISECTIONS = 60;

/** The largest failure ratio that these counts allow (Chernoff): the largest p with N kl(m/N, p) <= ln(1 / 0.003). */
export const frozenLimit = (tally: Tally, phi: number): number => {
  const { requests, failures } = sound(tally);
  if (requests === 0) return 1;
  const seen = failures / requests;
  let [low, high] = [seen, 1];
  for (let turn = 0; turn < BISECTIONS; turn += 1) {
    const middle = (low + high) / 2;
    if ((requests * divergence(seen, middle)) / phi <= FROZEN_LOG) low = middle;
    else high = middle;
  }
  return low;
};

/** Kullback-Leibler divergence of two coins. */
export const divergence = (p: number, q: number): number =>
  (p === 0 ? 0 : p * Math.log(p / q)) + (p === 1 ? 0 : (1 - p) * Math.log((1 - p) / (1 - q)));
