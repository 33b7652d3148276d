import { COPIED } from '../core/copied-kinds.ts';
import { fitName } from '../core/marks.ts';
import { type KubeObject, type ObjectRef, objectRef } from '../core/objects.ts';
import { canonical, type Fields, fieldsOf, isFields, listOf } from '../core/shape.ts';
import type { CopiedKind } from '../core/spec.ts';
import { type ArmLabels, type Coverage, coverageOf } from './coverage.ts';
import { missingPeers, selectsPods } from './network-policies.ts';
import { matches } from './selectors.ts';
import { selectorOf, without } from './shape.ts';

/** What policies of the kinds that can be copied select by. */
export interface Covered {
  readonly namespace: string;
  readonly pods: ArmLabels;
  /** null: the arms share a Service, or have none. */
  readonly services: ArmLabels | null;
}

const NAME_LIMIT = 253;

export const copyRef = (kind: CopiedKind, of: KubeObject, namespace: string): ObjectRef =>
  objectRef(COPIED[kind], namespace, fitName(`${of.metadata.name}-canary`, NAME_LIMIT));

/** The policy that lets the canary through where another lets stable. */
export const peersRef = (of: KubeObject, namespace: string): ObjectRef =>
  objectRef(COPIED.NetworkPolicy, namespace, fitName(`${of.metadata.name}-canary-peers`, NAME_LIMIT));

/** A monitor looks into its own namespace unless it names others. */
const looksInto = (monitor: KubeObject, namespace: string): boolean => {
  const { any, matchNames } = fieldsOf(fieldsOf(monitor['spec'])['namespaceSelector']);
  const names = listOf(matchNames);
  return any === true || names.length === 0 || names.includes(namespace);
};

const bySelector = (object: KubeObject, arms: ArmLabels | null): Coverage => {
  const { selector } = fieldsOf(object['spec']);
  if (arms === null || !isFields(selector)) return 'neither';
  const read = selectorOf(selector);
  return coverageOf((labels) => matches(read, labels), arms);
};

/** Which arm a policy of a copied kind is for. */
export const coverageIn = (kind: CopiedKind, object: KubeObject, { namespace, pods, services }: Covered): Coverage => {
  switch (kind) {
    case 'NetworkPolicy':
      return coverageOf((labels) => selectsPods(object, labels), pods);
    case 'PodDisruptionBudget':
      return bySelector(object, pods);
    case 'ServiceMonitor':
      return looksInto(object, namespace) ? bySelector(object, services) : 'neither';
    case 'PodMonitor':
      return looksInto(object, namespace) ? bySelector(object, pods) : 'neither';
  }
};

const withoutSelector = (policy: KubeObject): string =>
  canonical(without(fieldsOf(policy['spec']), new Set(['podSelector'])));

/** Two policies that say the same, one of each arm's pods. */
const isCounterpart = (one: KubeObject, other: KubeObject): boolean =>
  one !== other && withoutSelector(one) === withoutSelector(other);

const onlyOf = (
  arm: 'stable' | 'canary',
  kind: CopiedKind,
  objects: readonly KubeObject[],
  covered: Covered,
): readonly KubeObject[] => objects.filter((object) => coverageIn(kind, object, covered) === arm);

/**
 * The objects of a kind that the canary lacks. A pod with two budgets cannot be evicted at all, and a pod that two monitors
 * select is counted twice: so of those, one that covers the canary is enough. A NetworkPolicy needs its like.
 */
export const lackingCopies = (
  kind: CopiedKind,
  objects: readonly KubeObject[],
  covered: Covered,
): readonly KubeObject[] => {
  const ofStable = onlyOf('stable', kind, objects, covered);
  const ofCanary = onlyOf('canary', kind, objects, covered);
  if (kind === 'NetworkPolicy')
    return ofStable.filter((object) => !ofCanary.some((other) => isCounterpart(object, other)));
  const isCovered = ofCanary.length > 0 || objects.some((object) => coverageIn(kind, object, covered) === 'both');
  return isCovered ? [] : ofStable;
};

/** NetworkPolicies for the canary's pods that stable's have not the like of. */
export const canaryAlone = (policies: readonly KubeObject[], covered: Covered): readonly KubeObject[] => {
  const ofStable = onlyOf('stable', 'NetworkPolicy', policies, covered);
  return onlyOf('canary', 'NetworkPolicy', policies, covered).filter(
    (object) => !ofStable.some((other) => isCounterpart(object, other)),
  );
};

/** The policies of whatever pods whose rules name stable's and miss the canary's. */
export const lackingPeers = (
  policies: readonly KubeObject[],
  { namespace, pods }: Covered,
): readonly { readonly policy: KubeObject; readonly missing: ReturnType<typeof missingPeers> }[] =>
  policies
    .map((policy) => ({ policy, missing: missingPeers(policy, policies, pods, namespace) }))
    .filter(({ missing }) => missing.length > 0);

const share = (value: unknown, of: number): number | null => {
  if (typeof value === 'number') return value;
  const [, percent] = /^(\d+)%$/.exec(String(value)) ?? [];
  return percent === undefined ? null : Math.ceil((Number(percent) / 100) * of);
};

/**
 * How many of the canary's pods may be missing: as large a part as of stable's. A number of pods that stable has and the
 * canary has not would keep every one of its pods from being moved.
 */
export const budgetOf = (spec: Fields, replicas: number): string | number => {
  const { minAvailable, maxUnavailable } = spec;
  if (typeof maxUnavailable === 'string') return maxUnavailable;
  const kept = share(minAvailable, replicas);
  const missing = typeof maxUnavailable === 'number' ? maxUnavailable : kept === null ? 0 : replicas - kept;
  if (missing <= 0 || replicas <= 0) return 0;
  return `${Math.min(100, Math.max(1, Math.floor((missing / replicas) * 100)))}%`;
};
