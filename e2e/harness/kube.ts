import https from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { API_URL } from '../stack/settings.ts';
import { at, type KubeObject, listAt } from './json.ts';

/** Where the objects of a kind live. */
export type Path = string;

export const paths = {
  namespaces: () => '/api/v1/namespaces',
  pods: (namespace: string) => `/api/v1/namespaces/${namespace}/pods`,
  services: (namespace: string) => `/api/v1/namespaces/${namespace}/services`,
  configMaps: (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps`,
  serviceAccounts: (namespace: string) => `/api/v1/namespaces/${namespace}/serviceaccounts`,
  deployments: (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/deployments`,
  replicaSets: (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/replicasets`,
  jobs: (namespace: string) => `/apis/batch/v1/namespaces/${namespace}/jobs`,
  leases: (namespace: string) => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
  endpointSlices: (namespace: string) => `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
  httpRoutes: (namespace: string) => `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`,
  grpcRoutes: (namespace: string) => `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/grpcroutes`,
  roles: (namespace: string) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`,
  roleBindings: (namespace: string) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`,
  clusterRoleBindings: () => '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
} as const;

export interface Kube {
  /** The HTTP status and the body. Rejects only when the server cannot be reached. */
  call(method: string, path: Path, body?: object, contentType?: string): Promise<{ status: number; body: unknown }>;
  /** Throws unless it is there. */
  get(path: Path): Promise<KubeObject>;
  list(path: Path): Promise<readonly KubeObject[]>;
  /** Throws when it is refused. */
  create(path: Path, object: object): Promise<KubeObject>;
  /** A JSON merge patch. Throws when it is refused. */
  merge(path: Path, patch: object): Promise<KubeObject>;
  /** Every version of one object from now on, until the returned function is called. */
  watch(collection: Path, name: string, onObject: (object: KubeObject, type: string) => void): Promise<() => void>;
  /** Polls one object or collection. Throws at the deadline. */
  until(what: string, check: () => Promise<boolean>, timeoutMs?: number): Promise<void>;
}

type Call = Kube['call'];

/** A path that nobody serves is answered with a line of text. */
const bodyOf = (text: string): unknown => (text.startsWith('{') ? JSON.parse(text) : null);

const callerOf = (certificate: string, token: string): { call: Call; headers: Record<string, string> } => {
  const agent = new https.Agent({ keepAlive: true, ca: certificate });
  const headers = { authorization: `Bearer ${token}` };
  const call: Call = (method, path, body, contentType = 'application/json') =>
    new Promise((resolve, reject) => {
      const options = { method, agent, headers: { ...headers, 'content-type': contentType }, timeout: 30_000 };
      const request = https.request(new URL(path, API_URL), options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: bodyOf(text) }));
        response.on('error', reject);
      });
      request.on('timeout', () => request.destroy(new Error(`${method} ${path}: timeout`)));
      request.on('error', (error: NodeJS.ErrnoException) => {
        // The server closed an idle connection just when it was used again: nothing was carried out
        // (https://nodejs.org/api/http.html#requestreusedsocket).
        if (request.reusedSocket && error.code === 'ECONNRESET')
          call(method, path, body, contentType).then(resolve, reject);
        else reject(error);
      });
      request.end(body && JSON.stringify(body));
    });
  return { call, headers };
};

/** Calls `onObject` with every version of one object. Resolves once the watch is open. */
const watcherOf =
  (certificate: string, headers: Record<string, string>): Kube['watch'] =>
  (collection, name, onObject) =>
    new Promise((resolve, reject) => {
      const url = new URL(`${collection}?watch=true&fieldSelector=metadata.name=${name}`, API_URL);
      const request = https.get(url, { ca: certificate, headers, agent: false }, (response) => {
        response.on('error', () => {}); // It ends when the case does.
        createInterface({ input: response })
          .on('line', (line) => {
            const { type, object } = JSON.parse(line) as { type: string; object: KubeObject };
            onObject(object, type);
          })
          .on('error', () => {});
        resolve(() => request.destroy());
      });
      request.on('error', reject);
    });

export const createKube = (certificate: string, token: string): Kube => {
  const { call, headers } = callerOf(certificate, token);
  const sure = async (method: string, path: Path, body?: object, contentType?: string): Promise<KubeObject> => {
    const answer = await call(method, path, body, contentType);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${at(answer.body, 'message')}`);
    return answer.body as KubeObject;
  };
  return {
    call,
    get: (path) => sure('GET', path),
    list: async (path) => listAt(await sure('GET', path), 'items') as readonly KubeObject[],
    create: (path, object) => sure('POST', path, object),
    merge: (path, patch) => sure('PATCH', path, patch, 'application/merge-patch+json'),
    watch: watcherOf(certificate, headers),
    until: async (what, check, timeoutMs = 60_000) => {
      const deadline = Date.now() + timeoutMs;
      while (!(await check())) {
        if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs / 1000} s`);
        await sleep(100);
      }
    },
  };
};
