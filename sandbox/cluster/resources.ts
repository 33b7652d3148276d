/** One resource that the API serves. A new one is a line in the table. */
export interface Resource {
  readonly group: string;
  /** Preferred first; the first is the one stored. */
  readonly versions: readonly string[];
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Its status is written through `/status` only. */
  readonly status: boolean;
  /** What raises `metadata.generation`. Deployments count a change of annotations too. */
  readonly generation: 'none' | 'spec' | 'spec-and-annotations';
  /** A custom resource: kept as sent, list items carry their kind. */
  readonly custom: boolean;
  /** DELETE answers with the object and not with a Status. */
  readonly returnsDeleted: boolean;
  /** What may stand in `spec` and beside it under strict field validation. `null`: anything. */
  readonly specFields: readonly string[] | null;
  readonly topFields: readonly string[];
}

const TOP = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

const resource = (
  group: string,
  versions: string,
  plural: string,
  kind: string,
  rest: Partial<Resource> = {},
): Resource => ({
  group,
  versions: versions.split(' '),
  plural,
  kind,
  namespaced: true,
  status: false,
  generation: 'none',
  custom: false,
  returnsDeleted: false,
  specFields: null,
  topFields: TOP,
  ...rest,
});

const custom = { custom: true, status: true, generation: 'spec' } as const;
const GATEWAY_API = 'gateway.networking.k8s.io';
const ISTIO_NETWORK = 'networking.istio.io';
const ISTIO_SECURITY = 'security.istio.io';
const MONITORING = 'monitoring.coreos.com';

export const RESOURCES: readonly Resource[] = [
  resource('', 'v1', 'namespaces', 'Namespace', { namespaced: false, status: true }),
  resource('', 'v1', 'configmaps', 'ConfigMap', {
    topFields: ['apiVersion', 'kind', 'metadata', 'data', 'binaryData', 'immutable'],
  }),
  resource('', 'v1', 'services', 'Service', { status: true, returnsDeleted: true }),
  resource('', 'v1', 'pods', 'Pod', { status: true, generation: 'spec', returnsDeleted: true }),
  resource('', 'v1', 'secrets', 'Secret', {
    topFields: ['apiVersion', 'kind', 'metadata', 'data', 'stringData', 'type', 'immutable'],
  }),
  resource('', 'v1', 'serviceaccounts', 'ServiceAccount', {
    returnsDeleted: true,
    topFields: [...TOP, 'secrets', 'imagePullSecrets', 'automountServiceAccountToken'],
  }),
  resource('apps', 'v1', 'deployments', 'Deployment', {
    status: true,
    generation: 'spec-and-annotations',
    specFields: [
      'replicas',
      'selector',
      'template',
      'strategy',
      'minReadySeconds',
      'revisionHistoryLimit',
      'paused',
      'progressDeadlineSeconds',
    ],
  }),
  resource('apps', 'v1', 'replicasets', 'ReplicaSet', { status: true, generation: 'spec' }),
  resource('autoscaling', 'v2 v1', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler', { status: true }),
  resource('batch', 'v1', 'jobs', 'Job', { status: true, generation: 'spec' }),
  resource('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  resource('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice', {
    topFields: ['apiVersion', 'kind', 'metadata', 'addressType', 'endpoints', 'ports'],
  }),
  resource('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy', { generation: 'spec' }),
  resource('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget', { status: true, generation: 'spec' }),
  resource(GATEWAY_API, 'v1 v1beta1', 'httproutes', 'HTTPRoute', {
    ...custom,
    specFields: ['parentRefs', 'hostnames', 'rules'],
  }),
  resource(GATEWAY_API, 'v1', 'grpcroutes', 'GRPCRoute', {
    ...custom,
    specFields: ['parentRefs', 'hostnames', 'rules'],
  }),
  resource(GATEWAY_API, 'v1 v1beta1', 'gateways', 'Gateway', custom),
  // What is usually there beside an application: kept as sent, and nothing acts on it.
  resource('', 'v1', 'nodes', 'Node', { namespaced: false, status: true }),
  resource('', 'v1', 'resourcequotas', 'ResourceQuota', { status: true }),
  resource('', 'v1', 'limitranges', 'LimitRange'),
  resource('', 'v1', 'persistentvolumeclaims', 'PersistentVolumeClaim', { status: true, returnsDeleted: true }),
  resource('apps', 'v1', 'statefulsets', 'StatefulSet', { status: true, generation: 'spec' }),
  resource('apps', 'v1', 'daemonsets', 'DaemonSet', { status: true, generation: 'spec' }),
  resource('scheduling.k8s.io', 'v1', 'priorityclasses', 'PriorityClass', {
    namespaced: false,
    topFields: ['apiVersion', 'kind', 'metadata', 'value', 'globalDefault', 'description', 'preemptionPolicy'],
  }),
  resource('networking.k8s.io', 'v1', 'ingresses', 'Ingress', { status: true, generation: 'spec' }),
  resource(GATEWAY_API, 'v1 v1alpha3', 'backendtlspolicies', 'BackendTLSPolicy', custom),
  resource('keda.sh', 'v1alpha1', 'scaledobjects', 'ScaledObject', custom),
  resource('autoscaling.k8s.io', 'v1', 'verticalpodautoscalers', 'VerticalPodAutoscaler', custom),
  resource(MONITORING, 'v1', 'servicemonitors', 'ServiceMonitor', custom),
  resource(MONITORING, 'v1', 'podmonitors', 'PodMonitor', custom),
  resource(ISTIO_NETWORK, 'v1 v1beta1 v1alpha3', 'destinationrules', 'DestinationRule', custom),
  resource(ISTIO_NETWORK, 'v1 v1beta1 v1alpha3', 'sidecars', 'Sidecar', custom),
  resource(ISTIO_SECURITY, 'v1 v1beta1', 'authorizationpolicies', 'AuthorizationPolicy', custom),
  resource(ISTIO_SECURITY, 'v1 v1beta1', 'peerauthentications', 'PeerAuthentication', custom),
];

export const resourceOf = (group: string, plural: string): Resource | undefined =>
  RESOURCES.find((entry) => entry.group === group && entry.plural === plural);

export const resourceOfKind = (apiVersion: string, kind: string): Resource | undefined =>
  RESOURCES.find((entry) => entry.kind === kind && groupVersions(entry).includes(apiVersion));

export const groupVersions = ({ group, versions }: Resource): readonly string[] =>
  versions.map((version) => (group === '' ? version : `${group}/${version}`));

/** `deployments.apps`, `configmaps`: how messages name a resource. */
export const qualified = ({ group, plural }: Resource): string => (group === '' ? plural : `${plural}.${group}`);

/** `Deployment.apps`, `ConfigMap`: how messages name a kind. */
export const qualifiedKind = ({ group, kind }: Resource): string => (group === '' ? kind : `${kind}.${group}`);
