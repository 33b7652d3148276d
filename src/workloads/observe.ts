import { type KubeObject, listIn, listRef, NODE, refKey, type Seen } from '../core/objects.ts';
import type { ContainerImage, Target } from '../core/plan.ts';
import type { ArmSeen } from '../core/rollout.ts';
import { canonical, type Fields, fieldsOf, textOf } from '../core/shape.ts';
import type { Arm } from '../core/units.ts';
import {
  currentReplicaSet,
  deploymentIn,
  podsIn,
  podsWereRead,
  replicaSetsIn,
  serviceOf,
  serviceRef,
  slicesIn,
} from './arms.ts';
import { livesOf } from './lives.ts';
import { worstPod } from './pod-problem.ts';
import { hasBase, podNameBases } from './pods.ts';
import { conditionMessage, type Deployment, isRolledOut, items, plain } from './shape.ts';
import { controllerUid } from './survey.ts';
import { isNewVersion, templateHash } from './template.ts';

/** Ready unless said otherwise, as the EndpointSlice API defines it, and not on its way out. */
const takesTraffic = (endpoint: Fields): boolean => {
  const conditions = fieldsOf(endpoint['conditions']);
  return conditions['ready'] !== false && conditions['terminating'] !== true;
};

interface Endpoint {
  /** One pod has an endpoint in a slice of each IP family. */
  readonly id: string;
  readonly pod: { readonly uid: string; readonly name: string };
}

const endpointsOf = (slices: readonly KubeObject[]): readonly Endpoint[] =>
  slices
    .flatMap((slice) => items(slice['endpoints']))
    .filter(takesTraffic)
    .map((endpoint) => {
      const pod = fieldsOf(endpoint['targetRef']);
      const uid = textOf(pod['uid']) ?? '';
      const [address] = Array.isArray(endpoint['addresses']) ? endpoint['addresses'] : [];
      return { id: uid === '' ? (textOf(address) ?? '') : uid, pod: { uid, name: textOf(pod['name']) ?? '' } };
    });

/**
 * Pods in the arm's EndpointSlices that take traffic; null without a Service, or when the slices were not read. Those of a
 * Service that was deleted stay until the collector comes, and lead nobody anywhere.
 */
const countEndpoints = (seen: Seen, target: Target, arm: Arm): number | null => {
  const service = serviceOf(target, arm);
  if (service !== null && seen.objects.get(refKey(serviceRef(target, service))) === null) return 0;
  const slices = service === null ? null : slicesIn(seen, target, service);
  if (slices === null) return null;
  const all = endpointsOf(slices);
  if (target.canaryService !== null) return new Set(all.map(({ id }) => id)).size;
  const known = new Set(podsIn(seen, target, arm).map(({ metadata }) => metadata.uid ?? '-'));
  const others = new Set(
    podsIn(seen, target, arm === 'stable' ? 'canary' : 'stable').map(({ metadata }) => metadata.uid ?? '-'),
  );
  const bases = podNameBases(seen, target, arm);
  const own = all.filter(
    ({ pod }) => known.has(pod.uid) || (!others.has(pod.uid) && bases.some((base) => hasBase(pod.name, base))),
  );
  return new Set(own.map(({ id }) => id)).size;
};

interface SeenImage {
  readonly id: string;
  /** As the node's label has it (`arm64`); null when nothing tells. */
  readonly platform: string | null;
}

const ARCH = 'kubernetes.io/arch';

/** What the pod asks for, or what its node says of itself, where nodes were read. */
const platformOf = (seen: Seen, pod: KubeObject): string | null => {
  const { nodeSelector, nodeName } = fieldsOf(pod['spec']);
  const node = listIn(seen, listRef(NODE, '')).find(({ metadata }) => metadata.name === nodeName);
  return textOf(fieldsOf(nodeSelector)[ARCH]) ?? node?.metadata.labels?.[ARCH] ?? null;
};

/**
 * `image@digest` of the containers that the rollout changes, from pods of the current template: others (sidecars that
 * something injects) may differ between the arms for reasons of their own.
 */
const imagesRun = (seen: Seen, target: Target, arm: Arm): readonly SeenImage[] => {
  const current = currentReplicaSet(replicaSetsIn(seen, target, arm))?.metadata.uid ?? null;
  const judged = new Set(target.images.map(({ container }) => container));
  return podsIn(seen, target, arm)
    .filter((pod) => pod.metadata.deletionTimestamp === undefined && controllerUid(pod) === current)
    .flatMap((pod) => {
      const status = fieldsOf(pod['status']);
      const platform = platformOf(seen, pod);
      return [...items(status['containerStatuses']), ...items(status['initContainerStatuses'])]
        .filter((one) => judged.has(textOf(one['name']) ?? ''))
        .map((one) => ({ id: (textOf(one['imageID']) ?? '').replace(/^[a-z-]+:\/\//, ''), platform }));
    })
    .filter(({ id }) => id !== '');
};

const imagesSeen = (run: readonly SeenImage[]): Pick<ArmSeen, 'imageIds' | 'platforms'> => {
  const known = run.flatMap(({ id, platform }) => (platform === null ? [] : [{ id, platform }]));
  const platforms = [...new Map(known.map((one) => [canonical(one), one])).entries()].sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return {
    imageIds: [...new Set(run.map(({ id }) => id))].sort(),
    ...(platforms.length === 0 ? {} : { platforms: platforms.map(([, one]) => one) }),
  };
};

/** Why not all pods are there and ready, in words; null when all are, or nothing but their number is known. */
const problemOf = (deployment: Deployment, pods: readonly KubeObject[]): string | null => {
  const { status } = deployment;
  // Quota, admission, a missing service account: no pod was ever made, so no pod can tell.
  const failure = conditionMessage(status, 'ReplicaFailure', 'True');
  if (failure !== null) return plain(`pods cannot be created: ${failure}`);
  if (isRolledOut(deployment)) return null;
  const deadline = conditionMessage(status, 'Progressing', 'False', 'ProgressDeadlineExceeded');
  const worst = worstPod(pods);
  if (worst !== null) return worst;
  if (deadline !== null) return plain(deadline);
  const { deletionTimestamp } = deployment.object.metadata;
  return deletionTimestamp === undefined ? null : `Deployment ${deployment.name} is being deleted`;
};

const imagesOf = (deployment: Deployment): readonly ContainerImage[] =>
  deployment.containers.map(({ name, image }) => ({ container: name, image }));

/** The user's own canary Deployment with another version than the new one: its pods are not the canary's. */
const isOther = (deployment: Deployment, target: Target, arm: Arm): boolean =>
  arm === 'canary' && target.pair !== null && !isNewVersion(deployment, target);

/** One arm as it is now; null when its Deployment does not exist. `imageIds`, `lives` and the words about pods need the pods. */
export const observeArm = (seen: Seen, target: Target, arm: Arm): ArmSeen | null => {
  const deployment = deploymentIn(seen, target, arm);
  if (deployment === null) return null;
  return {
    uid: deployment.uid,
    replicas: deployment.replicas,
    // Not held back while the controller catches up with a new generation: scaling takes no ready pod away.
    ready: isOther(deployment, target, arm) ? 0 : deployment.status.ready,
    endpoints: countEndpoints(seen, target, arm),
    rolledOut: isRolledOut(deployment),
    template: templateHash(deployment.template),
    images: imagesOf(deployment),
    ...imagesSeen(imagesRun(seen, target, arm)),
    problem: problemOf(deployment, podsIn(seen, target, arm)),
    lives: podsWereRead(seen, target) ? livesOf(podsIn(seen, target, arm)) : null,
  };
};

export const observe = (seen: Seen, target: Target): Readonly<Record<Arm, ArmSeen | null>> => ({
  stable: observeArm(seen, target, 'stable'),
  canary: observeArm(seen, target, 'canary'),
});
