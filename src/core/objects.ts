import type { Json } from './units.ts';

/** The coordinates of a kind, with the plural that its URL needs: no discovery to address an object. */
export interface ResourceKind {
  /** `v1`, `apps/v1`, `gateway.networking.k8s.io/v1` */
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

export interface ObjectRef extends ResourceKind {
  readonly namespace: string;
  readonly name: string;
  /** Only whether it is there is asked, and only its name is answered: it may be a Secret. */
  readonly nameOnly?: true;
}

/** All objects of a kind in a namespace that a label selector matches (`a=b,c in (d)`; `''` is all). */
export interface ListRef extends ResourceKind {
  /** `''`: of all namespaces, or of a kind that has none. */
  readonly namespace: string;
  readonly labelSelector: string;
  /** `metadata.name=a`: with it, a right that is given by `resourceNames` is enough to list and to watch. */
  readonly fieldSelector?: string;
  /** Only names are asked and answered. */
  readonly nameOnly?: true;
}

export type ReadRef = ObjectRef | ListRef;

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly controller?: boolean;
  }[];
  readonly managedFields?: readonly {
    readonly manager?: string;
    readonly operation?: string;
    /** RFC 3339, whole seconds. */
    readonly time?: string;
    readonly fieldsV1?: Json;
  }[];
}

/** An object as the API server sends it. `spec` and `status` are hostile until an adapter has looked at their shape. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

/** What was read, by `refKey`. `null`: it does not exist. Absent: it was not read. */
export interface Seen {
  readonly objects: ReadonlyMap<string, KubeObject | null>;
  readonly lists: ReadonlyMap<string, readonly KubeObject[]>;
}

/**
 * One write, safe to repeat. `create`: body is the object. `patch`: body is a JSON Patch or merge patch by `contentType`.
 * `delete`: body is DeleteOptions (preconditions, propagation). An answer "already so" (409 on create of the same
 * rollout's object, 404 on delete) counts as done; the driver decides that from a fresh read.
 */
export interface Request {
  readonly verb: 'create' | 'patch' | 'delete';
  readonly ref: ObjectRef;
  readonly contentType: 'application/json' | 'application/json-patch+json' | 'application/merge-patch+json';
  readonly body: Json;
}

/** A right that the rollout needs, as a Role states it. */
export interface Permission {
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Verbs that the Role gives too, and whose lack is no reason to refuse: there is another, slower way. */
  readonly optional?: readonly string[];
  /** What the right is for, in a few words, for the README table and the refusal. */
  readonly why: string;
  /** Only where the permission is in another namespace than the rollout's. */
  readonly namespace?: string;
}

export const DEPLOYMENT: ResourceKind = { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' };
export const REPLICA_SET: ResourceKind = { apiVersion: 'apps/v1', kind: 'ReplicaSet', plural: 'replicasets' };
export const POD: ResourceKind = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
export const NODE: ResourceKind = { apiVersion: 'v1', kind: 'Node', plural: 'nodes' };
export const SERVICE: ResourceKind = { apiVersion: 'v1', kind: 'Service', plural: 'services' };
export const CONFIG_MAP: ResourceKind = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
export const SECRET: ResourceKind = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' };
export const LEASE: ResourceKind = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases' };
export const ENDPOINT_SLICE: ResourceKind = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
};
export const HORIZONTAL_POD_AUTOSCALER: ResourceKind = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
};
export const SCALED_OBJECT: ResourceKind = {
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  plural: 'scaledobjects',
};

export const isListRef = (ref: ReadRef): ref is ListRef => 'labelSelector' in ref;

export const refKey = (ref: ReadRef): string =>
  isListRef(ref)
    ? `${ref.apiVersion}/${ref.kind}/${ref.namespace}?${ref.labelSelector}${ref.fieldSelector === undefined ? '' : `&${ref.fieldSelector}`}`
    : `${ref.apiVersion}/${ref.kind}/${ref.namespace}/${ref.name}`;

/** `Deployment shop/checkout`: how messages name an object. */
export const refText = (ref: ObjectRef): string => `${ref.kind} ${ref.namespace}/${ref.name}`;

export const objectIn = (seen: Seen, ref: ObjectRef): KubeObject | null => seen.objects.get(refKey(ref)) ?? null;
export const listIn = (seen: Seen, ref: ListRef): readonly KubeObject[] => seen.lists.get(refKey(ref)) ?? [];
export const objectRef = (type: ResourceKind, namespace: string, name: string): ObjectRef => ({
  ...type,
  namespace,
  name,
});
export const listRef = (type: ResourceKind, namespace: string, labelSelector = ''): ListRef => ({
  ...type,
  namespace,
  labelSelector,
});
/** `apps` of `apps/v1`, `''` of `v1`. */
export const groupOf = (type: ResourceKind): string =>
  type.apiVersion.includes('/') ? (type.apiVersion.split('/')[0] ?? '') : '';
