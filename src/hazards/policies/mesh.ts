import { type KubeObject, listIn, listRef, type ResourceKind, type Seen } from '../../core/objects.ts';
import type { Target } from '../../core/plan.ts';
import type { Finding } from '../../core/reason.ts';
import { fieldsOf, isFields, textOf } from '../../core/shape.ts';
import type { Hazard } from '../../ports/hazard.ts';
import { coverageOf } from '../../workloads/coverage.ts';
import { matches } from '../../workloads/selectors.ts';
import { type LabelSelector, selectorOf, texts } from '../../workloads/shape.ts';
import { coveredIn, listing, oneSided, refuse, rowOf } from './mismatch.ts';
import { onStableAlone } from './services.ts';

interface MeshPolicy {
  readonly type: ResourceKind;
  /** null: it selects no pods of its own: the whole namespace, or a Service. */
  readonly selector: (object: KubeObject) => LabelSelector | null;
  readonly consequence: string;
}

const istio = (group: string, kind: string, plural: string): ResourceKind => ({
  apiVersion: `${group}.istio.io/v1`,
  kind,
  plural,
});

const labelsOnly = (labels: unknown): LabelSelector | null => {
  const matchLabels = texts(labels);
  return Object.keys(matchLabels).length === 0 ? null : { matchLabels, matchExpressions: [] };
};

/** https://istio.io/latest/docs/reference/config/type/workload-selector/ */
const workloadSelector = (object: KubeObject): LabelSelector | null =>
  labelsOnly(fieldsOf(fieldsOf(object['spec'])['selector'])['matchLabels']);

/** https://istio.io/latest/docs/reference/config/networking/sidecar/#WorkloadSelector */
const sidecarSelector = (object: KubeObject): LabelSelector | null =>
  labelsOnly(fieldsOf(fieldsOf(object['spec'])['workloadSelector'])['labels']);

/** https://linkerd.io/2/reference/authorization-policy/#server */
const serverSelector = (object: KubeObject): LabelSelector | null => {
  const { podSelector } = fieldsOf(object['spec']);
  return isFields(podSelector) ? selectorOf(podSelector) : null;
};

const POLICIES: readonly MeshPolicy[] = [
  {
    type: istio('security', 'AuthorizationPolicy', 'authorizationpolicies'),
    selector: workloadSelector,
    consequence: 'callers of the canary would be let in or refused by other rules than those of stable',
  },
  {
    type: istio('security', 'PeerAuthentication', 'peerauthentications'),
    selector: workloadSelector,
    consequence: 'the canary would ask its callers for mutual TLS in another way than stable, and could refuse them',
  },
  {
    type: istio('security', 'RequestAuthentication', 'requestauthentications'),
    selector: workloadSelector,
    consequence: 'the tokens of requests to the canary would not be checked as those to stable are',
  },
  {
    type: istio('networking', 'Sidecar', 'sidecars'),
    selector: sidecarSelector,
    consequence: 'the proxies of the canary would know other Services and ports than those of stable',
  },
  {
    type: { ...istio('networking', 'EnvoyFilter', 'envoyfilters'), apiVersion: 'networking.istio.io/v1alpha3' },
    selector: sidecarSelector,
    consequence: 'the proxies of the canary would have other settings than those of stable',
  },
  {
    type: { apiVersion: 'policy.linkerd.io/v1beta3', kind: 'Server', plural: 'servers' },
    selector: serverSelector,
    consequence: 'callers of the canary would be let in or refused by other rules than those of stable',
  },
];

const DESTINATION_RULE = istio('networking', 'DestinationRule', 'destinationrules');

const findSelected = (seen: Seen, target: Target, { type, selector, consequence }: MeshPolicy): readonly Finding[] => {
  const covered = coveredIn(seen, target);
  if (covered === null) return [];
  const objects = listIn(seen, listRef(type, target.namespace));
  const selecting = objects.flatMap((object) => {
    const labels = selector(object);
    if (labels === null) return [];
    const coverage = coverageOf((one) => matches(labels, one), covered.pods);
    return coverage === 'stable' || coverage === 'canary'
      ? [oneSided(target, type.kind, object.metadata.name, coverage, consequence)]
      : [];
  });
  return [...selecting, ...onStableAlone(target, objects, type.kind, consequence)];
};

/** A host is short, with the namespace, or whole; one with `*` at the front is for several, and yields to a longer one. */
const isHost = (host: string, service: string, namespace: string): boolean =>
  [service, `${service}.${namespace}`, `${service}.${namespace}.svc`].includes(host) ||
  (host.startsWith(`${service}.${namespace}.svc.`) && !host.includes('*'));

/** Rules for wildcards hold for both Services, so only one that names stable's stands for stable alone. */
const findDestinationRules = (seen: Seen, target: Target): readonly Finding[] => {
  const { service, canaryService, namespace } = target;
  if (service === null || canaryService === null) return [];
  const rules = listIn(seen, listRef(DESTINATION_RULE, namespace));
  const isFor = (name: string) => (rule: KubeObject) =>
    isHost(textOf(fieldsOf(rule['spec'])['host']) ?? '', name, namespace);
  if (rules.some(isFor(canaryService))) return [];
  return rules.filter(isFor(service)).map(({ metadata }) =>
    refuse(target, {
      kind: 'DestinationRule',
      name: metadata.name,
      fact: `is for the host of Service ${service}, and none is for the canary's`,
      consequence: 'connections to the canary would be made with other settings for TLS, balancing and ejection',
      advice: `add one with \`host: ${canaryService}.${namespace}.svc.cluster.local\`; it may be there before the Service`,
    }),
  );
};

export const meshPolicies: Hazard = {
  name: 'mesh-policies',
  rows: [
    rowOf('DestinationRule', "an Istio DestinationRule for the host of stable's Service, and none for the canary's"),
    ...POLICIES.map(({ type }) =>
      rowOf(
        type.kind,
        `${type.apiVersion.includes('istio') ? 'an Istio' : 'a Linkerd'} ${type.kind} that selects stable's pods, and not the canary's (or the other way round)`,
      ),
    ),
  ],
  reads: ({ target }) =>
    [DESTINATION_RULE, ...POLICIES.map(({ type }) => type)].map((type) => listRef(type, target.namespace)),
  permissions: [DESTINATION_RULE, ...POLICIES.map(({ type }) => type)].map((type) =>
    listing(type, 'tell policies that miss the canary'),
  ),
  find: ({ target }, seen) => [
    ...findDestinationRules(seen, target),
    ...POLICIES.flatMap((policy) => findSelected(seen, target, policy)),
  ],
};
