import { PODS } from './cluster/context.ts';
import type { Cluster } from './cluster/index.ts';
import { isReady } from './cluster/kubelet.ts';
import type { KubeObject } from './cluster/objects.ts';
import { list } from './cluster/store.ts';
import { expose } from './counters.ts';
import type { Prometheus } from './prometheus/index.ts';
import type { Replica } from './prometheus/replicas.ts';
import { record } from './prometheus/replicas.ts';
import { namedStreams } from './random.ts';
import type { Traffic } from './traffic.ts';
import { answer } from './traffic.ts';

export interface PastOptions {
  readonly namespace?: string;
  /** The label `app` of the pods that had traffic. */
  readonly app: string;
  /** How long they had it, until now. */
  readonly ms: number;
  readonly rps: number;
  readonly seed?: number;
}

interface Moment {
  readonly at: number;
  readonly replica: Replica;
}

/** When each replica scraped, in the order of time. */
const momentsOf = ({ replicas, scrapeIntervalMs }: Prometheus, from: number, to: number): readonly Moment[] =>
  replicas
    .flatMap((replica) => {
      const count = Math.floor((to - from - replica.skewMs) / scrapeIntervalMs);
      return Array.from({ length: count }, (_, index) => ({
        at: from + replica.skewMs + index * scrapeIntervalMs,
        replica,
      }));
    })
    .sort((one, other) => one.at - other.at);

const podsOf = (cluster: Cluster, { namespace = 'shop', app }: PastOptions): readonly KubeObject[] =>
  list(cluster.context.store, PODS, namespace).filter((pod) => pod.metadata.labels?.['app'] === app && isReady(pod));

/** What the store read of them until now goes: their counters would begin again in the middle. */
const forget = ({ replicas }: Prometheus, names: ReadonlySet<string>): void => {
  for (const { samples } of replicas) {
    for (const [key, { labels }] of samples) if (names.has(labels['pod'] ?? '')) samples.delete(key);
  }
};

/** Gives pods that are ready now a past: requests that were counted, and scrapes that found them. Their counters go on from there. */
export const makePast = (cluster: Cluster, traffic: Traffic, prometheus: Prometheus, options: PastOptions): void => {
  const { ms, rps, seed = 1 } = options;
  const pods = podsOf(cluster, options);
  if (pods.length === 0) throw new Error(`no pod with app=${options.app} is ready`);
  const random = namedStreams(seed);
  const [now, from] = [Date.now(), Date.now() - ms];
  forget(prometheus, new Set(pods.map(({ metadata }) => metadata.name)));
  let sent = 0;
  for (const { at, replica } of momentsOf(prometheus, from, now)) {
    for (; sent < ((at - from) / 1000) * rps; sent += 1) {
      const pod = pods[Math.floor(random('endpoint')() * pods.length)];
      if (pod !== undefined) answer(pod, random, traffic.counters);
    }
    for (const { metadata } of pods) record(replica, expose(traffic.counters, metadata.uid ?? ''), at);
  }
};
