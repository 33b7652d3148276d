import type { Context } from './context.ts';
import { GATEWAYS, GRPC_ROUTES, HTTP_ROUTES, later, PODS, SERVICES, soon, timestamp } from './context.ts';
import { podsOfService } from './endpoints.ts';
import { isReady } from './kubelet.ts';
import type { BackendRef, Condition, KubeObject, RouteSpec } from './objects.ts';
import { asJson, sameJson, viewSpec, viewStatus } from './objects.ts';
import type { Resource } from './resources.ts';
import { find, list, update } from './store.ts';

export const CONTROLLER_NAME = 'sandbox.example/gateway-controller';

export interface Backend {
  readonly service: string;
  readonly weight: number;
}

/** A rule as the data plane has it. */
export interface Rule {
  /** `httproute/NAMESPACE/NAME` and the rule's index. */
  readonly route: string;
  readonly index: number;
  readonly backends: readonly Backend[];
}

/** What the proxy knows, which is what was true a moment ago. */
export interface DataPlane {
  readonly rules: Map<string, readonly Rule[]>;
  /** `NAMESPACE/SERVICE` → uids of its ready pods; absent: there is no such Service. */
  readonly endpoints: Map<string, readonly string[]>;
}

interface ParentStatus {
  parents: { parentRef: object; controllerName: string; conditions: Condition[] }[];
}

export const routeKey = (kind: string, namespace: string, name: string): string =>
  `${kind.toLowerCase()}/${namespace}/${name}`;

const serviceKey = (backend: BackendRef, namespace: string): string =>
  `${backend.namespace ?? namespace}/${backend.name}`;

const missingBackends = (context: Context, route: KubeObject): string[] => {
  const { namespace = '' } = route.metadata;
  const backends = (viewSpec<RouteSpec>(route).rules ?? []).flatMap(({ backendRefs }) => backendRefs ?? []);
  return backends
    .filter(
      ({ kind = 'Service', name, namespace: other }) =>
        kind !== 'Service' || !find(context.store, SERVICES, other ?? namespace, name),
    )
    .map(({ name }) => name);
};

const condition = (before: readonly Condition[], wanted: Condition): Condition => {
  const old = before.find(({ type }) => type === wanted.type);
  const lastTransitionTime = old?.status === wanted.status ? (old.lastTransitionTime ?? timestamp()) : timestamp();
  return { ...wanted, lastTransitionTime };
};

const statusOf = (context: Context, route: KubeObject): ParentStatus => {
  const { namespace = '', generation = 1, annotations = {} } = route.metadata;
  const missing = missingBackends(context, route);
  const refused = annotations['sandbox/not-accepted'];
  const before = viewStatus<ParentStatus>(route).parents ?? [];
  const ours = (viewSpec<RouteSpec>(route).parentRefs ?? []).filter(
    ({ kind = 'Gateway', name, namespace: other }) =>
      kind !== 'Gateway' || find(context.store, GATEWAYS, other ?? namespace, name),
  );
  const parents = ours.map((parentRef) => {
    const old = before.find((entry) => sameJson(entry.parentRef, parentRef))?.conditions ?? [];
    const accepted: Condition =
      refused === undefined
        ? { type: 'Accepted', status: 'True', reason: 'Accepted', message: '' }
        : { type: 'Accepted', status: 'False', reason: refused, message: 'refused by the sandbox' };
    const resolved: Condition =
      missing.length === 0
        ? { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: '' }
        : {
            type: 'ResolvedRefs',
            status: 'False',
            reason: 'BackendNotFound',
            message: `Service not found: ${missing.join(', ')}`,
          };
    const conditions = [accepted, resolved].map((entry) =>
      condition(old, { ...entry, observedGeneration: generation }),
    );
    return { parentRef, controllerName: CONTROLLER_NAME, conditions };
  });
  return { parents };
};

const rulesOf = (route: KubeObject): Rule[] => {
  const { namespace = '', name } = route.metadata;
  return (viewSpec<RouteSpec>(route).rules ?? []).map(({ backendRefs = [] }, index) => ({
    route: routeKey(route.kind, namespace, name),
    index,
    backends: backendRefs.map((backend) => ({ service: serviceKey(backend, namespace), weight: backend.weight ?? 1 })),
  }));
};

/** Asked again while the gateway is frozen. */
const whenThawed = (context: Context, key: string, ms: number, action: () => void): void =>
  soon(context, key, ms, () => (context.pace.gatewayIsFrozen ? whenThawed(context, key, 50, action) : action()));

const reportRoute = (context: Context, resource: Resource, known: KubeObject): void => {
  const route = find(context.store, resource, known.metadata.namespace ?? '', known.metadata.name);
  if (route === undefined) return;
  const wanted = { ...route, status: asJson(statusOf(context, route)) };
  update(context.store, resource, route, wanted, { statusOnly: true, manager: 'sandbox-gateway' });
};

const applyRoute = (context: Context, plane: DataPlane, resource: Resource, known: KubeObject): void => {
  const { namespace = '', name } = known.metadata;
  const route = find(context.store, resource, namespace, name);
  const key = routeKey(resource.kind, namespace, name);
  if (route === undefined) plane.rules.delete(key);
  else if (route.metadata.annotations?.['sandbox/not-accepted'] === undefined) plane.rules.set(key, rulesOf(route));
};

const routeChanged = (context: Context, plane: DataPlane, resource: Resource, route: KubeObject): void => {
  const key = routeKey(route.kind, route.metadata.namespace ?? '', route.metadata.name);
  whenThawed(context, `status ${key}`, context.pace.routeStatusDelayMs, () => reportRoute(context, resource, route));
  // Every change takes its own time: two writes in a row are two changes of traffic.
  later(context, context.pace.routeApplyDelayMs, () => {
    if (context.pace.gatewayIsFrozen)
      whenThawed(context, `apply ${key}`, 50, () => applyRoute(context, plane, resource, route));
    else applyRoute(context, plane, resource, route);
  });
};

const refreshEndpoints = (context: Context, plane: DataPlane, namespace: string): void => {
  for (const service of list(context.store, SERVICES, namespace)) {
    const ready = podsOfService(context, service).filter(
      (pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined,
    );
    plane.endpoints.set(
      `${namespace}/${service.metadata.name}`,
      ready.map(({ metadata }) => metadata.uid ?? ''),
    );
  }
  for (const key of plane.endpoints.keys()) {
    const [owner = '', name = ''] = key.split('/');
    if (owner === namespace && !find(context.store, SERVICES, namespace, name)) plane.endpoints.delete(key);
  }
};

const gatewayStatus = (context: Context, gateway: KubeObject): void => {
  const observedGeneration = gateway.metadata.generation ?? 1;
  const conditions = ['Accepted', 'Programmed'].map((type) => ({
    type,
    status: 'True',
    reason: type,
    message: '',
    observedGeneration,
    lastTransitionTime: gateway.metadata.creationTimestamp ?? timestamp(),
  }));
  const status = asJson({ addresses: [{ type: 'IPAddress', value: '127.0.0.1' }], conditions });
  update(context.store, GATEWAYS, gateway, { ...gateway, status }, { statusOnly: true, manager: 'sandbox-gateway' });
};

const allRoutes = (context: Context, namespace: string): readonly (readonly [Resource, KubeObject])[] =>
  [HTTP_ROUTES, GRPC_ROUTES].flatMap((resource) =>
    list(context.store, resource, namespace).map((route) => [resource, route] as const),
  );

/** Plays the gateway's controller and its data plane's configuration. */
export const startGateway = (context: Context): DataPlane => {
  const plane: DataPlane = { rules: new Map(), endpoints: new Map() };
  context.store.listeners.add(({ resource, object, before, type }) => {
    const { namespace = '' } = object.metadata;
    if (resource === HTTP_ROUTES || resource === GRPC_ROUTES) {
      if (type === 'DELETED' || !sameJson(before?.spec, object.spec)) routeChanged(context, plane, resource, object);
    }
    if (resource === GATEWAYS && type !== 'DELETED') later(context, 1, () => gatewayStatus(context, object));
    if (resource === SERVICES && type !== 'MODIFIED') {
      for (const [kind, route] of allRoutes(context, namespace))
        whenThawed(
          context,
          `status ${routeKey(route.kind, namespace, route.metadata.name)}`,
          context.pace.routeStatusDelayMs,
          () => reportRoute(context, kind, route),
        );
    }
    if (resource === SERVICES || resource === PODS)
      soon(context, `endpoints ${namespace}`, context.pace.routeApplyDelayMs, () =>
        refreshEndpoints(context, plane, namespace),
      );
  });
  return plane;
};
