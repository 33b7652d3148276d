import type { Context } from './context.ts';
import { controllerReference, DEPLOYMENTS, later, owned, REPLICA_SETS, timestamp } from './context.ts';
import { isReady } from './kubelet.ts';
import type { Condition, KubeObject, WorkloadSpec } from './objects.ts';
import { asJson, clone, sameJson, viewSpec, viewStatus } from './objects.ts';
import { HASH_LABEL, isTemplateOf, livePods, scaleReplicaSet, templateHash } from './replica-sets.ts';
import { create, find, remove, update } from './store.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const MANAGER = { manager: 'kube-controller-manager' };

interface Strategy {
  strategy?: { type?: string; rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string } };
}

interface Counts {
  readonly replicaSet: KubeObject;
  readonly wanted: number;
  readonly pods: number;
  readonly ready: number;
}

const replicasOf = (object: KubeObject): number => viewSpec<WorkloadSpec>(object).replicas ?? 1;
const revisionOf = (object: KubeObject): number => Number(object.metadata.annotations?.[REVISION] ?? '0');

const amount = (value: number | string | undefined, of: number, round: (number: number) => number): number =>
  typeof value === 'number' ? value : round((Number.parseFloat(value ?? '25%') / 100) * of);

/** Annotations of the Deployment are copied to its ReplicaSets, where they stay. */
const copiedAnnotations = (deployment: KubeObject, revision: number): Record<string, string> => {
  const {
    [REVISION]: _own,
    'kubectl.kubernetes.io/last-applied-configuration': _applied,
    ...rest
  } = deployment.metadata.annotations ?? {};
  return {
    ...rest,
    'deployment.kubernetes.io/desired-replicas': String(replicasOf(deployment)),
    [REVISION]: String(revision),
  };
};

const createReplicaSet = (context: Context, deployment: KubeObject, revision: number): KubeObject => {
  const { selector, template } = viewSpec<WorkloadSpec>(deployment);
  const { name, namespace = '' } = deployment.metadata;
  const taken = (hash: string): boolean =>
    find(context.store, REPLICA_SETS, namespace, `${name}-${hash}`) !== undefined;
  let collision = 0;
  while (taken(templateHash(template, collision))) collision += 1;
  const hash = templateHash(template, collision);
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  const spec = {
    replicas: 0,
    selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
    template: { ...clone(template), metadata: { ...clone(template.metadata), labels } },
  };
  const metadata = {
    name: `${name}-${hash}`,
    namespace,
    labels,
    annotations: copiedAnnotations(deployment, revision),
    ownerReferences: [controllerReference(deployment)],
  };
  const object = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec: asJson(spec), status: { replicas: 0 } };
  return create(context.store, REPLICA_SETS, object, MANAGER);
};

/** The ReplicaSet of the template as it is now. One from before is used again, under a new revision. */
const currentReplicaSet = (context: Context, deployment: KubeObject, all: readonly KubeObject[]): KubeObject => {
  const { template } = viewSpec<WorkloadSpec>(deployment);
  const others = all.filter((replicaSet) => !isTemplateOf(replicaSet, template));
  const latest = Math.max(0, ...others.map(revisionOf));
  const found = all.find((replicaSet) => isTemplateOf(replicaSet, template));
  if (found === undefined) return createReplicaSet(context, deployment, latest + 1);
  const revision = Math.max(revisionOf(found), latest + 1);
  const annotations = { ...found.metadata.annotations, ...copiedAnnotations(deployment, revision) };
  if (sameJson(annotations, found.metadata.annotations)) return found;
  return update(
    context.store,
    REPLICA_SETS,
    found,
    { ...found, metadata: { ...found.metadata, annotations } },
    MANAGER,
  );
};

const countsOf = (context: Context, replicaSet: KubeObject): Counts => {
  const pods = livePods(context, replicaSet);
  return { replicaSet, wanted: replicasOf(replicaSet), pods: pods.length, ready: pods.filter(isReady).length };
};

const sum = (counts: readonly Counts[], field: 'wanted' | 'pods' | 'ready'): number =>
  counts.reduce((total, entry) => total + entry[field], 0);

/** One step of a rolling update: as the real controller, surge and unavailability by the strategy. */
const roll = (context: Context, deployment: KubeObject, next: Counts, old: readonly Counts[]): void => {
  const desired = replicasOf(deployment);
  const { strategy } = viewSpec<Strategy>(deployment);
  const isRecreate = strategy?.type === 'Recreate';
  const unavailable = amount(strategy?.rollingUpdate?.maxUnavailable, desired, Math.floor);
  const surge = amount(strategy?.rollingUpdate?.maxSurge, desired, Math.ceil);
  const oldWanted = sum(old, 'wanted');
  const room = isRecreate ? (sum(old, 'pods') > 0 ? 0 : desired) : desired + surge - oldWanted - next.wanted;
  const target = next.wanted > desired ? desired : Math.min(desired, next.wanted + Math.max(0, room));
  scaleReplicaSet(context, next.replicaSet, target);
  const spare = oldWanted + next.wanted - (desired - unavailable) - Math.max(0, next.wanted - next.ready);
  let removable = isRecreate ? oldWanted : Math.min(oldWanted, Math.max(0, spare));
  for (const entry of old) {
    const unhealthy = Math.min(removable, entry.wanted - entry.ready);
    const healthy = Math.min(removable - unhealthy, entry.wanted - unhealthy);
    const taken = Math.max(0, unhealthy + healthy);
    removable -= taken;
    scaleReplicaSet(context, entry.replicaSet, entry.wanted - taken);
  }
};

const forgetOld = (context: Context, deployment: KubeObject, old: readonly Counts[]): void => {
  const { revisionHistoryLimit = 10 } = viewSpec<WorkloadSpec>(deployment);
  const idle = old.filter(({ wanted, pods }) => wanted === 0 && pods === 0).map(({ replicaSet }) => replicaSet);
  const byAge = [...idle].sort((left, right) => revisionOf(right) - revisionOf(left));
  for (const replicaSet of byAge.slice(revisionHistoryLimit)) remove(context.store, REPLICA_SETS, replicaSet);
};

const condition = (
  before: readonly Condition[],
  type: string,
  status: string,
  reason: string,
  message: string,
): Condition => {
  const old = before.find((entry) => entry.type === type);
  if (old?.status === status && old.reason === reason && old.message === message) return old;
  const now = new Date().toISOString();
  const lastTransitionTime = old?.status === status ? (old.lastTransitionTime ?? now) : timestamp();
  return { type, status, reason, message, lastUpdateTime: now.replace(/\.\d+Z$/, 'Z'), lastTransitionTime };
};

const progress = (deployment: KubeObject, next: Counts, complete: boolean, before: readonly Condition[]): Condition => {
  const { name } = next.replicaSet.metadata;
  if (complete)
    return condition(
      before,
      'Progressing',
      'True',
      'NewReplicaSetAvailable',
      `ReplicaSet "${name}" has successfully progressed.`,
    );
  const { progressDeadlineSeconds = 600 } = viewSpec<WorkloadSpec>(deployment);
  const old = before.find(({ type }) => type === 'Progressing');
  const about = `ReplicaSet "${name}" is progressing (${next.ready} of ${next.wanted} ready).`;
  const isSame = old?.message === about || old?.reason === 'ProgressDeadlineExceeded';
  const since = Date.parse(old?.lastUpdateTime ?? timestamp());
  if (isSame && Date.now() - since >= progressDeadlineSeconds * 1000)
    return condition(
      before,
      'Progressing',
      'False',
      'ProgressDeadlineExceeded',
      `ReplicaSet "${name}" has timed out progressing.`,
    );
  return condition(before, 'Progressing', 'True', 'ReplicaSetUpdated', about);
};

const report = (context: Context, deployment: KubeObject, next: Counts, old: readonly Counts[]): void => {
  const desired = replicasOf(deployment);
  const all = [next, ...old];
  const [pods, ready] = [sum(all, 'pods'), sum(all, 'ready')];
  const complete = next.pods === desired && next.ready === desired && pods === desired;
  const { conditions: before = [] } = viewStatus<{ conditions: Condition[] }>(deployment);
  const available =
    ready >=
    desired - amount(viewSpec<Strategy>(deployment).strategy?.rollingUpdate?.maxUnavailable, desired, Math.floor);
  const reason = available ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable';
  const message = `Deployment ${available ? 'has' : 'does not have'} minimum availability.`;
  const status = {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...(pods > 0 && { replicas: pods }),
    ...(next.pods > 0 && { updatedReplicas: next.pods }),
    ...(ready > 0 && { readyReplicas: ready, availableReplicas: ready }),
    ...(desired > ready && { unavailableReplicas: desired - ready }),
    conditions: [
      condition(before, 'Available', available ? 'True' : 'False', reason, message),
      progress(deployment, next, complete, before),
    ],
  };
  const revision = next.replicaSet.metadata.annotations?.[REVISION] ?? '1';
  const annotations = { ...deployment.metadata.annotations, [REVISION]: revision };
  const wanted = { ...deployment, metadata: { ...deployment.metadata, annotations }, status: asJson(status) };
  update(context.store, DEPLOYMENTS, deployment, wanted, { ...MANAGER, statusOnly: true });
  const { progressDeadlineSeconds = 600 } = viewSpec<WorkloadSpec>(deployment);
  if (!complete && progressDeadlineSeconds < 60)
    later(context, progressDeadlineSeconds * 1000 + 1000, () => reconcileDeployment(context, deployment));
};

/** Level-triggered: whatever happened, brings ReplicaSets one step nearer and reports. */
export const reconcileDeployment = (context: Context, known: KubeObject): void => {
  const { namespace = '', name, uid } = known.metadata;
  const deployment = find(context.store, DEPLOYMENTS, namespace, name);
  if (deployment === undefined || deployment.metadata.uid !== uid || deployment.metadata.deletionTimestamp) return;
  const all = owned(context, REPLICA_SETS, deployment);
  const { paused = false } = viewSpec<WorkloadSpec>(deployment);
  const newest = [...all].sort((left, right) => revisionOf(right) - revisionOf(left))[0];
  const current = paused && newest !== undefined ? newest : currentReplicaSet(context, deployment, all);
  const old = owned(context, REPLICA_SETS, deployment)
    .filter(({ metadata }) => metadata.uid !== current.metadata.uid)
    .map((replicaSet) => countsOf(context, replicaSet));
  const next = countsOf(context, current);
  if (!paused) roll(context, deployment, next, old);
  forgetOld(context, deployment, old);
  report(context, deployment, next, old);
};
