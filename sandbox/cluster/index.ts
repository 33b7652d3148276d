import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Rule as AccessRule, Identity } from './access.ts';
import { EVERYTHING } from './access.ts';
import type { Context, Pace } from './context.ts';
import { DEFAULT_PACE, GATEWAYS } from './context.ts';
import { startControllers } from './controllers.ts';
import { withDefaults } from './defaults.ts';
import type { DataPlane } from './gateway.ts';
import { startGateway } from './gateway.ts';
import type { KubeObject } from './objects.ts';
import type { PodPage } from './proxy.ts';
import type { Call } from './requests.ts';
import type { Resource } from './resources.ts';
import { resourceOfKind } from './resources.ts';
import type { ApiServerState, ClusterFault } from './server.ts';
import { createApiServer } from './server.ts';
import { create, createStore, find, forgetHistory, list, remove, update } from './store.ts';
import { validate } from './validate.ts';

export interface Cluster {
  readonly url: string;
  readonly adminToken: string;
  /** Change what is in it while the cluster runs. */
  readonly pace: Pace;
  /** All requests so far, reads too; see `writes` for those that changed something. */
  readonly calls: Call[];
  readonly faults: ClusterFault[];
  /** Kinds, such as `ServiceMonitor`, that this cluster answers as if nobody had installed them. */
  readonly unserved: Set<string>;
  /** Image as written → a text that makes its tag resolve to another digest from now on. */
  readonly movedImages: Map<string, string>;
  readonly proxied: Map<string, string>;
  /** What pods answer through the API server. */
  readonly podPages: PodPage[];
  readonly dataPlane: DataPlane;
  readonly context: Context;
  /** Requests that were to change an object: dry runs and reviews of access are none. */
  writes(): Call[];
  /** A new token with exactly these rights. */
  token(user: string, rules: readonly AccessRule[]): string;
  revokeToken(token: string): void;
  /** Creates or replaces, as an administrator would, outside the audit log. */
  apply(objects: readonly object[]): void;
  get(apiVersion: string, kind: string, namespace: string, name: string): KubeObject | null;
  list(apiVersion: string, kind: string, namespace: string): KubeObject[];
  delete(apiVersion: string, kind: string, namespace: string, name: string): void;
  /** Watches in flight end; clients have to list again. With `forget`, old versions answer 410. */
  dropWatches(options?: { readonly forget: boolean }): void;
  kubeconfig(token?: string): string;
  stop(): Promise<void>;
}

const servedKind = (apiVersion: string, kind: string): Resource => {
  const resource = resourceOfKind(apiVersion, kind);
  if (resource === undefined) throw new Error(`the sandbox does not serve ${apiVersion} ${kind}`);
  return resource;
};

const applyOne = (context: Context, given: KubeObject): void => {
  const resource = servedKind(given.apiVersion, given.kind);
  const namespace = resource.namespaced ? (given.metadata.namespace ?? 'default') : '';
  const object = withDefaults({ ...given, metadata: { ...given.metadata, ...(resource.namespaced && { namespace }) } });
  const before = find(context.store, resource, namespace, object.metadata.name);
  validate(resource, object, before ?? null);
  if (before === undefined) create(context.store, resource, object, { manager: 'kubectl' });
  else update(context.store, resource, before, object, { manager: 'kubectl' });
};

const kubeconfigOf = (server: string, token: string, namespace: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    // Plain HTTP on loopback: clients want to be told that nothing is verified.
    clusters: [{ name: 'sandbox', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'deployer', user: { token } }],
    contexts: [{ name: 'sandbox', context: { cluster: 'sandbox', user: 'deployer', namespace } }],
    'current-context': 'sandbox',
  });

const base = (namespaces: readonly string[]): KubeObject[] => [
  ...namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'prometheus', namespace: 'monitoring' },
    spec: { ports: [{ name: 'web', port: 9090 }] },
  },
];

const isWrite = ({ verb, dryRun, resource }: Call): boolean =>
  ['create', 'update', 'patch', 'delete'].includes(verb) && !dryRun && !resource.endsWith('accessreviews');

const objectAccess = (context: Context): Pick<Cluster, 'apply' | 'get' | 'list' | 'delete'> => ({
  apply: (objects) => {
    for (const object of objects) applyOne(context, object as KubeObject);
  },
  get: (apiVersion, kind, namespace, name) =>
    find(context.store, servedKind(apiVersion, kind), namespace, name) ?? null,
  list: (apiVersion, kind, namespace) => list(context.store, servedKind(apiVersion, kind), namespace),
  delete: (apiVersion, kind, namespace, name) => {
    const resource = servedKind(apiVersion, kind);
    const object = find(context.store, resource, namespace, name);
    if (object) remove(context.store, resource, object);
  },
});

const createContext = (pace: Partial<Pace>): Context => ({
  store: createStore(),
  pace: { ...DEFAULT_PACE, ...pace },
  timers: new Set(),
  due: new Set(),
  state: { stopped: false },
});

const createState = (context: Context): ApiServerState => ({
  store: context.store,
  tokens: new Map<string, Identity>(),
  calls: [],
  faults: [],
  watches: new Set(),
  unserved: new Set(),
  proxied: new Map(),
  podPages: [],
});

const addToken = (state: ApiServerState, user: string, rules: readonly AccessRule[]): string => {
  const token = `sandbox-${randomBytes(16).toString('hex')}`;
  state.tokens.set(token, { user, rules });
  return token;
};

const dropWatches = (state: ApiServerState, forget: boolean): void => {
  if (forget) forgetHistory(state.store);
  for (const response of [...state.watches]) response.destroy();
};

/** A Kubernetes API server with the controllers of workloads, endpoints, garbage and a gateway, on 127.0.0.1. */
export const startCluster = async (
  options: { readonly pace?: Partial<Pace>; readonly namespaces?: readonly string[]; readonly namespace?: string } = {},
): Promise<Cluster> => {
  const context = createContext(options.pace ?? {});
  const movedImages = new Map<string, string>();
  startControllers(context, movedImages);
  const dataPlane = startGateway(context);
  const state = createState(context);
  const server = createApiServer(state);
  // As real servers do: a client that was slow must not find its connection closed.
  server.keepAliveTimeout = 180_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const adminToken = addToken(state, 'admin', EVERYTHING);
  const access = objectAccess(context);
  const namespaces = ['default', 'monitoring', ...(options.namespaces ?? ['shop'])];
  access.apply([...base(namespaces), gateway(options.namespace ?? 'shop', namespaces)]);
  const { calls, faults, unserved, proxied, podPages } = state;
  const shared = {
    url,
    adminToken,
    pace: context.pace,
    calls,
    faults,
    unserved,
    movedImages,
    proxied,
    podPages,
    dataPlane,
    context,
  };
  return {
    ...shared,
    ...access,
    writes: () => calls.filter(isWrite),
    token: (user, rules) => addToken(state, user, rules),
    revokeToken: (token) => void state.tokens.delete(token),
    dropWatches: ({ forget } = { forget: false }) => dropWatches(state, forget),
    kubeconfig: (token = adminToken) => kubeconfigOf(url, token, options.namespace ?? 'default'),
    stop: () => stop(context, server),
  };
};

const gateway = (namespace: string, namespaces: readonly string[]): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: GATEWAYS.kind,
  metadata: { name: 'web', namespace: namespaces.includes(namespace) ? namespace : 'default' },
  spec: { gatewayClassName: 'sandbox', listeners: [{ name: 'http', protocol: 'HTTP', port: 80 }] },
});

const stop = async (context: Context, server: ReturnType<typeof createApiServer>): Promise<void> => {
  context.state.stopped = true;
  for (const timer of context.timers) clearTimeout(timer);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
};
