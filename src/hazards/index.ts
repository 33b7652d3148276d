import type { Hazard } from '../ports/hazard.ts';
import { autoscaling } from './autoscaling.ts';
import { capacity } from './capacity.ts';
import { gitops } from './gitops/gitops.ts';
import { hostPorts } from './host-ports.ts';
import { manifest } from './manifest.ts';
import { otherPaths } from './other-paths.ts';
import { pair } from './pair.ts';
import { disruptionBudgets, monitors, networkPolicies } from './policies/copied.ts';
import { meshPolicies } from './policies/mesh.ts';
import { networkPlugins } from './policies/network-plugins.ts';
import { gatewayPolicies } from './policies/services.ts';
import { rounding } from './rounding.ts';
import { sidecars } from './sidecars.ts';
import { strategy } from './strategy.ts';
import { verticalAutoscaler } from './vertical-autoscaler.ts';
import { volumes } from './volumes.ts';

/** Every hazard that is looked for, in the order of the table. One file each, one line here. */
export const HAZARDS: readonly Hazard[] = [
  manifest,
  strategy,
  volumes,
  hostPorts,
  capacity,
  sidecars,
  autoscaling,
  verticalAutoscaler,
  gitops,
  networkPolicies,
  disruptionBudgets,
  monitors,
  gatewayPolicies,
  meshPolicies,
  networkPlugins,
  pair,
  rounding,
  otherPaths,
];
