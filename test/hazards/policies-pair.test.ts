import { describe, expect, test } from 'vitest';
import { type KubeObject, refKey, type Seen } from '../../src/core/objects.ts';
import { disruptionBudgets } from '../../src/hazards/policies/copied.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { aSpec } from '../fakes/spec.ts';
import { policy, selecting } from '../workloads/policies.ts';
import { type Changes, deployment, see, service, targetIn } from '../workloads/world.ts';

const PAIR = [
  deployment({ labels: { app: 'shop', track: 'stable' } }),
  deployment({ name: 'shop-canary', replicas: 1, labels: { app: 'shop', track: 'canary' } }),
  service('checkout', { app: 'shop' }),
];
const budget = (labels: Record<string, string>) =>
  policy('PodDisruptionBudget', 'guard', { selector: selecting(labels), maxUnavailable: 1 });
const targetOf = (changes: Changes, ...policies: readonly KubeObject[]) =>
  targetIn([...PAIR, ...policies], { canaryDeployment: 'shop-canary', unit: 'pods', ...changes });

const found = (guard: KubeObject): readonly string[] => {
  const target = targetOf({});
  const situation = { spec: aSpec(), target, plan: null, fields: {} };
  const own = see(deploymentWorkload.reads(target, true), PAIR);
  const [list] = disruptionBudgets.reads(situation, own);
  const lists = new Map([...own.lists, [list === undefined ? '' : refKey(list), [guard]]]);
  const seen: Seen = { objects: own.objects, lists };
  return disruptionBudgets.find(situation, seen).map(({ allow }) => allow ?? '');
};

describe('a pair of Deployments that the user keeps', () => {
  test('is covered by what selects the label that both have', () => {
    expect(found(budget({ app: 'shop' }))).toEqual([]);
  });

  test('is told of what selects stable’s track alone', () => {
    expect(found(budget({ track: 'stable' }))).toEqual(['PodDisruptionBudget/guard']);
  });

  test('gets copies for the pods that its own canary selects', () => {
    const [copy] = targetOf({ copy: ['PodDisruptionBudget'] }, budget({ track: 'stable' })).companions;

    expect(copy?.body).toMatchObject({ spec: { selector: selecting({ app: 'shop', track: 'canary' }) } });
  });
});
