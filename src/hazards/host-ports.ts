import { listIn, refKey, refText, type Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import type { Fields } from '../core/shape.ts';
import type { Hazard, Situation } from '../ports/hazard.ts';
import { deploymentIn, deploymentRef } from '../workloads/arms.ts';
import { demandOf, newPodSpec } from '../workloads/capacity.ts';
import { items } from '../workloads/shape.ts';
import { fenceposts } from '../workloads/strategy.ts';
import { NODES, usableNodes } from './nodes.ts';

/** Ports that a pod takes of its node: hostPort, and with hostNetwork every port that it declares. */
const portsOf = (pod: Fields): readonly number[] =>
  [...items(pod['containers']), ...items(pod['initContainers']).filter((one) => one['restartPolicy'] === 'Always')]
    .flatMap((container) => items(container['ports']))
    .map((port) => port['hostPort'] ?? (pod['hostNetwork'] === true ? port['containerPort'] : 0))
    .filter((port): port is number => typeof port === 'number' && port > 0);

/** The ports that the new version's pods take of their nodes, and that pod; null without stable. */
const takenPorts = (seen: Seen, target: Target): { readonly pod: Fields; readonly ports: readonly number[] } | null => {
  const stable = deploymentIn(seen, target, 'stable');
  if (stable === null) return null;
  const pod = newPodSpec(seen, target, stable);
  return { pod, ports: [...new Set(portsOf(pod))].sort((one, other) => one - other) };
};

const find = ({ target, plan }: Situation, seen: Seen): readonly Finding[] => {
  const stable = deploymentIn(seen, target, 'stable');
  const taken = takenPorts(seen, target);
  const demand = plan === null ? null : demandOf(seen, plan);
  if (stable === null || demand === null || taken === null || taken.ports.length === 0) return [];
  const { pod, ports } = taken;
  // Where pods may be missing, the update of stable needs no node more.
  const { unavailable, surge } = fenceposts(stable);
  const needed = demand.pods - (unavailable > 0 ? surge : 0);
  const where = refText(deploymentRef(target, 'stable'));
  const what = `${where} takes ${ports.length === 1 ? 'port' : 'ports'} ${ports.slice(0, 10).join(', ')} of its nodes (${pod['hostNetwork'] === true ? 'hostNetwork' : 'hostPort'}), so no two pods can share one: the plan needs ${needed}`;
  const found = { code: 'unsafe-strategy', where } as const;
  if (!seen.lists.has(refKey(NODES))) {
    const advice = `See that the cluster has ${needed} nodes for it.`;
    return [{ ...found, severity: 'warning', message: `${what}. Nodes cannot be read.`, advice }];
  }
  const nodes = usableNodes(listIn(seen, NODES), pod).length;
  if (nodes >= needed) return [];
  return [
    {
      ...found,
      severity: 'error',
      message: `${what}, and ${nodes} can take it.`,
      advice: 'Reach the pods through a Service and leave the host port out, or add nodes',
      allow: 'hostPort',
    },
  ];
};

/** Pods that cannot share a node, because they take a port of it. */
export const hostPorts: Hazard = {
  name: 'host-ports',
  rows: [
    {
      hazard: 'hostPort or hostNetwork, and fewer nodes than the plan has pods',
      handling: 'refuses with the numbers; warns where nodes cannot be read',
      code: 'unsafe-strategy',
      override: '`allow: hostPort`, where nodes come as they are needed',
    },
  ],
  reads: () => [],
  optional: ({ target }, seen) => ((takenPorts(seen, target)?.ports ?? []).length > 0 ? [NODES] : []),
  permissions: [],
  find,
};
