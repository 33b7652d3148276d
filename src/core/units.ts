/** Milliseconds: a duration, or an instant since the Unix epoch where the name says so. */
export type Ms = number;

/** Hundredths of a percent, 0 to 10 000: weights have one decimal at most, and integers do not drift. */
export type BasisPoints = number;

export const ALL_TRAFFIC: BasisPoints = 10_000;

/** One of the two versions of a rollout. */
export type Arm = 'stable' | 'canary';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** An expected outcome is a value, not a throw. */
export type Result<Value, Problem> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: Problem };

export const ok = <Value>(value: Value): { ok: true; value: Value } => ({ ok: true, value });
export const problem = <Problem>(what: Problem): { ok: false; problem: Problem } => ({ ok: false, problem: what });

/** `never` in the default of a switch: the compiler names the case that was forgotten. */
export const unreachable = (value: never): never => {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
};
