import type { HazardCase } from './case.ts';

export const cases: readonly HazardCase[] = [];
