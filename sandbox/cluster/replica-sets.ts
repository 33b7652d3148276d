import { createHash } from 'node:crypto';
import type { Context } from './context.ts';
import { controllerReference, owned, PODS, REPLICA_SETS } from './context.ts';
import { withDefaults } from './defaults.ts';
import { nameSuffix } from './handlers.ts';
import { isReady } from './kubelet.ts';
import type { KubeObject, PodTemplate, WorkloadSpec } from './objects.ts';
import { asJson, clone, sameJson, viewSpec } from './objects.ts';
import { create, remove, update } from './store.ts';

export const HASH_LABEL = 'pod-template-hash';
const SAFE = 'bcdfghjklmnpqrstvwxz2456789';

export const templateHash = (template: PodTemplate, collision: number): string =>
  [
    ...createHash('sha256')
      .update(`${collision}${JSON.stringify(template)}`)
      .digest()
      .subarray(0, 10),
  ]
    .map((byte) => SAFE[byte % SAFE.length])
    .join('');

export const withoutHash = (template: PodTemplate): PodTemplate => {
  const copy = clone(template);
  delete copy.metadata?.labels?.[HASH_LABEL];
  return copy;
};

export const isTemplateOf = (replicaSet: KubeObject, template: PodTemplate): boolean =>
  sameJson(withoutHash(viewSpec<WorkloadSpec>(replicaSet).template), withoutHash(template));

export const livePods = (context: Context, replicaSet: KubeObject): KubeObject[] =>
  owned(context, PODS, replicaSet).filter(({ metadata }) => metadata.deletionTimestamp === undefined);

/** As the owner's template says, with these labels beside the template's. */
export const createPod = (context: Context, owner: KubeObject, labels: Readonly<Record<string, string>> = {}): void => {
  const { template } = viewSpec<WorkloadSpec>(owner);
  const { namespace = '', name } = owner.metadata;
  const pod = withDefaults({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...clone(template.metadata ?? {}),
      labels: { ...template.metadata?.labels, ...labels },
      generateName: `${name}-`,
      // The API server cuts what it completes: 58 characters and five of its own.
      name: `${`${name}-`.slice(0, 58)}${nameSuffix()}`,
      namespace,
      ownerReferences: [controllerReference(owner)],
    },
    spec: asJson({ ...clone(template.spec), nodeName: 'node-1' }),
  });
  create(context.store, PODS, pod, { manager: 'kube-controller-manager' });
};

/** Brings the number of pods to what the ReplicaSet asks for and reports. Pods that are not ready go first, then the newest. */
export const reconcileReplicaSet = (context: Context, replicaSet: KubeObject): void => {
  if (replicaSet.metadata.deletionTimestamp !== undefined) return;
  const { replicas = 1 } = viewSpec<WorkloadSpec>(replicaSet);
  const pods = livePods(context, replicaSet);
  for (let missing = replicas - pods.length; missing > 0; missing -= 1) createPod(context, replicaSet);
  const order = [...pods].sort(
    (left, right) =>
      Number(isReady(left)) - Number(isReady(right)) ||
      Number(right.metadata.resourceVersion) - Number(left.metadata.resourceVersion),
  );
  for (const pod of order.slice(0, Math.max(0, pods.length - replicas))) remove(context.store, PODS, pod);
  const now = livePods(context, replicaSet);
  const ready = now.filter(isReady).length;
  const status = {
    replicas: now.length,
    fullyLabeledReplicas: now.length,
    ...(ready > 0 && { readyReplicas: ready, availableReplicas: ready }),
    observedGeneration: replicaSet.metadata.generation ?? 0,
  };
  update(
    context.store,
    REPLICA_SETS,
    replicaSet,
    { ...replicaSet, status },
    { statusOnly: true, manager: 'kube-controller-manager' },
  );
};

export const scaleReplicaSet = (context: Context, replicaSet: KubeObject, replicas: number): KubeObject => {
  const spec = viewSpec<WorkloadSpec>(replicaSet);
  if (spec.replicas === replicas) return replicaSet;
  const wanted = { ...replicaSet, spec: asJson({ ...spec, replicas }) };
  return update(context.store, REPLICA_SETS, replicaSet, wanted, { manager: 'kube-controller-manager' });
};
