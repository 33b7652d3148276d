import type { ListRef } from './objects.ts';
import type { ReasonCode } from './reason.ts';
import type { Arm, Ms } from './units.ts';

/** One cumulative counter series. Points are as stored, with the store's own timestamps (epoch ms), oldest first; never rates. */
export interface Series {
  /** Stable over time: the labels, without the metric's name and without replica labels. Each id once. */
  readonly id: string;
  /** The `pod` label, where the series has one. */
  readonly pod: string | null;
  readonly points: readonly (readonly [at: Ms, value: number])[];
}

/** Requests that took at most `bound`, in the histogram's unit; Infinity: all of them. `id` is without `le`: one for all bounds of a series. */
export interface BucketSeries extends Series {
  readonly bound: number;
}

/** What a source answered for one metric of one arm in one tick. */
export type Sample = { readonly metric: string; readonly arm: Arm } & (
  | { readonly kind: 'counters'; readonly requests: readonly Series[]; readonly failures: readonly Series[] }
  | { readonly kind: 'buckets'; readonly buckets: readonly BucketSeries[] }
  | { readonly kind: 'value'; readonly value: number; readonly at: Ms }
  | { readonly kind: 'no-data'; readonly why: 'empty' | 'nan' | 'stale' | 'several' }
  | { readonly kind: 'error'; readonly code: ReasonCode; readonly message: string; readonly retryAfterMs: Ms | null }
);

/** A metric of one arm with its placeholders filled in: what a source is asked. `pods`: where the arm's pods are listed. */
export type BoundQuery = {
  readonly metric: string;
  readonly arm: Arm;
  readonly replicaLabels: readonly string[];
  readonly pods: ListRef;
} & (
  | { readonly kind: 'counted'; readonly requests: string; readonly failures: string }
  /** `bound`: one that the histogram is asked to have, in its unit. */
  | { readonly kind: 'latency'; readonly histogram: string; readonly bound?: number | null }
  | { readonly kind: 'measured'; readonly query: string }
);
