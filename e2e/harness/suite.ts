import type { Context } from './shop.ts';

export interface Suite {
  readonly name: string;
  /** What it shows, in one line. */
  readonly title: string;
  /** Measures times, or fills the machine, and has it to itself; `full`: only in its full form. */
  readonly alone: boolean | 'full';
  run(context: Context): Promise<void>;
}
