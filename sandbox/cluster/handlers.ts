import type { Identity } from './access.ts';
import { isAllowed } from './access.ts';
import { withDefaults } from './defaults.ts';
import type { Json, JsonObject, KubeObject, WorkloadSpec } from './objects.ts';
import { asJson, isObject, viewSpec, viewStatus } from './objects.ts';
import { jsonPatch, mergePatch } from './patch.ts';
import type { Target } from './requests.ts';
import { parseJson } from './requests.ts';
import type { Resource } from './resources.ts';
import { resourceOf } from './resources.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';
import { ApiError, badRequest, modified, notFound } from './status.ts';
import type { DeleteOptions, Store, WriteOptions } from './store.ts';
import { create, find, get, list, remove, update } from './store.ts';
import { pruned, validate, validateFields } from './validate.ts';

export interface Answer {
  readonly code: number;
  readonly body: JsonObject;
}

export interface WriteRequest {
  readonly store: Store;
  readonly resource: Resource;
  readonly target: Target;
  readonly contentType: string;
  readonly text: string;
  readonly userAgent: string;
}

/** As the requested version shows it. */
export const present = (object: KubeObject, apiVersion: string): JsonObject =>
  asJson({ ...object, apiVersion }) as JsonObject;

const optionsOf = ({ target, userAgent }: WriteRequest): WriteOptions & { readonly strict: boolean } => {
  const dryRun = target.query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All')) {
    const message = `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`;
    const kind = `${target.verb[0]?.toUpperCase()}${target.verb.slice(1)}Options`;
    throw new ApiError({
      code: 422,
      reason: 'Invalid',
      message: `${kind}.meta.k8s.io "" is invalid: dryRun: ${message}`,
      details: { group: 'meta.k8s.io', kind, causes: [{ reason: 'FieldValueNotSupported', message, field: 'dryRun' }] },
    });
  }
  return {
    dryRun: dryRun.length > 0,
    manager: target.query.get('fieldManager') ?? userAgent.split('/')[0] ?? 'unknown',
    strict: target.query.get('fieldValidation') === 'Strict',
    statusOnly: target.subresource === 'status',
  };
};

const objectFrom = (body: Json, { resource, target }: WriteRequest): KubeObject => {
  if (!isObject(body)) throw badRequest(`the body is not a ${resource.kind}`);
  if (resource.custom && body['kind'] === undefined)
    throw badRequest(
      `the object provided is unrecognized (must be of type ${resource.kind}): Object 'Kind' is missing in '${JSON.stringify(body)}'`,
    );
  if (body['kind'] !== undefined && body['kind'] !== resource.kind)
    throw badRequest(
      `${String(body['kind'])} in version "${target.apiVersion}" cannot be handled as a ${resource.kind}`,
    );
  if (body['apiVersion'] !== undefined && body['apiVersion'] !== target.apiVersion)
    throw badRequest(
      `the API version in the data (${String(body['apiVersion'])}) does not match the expected API version (${target.apiVersion})`,
    );
  const metadata = isObject(body['metadata']) ? body['metadata'] : {};
  const { namespace } = target;
  if (metadata['namespace'] !== undefined && metadata['namespace'] !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  return {
    ...body,
    apiVersion: target.apiVersion,
    kind: resource.kind,
    metadata: { ...metadata, ...(namespace !== '' && { namespace }) },
  } as unknown as KubeObject;
};

const SUFFIX = 'bcdfghjklmnpqrstvwxz2456789';
export const nameSuffix = (): string =>
  Array.from({ length: 5 }, () => SUFFIX[Math.floor(Math.random() * SUFFIX.length)]).join('');

const named = (object: KubeObject): KubeObject => {
  const { name, generateName } = object.metadata;
  if (name || !generateName) return { ...object, metadata: { ...object.metadata, name: name ?? '' } };
  return { ...object, metadata: { ...object.metadata, name: `${generateName.slice(0, 58)}${nameSuffix()}` } };
};

const prepared = (
  request: WriteRequest,
  object: KubeObject,
  verb: 'create' | 'update' | 'patch',
  strict: boolean,
): KubeObject => {
  if (strict) validateFields(request.resource, object, verb);
  return withDefaults(pruned(request.resource, object));
};

export const handleCreate = (request: WriteRequest): Answer => {
  const { store, resource, target } = request;
  const options = optionsOf(request);
  const sent = objectFrom(parseJson(request.text, 'error decoding body'), request);
  const object = prepared(request, named(sent), 'create', options.strict);
  const namespaces = resourceOf('', 'namespaces');
  if (resource.namespaced && namespaces && !find(store, namespaces, '', target.namespace))
    throw notFound(namespaces, target.namespace);
  validate(resource, object, null);
  const { status: _ignored, ...withoutStatus } = object;
  const stored = resource.status && resource.custom ? (withoutStatus as KubeObject) : object;
  return { code: 201, body: present(create(store, resource, stored, options), target.apiVersion) };
};

const replace = (request: WriteRequest, wanted: KubeObject, before: KubeObject, verb: 'update' | 'patch'): Answer => {
  const { store, resource, target } = request;
  const options = optionsOf(request);
  if (wanted.metadata.name !== target.name)
    throw badRequest(
      `the name of the object (${wanted.metadata.name}) does not match the name on the URL (${target.name})`,
    );
  const { resourceVersion } = wanted.metadata;
  if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion)
    throw modified(resource, target.name);
  const object = prepared(request, wanted, verb, options.strict);
  if (!options.statusOnly) validate(resource, object, before);
  return { code: 200, body: present(update(store, resource, before, object, options), target.apiVersion) };
};

export const handleUpdate = (request: WriteRequest): Answer => {
  const { store, resource, target } = request;
  const wanted = objectFrom(parseJson(request.text, 'error decoding body'), request);
  if (wanted.metadata.name !== target.name)
    throw badRequest(
      `the name of the object (${wanted.metadata.name}) does not match the name on the URL (${target.name})`,
    );
  return replace(request, wanted, get(store, resource, target.namespace, target.name), 'update');
};

const patchOf = (contentType: string): ((document: Json, patch: Json) => Json) => {
  switch (contentType.split(';')[0]?.trim()) {
    case 'application/json-patch+json':
      return jsonPatch;
    case 'application/merge-patch+json':
      return mergePatch;
    default:
      throw new ApiError({
        code: 415,
        reason: 'UnsupportedMediaType',
        message: '415: Unsupported Media Type',
        details: {},
      });
  }
};

export const handlePatch = (request: WriteRequest): Answer => {
  const { store, resource, target } = request;
  const apply = patchOf(request.contentType);
  const before = get(store, resource, target.namespace, target.name);
  const patch = parseJson(request.text, 'error decoding patch');
  if (target.subresource === 'scale') return patchScale(request, before, apply, patch);
  const patched = apply(present(before, target.apiVersion), patch);
  if (!isObject(patched)) throw badRequest('the patch leaves no object');
  return replace(request, patched as unknown as KubeObject, before, 'patch');
};

const scaleOf = (object: KubeObject): JsonObject => {
  const { name, namespace = '', uid = '', resourceVersion = '', creationTimestamp = '' } = object.metadata;
  const { replicas = 1, selector } = viewSpec<WorkloadSpec>(object);
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas },
    status: { replicas: viewStatus<{ replicas: number }>(object).replicas ?? 0, selector: labels.join(',') },
  };
};

const patchScale = (
  request: WriteRequest,
  before: KubeObject,
  apply: (document: Json, patch: Json) => Json,
  patch: Json,
): Answer => {
  const scale = apply(scaleOf(before), patch);
  const spec = isObject(scale) && isObject(scale['spec']) ? scale['spec'] : {};
  const wanted = {
    ...before,
    spec: { ...(isObject(before.spec) ? before.spec : {}), replicas: spec['replicas'] ?? 0 },
  };
  validate(request.resource, wanted, before);
  return { code: 200, body: scaleOf(update(request.store, request.resource, before, wanted, optionsOf(request))) };
};

/** From the body, or, only where that is empty, from the query: a `dryRun` beside a body is not seen. */
const deleteOptions = (request: WriteRequest): DeleteOptions => {
  const { target, text } = request;
  if (text.trim() === '') {
    const policy = target.query.get('propagationPolicy');
    return { dryRun: optionsOf(request).dryRun ?? false, ...(policy !== null && { propagationPolicy: policy }) };
  }
  const body = parseJson(text, 'error decoding body');
  const sent = isObject(body) ? body : {};
  const { uid, resourceVersion } = isObject(sent['preconditions']) ? sent['preconditions'] : {};
  const { propagationPolicy, gracePeriodSeconds } = sent;
  return {
    dryRun: Array.isArray(sent['dryRun']) && sent['dryRun'].includes('All'),
    ...(typeof uid === 'string' && { uid }),
    ...(typeof resourceVersion === 'string' && { resourceVersion }),
    ...(typeof propagationPolicy === 'string' && { propagationPolicy }),
    ...(typeof gracePeriodSeconds === 'number' && { gracePeriodSeconds }),
  };
};

export const handleDelete = (request: WriteRequest): Answer => {
  const { store, resource, target } = request;
  const object = get(store, resource, target.namespace, target.name);
  const removed = remove(store, resource, object, deleteOptions(request));
  if (!removed.gone || resource.returnsDeleted) return { code: 200, body: present(removed.object, target.apiVersion) };
  const { group, plural: kind } = resource;
  const details = { name: target.name, ...(group !== '' && { group }), kind, uid: object.metadata.uid ?? '' };
  return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
};

export const handleGet = (store: Store, resource: Resource, target: Target): Answer => {
  const object = get(store, resource, target.namespace, target.name);
  if (target.subresource === 'scale') return { code: 200, body: scaleOf(object) };
  return { code: 200, body: present(object, target.apiVersion) };
};

/** What a list or a watch is about, by its selectors. */
export const selectionOf = (target: Target): ((object: KubeObject) => boolean) => {
  const byLabel = parseLabelSelector(target.query.get('labelSelector') ?? '');
  const byField = parseFieldSelector(target.query.get('fieldSelector') ?? '');
  return ({ metadata }) => byLabel(metadata.labels ?? {}) && byField(metadata);
};

/** Items carry their kind only where the resource is a custom one, as in the real API. Pages hold `limit` items. */
export const handleList = (store: Store, resource: Resource, target: Target): Answer => {
  const items = list(store, resource, target.namespace).filter(selectionOf(target));
  const limit = Number(target.query.get('limit') ?? '0') || items.length;
  const start = Number(target.query.get('continue') ?? '0');
  const page = items.slice(start, start + limit);
  const more = start + limit < items.length;
  const bare = (object: KubeObject): JsonObject => {
    const { apiVersion, kind, ...rest } = present(object, target.apiVersion);
    return resource.custom ? { apiVersion: apiVersion ?? '', kind: kind ?? '', ...rest } : rest;
  };
  const metadata = {
    resourceVersion: String(store.counter.revision),
    ...(more && { continue: String(start + limit), remainingItemCount: items.length - start - limit }),
  };
  const body = { kind: `${resource.kind}List`, apiVersion: target.apiVersion, metadata, items: page.map(bare) };
  return { code: 200, body };
};

export const handleAccessReview = (identity: Identity, body: Json): Answer => {
  const spec = isObject(body) && isObject(body['spec']) ? body['spec'] : {};
  const asked = isObject(spec['resourceAttributes']) ? spec['resourceAttributes'] : {};
  const text = (key: string): string => (typeof asked[key] === 'string' ? asked[key] : '');
  const sub = text('subresource');
  const allowed = isAllowed(identity, {
    verb: text('verb'),
    group: text('group'),
    resource: sub === '' ? text('resource') : `${text('resource')}/${sub}`,
    name: text('name'),
    namespace: text('namespace'),
  });
  const apiVersion = 'authorization.k8s.io/v1';
  const review = { kind: 'SelfSubjectAccessReview', apiVersion, metadata: {}, spec, status: { allowed } };
  return { code: 201, body: review };
};
