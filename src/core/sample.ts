import type { ReasonCode } from './reason.ts';
import type { Arm, Ms } from './units.ts';

/** One cumulative counter series. Points are as stored, with the store's own timestamps (epoch ms), oldest first; never rates. */
export interface Series {
  /** Stable over time: the labels, without the metric's name. */
  readonly id: string;
  /** The `pod` label, where the series has one. */
  readonly pod: string | null;
  readonly points: readonly (readonly [at: Ms, value: number])[];
}

/** What a source answered for one metric of one arm in one tick. */
export type Sample = { readonly metric: string; readonly arm: Arm } & (
  | { readonly kind: 'counters'; readonly requests: readonly Series[]; readonly failures: readonly Series[] }
  | { readonly kind: 'value'; readonly value: number; readonly at: Ms }
  | { readonly kind: 'no-data'; readonly why: 'empty' | 'nan' | 'stale' | 'several' }
  | { readonly kind: 'error'; readonly code: ReasonCode; readonly message: string; readonly retryAfterMs: Ms | null }
);

/** A metric of one arm with its placeholders filled in: what a source is asked. */
export type BoundQuery = { readonly metric: string; readonly arm: Arm } & (
  | { readonly kind: 'counted'; readonly requests: string; readonly failures: string }
  | { readonly kind: 'measured'; readonly query: string }
);
