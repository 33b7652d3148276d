import { type KubeObject, listIn, listRef, type ResourceKind, type Seen } from '../../core/objects.ts';
import type { Target } from '../../core/plan.ts';
import type { Finding } from '../../core/reason.ts';
import { fieldsOf, isFields, listOf } from '../../core/shape.ts';
import type { Hazard } from '../../ports/hazard.ts';
import { listing, refuse } from './mismatch.ts';

interface ServicePolicy {
  readonly type: ResourceKind;
  readonly consequence: string;
}

const type = (apiVersion: string, kind: string, plural: string): ResourceKind => ({ apiVersion, kind, plural });

const SETTINGS = 'the canary would get its traffic with other settings than stable';
const HEALTH =
  'the load balancer would look for the health of the canary in another way than of stable, or find it ill';

/** Policies that name a Service, by the controllers that have them. A newer or older version of a kind is found too. */
const POLICIES: readonly ServicePolicy[] = [
  {
    // https://gateway-api.sigs.k8s.io/api-types/backendtlspolicy/
    type: type('gateway.networking.k8s.io/v1', 'BackendTLSPolicy', 'backendtlspolicies'),
    consequence: 'the gateway would not speak TLS with the canary as it does with stable, so requests to it could fail',
  },
  {
    type: type('gateway.networking.k8s.io/v1alpha2', 'BackendLBPolicy', 'backendlbpolicies'),
    consequence: SETTINGS,
  },
  {
    type: type('gateway.networking.x-k8s.io/v1alpha1', 'XBackendTrafficPolicy', 'xbackendtrafficpolicies'),
    consequence: SETTINGS,
  },
  {
    type: type('gateway.envoyproxy.io/v1alpha1', 'BackendTrafficPolicy', 'backendtrafficpolicies'),
    consequence: SETTINGS,
  },
  {
    type: type('gateway.kgateway.dev/v1alpha1', 'BackendConfigPolicy', 'backendconfigpolicies'),
    consequence: SETTINGS,
  },
  {
    type: type('gateway.nginx.org/v1alpha1', 'UpstreamSettingsPolicy', 'upstreamsettingspolicies'),
    consequence: SETTINGS,
  },
  { type: type('networking.gke.io/v1', 'GCPBackendPolicy', 'gcpbackendpolicies'), consequence: SETTINGS },
  { type: type('networking.gke.io/v1', 'HealthCheckPolicy', 'healthcheckpolicies'), consequence: HEALTH },
  {
    type: type('application-networking.k8s.aws/v1alpha1', 'TargetGroupPolicy', 'targetgrouppolicies'),
    consequence: HEALTH,
  },
  {
    type: type('gateway.k8s.aws/v1beta1', 'TargetGroupConfiguration', 'targetgroupconfigurations'),
    consequence: HEALTH,
  },
];

/** Names of the Services of its own namespace that a policy is attached to, with its one target or its list of them. */
export const targetServices = (policy: KubeObject, namespace: string): readonly string[] => {
  const { targetRef, targetRefs, targetReference } = fieldsOf(policy['spec']);
  return [targetRef, targetReference, ...listOf(targetRefs)].filter(isFields).flatMap((ref) => {
    const isService = ['', 'core', undefined].includes(ref['group'] as string | undefined) && ref['kind'] === 'Service';
    const isHere = ref['namespace'] === undefined || ref['namespace'] === namespace;
    return isService && isHere && typeof ref['name'] === 'string' ? [ref['name']] : [];
  });
};

/** Policies of a kind on stable's Service, where none of the kind is on the canary's. */
export const onStableAlone = (
  target: Target,
  policies: readonly KubeObject[],
  kind: string,
  consequence: string,
): readonly Finding[] => {
  const { service, canaryService, namespace } = target;
  if (service === null || canaryService === null) return [];
  const isOn = (name: string) => (policy: KubeObject) => targetServices(policy, namespace).includes(name);
  if (policies.some(isOn(canaryService))) return [];
  return policies.filter(isOn(service)).map(({ metadata }) =>
    refuse(target, {
      kind,
      name: metadata.name,
      fact: `is attached to Service ${service}, and none is to the canary's`,
      consequence,
      advice: `attach one to Service ${canaryService} too; it may name it before the Service is there`,
    }),
  );
};

const findIn =
  (seen: Seen, target: Target) =>
  ({ type: kind, consequence }: ServicePolicy): readonly Finding[] =>
    onStableAlone(target, listIn(seen, listRef(kind, target.namespace)), kind.kind, consequence);

export const gatewayPolicies: Hazard = {
  name: 'gateway-policies',
  rows: [
    {
      hazard: `a policy attached to stable's Service by \`targetRef\`, and none to the canary's: ${POLICIES.map((one) => one.type.kind).join(', ')}`,
      handling: 'refuses before the first write',
      code: 'policy-mismatch',
      override: '`allow: KIND/NAME`',
    },
  ],
  reads: ({ target }) =>
    target.canaryService === null ? [] : POLICIES.map((one) => listRef(one.type, target.namespace)),
  permissions: POLICIES.map((one) => listing(one.type, 'tell policies that miss the canary')),
  find: ({ target }, seen) => POLICIES.flatMap(findIn(seen, target)),
};
