import { groupOf, type Permission, type ResourceKind } from './objects.ts';
import type { CopiedKind } from './spec.ts';

/** Where the kinds live that `copy` takes. */
export const COPIED: Readonly<Record<CopiedKind, ResourceKind>> = {
  NetworkPolicy: { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', plural: 'networkpolicies' },
  PodDisruptionBudget: { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets' },
  ServiceMonitor: { apiVersion: 'monitoring.coreos.com/v1', kind: 'ServiceMonitor', plural: 'servicemonitors' },
  PodMonitor: { apiVersion: 'monitoring.coreos.com/v1', kind: 'PodMonitor', plural: 'podmonitors' },
};

/** Needed when these kinds are asked for: their copies are made, marked and removed. */
export const copyPermissions = (kinds: readonly CopiedKind[]): readonly Permission[] =>
  kinds.map((kind) => ({
    group: groupOf(COPIED[kind]),
    resource: COPIED[kind].plural,
    verbs: ['get', 'list', 'create', 'patch', 'delete'],
    why: `\`copy: ${kind}\`: make copies for the canary, mark and remove them`,
  }));
