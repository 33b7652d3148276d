import type { Workload } from '../ports/workload.ts';
import { deploymentWorkload } from './deployment.ts';

/** Every kind of workload that can be rolled out. */
export const WORKLOADS: readonly Workload[] = [deploymentWorkload];

export { deploymentWorkload };
