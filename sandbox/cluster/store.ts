import { randomUUID } from 'node:crypto';
import type { Json, JsonObject, KubeObject, Metadata } from './objects.ts';
import { clone, isObject, sameJson } from './objects.ts';
import type { Resource } from './resources.ts';
import { groupVersions, qualified } from './resources.ts';
import { alreadyExists, modified, notFound, preconditionFailed } from './status.ts';

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: Resource;
  readonly object: KubeObject;
  readonly before: KubeObject | null;
  readonly revision: number;
}

/** Everything the cluster knows. All changes go through the functions below, so that watchers miss none. */
export interface Store {
  readonly objects: Map<string, KubeObject>;
  readonly history: StoreEvent[];
  readonly listeners: Set<(event: StoreEvent) => void>;
  /** `revision` of the last change, and of the last change that can no longer be replayed. */
  readonly counter: { revision: number; forgotten: number };
}

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly manager?: string;
  /** Only the status is taken from what is written. */
  readonly statusOnly?: boolean;
}

export interface DeleteOptions {
  readonly dryRun?: boolean;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagationPolicy?: string;
  readonly gracePeriodSeconds?: number;
}

const HISTORY_LIMIT = 5000;
const FOREGROUND = 'foregroundDeletion';

export const createStore = (): Store => ({
  objects: new Map(),
  history: [],
  listeners: new Set(),
  counter: { revision: 100, forgotten: 100 },
});

const keyOf = (resource: Resource, namespace: string, name: string): string =>
  `${qualified(resource)}|${namespace}|${name}`;
const timestamp = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

export const find = (store: Store, resource: Resource, namespace: string, name: string): KubeObject | undefined =>
  store.objects.get(keyOf(resource, namespace, name));

export const get = (store: Store, resource: Resource, namespace: string, name: string): KubeObject => {
  const object = find(store, resource, namespace, name);
  if (object === undefined) throw notFound(resource, name);
  return object;
};

/** In the order of their names. `''` is every namespace. */
export const list = (store: Store, resource: Resource, namespace: string): KubeObject[] => {
  const prefix = `${qualified(resource)}|${namespace === '' ? '' : `${namespace}|`}`;
  const keys = [...store.objects.keys()].filter((key) => key.startsWith(prefix));
  return keys.sort().flatMap((key) => store.objects.get(key) ?? []);
};

/** What can no longer be replayed is answered with 410. */
export const forgetHistory = (store: Store): void => {
  store.counter.forgotten = store.counter.revision;
  store.history.length = 0;
};

const emit = (store: Store, event: StoreEvent): void => {
  store.history.push(event);
  if (store.history.length > HISTORY_LIMIT) store.counter.forgotten = store.history.shift()?.revision ?? 0;
  for (const listener of store.listeners) listener(event);
};

const nextRevision = (store: Store): number => {
  store.counter.revision += 1;
  return store.counter.revision;
};

/** Names of changed fields, two levels deep: enough to see who wrote where. */
const changedFields = (before: KubeObject | null, after: KubeObject): JsonObject => {
  const fields: JsonObject = {};
  for (const [section, value] of Object.entries(after)) {
    if (section === 'apiVersion' || section === 'kind' || sameJson(before?.[section], value)) continue;
    const names = section === 'metadata' ? ['labels', 'annotations'] : isObject(value) ? Object.keys(value) : [];
    const old = before?.[section];
    const changed = names.filter(
      (name) =>
        isObject(value) && value[name] !== undefined && !sameJson(isObject(old) ? old[name] : undefined, value[name]),
    );
    if (changed.length > 0) fields[`f:${section}`] = Object.fromEntries(changed.map((name) => [`f:${name}`, {}]));
  }
  return fields;
};

const managedBy = (before: KubeObject | null, after: KubeObject, options: WriteOptions): Json[] => {
  const manager = options.manager ?? 'unknown';
  const entry: JsonObject = {
    manager,
    operation: 'Update',
    apiVersion: after.apiVersion,
    time: timestamp(),
    fieldsType: 'FieldsV1',
    fieldsV1: changedFields(before, after),
    ...(options.statusOnly && { subresource: 'status' }),
  };
  const others = (before?.metadata.managedFields ?? []).filter(
    (other) => !isObject(other) || other['manager'] !== manager || other['subresource'] !== entry['subresource'],
  );
  return [...others, entry];
};

/** `object` is defaulted and valid. Its server-owned metadata is replaced. */
export const create = (
  store: Store,
  resource: Resource,
  object: KubeObject,
  options: WriteOptions = {},
): KubeObject => {
  const { name, namespace = '' } = object.metadata;
  const key = keyOf(resource, namespace, name);
  if (store.objects.has(key)) throw alreadyExists(resource, name);
  const created = clone(object);
  const { resourceVersion: _given, ...metadata } = created.metadata;
  created.apiVersion = groupVersions(resource)[0] ?? created.apiVersion;
  created.metadata = {
    ...metadata,
    uid: randomUUID(),
    ...(resource.generation !== 'none' && { generation: 1 }),
    creationTimestamp: timestamp(),
  };
  created.metadata.managedFields = managedBy(null, created, options);
  if (options.dryRun) return created;
  const revision = nextRevision(store);
  created.metadata.resourceVersion = String(revision);
  store.objects.set(key, created);
  emit(store, { type: 'ADDED', resource, object: created, before: null, revision });
  return created;
};

const raisesGeneration = (resource: Resource, before: KubeObject, after: KubeObject): boolean => {
  if (resource.generation === 'none') return false;
  if (!sameJson(before.spec, after.spec)) return true;
  return (
    resource.generation === 'spec-and-annotations' &&
    !sameJson(before.metadata.annotations ?? {}, after.metadata.annotations ?? {})
  );
};

/** What a writer of metadata cannot change. */
const serverOwned = ({ metadata }: KubeObject): Partial<Metadata> => {
  const owned = [
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'resourceVersion',
    'managedFields',
  ] as const;
  return Object.fromEntries(
    owned.flatMap((field) => (metadata[field] === undefined ? [] : [[field, metadata[field]]])),
  );
};

const put = (store: Store, resource: Resource, before: KubeObject, after: KubeObject): KubeObject => {
  const key = keyOf(resource, after.metadata.namespace ?? '', after.metadata.name);
  const revision = nextRevision(store);
  after.metadata.resourceVersion = String(revision);
  const isGone =
    after.metadata.deletionTimestamp !== undefined && !after.metadata.finalizers?.length && !isServing(after);
  if (isGone) store.objects.delete(key);
  else store.objects.set(key, after);
  emit(store, { type: isGone ? 'DELETED' : 'MODIFIED', resource, object: after, before, revision });
  return after;
};

/** A pod on a node leaves when its kubelet says so. */
const isServing = (object: KubeObject): boolean =>
  object.kind === 'Pod' && isObject(object.spec) && typeof object.spec['nodeName'] === 'string';

/** Annotations travel with a status: so the Deployment controller records the revision without raising the generation. */
const withStatus = (before: KubeObject, wanted: KubeObject): KubeObject => {
  const { annotations } = wanted.metadata;
  return {
    ...before,
    metadata: { ...before.metadata, ...(annotations && { annotations }) },
    status: wanted.status ?? {},
  };
};

/** `wanted` is the whole object, defaulted and valid. A write that changes nothing leaves the version as it was. */
export const update = (
  store: Store,
  resource: Resource,
  before: KubeObject,
  wanted: KubeObject,
  options: WriteOptions = {},
): KubeObject => {
  const { name, resourceVersion } = wanted.metadata;
  if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion)
    throw modified(resource, name);
  const source = options.statusOnly ? withStatus(before, wanted) : wanted;
  const after = { ...clone(source), metadata: { ...clone(source.metadata), ...serverOwned(before) } } as KubeObject;
  if (resource.status && !options.statusOnly) {
    if (before.status === undefined) delete after.status;
    else after.status = clone(before.status);
  }
  after.apiVersion = before.apiVersion;
  if (sameJson(before, after)) return before;
  if (!options.statusOnly && raisesGeneration(resource, before, after))
    after.metadata.generation = (before.metadata.generation ?? 0) + 1;
  after.metadata.managedFields = managedBy(before, after, options);
  return options.dryRun ? after : put(store, resource, before, after);
};

const checkPreconditions = (resource: Resource, object: KubeObject, options: DeleteOptions): void => {
  const { name, uid, resourceVersion } = object.metadata;
  if (options.uid !== undefined && options.uid !== uid)
    throw preconditionFailed(
      resource,
      name,
      `the UID in the precondition (${options.uid}) does not match the UID in record (${uid})`,
      'The object might have been deleted and then recreated',
    );
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion)
    throw preconditionFailed(
      resource,
      name,
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion})`,
      'The object might have been modified',
    );
};

const marked = (resource: Resource, object: KubeObject, graceSeconds: number): KubeObject => {
  const after = clone(object);
  if (after.metadata.deletionTimestamp === undefined && resource.generation !== 'none')
    after.metadata.generation = (after.metadata.generation ?? 0) + 1;
  after.metadata.deletionTimestamp ??= timestamp();
  after.metadata.deletionGracePeriodSeconds ??= graceSeconds;
  return after;
};

const withFinalizers = (object: KubeObject, policy: string | undefined): KubeObject => {
  const others = (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FOREGROUND);
  const kept = policy === undefined ? (object.metadata.finalizers ?? []) : others;
  const finalizers = policy === 'Foreground' ? [...others, FOREGROUND] : kept;
  const { finalizers: _before, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...(finalizers.length > 0 && { finalizers }) } };
};

/** The object as it is marked for deletion, or `gone` when nothing keeps it. Dependents are the garbage collector's. */
export const remove = (
  store: Store,
  resource: Resource,
  object: KubeObject,
  options: DeleteOptions = {},
): { readonly object: KubeObject; readonly gone: boolean } => {
  checkPreconditions(resource, object, options);
  const wanted = withFinalizers(object, options.propagationPolicy);
  const waits = isServing(wanted) && options.gracePeriodSeconds !== 0;
  const gone = !waits && !wanted.metadata.finalizers?.length;
  if (options.dryRun) return { object: wanted, gone };
  if (gone) {
    store.objects.delete(keyOf(resource, object.metadata.namespace ?? '', object.metadata.name));
    const revision = nextRevision(store);
    const last = { ...wanted, metadata: { ...wanted.metadata, resourceVersion: String(revision) } };
    emit(store, { type: 'DELETED', resource, object: last, before: object, revision });
    return { object: last, gone };
  }
  const after = marked(resource, wanted, waits ? (options.gracePeriodSeconds ?? 30) : 0);
  return { object: sameJson(after, object) ? object : put(store, resource, object, after), gone };
};
