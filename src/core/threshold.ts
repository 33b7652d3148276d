import { formatNumber } from './format.ts';
import type { MetricVerdict } from './rollout.ts';
import type { MeasuredSpec } from './spec.ts';
import type { Arm } from './units.ts';

/** One measurement against the limits: why it failed in words, null when it is fine, or that stable is needed to tell. */
export type Measured =
  | { readonly kind: 'fine' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'unknown' };

/** Limits are inclusive: a value equal to one is fine. `max-increase` needs stable above zero (design §1.4). */
export const measure = (spec: MeasuredSpec, canary: number, stable: number | null): Measured => {
  const unit = spec.unit ?? '';
  if (spec.max !== null && canary > spec.max) {
    return {
      kind: 'failed',
      why: `${formatNumber(canary, unit)} is above the limit of ${formatNumber(spec.max, unit)}`,
    };
  }
  if (spec.min !== null && canary < spec.min) {
    return {
      kind: 'failed',
      why: `${formatNumber(canary, unit)} is below the limit of ${formatNumber(spec.min, unit)}`,
    };
  }
  if (spec.maxIncrease === null) return { kind: 'fine' };
  if (stable === null || stable <= 0) return { kind: 'unknown' };
  const limit = stable * (1 + spec.maxIncrease);
  if (canary <= limit) return { kind: 'fine' };
  const allowed = `${formatNumber(stable, unit)} of stable and ${formatNumber(spec.maxIncrease * 100, '%')}`;
  return { kind: 'failed', why: `${formatNumber(canary, unit)} is above ${allowed}, ${formatNumber(limit, unit)}` };
};

export interface Measurements {
  /** Of this step. */
  readonly measurements: number;
  readonly failed: number;
  /** Failed ones of the whole rollout. */
  readonly failedInAll: number;
  /** Of the last measurement; null: it was fine. */
  readonly why: string | null;
  readonly subject: Arm;
}

const whose = (subject: Arm): string => (subject === 'canary' ? "the canary's" : "stable's");

/**
 * Flagger's rule: failed checks are counted over the whole rollout, and the weight stands while one fails. Unlike there,
 * the last one rolls back at once and not an interval later, and missing data is no failed check.
 */
const checked = (limit: number, { measurements, failedInAll, why, subject }: Measurements): MetricVerdict => {
  const count = `failed check ${failedInAll} of ${limit}`;
  if (why !== null)
    return {
      kind: failedInAll >= limit ? 'failed' : 'held',
      odds: null,
      explanation: `${whose(subject)} ${why} (${count})`,
    };
  if (measurements === 0) return { kind: 'pending', odds: null, explanation: 'not measured yet' };
  const note =
    failedInAll === 0 ? 'within its limits' : `within its limits again; ${failedInAll} of ${limit} failed checks`;
  return { kind: 'pass', odds: null, explanation: note };
};

/** Verdict of a step from its measurements so far. */
export const judgeMeasured = (spec: MeasuredSpec, seen: Measurements): MetricVerdict => {
  if (spec.failedChecks !== null) return checked(spec.failedChecks, seen);
  if (seen.failed > spec.failureLimit) {
    const tolerated =
      spec.failureLimit === 0 ? '' : ` (${seen.failed} failed measurements, ${spec.failureLimit} tolerated)`;
    const why = seen.why ?? `value was out of its limits before`;
    return { kind: 'failed', odds: null, explanation: `${whose(seen.subject)} ${why}${tolerated}` };
  }
  if (seen.measurements === 0) return { kind: 'pending', odds: null, explanation: 'not measured yet' };
  const note = seen.failed === 0 ? 'within its limits' : `${seen.failed} of ${spec.failureLimit} tolerated failures`;
  return { kind: 'pass', odds: null, explanation: note };
};
