import type { KubeObject } from '../core/objects.ts';
import { canonical, type Fields, fieldsOf, isFields, listOf } from '../core/shape.ts';
import type { ArmLabels } from './coverage.ts';
import { matches } from './selectors.ts';
import { items, selectorOf } from './shape.ts';

export type Direction = 'ingress' | 'egress';

type Labels = Readonly<Record<string, string>>;

const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];
const PEERS = { ingress: 'from', egress: 'to' } as const;
const NAMESPACE_NAME = 'kubernetes.io/metadata.name';

/** Where a policy counts: as the API server fills in, ingress always and egress when it has rules. */
export const directionsOf = (policy: KubeObject): readonly Direction[] => {
  const spec = fieldsOf(policy['spec']);
  if (!Array.isArray(spec['policyTypes'])) return 'egress' in spec ? DIRECTIONS : ['ingress'];
  const types = listOf(spec['policyTypes']).map((type) => String(type).toLowerCase());
  return DIRECTIONS.filter((direction) => types.includes(direction));
};

export const rulesOf = (policy: KubeObject, direction: Direction): readonly Fields[] =>
  items(fieldsOf(policy['spec'])[direction]);

/** The policy's own pods; an empty selector is all of the namespace. */
export const selectsPods = (policy: KubeObject, labels: Labels): boolean =>
  matches(selectorOf(fieldsOf(policy['spec'])['podSelector']), labels);

/** Whether a peer's namespaces are the rollout's among others. Their labels are not read, so but for the name it is a guess. */
const namespaceOf = (peer: Fields, namespace: string): 'ours' | 'maybe' | 'another' => {
  if (!isFields(peer['namespaceSelector'])) return 'ours';
  const { matchLabels, matchExpressions } = selectorOf(peer['namespaceSelector']);
  const named = matchLabels[NAMESPACE_NAME];
  const onName = matchExpressions.filter(({ key }) => key === NAMESPACE_NAME);
  const mayBe = matches({ matchLabels: {}, matchExpressions: onName }, { [NAMESPACE_NAME]: namespace });
  if (!mayBe || (named !== undefined && named !== namespace)) return 'another';
  const others = Object.keys(matchLabels).some((key) => key !== NAMESPACE_NAME);
  return others || matchExpressions.length > onName.length ? 'maybe' : 'ours';
};

/** An address block says nothing of labels: it lets in neither here. */
const namesPods = (peer: Fields, labels: Labels): boolean =>
  !('ipBlock' in peer) && (!isFields(peer['podSelector']) || matches(selectorOf(peer['podSelector']), labels));

const peersOf = (rule: Fields, direction: Direction): readonly Fields[] => items(rule[PEERS[direction]]);

/** For certain: a rule without peers is for everybody. */
const admits = (rule: Fields, direction: Direction, labels: Labels, namespace: string): boolean => {
  const peers = peersOf(rule, direction);
  return peers.length === 0 || peers.some((peer) => namespaceOf(peer, namespace) === 'ours' && namesPods(peer, labels));
};

/** Peers that are, or may be, stable's pods, and not the canary's. */
const stablePeers = (rule: Fields, direction: Direction, arms: ArmLabels, namespace: string): readonly Fields[] =>
  peersOf(rule, direction).filter(
    (peer) =>
      namespaceOf(peer, namespace) !== 'another' && namesPods(peer, arms.stable) && !namesPods(peer, arms.canary),
  );

const samePorts = (one: Fields, other: Fields): boolean =>
  listOf(other['ports']).length === 0 || canonical(one['ports'] ?? null) === canonical(other['ports'] ?? null);

/** Another policy with a rule for the same pods counts as well: policies add up. */
const isForSamePods = (policy: KubeObject, other: KubeObject): boolean => {
  const selector = (of: KubeObject): unknown => fieldsOf(of['spec'])['podSelector'] ?? {};
  const { matchLabels, matchExpressions } = selectorOf(selector(other));
  const isAll = Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
  return isAll || canonical(selector(policy)) === canonical(selector(other));
};

/** Rules of a policy that let stable's pods through and not the canary's, by direction; [] when no rule of any policy misses the canary. */
export const missingPeers = (
  policy: KubeObject,
  all: readonly KubeObject[],
  arms: ArmLabels,
  namespace: string,
): readonly { readonly direction: Direction; readonly rules: readonly Fields[] }[] =>
  directionsOf(policy).flatMap((direction) => {
    const alike = all
      .filter((other) => isForSamePods(policy, other) && directionsOf(other).includes(direction))
      .flatMap((other) => rulesOf(other, direction));
    const rules = rulesOf(policy, direction).filter(
      (rule) =>
        stablePeers(rule, direction, arms, namespace).length > 0 &&
        !alike.some((other) => samePorts(rule, other) && admits(other, direction, arms.canary, namespace)),
    );
    return rules.length === 0 ? [] : [{ direction, rules }];
  });

const forCanary = (peers: readonly Fields[], selector: Fields): readonly Fields[] =>
  peers.map((peer) => ({ ...peer, podSelector: selector }));

/** The spec of a copy for the canary's pods: every peer stays, and where stable's pods are one the canary's are one more. */
export const specForCanary = (policy: KubeObject, arms: ArmLabels, selector: Fields, namespace: string): Fields => {
  const spec = fieldsOf(policy['spec']);
  const widened = DIRECTIONS.filter((direction) => Array.isArray(spec[direction])).map((direction) => [
    direction,
    rulesOf(policy, direction).map((rule) => {
      const peers = stablePeers(rule, direction, arms, namespace);
      if (peers.length === 0) return rule;
      const field = PEERS[direction];
      return { ...rule, [field]: [...peersOf(rule, direction), ...forCanary(peers, selector)] };
    }),
  ]);
  return { ...spec, ...Object.fromEntries(widened), podSelector: selector };
};

/** The spec of one more policy for the same pods: what it lets stable do, for the canary. It takes nothing from anybody, since policies add up. */
export const specOfPeers = (
  policy: KubeObject,
  missing: ReturnType<typeof missingPeers>,
  arms: ArmLabels,
  selector: Fields,
  namespace: string,
): Fields => ({
  podSelector: fieldsOf(policy['spec'])['podSelector'] ?? {},
  policyTypes: missing.map(({ direction }) => (direction === 'ingress' ? 'Ingress' : 'Egress')),
  ...Object.fromEntries(
    missing.map(({ direction, rules }) => [
      direction,
      rules.map((rule) => ({
        ...rule,
        [PEERS[direction]]: forCanary(stablePeers(rule, direction, arms, namespace), selector),
      })),
    ]),
  ),
});
