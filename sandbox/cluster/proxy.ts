import type { ServerResponse } from 'node:http';
import { request as httpRequest } from 'node:http';
import { isReady, type PodStatus } from './kubelet.ts';
import type { KubeObject, PodTemplate } from './objects.ts';
import { viewSpec, viewStatus } from './objects.ts';
import type { Target } from './requests.ts';
import type { Resource } from './resources.ts';
import { resourceOf } from './resources.ts';
import { sendJson, sendText } from './respond.ts';
import { ApiError, statusBody } from './status.ts';
import type { Store } from './store.ts';
import { get } from './store.ts';

/** What a pod answers to a GET of `/path?query` at a port: its text, a status instead of one, or null where nobody listens. */
export type PodPage = (pod: KubeObject, port: number, path: string) => string | number | null;

export interface Proxied {
  readonly store: Store;
  /** `NAMESPACE/NAME:PORT` → the URL behind it. */
  readonly proxied: Map<string, string>;
  /** The first that answers for a pod. Without one nobody listens. */
  readonly podPages: PodPage[];
}

const unavailable = (message: string): ApiError => new ApiError({ code: 503, reason: 'ServiceUnavailable', message });

/** `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`. */
const partsOf = ({ name: text }: Target): { readonly name: string; readonly port: string } => {
  const parts = text.split(':');
  const [name = '', port = ''] = parts.length === 3 ? parts.slice(1) : parts;
  return { name, port };
};

/** Forwards a GET to what stands behind a Service; the answer's status is passed through. */
const proxyService = (state: Proxied, target: Target, response: ServerResponse): ServerResponse => {
  const { name, port } = partsOf(target);
  const services = resourceOf('', 'services');
  if (services) get(state.store, services, target.namespace, name);
  const behind = state.proxied.get(`${target.namespace}/${name}:${port}`);
  if (behind === undefined) throw unavailable(`no endpoints available for service "${target.name}"`);
  const forwarded = httpRequest(new URL(target.rest, behind), (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  const failed = {
    code: 503,
    reason: 'ServiceUnavailable',
    message: 'error trying to reach service: connection refused',
  };
  forwarded.on('error', () => sendJson(response, 503, statusBody(failed)));
  response.on('close', () => forwarded.destroy());
  forwarded.end();
  return response;
};

/** Without a port the first one of its containers, as the API server takes it; a name of a port is none. */
const portOf = (pod: KubeObject, text: string): number => {
  const first = viewSpec<PodTemplate['spec']>(pod).containers[0]?.ports?.[0]?.containerPort;
  return text === '' ? (first ?? 80) : Number(text);
};

const proxyPod = (state: Proxied, pods: Resource, target: Target, response: ServerResponse): ServerResponse => {
  const { name, port: text } = partsOf(target);
  const pod = get(state.store, pods, target.namespace, name);
  const port = portOf(pod, text);
  const { podIP = '' } = viewStatus<PodStatus>(pod);
  if (podIP === '' || Number.isNaN(port)) throw unavailable('error trying to reach service: address not allowed');
  const page = isReady(pod)
    ? (state.podPages.map((answer) => answer(pod, port, target.rest)).find((one) => one !== null) ?? null)
    : null;
  if (page === null) {
    throw unavailable(`error trying to reach service: dial tcp ${podIP}:${port}: connect: connection refused`);
  }
  return typeof page === 'number' ? sendText(response, page, `${page}\n`) : sendText(response, 200, page);
};

/** GET through the API server, to a Service or to a pod. */
export const proxy = (state: Proxied, resource: Resource, target: Target, response: ServerResponse): ServerResponse =>
  resource.plural === 'pods' ? proxyPod(state, resource, target, response) : proxyService(state, target, response);
