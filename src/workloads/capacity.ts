import { objectIn, type Seen } from '../core/objects.ts';
import type { Peak } from '../core/outcome.ts';
import type { Plan, Target } from '../core/plan.ts';
import { type Fields, fieldsOf } from '../core/shape.ts';
import { deploymentIn, podsIn } from './arms.ts';
import { createSamplePod } from './copy.ts';
import { type Amounts, largerOf, type PodResources, podResources, sumOf, times } from './pod-resources.ts';
import type { Deployment } from './shape.ts';
import { fenceposts } from './strategy.ts';

/** The most that a rollout runs at a time, counted with stable. */
export interface Demand {
  readonly pods: number;
  readonly requests: Amounts;
  /** Of that, what stable does not run now. */
  readonly added: PodResources & { readonly pods: number };
  /** One pod of the new version. */
  readonly pod: PodResources;
}

/** The new version's pod, as the API server admitted it where that is known: defaults and injected containers count. */
export const newPodSpec = (seen: Seen, target: Target, stable: Deployment): Fields => {
  const sample = createSamplePod(stable, target);
  return fieldsOf((objectIn(seen, sample.ref) ?? fieldsOf(sample.body))['spec']);
};

const stablePodSpec = (seen: Seen, target: Target, stable: Deployment): Fields =>
  fieldsOf(podsIn(seen, target, 'stable')[0]?.['spec'] ?? stable.template['spec']);

/** The largest canary: enough for all traffic where it takes all before stable is updated. */
export const largestCanary = ({ abilities, promoteAt, stableReplicas, steps }: Plan): number =>
  Math.max(
    abilities.allTraffic && promoteAt === 'all-traffic' ? stableReplicas : 0,
    ...steps.map(({ canaryReplicas }) => canaryReplicas),
  );

const positive = (amounts: Amounts): Amounts =>
  new Map([...amounts].map(([name, amount]) => [name, Math.max(0, amount)]));

/** Stable as at the start, the largest canary beside it, and what a rolling update of stable adds; null without stable. */
export const demandOf = (seen: Seen, plan: Plan): Demand | null => {
  const stable = deploymentIn(seen, plan.target, 'stable');
  if (stable === null) return null;
  const { surge } = fenceposts({ ...stable, replicas: plan.stableReplicas });
  const before = podResources(stablePodSpec(seen, plan.target, stable));
  const pod = podResources(newPodSpec(seen, plan.target, stable));
  const canary = Math.max(0, largestCanary(plan) - (plan.target.pair?.replicas ?? 0));
  const extra = canary + surge;
  const added = (part: keyof PodResources): Amounts => {
    const growth = positive(sumOf(pod[part], times(before[part], -1)));
    return sumOf(times(pod[part], extra), times(growth, plan.stableReplicas));
  };
  return {
    pods: plan.stableReplicas + largestCanary(plan) + surge,
    requests: sumOf(
      times(pod.requests, largestCanary(plan) + surge),
      times(largerOf(before.requests, pod.requests), plan.stableReplicas),
    ),
    added: { pods: extra, requests: added('requests'), limits: added('limits') },
    pod,
  };
};

/** As people ask for it: pods, cores and bytes. */
export const peakOf = (seen: Seen, plan: Plan): Peak => {
  const demand = demandOf(seen, plan);
  return {
    pods: demand?.pods ?? 0,
    cpu: demand?.requests.get('cpu') ?? null,
    memory: demand?.requests.get('memory') ?? null,
  };
};
