import { formatAmount } from '../core/format.ts';
import {
  type KubeObject,
  type ListRef,
  listIn,
  listRef,
  type ResourceKind,
  refKey,
  type Seen,
} from '../core/objects.ts';
import type { Plan, Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import { fieldsOf, listOf } from '../core/shape.ts';
import type { Hazard, Situation } from '../ports/hazard.ts';
import { deploymentIn } from '../workloads/arms.ts';
import { type Demand, demandOf, newPodSpec } from '../workloads/capacity.ts';
import type { Amounts } from '../workloads/pod-resources.ts';
import { quantityOf } from '../workloads/quantity.ts';
import { plain } from '../workloads/shape.ts';
import { NODES, PODS_OF_ALL, roomFor, usableNodes } from './nodes.ts';

const QUOTA: ResourceKind = { apiVersion: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas' };

const quotas = ({ namespace }: Target): ListRef => listRef(QUOTA, namespace);

/** What the plan adds to the namespace, by the names that quotas use. Objects that are written dry are counted by admission. */
const addedBy = ({ added }: Demand): Amounts =>
  new Map([
    ['pods', added.pods],
    ['count/pods', added.pods],
    ...[...added.requests].map(([name, amount]) => [`requests.${name}`, amount] as const),
    ...[...added.limits].map(([name, amount]) => [`limits.${name}`, amount] as const),
    // Short names of the requests (kubernetes.io/docs/concepts/policy/resource-quotas).
    ...[...added.requests].filter(([name]) => /^(cpu|memory|ephemeral-storage)$/.test(name)),
    ['configmaps', 1],
    ['count/configmaps', 1],
    ['count/leases.coordination.k8s.io', 1],
  ]);

const resourceOf = (name: string): string => name.replace(/^(requests\.|limits\.|count\/)/, '');

/** Sums of thousandths are not exact. */
const isMore = (one: number, other: number): boolean => one > other * (1 + 1e-9) + 1e-9;

/** What a quota has too little of, in words. */
const shortOf = (quota: KubeObject, demand: Demand): readonly string[] => {
  const { hard, used } = fieldsOf(quota['status']);
  const limits = fieldsOf(hard ?? fieldsOf(quota['spec'])['hard']);
  return [...addedBy(demand)].flatMap(([name, needed]) => {
    const most = quantityOf(limits[name]);
    if (most === null) return [];
    const left = most - (quantityOf(fieldsOf(used)[name]) ?? 0);
    const text = (amount: number): string => formatAmount(resourceOf(name), amount);
    return isMore(needed, left)
      ? [`${name}: ${text(needed)} more, ${text(Math.max(0, left))} of ${text(most)} left`]
      : [];
  });
};

const hasScopes = (quota: KubeObject): boolean => {
  const spec = fieldsOf(quota['spec']);
  return listOf(spec['scopes']).length > 0 || spec['scopeSelector'] !== undefined;
};

const quotaFindings = (quota: KubeObject, target: Target, demand: Demand): readonly Finding[] => {
  const missing = shortOf(quota, demand);
  if (missing.length === 0) return [];
  const where = `ResourceQuota ${target.namespace}/${plain(quota.metadata.name)}`;
  const message = `${where} has no room for the plan, which runs up to ${demand.pods} pods at a time: ${missing.slice(0, 10).join('; ')}`;
  const advice =
    'Raise the quota, run fewer stable pods, or use `promote-at: last-step`, which needs no second full copy';
  const found = { code: 'policy-mismatch', where, advice } as const;
  return hasScopes(quota)
    ? [
        {
          ...found,
          severity: 'warning',
          message: `${message}. It has scopes, and whether they cover these pods was not looked at.`,
        },
      ]
    : [{ ...found, severity: 'error', message: `${message}.`, allow: `ResourceQuota/${quota.metadata.name}` }];
};

/** A list of all pods is long: only `plan` reads it. In a rollout, pods that find no node end it before they get traffic. */
const nodeLists = ({ spec }: Situation): readonly ListRef[] => (spec.command === 'plan' ? [NODES, PODS_OF_ALL] : []);

const nodeFindings = (situation: Situation, plan: Plan, seen: Seen, demand: Demand): readonly Finding[] => {
  const stable = deploymentIn(seen, plan.target, 'stable');
  const lists = nodeLists(situation);
  if (stable === null || lists.length === 0) return [];
  const found = { severity: 'warning', code: 'policy-mismatch', where: 'nodes' } as const;
  if (lists.some((list) => !seen.lists.has(refKey(list)))) {
    const message = 'free node capacity was not checked: nodes, or the pods of all namespaces, cannot be read';
    return [{ ...found, message, advice: 'a ClusterRole that may list both lets `plan` look' }];
  }
  const { pods, requests } = { pods: demand.added.pods, requests: demand.pod.requests };
  const nodes = usableNodes(listIn(seen, NODES), newPodSpec(seen, plan.target, stable));
  const room = roomFor(requests, pods, nodes, listIn(seen, PODS_OF_ALL));
  if (room >= pods) return [];
  const each = [...requests].map(([name, amount]) => formatAmount(name, amount)).join(', ');
  const message = `the plan starts up to ${pods} more pods${each === '' ? '' : ` of ${each} each`}, and the ${nodes.length} nodes that can take them now have room for ${room}`;
  return [{ ...found, message, advice: 'add nodes, where none come by themselves' }];
};

/** Whether the plan's peak fits quotas and nodes. */
export const capacity: Hazard = {
  name: 'capacity',
  rows: [
    {
      hazard: 'a ResourceQuota that the peak of the plan exceeds',
      handling: 'refuses with the numbers; warns where the quota has scopes',
      code: 'policy-mismatch',
      override: '`allow: ResourceQuota/NAME`',
    },
    {
      hazard: 'too little free capacity on the nodes',
      handling: '`command: plan` warns with the numbers, since nodes may come; says so where nodes cannot be read',
      code: null,
      override: null,
    },
    {
      hazard: "a LimitRange, PriorityClass, PodSecurity level or other admission that refuses the canary's pods",
      handling: "refuses: a pod of the new version is sent as a dry run, and the API server's own words are told",
      code: 'refused-by-cluster',
      override: null,
    },
  ],
  reads: ({ target }) => [quotas(target)],
  optional: nodeLists,
  permissions: [
    {
      group: '',
      resource: 'resourcequotas',
      verbs: [],
      optional: ['list'],
      why: 'tell whether the quota has room for the canary',
    },
  ],
  find: (situation, seen) => {
    const { plan } = situation;
    const demand = plan === null ? null : demandOf(seen, plan);
    if (plan === null || demand === null) return [];
    return [
      ...listIn(seen, quotas(plan.target)).flatMap((quota) => quotaFindings(quota, plan.target, demand)),
      ...nodeFindings(situation, plan, seen, demand),
    ];
  },
};
