import { fitName, type Guard, markField } from '../core/marks.ts';
import { DEPLOYMENT, type KubeObject, objectRef, POD, type Request, SERVICE } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import { type Fields, fieldsOf } from '../core/shape.ts';
import type { Json } from '../core/units.ts';
import { canarySelector } from './labels.ts';
import { type Deployment, type LabelSelector, texts, toJson, without } from './shape.ts';
import { withNewTemplate } from './template.ts';
import { copiedAnnotations, copiedLabels, untracked } from './tracking.ts';

type Strings = Readonly<Record<string, string>>;

/** Pod names may be longer, but a pod's name is its host name. */
const POD_NAME_LIMIT = 63;

const marks = (kind: string, guard: Guard): { readonly labels: Strings; readonly annotations: Strings } => {
  const both = { [guard.holder.key]: guard.holder.value, [guard.wayBack.key]: guard.wayBack.value };
  return markField(kind) === 'labels' ? { labels: both, annotations: {} } : { labels: {}, annotations: both };
};

/** Metadata of a created object: a copy's labels and annotations, where it comes from, and both fencing marks. */
const createdMetadata = (from: KubeObject, name: string, target: Target, guard: Guard): Json => {
  const mark = marks(from.kind, guard);
  return {
    name,
    namespace: target.namespace,
    labels: { ...copiedLabels(from), ...mark.labels },
    annotations: { ...copiedAnnotations(from), ...target.annotations, ...mark.annotations },
  };
};

/** Labels of the canary's pods, from the new template's. */
export const canaryLabels = (labels: Strings, relabel: Strings): Strings => ({
  ...untracked(labels),
  ...relabel,
});

const withImages = (containers: unknown, target: Target): unknown =>
  Array.isArray(containers)
    ? containers.map((container: unknown) => {
        const { image } = target.images.find((one) => one.container === fieldsOf(container)['name']) ?? {};
        return image === undefined ? container : { ...fieldsOf(container), image };
      })
    : containers;

/**
 * The whole new pod template (stable's, where only images are released) with the new images and labels. Topology spread constraints and pod affinities stay as they
 * are, also where they select a label that was changed: they then speak about stable's pods alone, so that "not beside
 * another checkout pod" still holds against stable, and a spread still finds a place (the scheduler does not count a pod
 * that its own constraint does not select). Selecting the canary's label instead would let a canary land beside stable.
 */
const canaryTemplate = (stable: Deployment, target: Target): Fields => {
  const { template, labels } = withNewTemplate(stable, target);
  const metadata = fieldsOf(template['metadata']);
  const spec = fieldsOf(template['spec']);
  return {
    ...template,
    metadata: {
      ...without(metadata, new Set(['creationTimestamp', 'name', 'namespace', 'ownerReferences', 'finalizers'])),
      labels: canaryLabels(labels, target.relabel),
      ...(metadata['annotations'] === undefined ? {} : { annotations: untracked(texts(metadata['annotations'])) }),
    },
    spec: {
      ...spec,
      containers: withImages(spec['containers'], target),
      ...(spec['initContainers'] === undefined ? {} : { initContainers: withImages(spec['initContainers'], target) }),
    },
  };
};

export const selectorJson = (selector: LabelSelector): Fields => ({
  matchLabels: selector.matchLabels,
  ...(selector.matchExpressions.length === 0
    ? {}
    : {
        matchExpressions: selector.matchExpressions.map(({ key, operator, values }) => ({
          key,
          operator,
          ...(values.length === 0 ? {} : { values }),
        })),
      }),
});

/** The selector of the canary Deployment: matches no pod of stable's. `next`: stable with the new template. */
export const canaryDeploymentSelector = (next: Deployment, relabel: Strings): LabelSelector =>
  canarySelector(next.selector, canaryLabels(next.labels, relabel), relabel);

/** The selector of the canary Service: every changed label is in it, so it cannot select a pod of stable's. */
export const canaryServiceSelector = (service: KubeObject, relabel: Strings): Strings => ({
  ...texts(fieldsOf(service['spec'])['selector']),
  ...relabel,
});

/** The canary Deployment: everything in stable's spec but what makes it another one. */
export const createCanaryDeployment = (
  stable: Deployment,
  target: Target,
  replicas: number,
  guard: Guard,
): Request => ({
  verb: 'create',
  ref: objectRef(DEPLOYMENT, target.namespace, target.canaryDeployment),
  contentType: 'application/json',
  body: {
    apiVersion: DEPLOYMENT.apiVersion,
    kind: DEPLOYMENT.kind,
    metadata: createdMetadata(stable.object, target.canaryDeployment, target, guard),
    spec: toJson({
      ...without(fieldsOf(stable.object['spec']), new Set(['paused'])),
      replicas,
      selector: selectorJson(canaryDeploymentSelector(withNewTemplate(stable, target), target.relabel)),
      template: canaryTemplate(stable, target),
    }),
  },
});

/** What a Service was given by the cluster, or has because it is reachable from outside. The canary's is inside only. */
const NOT_OF_A_COPY = new Set([
  'clusterIP',
  'clusterIPs',
  'externalIPs',
  'externalName',
  'externalTrafficPolicy',
  'healthCheckNodePort',
  'loadBalancerIP',
  'loadBalancerClass',
  'loadBalancerSourceRanges',
  'allocateLoadBalancerNodePorts',
]);

/** The canary Service: stable's ports and behaviour, of type ClusterIP; headless stays headless. */
export const createCanaryService = (
  service: KubeObject,
  { name, selector }: { readonly name: string; readonly selector: Strings },
  target: Target,
  guard: Guard,
): Request => {
  const spec = fieldsOf(service['spec']);
  const ports = Array.isArray(spec['ports']) ? spec['ports'] : [];
  return {
    verb: 'create',
    ref: objectRef(SERVICE, target.namespace, name),
    contentType: 'application/json',
    body: {
      apiVersion: SERVICE.apiVersion,
      kind: SERVICE.kind,
      metadata: createdMetadata(service, name, target, guard),
      spec: toJson({
        ...without(spec, NOT_OF_A_COPY),
        type: 'ClusterIP',
        ...(spec['clusterIP'] === 'None' ? { clusterIP: 'None' } : {}),
        selector,
        ports: ports.map((port: unknown) => without(fieldsOf(port), new Set(['nodePort']))),
      }),
    },
  };
};

/** A Pod of the canary's template. Only for a dry run: it has no owner that would ever remove it. */
export const createSamplePod = (stable: Deployment, target: Target): Request => {
  const template = canaryTemplate(stable, target);
  const name = fitName(`${target.canaryDeployment}-sample`, POD_NAME_LIMIT);
  return {
    verb: 'create',
    ref: objectRef(POD, target.namespace, name),
    contentType: 'application/json',
    body: toJson({
      apiVersion: POD.apiVersion,
      kind: POD.kind,
      metadata: { ...fieldsOf(template['metadata']), name, namespace: target.namespace },
      spec: template['spec'],
    }),
  };
};
