import type { FirstRelease, Outcome, Status } from '../core/outcome.ts';
import { REASONS, type Reason } from '../core/reason.ts';
import type { Rollout, StepRecord } from '../core/rollout.ts';
import { unreachable } from '../core/units.ts';
import { type ResultForesight, resultForesight } from './foresight-result.ts';
import { isoTime } from './numbers.ts';
import { type ResultRollout, resultRollouts } from './overview.ts';
import { harmOf, routeNames, shareOfNew, wasAborted } from './subject.ts';

/** The `result` output (design §1.3). Users parse it: fields are added, never changed or removed, within one version. */
export interface ResultJson {
  readonly schemaVersion: 1;
  readonly status: Status;
  readonly reasonCode: string;
  readonly reason: string;
  /** null when nothing was started. */
  readonly rollout: {
    readonly id: string;
    readonly namespace: string;
    readonly deployment: string;
    readonly routes: readonly string[];
    readonly fromImages: readonly string[];
    readonly toImages: readonly string[];
    readonly startedAt: string | null;
    readonly finishedAt: string | null;
  } | null;
  readonly steps: readonly ResultStep[];
  /** null when no metric counts requests. */
  readonly harm: { readonly canaryRequests: number | null; readonly canaryFailures: number | null };
  readonly warnings: readonly string[];
  /** Of `status` and `sweep` only: every open rollout that was found. */
  readonly rollouts?: readonly ResultRollout[];
  /** Of `plan` only: what stable's past tells; null: nothing is judged on evidence. */
  readonly foresight?: ResultForesight | null;
}

type ResultMetric = StepRecord['metrics'][number];

interface ResultStep {
  /** Percent. */
  readonly weight: number;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly verification: StepRecord['verification'];
  /** Percent; null when not observable. */
  readonly observedShare: number | null;
  readonly verdict: StepRecord['verdict'];
  readonly metrics: readonly ResultMetric[];
}

export const statusOf = (outcome: Outcome): Status => {
  if (outcome.kind === 'first-release') return outcome.status;
  if (outcome.kind !== 'finished') return outcome.kind;
  const { rollout } = outcome;
  switch (rollout.phase) {
    case 'promoted':
      return 'promoted';
    case 'rolled-back':
      return wasAborted(rollout) ? 'aborted' : 'rolled-back';
    case 'left':
      return 'paused';
    default:
      return 'halted';
  }
};

export const reasonOf = (outcome: Outcome): Reason => {
  if (outcome.kind !== 'finished') return outcome.reason;
  const { phase, reason } = outcome.rollout;
  if (reason !== null) return reason;
  if (phase === 'left') return { code: 'paused', text: REASONS.paused, metric: null };
  if (phase === 'promoted') return { code: 'completed', text: REASONS.completed, metric: null };
  return { code: 'internal-error', text: `The rollout ended as ${phase} without a reason.`, metric: null };
};

/** 1 when the step of the workflow must fail. */
export const exitCode = (outcome: Outcome, failOnRollback: boolean): 0 | 1 => {
  const status = statusOf(outcome);
  switch (status) {
    case 'promoted':
    case 'unchanged':
    case 'planned':
    case 'paused':
      return 0;
    case 'accepted':
      return outcome.kind === 'accepted' && outcome.failed ? 1 : 0;
    case 'rolled-back':
    case 'aborted':
      return failOnRollback ? 1 : 0;
    case 'halted':
    case 'rejected':
      return 1;
    default:
      return unreachable(status);
  }
};

/** What was removed again has no users; of what stands and is not ready, nobody can tell. */
const FIRST_WEIGHTS = { planned: null, promoted: 100, 'rolled-back': 0, aborted: 0, halted: null } as const;

/** Share of users on the new version in percent; null when it is not known. */
export const finalWeight = (outcome: Outcome): number | null => {
  if (outcome.kind === 'unchanged') return 100;
  if (outcome.kind === 'first-release') return FIRST_WEIGHTS[outcome.status];
  if (outcome.kind !== 'finished') return null;
  const share = shareOfNew(outcome.rollout);
  return share === null ? null : share / 100;
};

const firstPart = ({ rolloutId, subject, times }: FirstRelease): ResultJson['rollout'] => ({
  id: rolloutId,
  namespace: subject.namespace ?? '',
  deployment: subject.deployment,
  routes: [],
  fromImages: [],
  toImages: subject.images,
  startedAt: isoTime(times?.startedAt ?? null),
  finishedAt: isoTime(times?.finishedAt ?? null),
});

const rolloutPart = (outcome: Outcome): ResultJson['rollout'] => {
  if (outcome.kind === 'first-release') return firstPart(outcome);
  if (outcome.kind !== 'finished' && outcome.kind !== 'planned') return null;
  const plan = outcome.kind === 'finished' ? outcome.rollout.plan : outcome.preview.plan;
  const times = outcome.kind === 'finished' ? outcome.rollout : { startedAt: null, finishedAt: null };
  return {
    id: plan.target.rolloutId,
    namespace: plan.target.namespace,
    deployment: plan.target.deployment,
    routes: routeNames(plan.target),
    fromImages: plan.fromImages.map(({ image }) => image),
    toImages: plan.target.images.map(({ image }) => image),
    startedAt: isoTime(times.startedAt),
    finishedAt: isoTime(times.finishedAt),
  };
};

const stepPart = (step: StepRecord): ResultStep => ({
  weight: step.weight / 100,
  startedAt: isoTime(step.startedAt),
  endedAt: isoTime(step.endedAt),
  verification: step.verification,
  observedShare: step.observedShare === null ? null : step.observedShare / 100,
  verdict: step.verdict,
  metrics: step.metrics.map(
    ({ name, verdict, canary, stable, unit, requests, failures, odds, explanation }): ResultMetric => ({
      name,
      verdict,
      canary,
      stable,
      unit,
      requests,
      failures,
      odds,
      explanation,
    }),
  ),
});

const harmPart = (rollout: Rollout | null): ResultJson['harm'] => {
  if (rollout === null) return { canaryRequests: 0, canaryFailures: 0 };
  const harm = harmOf(rollout);
  return { canaryRequests: harm?.requests ?? null, canaryFailures: harm?.failures ?? null };
};

const warningsOf = (outcome: Outcome): readonly string[] => {
  if (outcome.kind === 'finished') return outcome.rollout.warnings;
  if (outcome.kind === 'unchanged' || outcome.kind === 'accepted') return [];
  const findings = outcome.kind === 'planned' ? outcome.preview.findings : outcome.findings;
  return findings.filter(({ severity }) => severity === 'warning').map(({ message }) => message);
};

export const resultOf = (outcome: Outcome): ResultJson => {
  const rollout = outcome.kind === 'finished' ? outcome.rollout : null;
  const { code, text } = reasonOf(outcome);
  return {
    schemaVersion: 1,
    status: statusOf(outcome),
    reasonCode: code,
    reason: text,
    rollout: rolloutPart(outcome),
    steps: (rollout?.steps ?? []).map(stepPart),
    harm: harmPart(rollout),
    warnings: warningsOf(outcome),
    ...(outcome.kind === 'accepted' && LISTS.has(code) ? { rollouts: resultRollouts(outcome.rollouts) } : {}),
    ...(outcome.kind === 'planned' ? { foresight: resultForesight(outcome.preview.foresight) } : {}),
  };
};

/** A command that was handed over has no list, not an empty one. */
const LISTS: ReadonlySet<string> = new Set(['listed', 'swept', 'sweep-failed']);

export const OUTPUTS = [
  'status',
  'reason-code',
  'reason',
  'final-weight',
  'steps-completed',
  'failed-metric',
  'comment-url',
  'report-path',
  'result',
] as const;

export type Outputs = Readonly<Record<(typeof OUTPUTS)[number], string>>;

/** A step at whose end the job ended on purpose is not passed yet: it is judged again when the rollout goes on. */
const isHeldToItsEnd = ({ verdict, heldMs, intervalMs }: StepRecord, status: Status): boolean =>
  verdict === 'passed' || (status === 'paused' && verdict === 'running' && heldMs >= intervalMs);

/** All outputs as strings; what is not known is empty. */
export const outputsOf = (
  outcome: Outcome,
  places: { readonly commentUrl: string | null; readonly reportPath: string | null },
): Outputs => {
  const { code, text, metric } = reasonOf(outcome);
  const steps = outcome.kind === 'finished' ? outcome.rollout.steps : [];
  return {
    status: statusOf(outcome),
    'reason-code': code,
    reason: text,
    'final-weight': String(finalWeight(outcome) ?? ''),
    'steps-completed': String(steps.filter((step) => isHeldToItsEnd(step, statusOf(outcome))).length),
    'failed-metric': metric ?? '',
    'comment-url': places.commentUrl ?? '',
    'report-path': places.reportPath ?? '',
    result: JSON.stringify(resultOf(outcome)),
  };
};
