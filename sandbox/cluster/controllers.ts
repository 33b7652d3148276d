import { autoscalersOf, reconcileAutoscaler } from './autoscalers.ts';
import type { Context } from './context.ts';
import { AUTOSCALERS, DEPLOYMENTS, JOBS, PODS, REPLICA_SETS, SERVICES, soon } from './context.ts';
import { reconcileDeployment } from './deployments.ts';
import { reconcileEndpoints } from './endpoints.ts';
import { collectOrphans, finishForeground } from './garbage.ts';
import { reconcileJob } from './jobs.ts';
import type { Addresses } from './kubelet.ts';
import { startPod, stopPod } from './kubelet.ts';
import type { KubeObject } from './objects.ts';
import { reconcileReplicaSet } from './replica-sets.ts';
import type { Resource } from './resources.ts';
import { qualified } from './resources.ts';
import type { StoreEvent } from './store.ts';
import { find, list } from './store.ts';

const keyOf = (kind: string, { metadata }: KubeObject): string => `${kind} ${metadata.namespace}/${metadata.name}`;

const ownerOf = (context: Context, resource: Resource, object: KubeObject): KubeObject | undefined => {
  const reference = object.metadata.ownerReferences?.find(({ kind }) => kind === resource.kind);
  return reference && find(context.store, resource, object.metadata.namespace ?? '', reference.name);
};

const isFrozen = ({ pace }: Context): boolean => pace.controllersAreFrozen;

/** A frozen controller looks again until it is let go. */
const enqueue = (context: Context, key: string, action: () => void): void =>
  soon(context, key, isFrozen(context) ? 50 : 1, () => (isFrozen(context) ? enqueue(context, key, action) : action()));

const enqueueDeployment = (context: Context, deployment: KubeObject): void =>
  enqueue(context, keyOf('Deployment', deployment), () => reconcileDeployment(context, deployment));

const enqueueReplicaSet = (context: Context, replicaSet: KubeObject): void =>
  enqueue(context, keyOf('ReplicaSet', replicaSet), () => {
    const { namespace = '', name } = replicaSet.metadata;
    const now = find(context.store, REPLICA_SETS, namespace, name);
    if (now) reconcileReplicaSet(context, now);
  });

const enqueueJob = (context: Context, job: KubeObject): void =>
  enqueue(context, keyOf('Job', job), () => reconcileJob(context, job));

const enqueueAutoscaler = (context: Context, autoscaler: KubeObject): void =>
  enqueue(context, keyOf('Autoscaler', autoscaler), () => reconcileAutoscaler(context, autoscaler));

const enqueueService = (context: Context, service: KubeObject): void =>
  enqueue(context, keyOf('Service', service), () => reconcileEndpoints(context, service));

const podChanged = (
  context: Context,
  addresses: Addresses,
  images: ReadonlyMap<string, string>,
  event: StoreEvent,
): void => {
  const { object, before, type } = event;
  if (type === 'ADDED') startPod(context, addresses, images, object);
  const isStopping = object.metadata.deletionTimestamp !== undefined;
  if (type !== 'DELETED' && isStopping && before?.metadata.deletionTimestamp === undefined) stopPod(context, object);
  const replicaSet = ownerOf(context, REPLICA_SETS, object);
  if (replicaSet) {
    enqueueReplicaSet(context, replicaSet);
    const deployment = ownerOf(context, DEPLOYMENTS, replicaSet);
    if (deployment) enqueueDeployment(context, deployment);
  }
  const job = ownerOf(context, JOBS, object);
  if (job) enqueueJob(context, job);
  for (const service of list(context.store, SERVICES, object.metadata.namespace ?? ''))
    enqueueService(context, service);
};

const foregroundOwners = (context: Context, object: KubeObject): void => {
  for (const resource of [DEPLOYMENTS, REPLICA_SETS]) {
    const owner = ownerOf(context, resource, object);
    if (owner?.metadata.finalizers?.length)
      enqueue(context, keyOf('Finish', owner), () => finishForeground(context, resource, owner));
  }
};

/** Plays kube-controller-manager and the kubelet: reacts to every change in the store. */
export const startControllers = (context: Context, images: ReadonlyMap<string, string>): void => {
  const addresses: Addresses = { next: 0 };
  context.store.listeners.add((event) => {
    const { resource, object, type } = event;
    if (resource === PODS) podChanged(context, addresses, images, event);
    if (resource === DEPLOYMENTS && type !== 'DELETED') {
      enqueueDeployment(context, object);
      for (const autoscaler of autoscalersOf(context, object)) enqueueAutoscaler(context, autoscaler);
    }
    if (resource === AUTOSCALERS && type !== 'DELETED') enqueueAutoscaler(context, object);
    if (resource === REPLICA_SETS) {
      if (type !== 'DELETED') enqueueReplicaSet(context, object);
      const deployment = ownerOf(context, DEPLOYMENTS, object);
      if (deployment) enqueueDeployment(context, deployment);
    }
    if (resource === JOBS && type !== 'DELETED') enqueueJob(context, object);
    if (resource === SERVICES && type !== 'DELETED') enqueueService(context, object);
    if (type === 'DELETED') {
      enqueue(context, `Orphans ${qualified(resource)} ${object.metadata.uid}`, () => collectOrphans(context, object));
      foregroundOwners(context, object);
    } else if (object.metadata.finalizers?.includes('foregroundDeletion')) {
      enqueue(context, keyOf('Finish', object), () => finishForeground(context, resource, object));
    }
  });
};
