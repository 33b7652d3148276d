import { type KubeObject, type ListRef, listRef, POD, type Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Arm } from '../core/units.ts';
import { allPods, deploymentIn, isInUse, podsIn, replicaSetsIn } from './arms.ts';
import { canaryDeploymentSelector } from './copy.ts';
import { NO_PODS, selectorText } from './selectors.ts';
import type { LabelSelector } from './shape.ts';
import { controllerUid } from './survey.ts';
import { withNewTemplate } from './template.ts';

/** The API server cuts a name that it completes to 58 characters, and adds 5 (k8s.io/apiserver/pkg/storage/names). */
const NAME_BASE_LIMIT = 58;
const RANDOM = '[a-z0-9]{5}';

/** What all pod names of a ReplicaSet begin with. */
export const podNameBase = (replicaSet: KubeObject): string => `${replicaSet.metadata.name}-`.slice(0, NAME_BASE_LIMIT);

/** Whether a pod's name is one that the API server would make from this base. */
export const hasBase = (pod: string, base: string): boolean =>
  pod.length === base.length + 5 && pod.startsWith(base) && /^[a-z0-9]{5}$/.test(pod.slice(base.length));

/** Literal in RE2 and in a double-quoted PromQL string. Names of objects are DNS names: of what they may hold only `.` means something. */
const literal = (name: string): string => name.replace(/[^a-z0-9-]/g, (character) => (character === '.' ? '[.]' : '.'));

const oneOf = (parts: readonly string[]): string => (parts.length === 1 ? (parts[0] ?? '') : `(${parts.join('|')})`);

/** ReplicaSets of an arm that have pods, or had when the pods were read. */
const inUse = (seen: Seen, target: Target, arm: Arm): readonly KubeObject[] => {
  const owners = new Set(podsIn(seen, target, arm).map(controllerUid));
  return replicaSetsIn(seen, target, arm).filter(
    (replicaSet) => isInUse(replicaSet) || owners.has(replicaSet.metadata.uid ?? '-'),
  );
};

/** Beginnings of the names of an arm's pods, sorted. */
export const podNameBases = (seen: Seen, target: Target, arm: Arm): readonly string[] => [
  ...new Set(inUse(seen, target, arm).map(podNameBase).sort()),
];

const exactly = (pods: readonly KubeObject[]): string | null =>
  pods.length === 0 ? null : oneOf(pods.map(({ metadata }) => literal(metadata.name)).sort());

const expression = (seen: Seen, target: Target, arm: Arm): string | null => {
  const bases = podNameBases(seen, target, arm);
  if (bases.length === 0) return null;
  const other = new Set(podNameBases(seen, target, arm === 'stable' ? 'canary' : 'stable'));
  const own = podsIn(seen, target, arm);
  const strangers = allPods(seen, target).filter((pod) => !own.includes(pod));
  const isAmbiguous =
    bases.some((base) => other.has(base)) ||
    strangers.some(({ metadata }) => bases.some((base) => hasBase(metadata.name, base)));
  return isAmbiguous ? exactly(own) : `${oneOf(bases.map(literal))}${RANDOM}`;
};

/**
 * RE2 (fully anchored, as `=~` is) for the names of each arm's pods, safe between the double quotes of a PromQL string. An
 * exact list where a name could be the other arm's or a neighbour's; null when the arm has no pods that can be told.
 */
export const podsExpression = (seen: Seen, target: Target): Readonly<Record<Arm, string | null>> => ({
  stable: expression(seen, target, 'stable'),
  canary: expression(seen, target, 'canary'),
});

const isPair = ({ pair }: Target, arm: Arm): boolean => arm === 'canary' && pair !== null;

/** Its ReplicaSet's hash tells pods of the new version from those it had before; nobody's, before there is one. */
const newPodsOf = (seen: Seen, target: Target, selector: LabelSelector): LabelSelector | null => {
  const [newest] = replicaSetsIn(seen, target, 'canary');
  const hash = newest?.metadata.labels?.['pod-template-hash'];
  if (newest === undefined) return null;
  return hash === undefined
    ? selector
    : { ...selector, matchLabels: { ...selector.matchLabels, 'pod-template-hash': hash } };
};

/** Of the arm's Deployment as it is, or as it will be created. */
const selectorOf = (seen: Seen, target: Target, arm: Arm): LabelSelector | null => {
  const own = deploymentIn(seen, target, arm);
  if (own !== null) return isPair(target, arm) ? newPodsOf(seen, target, own.selector) : own.selector;
  const stable = arm === 'canary' ? deploymentIn(seen, target, 'stable') : null;
  return stable === null ? null : canaryDeploymentSelector(withNewTemplate(stable, target), target.relabel);
};

/** Where an arm's pods are listed, and none of the other's: what its Deployment selects. Nobody's, where no Deployment was read. */
export const podsOf = (seen: Seen, target: Target, arm: Arm): ListRef => {
  const selector = selectorOf(seen, target, arm);
  return listRef(POD, target.namespace, selector === null ? NO_PODS : selectorText(selector));
};
