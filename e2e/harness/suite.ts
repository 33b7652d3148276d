import type { Context } from './shop.ts';

export interface Suite {
  readonly name: string;
  /** What it shows, in one line. */
  readonly title: string;
  /** Measures times, and has the machine to itself. */
  readonly alone: boolean;
  run(context: Context): Promise<void>;
}
