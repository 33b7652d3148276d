import type { Json, JsonObject, KubeObject } from './objects.ts';
import { clone, isObject } from './objects.ts';

const fill = (target: JsonObject, defaults: JsonObject): void => {
  for (const [key, value] of Object.entries(defaults)) target[key] ??= value;
};

const objectsIn = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

const pullPolicy = (image: Json | undefined): string => {
  const text = typeof image === 'string' ? image : '';
  const tag = /:([^/:@]+)(@.*)?$/.exec(text)?.[1];
  return !text.includes('@') && (tag === undefined || tag === 'latest') ? 'Always' : 'IfNotPresent';
};

const probeDefaults = (probe: Json | undefined): void => {
  if (!isObject(probe)) return;
  fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  if (isObject(probe['httpGet'])) fill(probe['httpGet'], { scheme: 'HTTP', path: '/' });
};

const containerDefaults = (container: JsonObject): void => {
  fill(container, {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicy(container['image']),
  });
  for (const port of objectsIn(container['ports'])) fill(port, { protocol: 'TCP' });
  for (const probe of ['readinessProbe', 'livenessProbe', 'startupProbe']) probeDefaults(container[probe]);
};

const podSpecDefaults = (spec: JsonObject): void => {
  fill(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  for (const field of ['containers', 'initContainers']) objectsIn(spec[field]).forEach(containerDefaults);
};

const templateDefaults = (template: Json | undefined): void => {
  if (isObject(template) && isObject(template['spec'])) podSpecDefaults(template['spec']);
};

const podDefaults = (object: KubeObject): void => {
  if (!isObject(object.spec)) return;
  podSpecDefaults(object.spec);
  fill(object.spec, { priority: 0, enableServiceLinks: true, preemptionPolicy: 'PreemptLowerPriority' });
  object.status ??= { phase: 'Pending', qosClass: 'BestEffort' };
};

const deploymentDefaults = (object: KubeObject): void => {
  if (!isObject(object.spec)) return;
  const { spec } = object;
  fill(spec, { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  const { strategy } = spec;
  if (isObject(strategy)) {
    fill(strategy, { type: 'RollingUpdate' });
    if (strategy['type'] === 'RollingUpdate') fill(strategy, { rollingUpdate: {} });
    if (isObject(strategy['rollingUpdate']))
      fill(strategy['rollingUpdate'], { maxUnavailable: '25%', maxSurge: '25%' });
  }
  templateDefaults(spec['template']);
  object.status ??= {};
};

const jobDefaults = (object: KubeObject): void => {
  if (!isObject(object.spec)) return;
  fill(object.spec, {
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
    podReplacementPolicy: 'TerminatingOrFailed',
  });
  templateDefaults(object.spec['template']);
  object.status ??= {};
};

/** A cluster IP that is the same for the same name: nothing listens there. */
const clusterIp = (text: string): string => {
  let hash = 7;
  for (const letter of text) hash = (hash * 31 + letter.charCodeAt(0)) % 65_000;
  return `10.96.${Math.floor(hash / 254)}.${(hash % 254) + 1}`;
};

const serviceDefaults = (object: KubeObject): void => {
  if (!isObject(object.spec)) return;
  const { spec } = object;
  const ip = clusterIp(`${object.metadata.namespace}/${object.metadata.name}`);
  fill(spec, {
    clusterIP: ip,
    clusterIPs: [spec['clusterIP'] ?? ip],
    type: 'ClusterIP',
    sessionAffinity: 'None',
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    internalTrafficPolicy: 'Cluster',
  });
  for (const port of objectsIn(spec['ports'])) fill(port, { protocol: 'TCP', targetPort: port['port'] ?? null });
  object.status ??= { loadBalancer: {} };
};

const backendDefaults = (backend: JsonObject): void => fill(backend, { group: '', kind: 'Service', weight: 1 });

const routeDefaults = (object: KubeObject): void => {
  if (!isObject(object.spec)) return;
  for (const parent of objectsIn(object.spec['parentRefs']))
    fill(parent, { group: 'gateway.networking.k8s.io', kind: 'Gateway' });
  if (object.kind === 'HTTPRoute')
    fill(object.spec, { rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }] });
  for (const rule of objectsIn(object.spec['rules'])) {
    if (object.kind === 'HTTPRoute') fill(rule, { matches: [{ path: { type: 'PathPrefix', value: '/' } }] });
    for (const match of objectsIn(rule['matches'])) {
      if (object.kind === 'HTTPRoute') fill(match, { path: { type: 'PathPrefix', value: '/' } });
    }
    objectsIn(rule['backendRefs']).forEach(backendDefaults);
  }
};

const namespaceDefaults = (object: KubeObject): void => {
  object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
  object.spec ??= { finalizers: ['kubernetes'] };
  object.status ??= { phase: 'Active' };
};

const autoscalerDefaults = (object: KubeObject): void => {
  if (isObject(object.spec)) fill(object.spec, { minReplicas: 1 });
};

const BY_KIND: Readonly<Record<string, (object: KubeObject) => void>> = {
  Namespace: namespaceDefaults,
  Deployment: deploymentDefaults,
  HorizontalPodAutoscaler: autoscalerDefaults,
  Job: jobDefaults,
  ReplicaSet: (object) => {
    if (isObject(object.spec)) templateDefaults(object.spec['template']);
  },
  Pod: podDefaults,
  Service: serviceDefaults,
  HTTPRoute: routeDefaults,
  GRPCRoute: routeDefaults,
};

/** A copy with the fields that the API server fills in. Only those that somebody reads are here. */
export const withDefaults = (object: KubeObject): KubeObject => {
  const filled = clone(object);
  BY_KIND[filled.kind]?.(filled);
  return filled;
};
