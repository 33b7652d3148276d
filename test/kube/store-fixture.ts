import { CONFIG_MAP, LEASE, objectRef } from '../../src/core/objects.ts';
import { createStore, type StoreOptions } from '../../src/kube/store.ts';
import type { Cluster } from '../../src/ports/cluster.ts';
import type { Store } from '../../src/ports/store.ts';
import { fakeClock } from '../fakes/clock.ts';
import { type FakeCluster, fakeCluster } from '../fakes/cluster.ts';

const NAME = 'canary-rollout-checkout';
export const STATE = objectRef(CONFIG_MAP, 'shop', NAME);
export const LOCK = objectRef(LEASE, 'shop', NAME);
export const HTTP_ROUTE = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', plural: 'httproutes' };
export const ours = { id: 'run-1', runUrl: 'https://example.invalid/runs/1' };
export const theirs = { id: 'run-2', runUrl: null };

/** One cluster, as many stores of one Deployment as there are runs. */
export const setUp = () => {
  const cluster = fakeCluster();
  const clock = fakeClock();
  let tokens = 0;
  const store = (changes: Partial<StoreOptions> = {}): Store =>
    createStore({
      cluster,
      namespace: 'shop',
      deployment: 'checkout',
      clock,
      randomToken: () => {
        tokens += 1;
        return `token-${tokens}`;
      },
      routeKinds: [HTTP_ROUTE],
      ...changes,
    });
  return { cluster, clock, store };
};

/** As a person would; null removes one. */
export const annotate = (cluster: FakeCluster, changes: Readonly<Record<string, string | null>>): void => {
  const object = cluster.get(STATE);
  if (object === null) return;
  const annotations = { ...object.metadata.annotations, ...changes };
  const left = Object.entries(annotations).filter((entry): entry is [string, string] => entry[1] !== null);
  cluster.put(STATE, { ...object, metadata: { ...object.metadata, annotations: Object.fromEntries(left) } });
};

/** The same cluster with other watches. */
export const withWatch = (cluster: FakeCluster, watch: Cluster['watch']): Cluster => ({ ...cluster, watch });
