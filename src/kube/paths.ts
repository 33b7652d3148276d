import type { ListRef, ObjectRef, ResourceKind } from '../core/objects.ts';

type Query = Readonly<Record<string, string | number | null>>;

/** `/api/v1` for the core group, `/apis/apps/v1` for others. */
const groupPath = (apiVersion: string): string => {
  const segments = apiVersion.split('/').map(encodeURIComponent);
  return segments.length === 1 ? `/api/${segments.join('/')}` : `/apis/${segments.join('/')}`;
};

const collectionPath = (ref: ResourceKind & { readonly namespace: string }): string => {
  const resource = encodeURIComponent(ref.plural);
  return ref.namespace === ''
    ? `${groupPath(ref.apiVersion)}/${resource}`
    : `${groupPath(ref.apiVersion)}/namespaces/${encodeURIComponent(ref.namespace)}/${resource}`;
};

const withQuery = (path: string, query: Query): string => {
  const entries = Object.entries(query).flatMap(([name, value]) =>
    value === null ? [] : [[name, String(value)] as const],
  );
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(Object.fromEntries(entries))}`;
};

/** A namespace of `''` addresses objects that have none. */
export const objectPath = (ref: ObjectRef, query: Query = {}): string =>
  withQuery(`${collectionPath(ref)}/${encodeURIComponent(ref.name)}`, query);

/** Where a new object is sent. */
export const createPath = (ref: ObjectRef, query: Query): string => withQuery(collectionPath(ref), query);

export const listPath = (ref: ListRef, query: Query): string =>
  withQuery(collectionPath(ref), {
    labelSelector: ref.labelSelector === '' ? null : ref.labelSelector,
    fieldSelector: ref.fieldSelector ?? null,
    ...query,
  });

export const logPath = (pod: ObjectRef, query: Query): string =>
  withQuery(`${collectionPath(pod)}/${encodeURIComponent(pod.name)}/log`, query);

/** `path` begins with a slash and may hold a query. https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/ */
export const servicePath = (
  service: { readonly namespace: string; readonly name: string; readonly port: string },
  path: string,
): string => {
  const name = `${encodeURIComponent(service.name)}:${encodeURIComponent(service.port)}`;
  return `/api/v1/namespaces/${encodeURIComponent(service.namespace)}/services/${name}/proxy${path}`;
};

/**
 * null: the path would leave the pod, since a URL's `..` is resolved before it is sent.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/ `SCHEME:NAME:PORT`
 */
export const podPath = (
  pod: { readonly namespace: string; readonly name: string; readonly port: number; readonly scheme: 'http' | 'https' },
  path: string,
): string | null => {
  const scheme = pod.scheme === 'https' ? 'https:' : '';
  const base = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${scheme}${encodeURIComponent(pod.name)}:${pod.port}/proxy`;
  const whole = `${base}${path}`;
  const { pathname, search, hash } = new URL(whole, 'http://cluster');
  return path.startsWith('/') && `${pathname}${search}${hash}` === whole && !/%(?:2e|2f|5c)/i.test(path) ? whole : null;
};

/** Discovery: of a group, or of one version of it; the core group is `''`. */
export const discoveryPath = (group: string): string => (group === '' ? '/api' : `/apis/${encodeURIComponent(group)}`);
export const versionPath = (apiVersion: string): string => groupPath(apiVersion);
