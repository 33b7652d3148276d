import { type KubeObject, type ListRef, listRef, NODE, POD } from '../core/objects.ts';
import { type Fields, fieldsOf, textOf } from '../core/shape.ts';
import { type Amounts, podResources, sumOf, times } from '../workloads/pod-resources.ts';
import { quantityOf } from '../workloads/quantity.ts';
import { items, texts } from '../workloads/shape.ts';

export const NODES: ListRef = listRef(NODE, '');
export const PODS_OF_ALL: ListRef = listRef(POD, '');

const isReady = (node: KubeObject): boolean =>
  items(fieldsOf(node['status'])['conditions']).some(({ type, status }) => type === 'Ready' && status === 'True');

const tolerates = (pod: Fields, taint: Fields): boolean =>
  items(pod['tolerations']).some(
    ({ key, operator, value, effect }) =>
      (effect === undefined || effect === '' || effect === taint['effect']) &&
      (key === undefined || key === '' ? operator === 'Exists' : key === taint['key']) &&
      (operator === 'Exists' || (value ?? '') === (taint['value'] ?? '')),
  );

/**
 * Nodes that the scheduler may put such a pod on: ready, not cordoned, no taint that it does not tolerate, and with the
 * labels that its nodeSelector asks for. Node affinity is not looked at.
 */
export const usableNodes = (nodes: readonly KubeObject[], pod: Fields): readonly KubeObject[] =>
  nodes.filter((node) => {
    const spec = fieldsOf(node['spec']);
    const taints = items(spec['taints']).filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
    const labels = node.metadata.labels ?? {};
    return (
      spec['unschedulable'] !== true &&
      isReady(node) &&
      taints.every((taint) => tolerates(pod, taint)) &&
      Object.entries(texts(pod['nodeSelector'])).every(([key, value]) => labels[key] === value)
    );
  });

const isOver = (pod: KubeObject): boolean =>
  ['Succeeded', 'Failed'].includes(textOf(fieldsOf(pod['status'])['phase']) ?? '');

/** What is left on a node: allocatable, less what the pods on it ask for. */
const freeOn = (node: KubeObject, pods: readonly KubeObject[]): Amounts => {
  const allocatable = new Map(
    Object.entries(fieldsOf(fieldsOf(node['status'])['allocatable'])).map(
      ([name, amount]) => [name, quantityOf(amount) ?? 0] as const,
    ),
  );
  const used = pods.reduce<Amounts>(
    (sum, pod) => sumOf(sum, podResources(fieldsOf(pod['spec'])).requests),
    new Map([['pods', pods.length]]),
  );
  const left = sumOf(allocatable, times(used, -1));
  return new Map([...left].filter(([name]) => allocatable.has(name)));
};

/** How many pods of these requests the nodes still take, one node at a time. Not more than `wanted` are counted. */
export const roomFor = (
  requests: Amounts,
  wanted: number,
  nodes: readonly KubeObject[],
  pods: readonly KubeObject[],
): number => {
  const byNode = Map.groupBy(
    pods.filter((pod) => !isOver(pod)),
    (pod) => fieldsOf(pod['spec'])['nodeName'],
  );
  const room = nodes.reduce((sum, node) => {
    const free = freeOn(node, byNode.get(node.metadata.name) ?? []);
    const asked = [...requests, ['pods', 1] as const].filter(([, amount]) => amount > 0);
    // Sums of thousandths are not exact.
    const fits = asked.map(([name, amount]) => Math.floor(((free.get(name) ?? 0) + 1e-6) / amount));
    return sum + Math.max(0, Math.min(...fits));
  }, 0);
  return Math.min(room, wanted);
};
