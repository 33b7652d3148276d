import { tagOf } from './cluster/behaviour.ts';
import type { KubeObject } from './cluster/objects.ts';

export const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export type Labels = Readonly<Record<string, string>>;

interface Tally {
  count: number;
  sumSeconds: number;
  readonly buckets: number[];
}

interface PodCounters {
  readonly labels: Labels;
  readonly byCode: Map<number, Tally>;
}

/** The pods' own metrics, by the pod's uid. A series begins with its first request, as client libraries do it. */
export type Counters = Map<string, PodCounters>;

export interface Exposed {
  readonly labels: Labels;
  readonly value: number;
}

const labelsOf = (pod: KubeObject, image: string): Labels => {
  const { name, namespace = '', labels = {} } = pod.metadata;
  return {
    namespace,
    pod: name,
    kubernetes_namespace: namespace,
    kubernetes_pod_name: name,
    app: labels['app'] ?? '',
    pod_template_hash: labels['pod-template-hash'] ?? '',
    version: tagOf(image),
    job: 'pods',
  };
};

export const count = (counters: Counters, pod: KubeObject, image: string, code: number, seconds: number): void => {
  const uid = pod.metadata.uid ?? '';
  const entry = counters.get(uid) ?? { labels: labelsOf(pod, image), byCode: new Map<number, Tally>() };
  counters.set(uid, entry);
  const tally = entry.byCode.get(code) ?? { count: 0, sumSeconds: 0, buckets: LATENCY_BUCKETS.map(() => 0) };
  entry.byCode.set(code, tally);
  tally.count += 1;
  tally.sumSeconds += seconds;
  LATENCY_BUCKETS.forEach((limit, index) => {
    if (seconds <= limit) tally.buckets[index] = (tally.buckets[index] ?? 0) + 1;
  });
};

/** What a scrape of one pod gives. */
export const expose = (counters: Counters, uid: string): Exposed[] => {
  const entry = counters.get(uid);
  if (entry === undefined) return [];
  return [...entry.byCode].flatMap(([code, { count: total, sumSeconds, buckets }]) => {
    const labels = { ...entry.labels, code: String(code), status: String(code) };
    const named = (name: string, value: number, more: Labels = {}): Exposed => ({
      labels: { __name__: name, ...labels, ...more },
      value,
    });
    const bucket = 'http_request_duration_seconds_bucket';
    return [
      named('http_requests_total', total),
      ...LATENCY_BUCKETS.map((limit, index) => named(bucket, buckets[index] ?? 0, { le: String(limit) })),
      named(bucket, total, { le: '+Inf' }),
      named('http_request_duration_seconds_sum', sumSeconds),
      named('http_request_duration_seconds_count', total),
    ];
  });
};
