import {
  groupOf,
  type KubeObject,
  type ListRef,
  listRef,
  type ObjectRef,
  objectRef,
  type ResourceKind,
  refText,
} from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import type { RouteChoice } from '../core/spec.ts';
import { ok, problem, type Result } from '../core/units.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { RouteKind, TrafficRouter } from '../ports/traffic-router.ts';
import { errorFinding, problemFinding } from './findings.ts';

export interface Chosen {
  readonly router: TrafficRouter;
  readonly routes: readonly ObjectRef[];
}

/** The adapter that a choice names, before anything is read; null when it has to be found. */
export const routerNamed = (routers: readonly TrafficRouter[], choice: RouteChoice | null): TrafficRouter | null => {
  if (choice === null) return null;
  if (choice.kind === 'replicas') return routers.find(({ name }) => name === 'replicas') ?? null;
  const first = choice.routes[0]?.kind;
  return (
    routers.find(({ kinds }) => kinds.some(({ aliases }) => first !== undefined && aliases.includes(first))) ?? null
  );
};

/** The kind in the best version that the cluster serves; null when it serves none. */
const served = async (
  cluster: Cluster,
  kind: RouteKind,
  signal: AbortSignal,
): Promise<Result<ResourceKind | null, Finding>> => {
  const answer = await cluster.discover(kind, signal);
  if (answer.kind === 'missing') return ok(null);
  if (answer.kind !== 'ok') return problem(problemFinding(answer, kind.kind, cluster.server));
  const known = kind.versions.map((version) => `${groupOf(kind)}/${version}`);
  const apiVersion = known.find((wanted) => answer.value.includes(wanted));
  return ok(apiVersion === undefined ? null : { apiVersion, kind: kind.kind, plural: kind.plural });
};

/** Finds the objects that the user named, or the only one that leads to the Service. */
export const chooseRoute = async (
  cluster: Cluster,
  routers: readonly TrafficRouter[],
  choice: RouteChoice | null,
  service: { readonly namespace: string; readonly name: string } | null,
  signal: AbortSignal,
): Promise<Result<Chosen, Finding>> => {
  const router = routerNamed(routers, choice);
  if (choice?.kind === 'replicas' && router !== null) return ok({ router, routes: [] });
  if (choice?.kind === 'objects' && router !== null)
    return namedRoutes(cluster, router, choice, service?.namespace ?? '', signal);
  if (service === null) {
    return problem(
      errorFinding(
        'route-not-found',
        'route',
        'without a Service no route can lead to the pods',
        'for queue workers set `route: replicas`',
      ),
    );
  }
  return findRoute(cluster, routers, service, signal);
};

const namedRoutes = async (
  cluster: Cluster,
  router: TrafficRouter,
  choice: Extract<RouteChoice, { kind: 'objects' }>,
  namespace: string,
  signal: AbortSignal,
): Promise<Result<Chosen, Finding>> => {
  const routes: ObjectRef[] = [];
  for (const named of choice.routes) {
    const kind = router.kinds.find(({ aliases }) => aliases.includes(named.kind));
    if (kind === undefined) {
      return problem(
        errorFinding(
          'route-unsupported',
          'route',
          `${named.kind}/${named.name} is not a route of the router ${router.name}: all routes of one rollout belong to one router`,
        ),
      );
    }
    const type = await served(cluster, kind, signal);
    if (!type.ok) return type;
    if (type.value === null) {
      return problem(
        errorFinding(
          'route-not-found',
          `${named.kind}/${named.name}`,
          `this cluster does not serve ${kind.plural} in ${kind.versions.join(' or ')}`,
        ),
      );
    }
    routes.push(objectRef(type.value, namespace, named.name));
  }
  return ok({ router, routes });
};

const findRoute = async (
  cluster: Cluster,
  routers: readonly TrafficRouter[],
  service: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<Result<Chosen, Finding>> => {
  const found: { router: TrafficRouter; ref: ObjectRef }[] = [];
  for (const router of routers) {
    const objects = await listKinds(cluster, router, service.namespace, signal);
    if (!objects.ok) return objects;
    found.push(...router.candidates(objects.value, service).map((ref) => ({ router, ref })));
  }
  const [first, ...others] = found;
  if (first === undefined) {
    const advice =
      'name it with `route: KIND/NAME`; without a router that splits requests, `route: replicas` splits by the number of pods';
    return problem(errorFinding('route-not-found', 'route', `no route leads to the Service ${service.name}`, advice));
  }
  if (others.length === 0) return ok({ router: first.router, routes: [first.ref] });
  const names = found.map(({ ref }) => `${ref.kind.toLowerCase()}/${ref.name}`);
  return problem(
    errorFinding(
      'ambiguous-route',
      'route',
      `several routes lead to the Service ${service.name}: ${names.join(', ')}`,
      `name those that should be split:\nroute: |\n${names.map((name) => `  ${name}`).join('\n')}`,
    ),
  );
};

const listKinds = async (
  cluster: Cluster,
  router: TrafficRouter,
  namespace: string,
  signal: AbortSignal,
): Promise<Result<readonly KubeObject[], Finding>> => {
  const objects: KubeObject[] = [];
  for (const kind of router.kinds) {
    const type = await served(cluster, kind, signal);
    if (!type.ok) return type;
    if (type.value === null) continue;
    const ref: ListRef = listRef(type.value, namespace);
    const listed = await cluster.list(ref, signal);
    if (listed.kind !== 'ok') return problem(problemFinding(listed, `${kind.plural} in ${namespace}`, cluster.server));
    objects.push(...listed.value);
  }
  return ok(objects);
};

/** Named routes that do not exist, each as a finding. */
export const missingRoutes = (routes: readonly ObjectRef[], exists: (ref: ObjectRef) => boolean): readonly Finding[] =>
  routes
    .filter((ref) => !exists(ref))
    .map((ref) => errorFinding('route-not-found', refText(ref), `${refText(ref)} does not exist`));
