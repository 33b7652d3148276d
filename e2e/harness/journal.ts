import { type KubeObject, listAt, numberAt, textAt } from './json.ts';
import { collectionOf } from './kinds.ts';
import type { Kube } from './kube.ts';

/** One weight of a rule as the cluster had it, from when to when (epoch ms; `to` is Infinity for the last). */
export interface Held {
  /** 0 to 1. */
  readonly weight: number;
  readonly from: number;
  readonly to: number;
}

export interface Watched {
  /** Every weight of the canary that the route ever had, in order. */
  held(): readonly Held[];
  stop(): void;
}

/** The share of the backend in a rule; 0 when it is not there. */
const weightIn = (route: KubeObject, rule: number, backend: string): number => {
  const entries = listAt(route, 'spec', 'rules', rule, 'backendRefs').map((entry) => ({
    name: textAt(entry, 'name'),
    weight: Number.isNaN(numberAt(entry, 'weight')) ? 1 : numberAt(entry, 'weight'),
  }));
  const total = entries.reduce((sum, { weight }) => sum + weight, 0);
  const own = entries.filter(({ name }) => name === backend).reduce((sum, { weight }) => sum + weight, 0);
  return total === 0 ? 0 : own / total;
};

/** Watches a route from outside: what the action says about its weights is not asked. */
export const watchWeights = async (kube: Kube, route: KubeObject, backend: string, rule = 0): Promise<Watched> => {
  const changes: { weight: number; from: number }[] = [];
  const collection = collectionOf(route.kind, route.metadata.namespace ?? '');
  const stop = await kube.watch(collection, route.metadata.name, (seen) => {
    const weight = weightIn(seen, rule, backend);
    if (changes.at(-1)?.weight !== weight) changes.push({ weight, from: Date.now() });
  });
  return {
    held: () =>
      changes.map((change, index) => ({ ...change, to: changes[index + 1]?.from ?? Number.POSITIVE_INFINITY })),
    stop,
  };
};
