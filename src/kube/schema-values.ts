import { z } from 'zod';
import { isReasonCode, type ReasonCode } from '../core/reason.ts';

/** Epoch ms, as far as a Date goes: one beyond throws where it is written out. https://tc39.es/ecma262/#sec-time-values-and-time-range */
export const instant = z.number().min(0).max(8.64e15);
/** Ms. Some thirty years: sums of it stay exact. */
export const duration = z.number().min(0).max(1e12);
/** How often something is asked: never so often that asking is all that is done. */
export const pace = duration.min(100);
/** A difference of two machines' clocks may be in it. */
export const elapsed = z.number().min(-1e12).max(1e12);
export const count = z.number().finite().nonnegative();
export const basisPoints = z.number().int().min(0).max(10_000);
export const text = z.string().max(16 * 1024);
/** Names go into URLs and selectors. */
export const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/);
export const label = z.string().max(317);
export const strings = z.record(label, text);
export const nullable = <Type extends z.ZodType>(type: Type) => type.nullable();

export const traffic = z.object({
  canary: basisPoints,
  cohort: nullable(z.object({ kind: z.enum(['header', 'cookie']), name: text, value: text })),
  mirror: basisPoints,
});
export const rung = z.enum(['V0', 'V1', 'V2', 'V3', 'V4']);
export const code = z.custom<ReasonCode>(
  (value) => typeof value === 'string' && isReasonCode(value),
  'no known reason code',
);
export const image = z.object({ container: text, image: text });
export const perArm = <Type extends z.ZodType>(type: Type) => z.object({ stable: type, canary: type });
