import { addTallies, addTick, type Evidence, NO_EVIDENCE } from './evidence.ts';
import { type Bench, type Case, judge, ODDS, settingsOf } from './judgement.ts';
import {
  type Course,
  type Grid,
  gridOf,
  type PastMetric,
  type StreamGrid,
  type Trial,
  tallyAt,
  trialsOf,
  windowCells,
} from './placebo-grid.ts';
import type { PlannedJudgement } from './plan.ts';
import type { Tally } from './rollout.ts';
import type { Ms } from './units.ts';

/** What would have become of releases of nothing new. */
export type Placebo =
  /** `pods`: one pod has nobody to be compared with. `short`: not one window with traffic on a pod and on the others. */
  | { readonly kind: 'impossible'; readonly why: 'pods' | 'short' }
  | {
      readonly kind: 'replayed';
      /** Of stable, each in turn the canary. */
      readonly pods: number;
      readonly windowMs: Ms;
      /** Pseudo-releases: windows times pods that had data in them. */
      readonly releases: number;
      readonly rolledBack: number;
      readonly held: number;
      /** Pseudo-releases that each metric spoke against loudest; dry-run metrics too. */
      readonly byMetric: Readonly<Record<string, number>>;
      /** What would have brought the false alarms to 1 in 30 or below. Only where there were more. */
      readonly remedies: readonly Remedy[];
    };

export type Remedy = { readonly rolledBack: number } & (
  | { readonly kind: 'strict' }
  | { readonly kind: 'floor'; readonly metric: string; readonly floor: number }
  /** Failures taken for clumps of so many. */
  | { readonly kind: 'phi'; readonly metric: string; readonly phi: number }
);

/** The guarantee of the balanced odds: more is a sign that failures do not split between pods as they should. */
export const TOLERATED_ALARMS = 1 / 30;

/**
 * Replays the judge on stable's past: each pod in turn as the canary against the others, in windows as long as the plan,
 * one after another, the last ending where the past does. Where the plan is longer than the past, its first part.
 */
export const replayPlacebo = (past: readonly PastMetric[], course: Course): Placebo => {
  const grid = gridOf(past, course);
  if (grid === null) return { kind: 'impossible', why: 'short' };
  if (grid.pods.length < 2) return { kind: 'impossible', why: 'pods' };
  const trials = trialsOf(grid, course);
  if (trials.length === 0) return { kind: 'impossible', why: 'short' };
  const verdicts = trials.map((trial) => ({ trial, ...replay(grid, past, course, trial) }));
  const alarms = verdicts.filter(({ rolledBack }) => rolledBack);
  const isTooMany = alarms.length > TOLERATED_ALARMS * trials.length;
  return {
    kind: 'replayed',
    pods: new Set(trials.map(({ pod }) => pod)).size,
    windowMs: windowCells(grid, course) * course.sampleMs,
    releases: trials.length,
    rolledBack: alarms.length,
    held: verdicts.filter(({ held, rolledBack }) => held && !rolledBack).length,
    byMetric: counts(verdicts.flatMap(({ loud }) => loud)),
    remedies: isTooMany ? remedies({ grid, past, course, alarms, releases: trials.length }) : [],
  };
};

const counts = (names: readonly string[]): Readonly<Record<string, number>> => {
  const found = new Map<string, number>();
  for (const name of names) found.set(name, (found.get(name) ?? 0) + 1);
  return Object.fromEntries(found);
};

// --- the replay -------------------------------------------------------------------

interface Verdict {
  readonly rolledBack: boolean;
  readonly held: boolean;
  /** Metrics that spoke loudest for a rollback. */
  readonly loud: readonly string[];
}

/** One stream: its evidence, and what one arm brought and waits for the other. */
interface Running {
  readonly evidence: Evidence;
  readonly subject: Tally | null;
  readonly reference: Tally | null;
}

const NONE: Tally = { requests: 0, failures: 0 };
const BEGIN: Running = { evidence: NO_EVIDENCE, subject: null, reference: null };

const replay = (grid: Grid, past: readonly PastMetric[], course: Course, { pod, from, to }: Trial): Verdict => {
  let running = grid.metrics.map((streams) => streams.map(() => BEGIN));
  const loud = new Set<string>();
  let held = false;
  for (let cell = from; cell < to; cell += 1) {
    const step = stepAt(course, (cell - from) * course.sampleMs);
    running = past.map((metric, index) =>
      (grid.metrics[index] ?? []).map((stream, at) => {
        const before = running[index]?.[at] ?? BEGIN;
        const next = withCell(before, stream, pod, cell);
        if (next.subject === null || next.reference === null) return next;
        const tick = { step, subject: next.subject, reference: next.reference, frozen: null };
        const settings = settingsOf(metric.spec, metric.calibration, course.steps.length, stream.bound);
        return { ...BEGIN, evidence: addTick(before.evidence, tick, settings) };
      }),
    );
    if (!mayMatter(running, course)) continue;
    const verdicts = judge(casesOf(grid, past, running), benchOf(past, course));
    const failing = past.filter((_, index) => verdicts[index]?.kind === 'failed');
    for (const { spec } of failing) loud.add(spec.name);
    if (failing.some(({ spec }) => !spec.dryRun)) return { rolledBack: true, held, loud: [...loud] };
    // Suspicion holds nothing before the time of a step is up.
    const isEnd = cell + 1 === to || stepAt(course, (cell + 1 - from) * course.sampleMs) !== step;
    held ||= isEnd && verdicts.some(({ kind }, index) => kind === 'held' && past[index]?.spec.dryRun === false);
  }
  return { rolledBack: false, held, loud: [...loud] };
};

/** A mean is never above the largest of what it is the mean of: below the limits with all of these, there is nothing to judge. */
const mayMatter = (running: readonly (readonly Running[])[], { judgement }: Course): boolean => {
  const limit = Math.log(Math.min(judgement.holdOdds, judgement.rollbackOdds));
  return running.some((streams) =>
    streams.some(
      ({ evidence: { starts, ceiling } }) =>
        starts.some(({ logs }) => logs.some((log) => log >= limit)) || ceiling.subject.some((log) => log >= limit),
    ),
  );
};

/** Both arms count over the same time. */
const withCell = (before: Running, { pods, all }: StreamGrid, pod: number, cell: number): Running => {
  const own = pods[pod];
  const mine = tallyAt(own, cell);
  const every = tallyAt(all, cell);
  const others = { requests: every.requests - mine.requests, failures: every.failures - mine.failures };
  const [ownCount, allCount] = [own?.brought[cell] ?? 0, all.brought[cell] ?? 0];
  return {
    evidence: before.evidence,
    subject: ownCount === 0 ? before.subject : addTallies(before.subject ?? NONE, mine),
    reference: allCount === ownCount ? before.reference : addTallies(before.reference ?? NONE, others),
  };
};

const stepAt = ({ steps }: Course, ms: Ms): number => {
  let end = 0;
  const index = steps.findIndex((step) => {
    end += step.ms;
    return ms < end;
  });
  return index < 0 ? steps.length - 1 : index;
};

const BOTH = { stable: NONE, canary: NONE };
const IDLE = { stable: null, canary: null };

const casesOf = (grid: Grid, past: readonly PastMetric[], running: readonly (readonly Running[])[]): readonly Case[] =>
  past.map(({ spec }, index) => ({
    spec,
    state: {
      step: BOTH,
      failuresByPod: {},
      streams: (grid.metrics[index] ?? []).map(({ bound }, at) => ({
        bound,
        pending: IDLE,
        total: BOTH,
        evidence: running[index]?.[at]?.evidence ?? NO_EVIDENCE,
      })),
    },
  }));

const benchOf = (past: readonly PastMetric[], { judgement, steps }: Course): Bench => ({
  judgement: {
    ...judgement,
    metrics: Object.fromEntries(past.map(({ spec, calibration }) => [spec.name, calibration])),
  },
  subject: 'canary',
  steps: steps.length,
  isHeldLongEnough: false,
  isLast: false,
  canaryPods: 1,
});

// --- what would have helped -------------------------------------------------------

const PHI_FACTORS = [1.5, 2, 3, 4, 6, 10];
const FLOOR_FACTORS = [2, 3, 5];

interface Alarms {
  readonly grid: Grid;
  readonly past: readonly PastMetric[];
  readonly course: Course;
  readonly alarms: readonly { readonly trial: Trial; readonly loud: readonly string[] }[];
  readonly releases: number;
}

/**
 * Each remedy alone, in its mildest form that suffices. Only alarms are replayed: under a higher limit, a floor or a
 * larger phi, no evidence that stayed below its limit can pass it (power means fall with their exponent).
 */
const remedies = ({ grid, past, course, alarms, releases }: Alarms): readonly Remedy[] => {
  const [name = ''] = Object.entries(counts(alarms.flatMap(({ loud }) => loud))).sort(([, a], [, b]) => b - a)[0] ?? [];
  const loudest = past.find(({ spec }) => spec.name === name);
  if (loudest === undefined) return [];
  const left = (change: (one: PastMetric) => PastMetric, judgement: PlannedJudgement = course.judgement): number => {
    const metrics = past.map((one) => (one === loudest ? change(one) : one));
    return alarms.filter(({ trial }) => replay(grid, metrics, { ...course, judgement }, trial).rolledBack).length;
  };
  const isStrict = course.judgement.rollbackOdds >= ODDS.strict.rollbackOdds;
  const strict = (): Remedy => ({
    kind: 'strict',
    rolledBack: left((one) => one, { ...course.judgement, ...ODDS.strict }),
  });
  const floors = FLOOR_FACTORS.map((factor) => roundUp(factor * ratioOf(loudest))).map((floor) => (): Remedy => {
    const rolledBack = left((one) => ({ ...one, spec: { ...one.spec, floor } }));
    return { kind: 'floor', metric: name, floor, rolledBack };
  });
  const phis = PHI_FACTORS.map((factor) => factor * loudest.calibration.phi).map((phi) => (): Remedy => {
    const rolledBack = left((one) => ({ ...one, calibration: { ...one.calibration, phi } }));
    return { kind: 'phi', metric: name, phi, rolledBack };
  });
  const mayFloor = loudest.spec.kind === 'counted' && loudest.spec.floor === null;
  return [isStrict ? [] : [strict], mayFloor ? floors : [], phis].flatMap((group) =>
    firstThat(group, ({ rolledBack }) => rolledBack <= TOLERATED_ALARMS * releases),
  );
};

/** Lazily: each candidate is a replay. */
const firstThat = <T>(makers: readonly (() => T)[], isGood: (value: T) => boolean): readonly T[] => {
  for (const make of makers) {
    const value = make();
    if (isGood(value)) return [value];
  }
  return [];
};

const ratioOf = ({ streams }: PastMetric): number => {
  const ticks = streams[0]?.ticks ?? [];
  const requests = ticks.reduce((sum, tick) => sum + tick.requests, 0);
  return requests === 0 ? 0 : ticks.reduce((sum, tick) => sum + tick.failures, 0) / requests;
};

/** To two digits: what a person would write. */
const roundUp = (ratio: number): number => {
  if (ratio <= 0) return 0;
  const unit = 10 ** (Math.floor(Math.log10(ratio)) - 1);
  return Number((Math.ceil(ratio / unit) * unit).toPrecision(2));
};
