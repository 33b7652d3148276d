import type { Ms } from './units.ts';

/** One sentence of what happened, as console lines and reports show it. Plain text; hostile parts are not escaped here. */
export interface Entry {
  readonly at: Ms;
  /** Lines are grouped by this: `prepare`, `step 2 of 5: 10 %`, `promote`, `roll back`. */
  readonly group: string;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
}
