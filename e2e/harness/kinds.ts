import type { Path } from './kube.ts';

/** Where a kind is served. */
export interface Served {
  readonly kind: string;
  readonly apiVersion: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

const inNamespace = (kind: string, apiVersion: string, plural: string): Served => ({
  kind,
  apiVersion,
  plural,
  namespaced: true,
});
const inCluster = (kind: string, apiVersion: string, plural: string): Served => ({
  ...inNamespace(kind, apiVersion, plural),
  namespaced: false,
});

/** Kinds that have no Go code in the stack, and which a suite has to define before it uses them. */
export const CUSTOM_KINDS: readonly Served[] = [
  inNamespace('ServiceMonitor', 'monitoring.coreos.com/v1', 'servicemonitors'),
  inNamespace('PodMonitor', 'monitoring.coreos.com/v1', 'podmonitors'),
  inNamespace('ScaledObject', 'keda.sh/v1alpha1', 'scaledobjects'),
  inNamespace('VerticalPodAutoscaler', 'autoscaling.k8s.io/v1', 'verticalpodautoscalers'),
  inNamespace('DestinationRule', 'networking.istio.io/v1', 'destinationrules'),
  inNamespace('Sidecar', 'networking.istio.io/v1', 'sidecars'),
  inNamespace('EnvoyFilter', 'networking.istio.io/v1alpha3', 'envoyfilters'),
  inNamespace('AuthorizationPolicy', 'security.istio.io/v1', 'authorizationpolicies'),
  inNamespace('PeerAuthentication', 'security.istio.io/v1', 'peerauthentications'),
  inNamespace('RequestAuthentication', 'security.istio.io/v1', 'requestauthentications'),
  inNamespace('Server', 'policy.linkerd.io/v1beta3', 'servers'),
  inNamespace('CiliumNetworkPolicy', 'cilium.io/v2', 'ciliumnetworkpolicies'),
  inNamespace('BackendTrafficPolicy', 'gateway.envoyproxy.io/v1alpha1', 'backendtrafficpolicies'),
  inNamespace('XBackendTrafficPolicy', 'gateway.networking.x-k8s.io/v1alpha1', 'xbackendtrafficpolicies'),
  inNamespace('BackendConfigPolicy', 'gateway.kgateway.dev/v1alpha1', 'backendconfigpolicies'),
  inNamespace('UpstreamSettingsPolicy', 'gateway.nginx.org/v1alpha1', 'upstreamsettingspolicies'),
  inNamespace('GCPBackendPolicy', 'networking.gke.io/v1', 'gcpbackendpolicies'),
  inNamespace('HealthCheckPolicy', 'networking.gke.io/v1', 'healthcheckpolicies'),
  inNamespace('TargetGroupPolicy', 'application-networking.k8s.aws/v1alpha1', 'targetgrouppolicies'),
  inNamespace('TargetGroupConfiguration', 'gateway.k8s.aws/v1beta1', 'targetgroupconfigurations'),
];

/** Kinds beside an application that every stack serves. */
export const NEIGHBOUR_KINDS: readonly Served[] = [
  inNamespace('Secret', 'v1', 'secrets'),
  inNamespace('ResourceQuota', 'v1', 'resourcequotas'),
  inNamespace('LimitRange', 'v1', 'limitranges'),
  inNamespace('PersistentVolumeClaim', 'v1', 'persistentvolumeclaims'),
  inNamespace('StatefulSet', 'apps/v1', 'statefulsets'),
  inNamespace('DaemonSet', 'apps/v1', 'daemonsets'),
  inNamespace('NetworkPolicy', 'networking.k8s.io/v1', 'networkpolicies'),
  inNamespace('Ingress', 'networking.k8s.io/v1', 'ingresses'),
  inNamespace('PodDisruptionBudget', 'policy/v1', 'poddisruptionbudgets'),
  inNamespace('HorizontalPodAutoscaler', 'autoscaling/v2', 'horizontalpodautoscalers'),
  inNamespace('BackendTLSPolicy', 'gateway.networking.k8s.io/v1', 'backendtlspolicies'),
];

const KINDS: readonly Served[] = [
  ...CUSTOM_KINDS,
  ...NEIGHBOUR_KINDS,
  inNamespace('Deployment', 'apps/v1', 'deployments'),
  inNamespace('Service', 'v1', 'services'),
  inNamespace('ConfigMap', 'v1', 'configmaps'),
  inNamespace('HTTPRoute', 'gateway.networking.k8s.io/v1', 'httproutes'),
  inNamespace('GRPCRoute', 'gateway.networking.k8s.io/v1', 'grpcroutes'),
  inNamespace('ServiceAccount', 'v1', 'serviceaccounts'),
  inNamespace('Role', 'rbac.authorization.k8s.io/v1', 'roles'),
  inNamespace('RoleBinding', 'rbac.authorization.k8s.io/v1', 'rolebindings'),
  inCluster('Node', 'v1', 'nodes'),
  inCluster('PersistentVolume', 'v1', 'persistentvolumes'),
  inCluster('PriorityClass', 'scheduling.k8s.io/v1', 'priorityclasses'),
  inCluster('MutatingWebhookConfiguration', 'admissionregistration.k8s.io/v1', 'mutatingwebhookconfigurations'),
  inCluster('ClusterRole', 'rbac.authorization.k8s.io/v1', 'clusterroles'),
  inCluster('ClusterRoleBinding', 'rbac.authorization.k8s.io/v1', 'clusterrolebindings'),
  inCluster('CustomResourceDefinition', 'apiextensions.k8s.io/v1', 'customresourcedefinitions'),
];

const pathOf = ({ apiVersion, plural, namespaced }: Served, namespace: string): Path => {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespaced ? `${root}/namespaces/${namespace}/${plural}` : `${root}/${plural}`;
};

/** Where the objects of a kind live. */
export const collectionOf = (kind: string, namespace: string): Path => {
  const served = KINDS.find((candidate) => candidate.kind === kind);
  if (!served) throw new Error(`no path is known for the kind ${kind}: add it to e2e/harness/kinds.ts`);
  return pathOf(served, namespace);
};
