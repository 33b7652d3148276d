import type { Exposed, Labels } from '../counters.ts';
import type { Samples } from './samples.ts';
import { append, seriesKey } from './samples.ts';

/**
 * Two stores that scrape the same targets at different moments. `in-turn`: one address, and each query is answered by the
 * other one, as a load balancer does it. `labelled`: every answer has the series of both, told apart by the label
 * `prometheus_replica`, as Thanos gives them without deduplication.
 */
export interface ReplicaOptions {
  readonly mode: 'in-turn' | 'labelled';
  /** How much later than the first the second one scrapes. */
  readonly skewMs: number;
}

export interface Replica {
  readonly samples: Samples;
  readonly skewMs: number;
  /** On every series that it scrapes. */
  readonly labels: Labels;
  /** Series of its last scrape, by target. */
  readonly seen: Map<string, readonly Exposed[]>;
}

export const createReplicas = (options?: ReplicaOptions): readonly [Replica, ...Replica[]] => {
  const first: Replica = { samples: new Map(), skewMs: 0, labels: {}, seen: new Map() };
  if (options === undefined) return [first];
  const { mode, skewMs } = options;
  const second = { ...first, skewMs, seen: new Map<string, readonly Exposed[]>() };
  return mode === 'in-turn'
    ? [first, { ...second, samples: new Map() }]
    : [
        { ...first, labels: { prometheus_replica: 'a' } },
        { ...second, labels: { prometheus_replica: 'b' } },
      ];
};

/** The samples that answer the next query. */
export const answering = (replicas: readonly [Replica, ...Replica[]], options?: ReplicaOptions): (() => Samples) => {
  let turn = 0;
  return () => {
    if (options?.mode !== 'in-turn') return replicas[0].samples;
    turn += 1;
    return (replicas[turn % replicas.length] ?? replicas[0]).samples;
  };
};

/** What a scrape of one target found. */
export const record = ({ samples, labels: own }: Replica, exposed: readonly Exposed[], at: number): void => {
  for (const { labels, value } of exposed) append(samples, { ...labels, ...own }, at, value);
};

/** One round: values of what is there, an end mark for what was there before. */
export const scrapeInto = (replica: Replica, found: ReadonlyMap<string, readonly Exposed[]>, at: number): void => {
  const { samples, labels: own, seen } = replica;
  for (const exposed of found.values()) record(replica, exposed, at);
  for (const [target, exposed] of seen) {
    const still = new Set((found.get(target) ?? []).map(({ labels }) => seriesKey(labels)));
    for (const { labels } of exposed) {
      if (!still.has(seriesKey(labels))) append(samples, { ...labels, ...own }, at, null);
    }
  }
  seen.clear();
  for (const [target, exposed] of found) seen.set(target, exposed);
};
