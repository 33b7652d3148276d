import type { KubeObject, LabelSelector } from './objects.ts';
import type { Resource } from './resources.ts';
import { resourceOf } from './resources.ts';
import { matchesSelector } from './selectors.ts';
import type { Store } from './store.ts';
import { list } from './store.ts';

/** How fast the cluster moves, in ms. Tests change it while it runs. */
export interface Pace {
  /** From a pod's creation until it is ready; the template annotation `sandbox/start-delay` (`2s`, `500ms`) overrides. */
  startDelayMs: number;
  /** From a pod's deletion until its process is gone; `sandbox/stop-delay` overrides. */
  stopDelayMs: number;
  /** From a change of a route until its status tells. */
  routeStatusDelayMs: number;
  /** From a change of a route or of endpoints until traffic follows. */
  routeApplyDelayMs: number;
  /** While set, the gateway neither reports nor applies anything. */
  gatewayIsFrozen: boolean;
  /** While set, workloads' controllers do nothing. */
  controllersAreFrozen: boolean;
}

export interface Context {
  readonly store: Store;
  readonly pace: Pace;
  readonly timers: Set<NodeJS.Timeout>;
  /** Reconciliations that are due, so that many events make one. */
  readonly due: Set<string>;
  readonly state: { stopped: boolean };
}

const required = (group: string, plural: string): Resource => {
  const resource = resourceOf(group, plural);
  if (resource === undefined) throw new Error(`${plural} is not served`);
  return resource;
};

export const AUTOSCALERS = required('autoscaling', 'horizontalpodautoscalers');
export const PODS = required('', 'pods');
export const SERVICES = required('', 'services');
export const DEPLOYMENTS = required('apps', 'deployments');
export const JOBS = required('batch', 'jobs');
export const REPLICA_SETS = required('apps', 'replicasets');
export const ENDPOINT_SLICES = required('discovery.k8s.io', 'endpointslices');
export const HTTP_ROUTES = required('gateway.networking.k8s.io', 'httproutes');
export const GRPC_ROUTES = required('gateway.networking.k8s.io', 'grpcroutes');
export const GATEWAYS = required('gateway.networking.k8s.io', 'gateways');

export const DEFAULT_PACE: Readonly<Pace> = {
  startDelayMs: 300,
  stopDelayMs: 300,
  routeStatusDelayMs: 30,
  routeApplyDelayMs: 60,
  gatewayIsFrozen: false,
  controllersAreFrozen: false,
};

export const later = (context: Context, ms: number, action: () => void): void => {
  const timer = setTimeout(() => {
    context.timers.delete(timer);
    if (!context.state.stopped) action();
  }, ms);
  context.timers.add(timer);
};

/** Runs the action once, soon, however often it is asked for before that. */
export const soon = (context: Context, key: string, ms: number, action: () => void): void => {
  if (context.due.has(key)) return;
  context.due.add(key);
  later(context, ms, () => {
    context.due.delete(key);
    action();
  });
};

export const ownedBy = (owner: KubeObject, object: KubeObject): boolean =>
  object.metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === owner.metadata.uid) ??
  false;

export const owned = (context: Context, resource: Resource, owner: KubeObject): KubeObject[] =>
  list(context.store, resource, owner.metadata.namespace ?? '').filter((object) => ownedBy(owner, object));

export const selected = (
  context: Context,
  resource: Resource,
  namespace: string,
  selector: LabelSelector,
): KubeObject[] =>
  list(context.store, resource, namespace).filter(({ metadata }) => matchesSelector(selector, metadata.labels));

export const timestamp = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

/** `2s`, `300ms`; the fallback for anything else. */
export const durationMs = (text: string | undefined, fallback: number): number => {
  const [, amount, unit] = /^([\d.]+)(ms|s|m)$/.exec(text ?? '') ?? [];
  if (amount === undefined) return fallback;
  return Number(amount) * (unit === 'm' ? 60_000 : unit === 's' ? 1000 : 1);
};

export const controllerReference = (
  owner: KubeObject,
): NonNullable<KubeObject['metadata']['ownerReferences']>[number] => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
});
