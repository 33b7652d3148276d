import { build } from '../scripts/build.ts';

/** Acceptance runs what users run: the bundle of the sources as they are now. Only when the sources can be bundled. */
export const setup = (): void => {
  if (process.env['SKIP_BUILD'] !== '1') build();
};
