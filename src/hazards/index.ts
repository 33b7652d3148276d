import type { Hazard } from '../ports/hazard.ts';

/** Every hazard that is looked for, in the order of the table. One file each, one line here. */
export const HAZARDS: readonly Hazard[] = [];
