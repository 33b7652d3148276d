import type { Ms } from './units.ts';

/** What was counted of one arm. Not whole numbers where a counter has parts. */
export interface Tally {
  readonly requests: number;
  readonly failures: number;
}

/** Requests that stable answered although the route led none of them to it, and in what time. */
export interface OutsideTally {
  readonly requests: number;
  readonly ms: Ms;
}
