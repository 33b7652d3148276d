import type { Context } from './context.ts';
import { AUTOSCALERS, DEPLOYMENTS } from './context.ts';
import type { KubeObject } from './objects.ts';
import { isObject } from './objects.ts';
import { find, list, update } from './store.ts';

/** On an autoscaler: how many pods its metrics ask for. Without it they say nothing, as where no metrics are served. */
const DESIRED = 'sandbox/desired';

const count = (value: unknown): number | null => (typeof value === 'number' ? value : null);

const specOf = ({ spec }: KubeObject): Readonly<Record<string, unknown>> => (isObject(spec) ? spec : {});

/** Within the bounds always; what metrics ask for, or what there is, between them. One that was scaled to 0 is left. */
const wantedBy = (autoscaler: KubeObject, replicas: number): number => {
  const { minReplicas, maxReplicas } = specOf(autoscaler);
  const asked = Number(autoscaler.metadata.annotations?.[DESIRED] ?? replicas);
  if (replicas === 0) return 0;
  return Math.min(Math.max(asked, count(minReplicas) ?? 1), count(maxReplicas) ?? asked);
};

export const autoscalersOf = (context: Context, deployment: KubeObject): KubeObject[] =>
  list(context.store, AUTOSCALERS, deployment.metadata.namespace ?? '').filter((autoscaler) => {
    const target = specOf(autoscaler)['scaleTargetRef'];
    return isObject(target) && target['kind'] === 'Deployment' && target['name'] === deployment.metadata.name;
  });

/** Scales the Deployment that it names. */
export const reconcileAutoscaler = (context: Context, known: KubeObject): void => {
  const { namespace = '', name } = known.metadata;
  const autoscaler = find(context.store, AUTOSCALERS, namespace, name);
  const target = autoscaler === undefined ? null : specOf(autoscaler)['scaleTargetRef'];
  if (autoscaler === undefined || !isObject(target) || target['kind'] !== 'Deployment') return;
  const deployment = find(context.store, DEPLOYMENTS, namespace, String(target['name']));
  if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return;
  const spec = specOf(deployment);
  const replicas = wantedBy(autoscaler, count(spec['replicas']) ?? 1);
  if (replicas === spec['replicas']) return;
  const scaled = { ...deployment, spec: { ...spec, replicas } } as KubeObject;
  update(context.store, DEPLOYMENTS, deployment, scaled, { manager: 'kube-controller-manager' });
};
