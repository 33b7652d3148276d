import type { IncomingMessage } from 'node:http';
import type { Identity } from './access.ts';
import { isAllowed } from './access.ts';
import type { Json } from './objects.ts';
import type { Resource } from './resources.ts';
import { groupVersions, resourceOf } from './resources.ts';
import { ApiError, badRequest, forbidden, noSuchResource } from './status.ts';

/** One entry of the audit log. `resource` is `deployments`, `deployments/status`, `services/proxy` …; `''` for other paths. */
export interface Call {
  readonly at: number;
  readonly verb: string;
  readonly method: string;
  readonly path: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: string;
  readonly userAgent: string;
  readonly contentType: string;
  readonly dryRun: boolean;
  readonly body: Json;
  /** 0 while unanswered. */
  code: number;
}

/** What a request to an object or a collection means. */
export interface Target {
  readonly verb: string;
  readonly apiVersion: string;
  readonly group: string;
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  /** What follows a `proxy` subresource. */
  readonly rest: string;
  readonly query: URLSearchParams;
}

const VERBS: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

const verbOf = (method: string, name: string, query: URLSearchParams): string => {
  if (method !== 'GET' && method !== 'HEAD') return VERBS[method] ?? method.toLowerCase();
  if (query.get('watch') === 'true' || query.get('watch') === '1') return 'watch';
  return name === '' ? 'list' : 'get';
};

/** Null for paths that are not about a resource. */
export const targetOf = (method: string, url: URL): Target | null => {
  const segments = url.pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const group = segments[0] === 'apis' ? (segments[1] ?? '') : '';
  const after = segments[0] === 'api' ? 2 : segments[0] === 'apis' ? 3 : segments.length;
  const version = segments[after - 1] ?? '';
  const rest = segments.slice(after);
  if (rest.length === 0) return null;
  const inNamespace = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status' && rest[2] !== 'finalize';
  const [plural = '', name = '', subresource = '', ...tail] = inNamespace ? rest.slice(2) : rest;
  const namespace = inNamespace ? (rest[1] ?? '') : '';
  return {
    verb: verbOf(method, name, url.searchParams),
    apiVersion: group === '' ? version : `${group}/${version}`,
    group,
    plural,
    namespace,
    name,
    subresource,
    rest: `/${tail.join('/')}${url.search}`,
    query: url.searchParams,
  };
};

/**
 * A list or a watch of one name counts as a request for that name:
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
 */
const nameOf = ({ verb, name, query }: Target): string => {
  if (verb === 'create') return '';
  if (verb !== 'list' && verb !== 'watch') return name;
  return /(?:^|,)metadata\.name==?([^,]+)/.exec(query.get('fieldSelector') ?? '')?.[1] ?? '';
};

/** As RBAC sees it. A denied name is told; a creation has none yet. */
export const authorize = (identity: Identity, target: Target): void => {
  const { verb, group, plural, subresource, namespace } = target;
  const name = nameOf(target);
  const resource = subresource === '' ? plural : `${plural}/${subresource}`;
  if (!isAllowed(identity, { verb, group, resource, name, namespace }))
    throw forbidden(identity.user, verb, { group, plural, subresource }, name, namespace);
};

/** Groups that are built in say that they do not know the resource; those of custom resources answer like a path that nobody serves. */
const BUILT_IN = new Set([
  '',
  'apps',
  'autoscaling',
  'batch',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'networking.k8s.io',
  'policy',
  'scheduling.k8s.io',
]);

/** `unserved`: kinds that this cluster does not have. */
export const servedResource = (target: Target, unserved: ReadonlySet<string>): Resource => {
  const resource = resourceOf(target.group, target.plural);
  if (resource !== undefined && groupVersions(resource).includes(target.apiVersion) && !unserved.has(resource.kind))
    return resource;
  if (BUILT_IN.has(target.group)) throw noSuchResource();
  throw new ApiError({ code: 404, reason: 'PageNotFound', message: '404 page not found' });
};

export const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

export const parseJson = (text: string, what: string): Json => {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw badRequest(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
};
