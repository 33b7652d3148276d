import { fitName } from './marks.ts';

/** The name of a Deployment's ConfigMap and Lease. */
export const storeName = (deployment: string): string => fitName(`canary-rollout-${deployment}`, 253);
