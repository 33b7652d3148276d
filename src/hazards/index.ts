import type { Hazard } from '../ports/hazard.ts';
import { autoscaling } from './autoscaling.ts';
import { gitops } from './gitops/gitops.ts';
import { rounding } from './rounding.ts';
import { verticalAutoscaler } from './vertical-autoscaler.ts';

/** Every hazard that is looked for, in the order of the table. One file each, one line here. */
export const HAZARDS: readonly Hazard[] = [autoscaling, verticalAutoscaler, gitops, rounding];
