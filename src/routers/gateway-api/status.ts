import type { KubeObject } from '../../core/objects.ts';
import { refText } from '../../core/objects.ts';
import { canonical, type Fields, fieldsOf, listOf, textOf } from '../../core/shape.ts';
import type { Verification } from '../../core/traffic.ts';
import type { Ms } from '../../core/units.ts';
import type { Route } from './rules.ts';

/**
 * How long each implementation may take from an accepted route to its last proxy, by the domain of its controllerName.
 * Measured on a local cluster: Traefik and Istio below 0.8 s; the clouds program load balancers.
 */
const SETTLE: Readonly<Record<string, Ms>> = {
  'traefik.io': 2000,
  'gateway.envoyproxy.io': 1000,
  'istio.io': 1000,
  'projectcontour.io': 1000,
  'linkerd.io': 2000,
  'kgateway.dev': 1000,
  'agentgateway.dev': 1000,
  'io.cilium': 5000,
  'gateway.nginx.org': 5000,
  'networking.gke.io': 120_000,
  'gateway.k8s.aws': 60_000,
  'application-networking.k8s.aws': 60_000,
  'alb.networking.azure.io': 60_000,
};
export const GENERIC_SETTLE: Ms = 5000;

const statusesOf = (object: KubeObject): readonly Fields[] =>
  listOf(fieldsOf(object['status'])['parents']).map(fieldsOf);

const settleFor = (controllerName: unknown): Ms => {
  const domain = (textOf(controllerName) ?? '').split('/')[0] ?? '';
  return Object.hasOwn(SETTLE, domain) ? (SETTLE[domain] ?? GENERIC_SETTLE) : GENERIC_SETTLE;
};

/** The slowest of the implementations that have taken this route. */
export const settleOf = (objects: readonly KubeObject[]): Ms => {
  const known = objects.flatMap(statusesOf).map(({ controllerName }) => settleFor(controllerName));
  return known.length === 0 ? GENERIC_SETTLE : Math.max(...known);
};

/** A parentRef with the API's defaults filled in: a status may name its parent more fully than the spec. */
const parentKey = (parent: Fields, namespace: string): string =>
  canonical([
    textOf(parent['group']) ?? 'gateway.networking.k8s.io',
    textOf(parent['kind']) ?? 'Gateway',
    textOf(parent['namespace']) ?? namespace,
    parent['name'],
    parent['sectionName'] ?? null,
    parent['port'] ?? null,
  ]);

const parentText = (parent: Fields, namespace: string): string => {
  const section = textOf(parent['sectionName']);
  const name = `${textOf(parent['namespace']) ?? namespace}/${textOf(parent['name']) ?? '?'}`;
  return `${textOf(parent['kind']) ?? 'Gateway'} ${name}${section === null ? '' : ` (${section})`}`;
};

export interface Parent {
  readonly text: string;
  /** One for each controller that has taken the route for this parent. */
  readonly statuses: readonly Fields[];
}

/** What the route's parents say of it; entries of parents that it does not name any more are left out. */
export const parentsOf = ({ object, ref }: Route): readonly Parent[] =>
  listOf(fieldsOf(object['spec'])['parentRefs'])
    .map(fieldsOf)
    .map((parent) => ({
      text: parentText(parent, ref.namespace),
      statuses: statusesOf(object).filter(
        ({ parentRef }) => parentKey(fieldsOf(parentRef), ref.namespace) === parentKey(parent, ref.namespace),
      ),
    }));

export const conditionOf = (status: Fields, type: string): Fields | null =>
  listOf(status['conditions'])
    .map(fieldsOf)
    .find((condition) => condition['type'] === type) ?? null;

/** `NoMatchingListener: no listener matches`; controllers write it, so it is cut. */
export const conditionText = (condition: Fields): string => {
  const text = [textOf(condition['reason']), textOf(condition['message'])].filter((part) => part).join(': ');
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
};

/** Linkerd never sets `observedGeneration`: an absent one says nothing, a smaller one is about an older spec. */
const isOld = (condition: Fields, generation: number): boolean => {
  const observed = condition['observedGeneration'];
  return typeof observed === 'number' && observed > 0 && observed < generation;
};

/** The controller says of itself that it has worked on this very spec. */
const isTaken = (condition: Fields, generation: number): boolean => {
  const observed = condition['observedGeneration'];
  return typeof observed === 'number' && observed >= generation && observed > 0;
};

const verdictOf = (route: Route, parent: string, status: Fields): Verification | null => {
  const generation = route.object.metadata.generation ?? 0;
  const accepted = conditionOf(status, 'Accepted');
  const resolved = conditionOf(status, 'ResolvedRefs');
  const partial = conditionOf(status, 'PartiallyInvalid');
  const pending = (waitingFor: string) => ({ kind: 'pending', waitingFor }) as const;
  if (accepted === null || isOld(accepted, generation)) return pending(`${parent} to accept ${refText(route.ref)}`);
  if (accepted['status'] === 'False')
    return {
      kind: 'refused',
      code: 'route-not-accepted',
      reason: `${parent} does not accept ${refText(route.ref)}: ${conditionText(accepted)}`,
    };
  if (accepted['status'] !== 'True') return pending(`${parent} to accept ${refText(route.ref)}`);
  if (resolved === null || isOld(resolved, generation) || resolved['status'] !== 'True') {
    const why = resolved === null || resolved['status'] === 'True' ? '' : ` (${conditionText(resolved)})`;
    const missing = pending(`${parent} to find the backends of ${refText(route.ref)}${why}`);
    const taken = resolved?.['status'] === 'False' && isTaken(resolved, generation) && isTaken(accepted, generation);
    return taken ? { ...missing, taken } : missing;
  }
  return partial?.['status'] === 'True'
    ? pending(`${parent} to take all rules of ${refText(route.ref)} (${conditionText(partial)})`)
    : null;
};

/** Whether every parent has accepted the route as it is now. null: all have. */
export const acceptance = (route: Route): Verification | null => {
  const parents = parentsOf(route);
  const verdicts = parents.flatMap(({ text, statuses }) =>
    statuses.length === 0
      ? [{ kind: 'pending', waitingFor: `a status of ${refText(route.ref)} from ${text}` } as const]
      : statuses.flatMap((status) => verdictOf(route, text, status) ?? []),
  );
  const isOpen = (verdict: Verification): boolean => verdict.kind === 'pending' && verdict.taken !== true;
  return verdicts.find(({ kind }) => kind === 'refused') ?? verdicts.find(isOpen) ?? verdicts[0] ?? null;
};
