/** What was counted of one arm. Not whole numbers where a counter has parts. */
export interface Tally {
  readonly requests: number;
  readonly failures: number;
}
