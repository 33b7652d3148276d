import type { KubeObject, ObjectRef } from '../../src/core/objects.ts';
import type { Target } from '../../src/core/plan.ts';
import { type Fields, fieldsOf, listOf } from '../../src/core/shape.ts';
import { type Placed, type World, worldOf } from '../conformance/world.ts';

// Routes as the Gateway API has them, for tests. Nothing here asks the adapter anything.

export const GROUP = 'gateway.networking.k8s.io';
export const httpRoute = (name = 'checkout'): ObjectRef => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'HTTPRoute',
  plural: 'httproutes',
  namespace: 'shop',
  name,
});
export const grpcRoute = (name = 'checkout'): ObjectRef => ({
  ...httpRoute(name),
  kind: 'GRPCRoute',
  plural: 'grpcroutes',
});

export const targetOf = (routes: readonly ObjectRef[], changes: Partial<Target> = {}): Target => ({
  rolloutId: 'r-1',
  namespace: 'shop',
  deployment: 'checkout',
  canaryDeployment: 'checkout-canary',
  service: 'checkout',
  canaryService: 'checkout-canary',
  router: 'gateway-api',
  routes,
  relabel: {},
  images: [],
  template: null,
  companions: [],
  autoscaler: null,
  pair: null,
  annotations: {},
  ...changes,
});

export const routeOf = (ref: ObjectRef, rules: readonly unknown[], changes: Fields = {}): KubeObject => ({
  apiVersion: ref.apiVersion,
  kind: ref.kind,
  metadata: {
    name: ref.name,
    namespace: ref.namespace,
    uid: `uid-${ref.kind}-${ref.name}`,
    generation: 3,
    resourceVersion: '10',
  },
  spec: { parentRefs: [{ name: 'gateway', namespace: 'infra' }], rules, ...changes },
});

/** The CRD's defaults, as the API server fills them in on every write. */
export const defaulted = (route: KubeObject): KubeObject => {
  const spec = fieldsOf(route['spec']);
  return {
    ...route,
    spec: {
      ...spec,
      parentRefs: listOf(spec['parentRefs']).map((parent) => ({ group: GROUP, kind: 'Gateway', ...fieldsOf(parent) })),
      rules: listOf(spec['rules']).map((rule) => ({
        ...(route.kind === 'HTTPRoute' ? { matches: [{ path: { type: 'PathPrefix', value: '/' } }] } : {}),
        ...fieldsOf(rule),
        backendRefs: listOf(fieldsOf(rule)['backendRefs']).map((entry) => ({
          group: '',
          kind: 'Service',
          weight: 1,
          ...fieldsOf(entry),
        })),
      })),
    },
  };
};

const condition = (type: string, status: string, observedGeneration: number, reason = type) => ({
  type,
  status,
  reason,
  message: `${type} is ${status}`,
  observedGeneration,
});

/** Every parent of the route has taken its present generation. */
export const accepted = (route: KubeObject, conditions: Readonly<Record<string, string>> = {}): KubeObject => ({
  ...route,
  status: {
    parents: listOf(fieldsOf(route['spec'])['parentRefs']).map((parent) => ({
      parentRef: { group: GROUP, kind: 'Gateway', ...fieldsOf(parent) },
      controllerName: 'traefik.io/gateway-controller',
      conditions: Object.entries({ Accepted: 'True', ResolvedRefs: 'True', ...conditions }).map(([type, status]) =>
        condition(type, status, route.metadata.generation ?? 0),
      ),
    })),
  },
});

export const isRoute = (object: KubeObject): boolean => object.apiVersion === `${GROUP}/v1`;

export const mapRoutes = (world: World, change: (route: KubeObject) => KubeObject): World =>
  new Map([...world].map(([key, object]) => [key, isRoute(object) ? change(object) : object]));

export const routesWorld = (...placed: readonly Placed[]): World =>
  worldOf(placed.map(({ ref, object }) => ({ ref, object: accepted(object) })));

const nameOf = (entry: unknown): unknown => fieldsOf(entry)['name'];
const isStable = (entry: unknown): boolean =>
  nameOf(entry) === 'checkout' && (fieldsOf(entry)['kind'] ?? 'Service') === 'Service';
const isCanary = (entry: unknown): boolean => nameOf(entry) === 'checkout-canary';
export const weightOf = (entry: unknown): number => {
  const weight = fieldsOf(entry)['weight'];
  return typeof weight === 'number' ? weight : 1;
};
const sum = (entries: readonly unknown[]): number =>
  entries.reduce<number>((total, entry) => total + weightOf(entry), 0);

export const rulesOf = (route: KubeObject): readonly Fields[] => listOf(fieldsOf(route['spec'])['rules']).map(fieldsOf);
export const backendsOf = (rule: Fields | undefined): readonly unknown[] => listOf(rule?.['backendRefs']);

/** What stable and canary get in each rule that leads to stable. */
export const splitsOf = (world: World) =>
  [...world.values()]
    .filter(isRoute)
    .flatMap(rulesOf)
    .map(backendsOf)
    .filter((entries) => entries.some(isStable))
    .map((entries) => ({ stable: sum(entries.filter(isStable)), canary: sum(entries.filter(isCanary)) }));

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
const fraction = (part: number, whole: number): string => {
  const common = divisor(part, whole) || 1;
  return `${part / common}/${whole / common}`;
};

/** The route without our entries, with each weight as its part of the rule: in proportion, nobody else may notice us. */
export const foreignOf = (route: KubeObject): unknown => {
  const { generation: _generation, resourceVersion: _version, ...metadata } = route.metadata;
  const spec = fieldsOf(route['spec']);
  return {
    ...route,
    metadata,
    status: null,
    spec: {
      ...spec,
      rules: rulesOf(route).map((rule) => {
        const entries = backendsOf(rule);
        if (!entries.some(isStable)) return rule;
        const kept = entries.filter((entry) => !isCanary(entry));
        const stables = kept.filter(isStable);
        return {
          ...rule,
          backendRefs: kept.map((entry) => {
            // Each of stable's entries with its copy is as much of the rule as it was alone.
            const copies = entries.filter((one) => isCanary(one) && fieldsOf(one)['port'] === fieldsOf(entry)['port']);
            const own = weightOf(entry) + (isStable(entry) ? sum(copies) : 0);
            return { ...fieldsOf(entry), weight: fraction(own, sum(entries)), of: stables.length };
          }),
        };
      }),
    },
  };
};
