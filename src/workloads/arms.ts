import {
  DEPLOYMENT,
  ENDPOINT_SLICE,
  type KubeObject,
  type ListRef,
  listIn,
  listRef,
  type ObjectRef,
  objectIn,
  objectRef,
  POD,
  REPLICA_SET,
  type ReadRef,
  refKey,
  SERVICE,
  type Seen,
} from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import { countOf, fieldsOf } from '../core/shape.ts';
import type { Arm } from '../core/units.ts';
import { autoscalerReads } from './autoscaler.ts';
import { companionReads } from './companions.ts';
import { CANARY_DEPLOYMENT_LIMIT } from './labels.ts';
import { type Deployment, deploymentOf } from './shape.ts';
import { ownedBy, podsOf } from './survey.ts';
import { isNewVersion, isSameTemplate, templateOf } from './template.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';

export const deploymentRef = (target: Target, arm: Arm): ObjectRef =>
  objectRef(DEPLOYMENT, target.namespace, arm === 'stable' ? target.deployment : target.canaryDeployment);

export const serviceRef = (target: Target, name: string): ObjectRef => objectRef(SERVICE, target.namespace, name);

/** Pods are the unit: one Service, if any, for both arms. */
const isShared = (target: Target): boolean => target.canaryService === null;

/** The Service whose endpoints are the arm's. */
export const serviceOf = (target: Target, arm: Arm): string | null =>
  arm === 'stable' || isShared(target) ? target.service : target.canaryService;

/**
 * Pods and ReplicaSets of both arms by the labels that tell them apart: `app in (checkout,checkout-canary)`. A value that
 * was cut does not show stable's any more, so there only the key is asked for.
 */
const armsSelector = (target: Target): string =>
  target.pair?.arms ??
  Object.entries(target.relabel)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => {
      const stable = value.endsWith('-canary') ? value.slice(0, -'-canary'.length) : null;
      return stable === null ? key : `${key} in (${stable},${value})`;
    })
    .join(',');

/** Names so long that the API server cuts pod names tell neighbours apart by the pods alone: then all of them are read. */
const podNamesMayBeCut = (target: Target): boolean => target.deployment.length > CANARY_DEPLOYMENT_LIMIT;

const replicaSetList = (target: Target): ListRef => listRef(REPLICA_SET, target.namespace, armsSelector(target));
const podList = (target: Target): ListRef =>
  listRef(POD, target.namespace, podNamesMayBeCut(target) ? '' : armsSelector(target));

const sliceList = (target: Target): ListRef => {
  const services = [target.service, target.canaryService].filter((name) => name !== null);
  const [only, ...others] = services;
  const selector = others.length === 0 ? `${SERVICE_NAME}=${only ?? ''}` : `${SERVICE_NAME} in (${services.join(',')})`;
  return listRef(ENDPOINT_SLICE, target.namespace, selector);
};

/** Everything that `plan`, `progress`, `observe` and `podsExpression` look at: six reads, seven with pods. */
export const reads = (target: Target, pods: boolean): readonly ReadRef[] => [
  deploymentRef(target, 'stable'),
  deploymentRef(target, 'canary'),
  ...[target.service, target.canaryService].filter((name) => name !== null).map((name) => serviceRef(target, name)),
  ...(target.service === null ? [] : [sliceList(target)]),
  replicaSetList(target),
  ...companionReads(target),
  ...autoscalerReads(target),
  ...(pods || podNamesMayBeCut(target) ? [podList(target)] : []),
];

export const deploymentIn = (seen: Seen, target: Target, arm: Arm): Deployment | null => {
  const object = objectIn(seen, deploymentRef(target, arm));
  return object === null ? null : deploymentOf(object);
};

/** EndpointSlices of a Service; null when they were not read. */
export const slicesIn = (seen: Seen, target: Target, service: string): readonly KubeObject[] | null => {
  const list = seen.lists.get(refKey(sliceList(target)));
  return list === undefined ? null : list.filter(({ metadata }) => metadata.labels?.[SERVICE_NAME] === service);
};

/** Of the user's own canary Deployment those of the new version: what it ran before is neither arm's. */
export const replicaSetsIn = (seen: Seen, target: Target, arm: Arm): readonly KubeObject[] => {
  const deployment = deploymentIn(seen, target, arm);
  const all = deployment === null ? [] : ownedBy(deployment, listIn(seen, replicaSetList(target)));
  if (deployment === null || arm === 'stable' || target.pair === null) return all;
  return isNewVersion(deployment, target)
    ? all.filter((replicaSet) => isSameTemplate(templateOf(replicaSet), deployment.template))
    : [];
};

/** All pods that were read, of whomever. */
export const allPods = (seen: Seen, target: Target): readonly KubeObject[] => listIn(seen, podList(target));

/** Whether this look read pods: without them nothing is known of any. */
export const podsWereRead = (seen: Seen, target: Target): boolean => seen.lists.has(refKey(podList(target)));

/** Pods of an arm that were read, newest first. */
export const podsIn = (seen: Seen, target: Target, arm: Arm): readonly KubeObject[] => {
  const deployment = deploymentIn(seen, target, arm);
  if (deployment === null) return [];
  const born = (pod: KubeObject): string => pod.metadata.creationTimestamp ?? '';
  return [...podsOf(deployment, replicaSetsIn(seen, target, arm), allPods(seen, target))].sort(
    (one, other) => compare(born(other), born(one)) || compare(one.metadata.name, other.metadata.name),
  );
};

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** Of a ReplicaSet; 0 when it says none. */
export const revisionOf = ({ metadata }: KubeObject): number =>
  Number(metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0) || 0;

/** The ReplicaSet of the current template: the one of the highest revision (the controller raises it on every change). */
export const currentReplicaSet = (replicaSets: readonly KubeObject[]): KubeObject | null => {
  const born = ({ metadata }: KubeObject): string => metadata.creationTimestamp ?? '';
  const [newest] = [...replicaSets].sort(
    (one, other) => revisionOf(other) - revisionOf(one) || compare(born(other), born(one)),
  );
  return newest ?? null;
};

/** Whether a ReplicaSet has pods, or is asked to have some. */
export const isInUse = (replicaSet: KubeObject): boolean =>
  (countOf(fieldsOf(replicaSet['spec'])['replicas']) ?? 1) > 0 ||
  (countOf(fieldsOf(replicaSet['status'])['replicas']) ?? 0) > 0;
