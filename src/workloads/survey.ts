import { COPIED } from '../core/copied-kinds.ts';
import { guardOf } from '../core/marks.ts';
import {
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  type KubeObject,
  type ListRef,
  listIn,
  listRef,
  objectIn,
  objectRef,
  POD,
  REPLICA_SET,
  type ReadRef,
  type ResourceKind,
  SCALED_OBJECT,
  SERVICE,
  type Seen,
} from '../core/objects.ts';
import type { WorkloadRequest } from '../ports/workload.ts';
import { canaryDeploymentName } from './labels.ts';
import { type Deployment, deploymentOf } from './shape.ts';
import { MANAGED_BY, MANAGER } from './tracking.ts';

/** The namespace as `resolve` sees it. */
export interface Survey {
  readonly request: WorkloadRequest;
  readonly stable: Deployment | null;
  readonly canaryDeployment: string;
  readonly deployments: readonly Deployment[];
  readonly services: readonly KubeObject[];
  readonly replicaSets: readonly KubeObject[];
  readonly pods: readonly KubeObject[];
  readonly autoscalers: readonly KubeObject[];
  readonly scaledObjects: readonly KubeObject[];
}

const everyOne = (type: ResourceKind, request: WorkloadRequest): ListRef => listRef(type, request.namespace);
const SURVEYED = [SERVICE, DEPLOYMENT, REPLICA_SET, POD, HORIZONTAL_POD_AUTOSCALER, SCALED_OBJECT] as const;

export const surveys = (request: WorkloadRequest): readonly ReadRef[] => [
  objectRef(DEPLOYMENT, request.namespace, request.deployment),
  ...SURVEYED.map((type) => everyOne(type, request)),
  ...request.copy.map((kind) => everyOne(COPIED[kind], request)),
];

export const surveyOf = (seen: Seen, request: WorkloadRequest): Survey => {
  const list = (type: ResourceKind): readonly KubeObject[] => listIn(seen, everyOne(type, request));
  const stable = objectIn(seen, objectRef(DEPLOYMENT, request.namespace, request.deployment));
  return {
    request,
    stable: stable === null ? null : deploymentOf(stable),
    canaryDeployment: request.canaryDeployment ?? canaryDeploymentName(request.deployment),
    deployments: list(DEPLOYMENT).map(deploymentOf),
    services: list(SERVICE),
    replicaSets: list(REPLICA_SET),
    pods: list(POD),
    autoscalers: list(HORIZONTAL_POD_AUTOSCALER),
    scaledObjects: list(SCALED_OBJECT),
  };
};

/** Created by this very rollout (a resumed one finds what it left). Another rollout's leftovers are not ours. */
export const isOfRollout = (object: KubeObject, request: WorkloadRequest): boolean => {
  const { wayBack } = guardOf(request.namespace, request.deployment, '', request.rolloutId);
  const { labels, annotations } = object.metadata;
  return labels?.[MANAGED_BY] === MANAGER && (labels[wayBack.key] ?? annotations?.[wayBack.key]) === wayBack.value;
};

/** uid of the controller that owns an object; null when none does. */
export const controllerUid = (object: KubeObject): string | null =>
  object.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid ?? null;

/** ReplicaSets that a Deployment owns. */
export const ownedBy = (deployment: Deployment, replicaSets: readonly KubeObject[]): readonly KubeObject[] =>
  replicaSets.filter((replicaSet) => deployment.uid !== '' && controllerUid(replicaSet) === deployment.uid);

/** Pods of a Deployment, by way of its ReplicaSets. */
export const podsOf = (
  deployment: Deployment,
  replicaSets: readonly KubeObject[],
  pods: readonly KubeObject[],
): readonly KubeObject[] => {
  const owners = new Set(ownedBy(deployment, replicaSets).map(({ metadata }) => metadata.uid ?? ''));
  return pods.filter((pod) => owners.has(controllerUid(pod) ?? '-'));
};
