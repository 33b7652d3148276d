import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Identity } from './access.ts';
import { ANONYMOUS } from './access.ts';
import { discovery, VERSION } from './discovery.ts';
import type { Answer, WriteRequest } from './handlers.ts';
import {
  handleAccessReview,
  handleCreate,
  handleDelete,
  handleGet,
  handleList,
  handlePatch,
  handleUpdate,
} from './handlers.ts';
import { podLog } from './logs.ts';
import type { Json } from './objects.ts';
import { isObject } from './objects.ts';
import { type Proxied, proxy } from './proxy.ts';
import type { Call, Target } from './requests.ts';
import { authorize, parseJson, readBody, servedResource, targetOf } from './requests.ts';
import type { Resource } from './resources.ts';
import { sendJson, sendText } from './respond.ts';
import { ApiError, badRequest, statusBody, unauthorized } from './status.ts';
import type { Store } from './store.ts';
import { get } from './store.ts';
import { serveWatch } from './watch.ts';

/** Trouble on purpose: the first fault that matches answers instead of the cluster. */
export interface ClusterFault {
  readonly matches: (call: Call) => boolean;
  readonly answer:
    | { readonly kind: 'status'; readonly code: number; readonly reason: string; readonly message: string }
    | { readonly kind: 'reset' }
    | { readonly kind: 'silence' }
    /** The write is done, its answer is lost. */
    | { readonly kind: 'lost-answer' };
  /** How often it acts; without it always. */
  times?: number;
}

export interface ApiServerState extends Proxied {
  readonly store: Store;
  readonly tokens: Map<string, Identity>;
  readonly calls: Call[];
  readonly faults: ClusterFault[];
  readonly watches: Set<ServerResponse>;
  /** Kinds that are answered as if nobody had installed them. */
  readonly unserved: Set<string>;
}

const identityOf = (state: ApiServerState, request: IncomingMessage): Identity => {
  const { authorization } = request.headers;
  if (authorization === undefined) return ANONYMOUS;
  const identity = state.tokens.get(authorization.replace(/^Bearer /i, ''));
  if (identity === undefined) throw unauthorized();
  return identity;
};

const bodyForLog = (text: string): Json => {
  try {
    return text === '' ? null : (JSON.parse(text) as Json);
  } catch {
    return text;
  }
};

const isDryRun = (url: URL, method: string, body: Json): boolean =>
  method === 'DELETE' && isObject(body) ? body['dryRun'] !== undefined : url.searchParams.has('dryRun');

const callOf = (request: IncomingMessage, url: URL, target: Target | null, user: string, text: string): Call => {
  const { method = 'GET' } = request;
  const resource = target === null ? '' : [target.plural, target.subresource].filter((part) => part !== '').join('/');
  const body = bodyForLog(text);
  return {
    at: Date.now(),
    verb: target?.verb ?? method.toLowerCase(),
    method,
    path: `${url.pathname}${url.search}`,
    resource,
    namespace: target?.namespace ?? '',
    name: target?.name ?? '',
    user,
    userAgent: request.headers['user-agent'] ?? '',
    contentType: request.headers['content-type'] ?? '',
    dryRun: isDryRun(url, method, body),
    body,
    code: 0,
  };
};

const write = (verb: string, request: WriteRequest): Answer => {
  switch (verb) {
    case 'create':
      return handleCreate(request);
    case 'update':
      return handleUpdate(request);
    case 'patch':
      return handlePatch(request);
    case 'delete':
      if (request.target.name !== '') return handleDelete(request);
      throw new ApiError({ code: 405, reason: 'MethodNotAllowed', message: 'collections are not deleted here' });
    default:
      throw badRequest(`verb ${verb} is not served`);
  }
};

const serveResource = (
  state: ApiServerState,
  resource: Resource,
  target: Target,
  call: Call,
  text: string,
  response: ServerResponse,
): ServerResponse => {
  const { store } = state;
  const answerWith = ({ code, body }: Answer): ServerResponse => sendJson(response, code, body);
  if (target.subresource === 'proxy') return proxy(state, resource, target, response);
  if (target.subresource === 'log')
    return sendText(response, 200, podLog(get(store, resource, target.namespace, target.name), target.query));
  if (target.verb === 'watch') return serveWatch(store, resource, target, response, state.watches);
  if (target.verb === 'list') return answerWith(handleList(store, resource, target));
  if (target.verb === 'get') return answerWith(handleGet(store, resource, target));
  const { contentType, userAgent } = call;
  return answerWith(write(target.verb, { store, resource, target, contentType, text, userAgent }));
};

const servePath = (
  url: URL,
  identity: Identity,
  unserved: ReadonlySet<string>,
  response: ServerResponse,
): ServerResponse => {
  const { pathname } = url;
  if (pathname === '/version') return sendJson(response, 200, VERSION);
  if (['/readyz', '/healthz', '/livez'].includes(pathname)) return sendText(response, 200, 'ok');
  if (identity === ANONYMOUS) {
    const message = `forbidden: User "${ANONYMOUS.user}" cannot get path "${pathname}"`;
    throw new ApiError({ code: 403, reason: 'Forbidden', message, details: {} });
  }
  const segments = pathname.split('/').filter((part) => part !== '');
  const body = /^\/apis?(\/|$)/.test(pathname) ? discovery(segments, unserved) : null;
  return body === null ? sendText(response, 404, '404 page not found\n') : sendJson(response, 200, body);
};

const faultFor = (state: ApiServerState, call: Call): ClusterFault['answer'] | null => {
  const fault = state.faults.find(({ matches, times }) => times !== 0 && matches(call));
  if (fault === undefined) return null;
  if (fault.times !== undefined) fault.times -= 1;
  return fault.answer;
};

/** True when the fault has dealt with the request. */
const suffer = (fault: ClusterFault['answer'] | null, response: ServerResponse): boolean => {
  if (fault?.kind === 'status') {
    const headers = fault.code === 429 ? { 'retry-after': '1' } : {};
    sendJson(response, fault.code, statusBody(fault), headers);
  } else if (fault?.kind === 'reset') response.destroy();
  return fault !== null && fault.kind !== 'lost-answer';
};

const serve = async (
  state: ApiServerState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<ServerResponse> => {
  const url = new URL(request.url ?? '/', 'http://cluster');
  const target = targetOf(request.method ?? 'GET', url);
  const text = await readBody(request);
  const call = callOf(request, url, target, '', text);
  response.on('close', () => {
    call.code = response.headersSent ? response.statusCode : 0;
  });
  const identity = identityOf(state, request);
  const entry = Object.assign(call, { user: identity.user });
  state.calls.push(entry);
  const fault = faultFor(state, entry);
  if (suffer(fault, response)) return response;
  if (fault?.kind === 'lost-answer') response.end = () => response.destroy();
  if (target === null) return servePath(url, identity, state.unserved, response);
  if (target.plural === 'selfsubjectaccessreviews')
    return sendJson(response, 201, handleAccessReview(identity, parseJson(text, 'error decoding body')).body);
  authorize(identity, target);
  return serveResource(state, servedResource(target, state.unserved), target, call, text, response);
};

const refuse = (response: ServerResponse, error: unknown): ServerResponse => {
  if (error instanceof ApiError && error.failure.reason === 'PageNotFound')
    return sendText(response, 404, '404 page not found\n');
  const failure =
    error instanceof ApiError
      ? error.failure
      : { code: 500, reason: 'InternalError', message: error instanceof Error ? `${error.stack}` : String(error) };
  return sendJson(response, failure.code, statusBody(failure));
};

export const createApiServer = (state: ApiServerState): Server =>
  createServer((request, response) => {
    serve(state, request, response).catch((error: unknown) => refuse(response, error));
  });
