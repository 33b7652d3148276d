import { type KubeObject, listIn, listRef, type ResourceKind, type Seen } from '../../core/objects.ts';
import type { Target } from '../../core/plan.ts';
import type { Finding } from '../../core/reason.ts';
import { type Fields, fieldsOf, isFields, listOf, textOf } from '../../core/shape.ts';
import type { Hazard } from '../../ports/hazard.ts';
import { coverageOf } from '../../workloads/coverage.ts';
import { matches } from '../../workloads/selectors.ts';
import { type LabelSelector, selectorOf } from '../../workloads/shape.ts';
import { calicoSelector } from './calico-selector.ts';
import { coveredIn, listing, oneSided, rowOf } from './mismatch.ts';

type Test = (labels: Readonly<Record<string, string>>) => boolean;

const CONSEQUENCE = 'the canary could not reach or be reached as stable can, or could where stable cannot';

const CILIUM: ResourceKind = {
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumNetworkPolicy',
  plural: 'ciliumnetworkpolicies',
};
const CALICO: readonly ResourceKind[] = [
  { apiVersion: 'projectcalico.org/v3', kind: 'NetworkPolicy', plural: 'networkpolicies' },
  { apiVersion: 'crd.projectcalico.org/v1', kind: 'NetworkPolicy', plural: 'networkpolicies' },
];
/** As `allow` names it: Kubernetes has a kind of the same name. */
const CALICO_NAME = 'CalicoNetworkPolicy';

const withoutSource = (key: string): string => key.replace(/^(?:k8s|any)[:.]/, '');
/** Labels that Cilium derives from namespace, node and service account: both arms have the same. */
const isDerived = (key: string): boolean => /^(?:io\.kubernetes|io\.cilium|reserved)[.:]/.test(key);

/** https://docs.cilium.io/en/stable/security/policy/language/#endpoint-selectors */
const ciliumSelector = (value: unknown): LabelSelector => {
  const { matchLabels, matchExpressions } = selectorOf(value);
  const labels = Object.entries(matchLabels).map(([key, label]) => [withoutSource(key), label] as const);
  return {
    matchLabels: Object.fromEntries(labels.filter(([key]) => !isDerived(key))),
    matchExpressions: matchExpressions
      .map((one) => ({ ...one, key: withoutSource(one.key) }))
      .filter(({ key }) => !isDerived(key)),
  };
};

const rulesOf = (policy: KubeObject): readonly Fields[] =>
  [policy['spec'], ...listOf(policy['specs'])].filter(isFields);

const ciliumTests = (policy: KubeObject): readonly Test[] =>
  rulesOf(policy)
    .filter((rule) => isFields(rule['endpointSelector']))
    .map((rule) => {
      const selector = ciliumSelector(rule['endpointSelector']);
      return (labels) => matches(selector, labels);
    });

const findCilium = (seen: Seen, target: Target): readonly Finding[] => {
  const covered = coveredIn(seen, target);
  if (covered === null) return [];
  return listIn(seen, listRef(CILIUM, target.namespace)).flatMap((policy) => {
    const coverages = ciliumTests(policy).map((test) => coverageOf(test, covered.pods));
    const coverage = coverages.find((one) => one === 'stable' || one === 'canary');
    return coverage === 'stable' || coverage === 'canary'
      ? [oneSided(target, CILIUM.kind, policy.metadata.name, coverage, CONSEQUENCE)]
      : [];
  });
};

const notUnderstood = (target: Target, name: string): Finding => ({
  severity: 'warning',
  code: 'policy-mismatch',
  where: `${CALICO_NAME} ${target.namespace}/${name}`,
  message: `the selector of Calico's NetworkPolicy ${target.namespace}/${name} is not understood, so whether it covers the canary was not checked`,
  advice: null,
});

const findCalico = (seen: Seen, target: Target): readonly Finding[] => {
  const covered = coveredIn(seen, target);
  if (covered === null) return [];
  const all = CALICO.flatMap((type) => listIn(seen, listRef(type, target.namespace)));
  const policies = [...new Map(all.map((policy) => [policy.metadata.name, policy])).values()];
  return policies.flatMap((policy) => {
    const { name } = policy.metadata;
    const test = calicoSelector(textOf(fieldsOf(policy['spec'])['selector']) ?? '');
    if (test === null) return [notUnderstood(target, name)];
    // Both arms are in one namespace, which Calico lets selectors ask for as a label.
    const here = { 'projectcalico.org/namespace': target.namespace, 'projectcalico.org/orchestrator': 'k8s' };
    const coverage = coverageOf((labels) => test({ ...labels, ...here }), covered.pods);
    return coverage === 'stable' || coverage === 'canary'
      ? [oneSided(target, CALICO_NAME, name, coverage, CONSEQUENCE)]
      : [];
  });
};

const KINDS = [CILIUM, ...CALICO];

export const networkPlugins: Hazard = {
  name: 'network-plugins',
  rows: [
    rowOf(
      CILIUM.kind,
      "a CiliumNetworkPolicy that selects stable's pods, and not the canary's (or the other way round)",
    ),
    rowOf(
      CALICO_NAME,
      "a NetworkPolicy of Calico's own that selects stable's pods, and not the canary's (or the other way round)",
    ),
  ],
  reads: ({ target }) => KINDS.map((type) => listRef(type, target.namespace)),
  permissions: KINDS.map((type) => listing(type, 'tell policies that miss the canary')),
  find: ({ target }, seen) => [...findCilium(seen, target), ...findCalico(seen, target)],
};
