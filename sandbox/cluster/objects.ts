export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface Metadata {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  generation?: number;
  resourceVersion?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: Json[];
}

/** An object as it is stored and sent. What lies under `spec` and `status` is read through the views below. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec?: Json;
  status?: Json;
  [field: string]: unknown;
}

export interface Container {
  name: string;
  image: string;
  ports?: { name?: string; containerPort: number; protocol?: string }[];
}

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: { containers: Container[] };
}

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

export interface WorkloadSpec {
  replicas?: number;
  paused?: boolean;
  selector: LabelSelector;
  template: PodTemplate;
  progressDeadlineSeconds?: number;
  revisionHistoryLimit?: number;
}

export interface ServiceSpec {
  selector?: Record<string, string>;
  ports?: { name?: string; port: number; protocol?: string; targetPort?: number | string }[];
}

export interface BackendRef {
  group?: string;
  kind?: string;
  name: string;
  namespace?: string;
  port?: number;
  weight?: number;
}

export interface RouteSpec {
  parentRefs?: { group?: string; kind?: string; namespace?: string; name: string; sectionName?: string }[];
  hostnames?: string[];
  rules?: { name?: string; backendRefs?: BackendRef[] }[];
}

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
  observedGeneration?: number;
}

/** The same object, its spec and status seen as what its kind makes of them. */
export const viewSpec = <Spec>(object: KubeObject): Spec => (object.spec ?? {}) as unknown as Spec;
export const viewStatus = <Status>(object: KubeObject): Partial<Status> =>
  (object.status ?? {}) as unknown as Partial<Status>;
export const asJson = (value: object): Json => JSON.parse(JSON.stringify(value)) as Json;
export const clone = <Value>(value: Value): Value => structuredClone(value);

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Equal as JSON, whatever the order of keys; an absent key and `undefined` are the same. */
export const sameJson = (left: unknown, right: unknown): boolean => {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((item, index) => sameJson(item, right[index]));
  if (!isObject(left) || !isObject(right)) return false;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => sameJson(left[key], right[key]));
};
