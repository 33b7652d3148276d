import { COPIED } from '../../src/core/copied-kinds.ts';
import { guardOf } from '../../src/core/marks.ts';
import {
  DEPLOYMENT,
  ENDPOINT_SLICE,
  HORIZONTAL_POD_AUTOSCALER,
  isListRef,
  type KubeObject,
  type Metadata,
  POD,
  REPLICA_SET,
  type ReadRef,
  type ResourceKind,
  refKey,
  SCALED_OBJECT,
  SERVICE,
  type Seen,
} from '../../src/core/objects.ts';
import type { Target } from '../../src/core/plan.ts';
import type { ImageChange } from '../../src/core/spec.ts';
import type { WorkloadRequest } from '../../src/ports/workload.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';

export type Strings = Readonly<Record<string, string>>;

export const NAMESPACE = 'shop';

/** `images` stands for a version of these images. */
export type Changes = Partial<WorkloadRequest> & { readonly images?: readonly ImageChange[] };

export const request = ({
  images = [{ container: null, image: 'app:2' }],
  ...changes
}: Changes = {}): WorkloadRequest => ({
  rolloutId: 'r1',
  namespace: NAMESPACE,
  deployment: 'checkout',
  service: null,
  version: { kind: 'images', images },
  canaryDeployment: null,
  copy: [],
  unit: 'requests',
  annotations: { 'example.com/run': 'https://example.invalid/1' },
  ...changes,
});

export const guard = guardOf(NAMESPACE, 'checkout', 'token-1', 'r1');

export const object = (type: ResourceKind, name: string, rest: Record<string, unknown> = {}): KubeObject => {
  const { metadata, ...fields } = rest;
  return {
    apiVersion: type.apiVersion,
    kind: type.kind,
    metadata: {
      name,
      namespace: NAMESPACE,
      uid: `uid-${type.kind}-${name}`,
      resourceVersion: '7',
      ...(metadata as Partial<Metadata> | undefined),
    },
    ...fields,
  };
};

export interface DeploymentOptions {
  readonly name?: string;
  readonly replicas?: number;
  readonly labels?: Strings;
  readonly selector?: unknown;
  readonly spec?: Record<string, unknown>;
  readonly podSpec?: Record<string, unknown>;
  readonly templateAnnotations?: Strings;
  readonly status?: Record<string, unknown>;
  readonly metadata?: Record<string, unknown>;
}

/** A healthy Deployment as the API server sends it. */
export const deployment = (options: DeploymentOptions = {}): KubeObject => {
  const { name = 'checkout', replicas = 3, labels = { app: name }, podSpec = {} } = options;
  return object(DEPLOYMENT, name, {
    metadata: { generation: 4, ...options.metadata },
    spec: {
      replicas,
      revisionHistoryLimit: 5,
      progressDeadlineSeconds: 90,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      selector: options.selector ?? { matchLabels: labels },
      template: {
        metadata: {
          creationTimestamp: null,
          labels,
          ...(options.templateAnnotations === undefined ? {} : { annotations: options.templateAnnotations }),
        },
        spec: { containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 8080 }] }], ...podSpec },
      },
      ...options.spec,
    },
    status: {
      observedGeneration: 4,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
      ...options.status,
    },
  });
};

export const service = (
  name: string,
  selector: Strings | undefined,
  rest: Record<string, unknown> = {},
): KubeObject => {
  const { spec, ...others } = rest;
  return object(SERVICE, name, {
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.0.0.7',
      clusterIPs: ['10.0.0.7'],
      ...(selector === undefined ? {} : { selector }),
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      ...(spec as Record<string, unknown> | undefined),
    },
    ...others,
  });
};

const owner = (of: KubeObject) => [
  { apiVersion: of.apiVersion, kind: of.kind, name: of.metadata.name, uid: of.metadata.uid ?? '', controller: true },
];

export const labelsOf = (of: KubeObject): Strings =>
  (of['spec'] as { template: { metadata: { labels: Strings } } }).template.metadata.labels;

export const replicaSet = (of: KubeObject, hash: string, revision = 1, replicas = 3): KubeObject =>
  object(REPLICA_SET, `${of.metadata.name}-${hash}`, {
    metadata: {
      labels: labelsOf(of),
      ownerReferences: owner(of),
      annotations: { 'deployment.kubernetes.io/revision': `${revision}` },
    },
    spec: { replicas },
    status: { replicas },
  });

export interface PodOptions {
  readonly name?: string;
  readonly status?: Record<string, unknown>;
  readonly labels?: Strings;
  readonly metadata?: Record<string, unknown>;
}

export const READY = { conditions: [{ type: 'Ready', status: 'True' }] };

export const pod = (of: KubeObject | null, suffix: string, options: PodOptions = {}): KubeObject => {
  const base = of === null ? 'stray-' : `${of.metadata.name}-`.slice(0, 58);
  return object(POD, options.name ?? `${base}${suffix}`, {
    metadata: {
      labels: options.labels ?? of?.metadata.labels ?? {},
      ...(of === null ? {} : { ownerReferences: owner(of) }),
      ...options.metadata,
    },
    status: { phase: 'Running', ...READY, ...options.status },
  });
};

export interface Endpoint {
  readonly pod: string;
  readonly ready?: boolean | null;
  readonly terminating?: boolean;
}

export const slice = (of: string, endpoints: readonly Endpoint[], name = `${of}-1`): KubeObject =>
  object(ENDPOINT_SLICE, name, {
    metadata: { labels: { 'kubernetes.io/service-name': of } },
    endpoints: endpoints.map(({ pod: podName, ready = true, terminating = false }) => ({
      addresses: ['10.1.0.1'],
      conditions: { ready, terminating },
      targetRef: { kind: 'Pod', name: podName, uid: `uid-Pod-${podName}` },
    })),
  });

const KINDS = [
  DEPLOYMENT,
  REPLICA_SET,
  POD,
  SERVICE,
  ENDPOINT_SLICE,
  HORIZONTAL_POD_AUTOSCALER,
  SCALED_OBJECT,
  ...Object.values(COPIED),
] as const;

/** The labels half of list selectors as the API server reads them: `key`, `key=value`, `key in (a,b)`. */
const isListed = (labels: Strings, selector: string): boolean =>
  selector === '' ||
  selector.split(/,(?![^(]*\))/).every((part) => {
    const [, inKey, values] = /^(\S+) in \((.*)\)$/.exec(part) ?? [];
    if (inKey !== undefined) return (values ?? '').split(',').includes(labels[inKey] ?? '\n');
    const [key = '', value] = part.split('=');
    return value === undefined ? key in labels : labels[key] === value;
  });

/** What reading these refs shows in a cluster that holds these objects. */
export const see = (refs: readonly ReadRef[], objects: readonly KubeObject[]): Seen => {
  const ofKind = (ref: ReadRef) =>
    objects.filter((one) => one.kind === KINDS.find((kind) => kind.kind === ref.kind)?.kind);
  return {
    objects: new Map(
      refs
        .filter((ref) => !isListRef(ref))
        .map((ref) => [
          refKey(ref),
          ofKind(ref).find(({ metadata }) => 'name' in ref && metadata.name === ref.name) ?? null,
        ]),
    ),
    lists: new Map(
      refs
        .filter(isListRef)
        .map((ref) => [
          refKey(ref),
          ofKind(ref).filter(({ metadata }) => isListed(metadata.labels ?? {}, ref.labelSelector)),
        ]),
    ),
  };
};

export const resolveIn = (objects: readonly KubeObject[], changes: Changes = {}) => {
  const asked = request(changes);
  return deploymentWorkload.resolve(see(deploymentWorkload.surveys(asked), objects), asked);
};

/** A target as the driver completes it; fails the test when none could be made. */
export const targetIn = (objects: readonly KubeObject[], changes: Changes = {}): Target => {
  const { target, findings } = resolveIn(objects, changes);
  if (target === null) throw new Error(`no target: ${JSON.stringify(findings)}`);
  return { ...target, router: 'gateway-api', routes: [] };
};

export const seeFor = (target: Target, objects: readonly KubeObject[], pods = true): Seen =>
  see(deploymentWorkload.reads(target, pods), objects);

/** The object that a create request makes, as the API server would send it back. */
export const created = (seen: Seen, target: Target, kind: 'canary' | 'canary-service', replicas = 1): KubeObject => {
  const stage = kind === 'canary' ? { kind, replicas } : { kind };
  const planned = deploymentWorkload.plan(seen, target, stage, guard);
  if (!planned.ok) throw new Error(planned.problem);
  const [only, ...others] = planned.value;
  if (only === undefined || others.length > 0 || only.verb !== 'create') throw new Error('expected one create');
  const body = JSON.parse(JSON.stringify(only.body)) as KubeObject;
  return {
    ...body,
    metadata: { ...body.metadata, uid: `uid-${body.kind}-${body.metadata.name}`, resourceVersion: '9' },
  };
};
