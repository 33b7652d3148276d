import type { Context } from './context.ts';
import { controllerReference, ENDPOINT_SLICES, owned, PODS, SERVICES } from './context.ts';
import { nameSuffix } from './handlers.ts';
import type { PodStatus } from './kubelet.ts';
import { isReady } from './kubelet.ts';
import type { KubeObject, PodTemplate, ServiceSpec } from './objects.ts';
import { asJson, viewSpec, viewStatus } from './objects.ts';
import { serviceSelects } from './selectors.ts';
import { create, find, list, update } from './store.ts';

/** The pods that a Service selects and that have an address. */
export const podsOfService = (context: Context, service: KubeObject): KubeObject[] => {
  const { selector } = viewSpec<ServiceSpec>(service);
  return list(context.store, PODS, service.metadata.namespace ?? '').filter(
    (pod) => serviceSelects(selector, pod.metadata.labels) && viewStatus<PodStatus>(pod).podIP !== undefined,
  );
};

const endpointOf = (pod: KubeObject): object => {
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const { name, namespace, uid } = pod.metadata;
  return {
    addresses: [viewStatus<PodStatus>(pod).podIP ?? ''],
    conditions: { ready: isReady(pod) && !terminating, serving: isReady(pod), terminating },
    nodeName: 'node-1',
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
};

const portsOf = (service: KubeObject, pods: readonly KubeObject[]): object[] =>
  (viewSpec<ServiceSpec>(service).ports ?? []).map(({ name = '', port, targetPort = port, protocol = 'TCP' }) => {
    const declared = pods.flatMap((pod) =>
      viewSpec<PodTemplate['spec']>(pod).containers.flatMap(({ ports }) => ports ?? []),
    );
    const number =
      typeof targetPort === 'number' ? targetPort : declared.find((entry) => entry.name === targetPort)?.containerPort;
    return { name, protocol, ...(number !== undefined && { port: number }) };
  });

/** Keeps the one EndpointSlice of a Service as its pods are. */
export const reconcileEndpoints = (context: Context, known: KubeObject): void => {
  const { namespace = '', name } = known.metadata;
  const service = find(context.store, SERVICES, namespace, name);
  if (service === undefined || viewSpec<ServiceSpec>(service).selector === undefined) return;
  const pods = podsOfService(context, service);
  const content = {
    addressType: 'IPv4',
    endpoints: asJson(pods.map(endpointOf)),
    ports: asJson(portsOf(service, pods)),
  };
  const slice = owned(context, ENDPOINT_SLICES, service)[0];
  const options = { manager: 'kube-controller-manager' };
  if (slice !== undefined) {
    update(context.store, ENDPOINT_SLICES, slice, { ...slice, ...content }, options);
    return;
  }
  const metadata = {
    name: `${name}-${nameSuffix()}`,
    generateName: `${name}-`,
    namespace,
    labels: {
      ...service.metadata.labels,
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      'kubernetes.io/service-name': name,
    },
    ownerReferences: [controllerReference(service)],
  };
  const object = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, ...content };
  create(context.store, ENDPOINT_SLICES, object, options);
};
