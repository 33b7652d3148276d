import { PODS, SERVICES } from './cluster/context.ts';
import { podsOfService } from './cluster/endpoints.ts';
import type { Rule } from './cluster/gateway.ts';
import { routeKey } from './cluster/gateway.ts';
import type { Cluster } from './cluster/index.ts';
import { podBehaviour } from './cluster/kubelet.ts';
import type { KubeObject, PodTemplate } from './cluster/objects.ts';
import { viewSpec } from './cluster/objects.ts';
import { find, list } from './cluster/store.ts';
import type { Counters } from './counters.ts';
import { count } from './counters.ts';
import { namedStreams } from './random.ts';
import type { TrafficRecord, TrafficReport } from './traffic-report.ts';
import { reportOf } from './traffic-report.ts';

export interface TrafficOptions {
  /** 1 to 1000 requests a second. */
  readonly rps: number;
  /** `httproute/checkout` in `namespace`, split by its weights; or `service/checkout`, split over its ready pods. */
  readonly target: string;
  readonly namespace?: string;
  /** Which rules of the route get traffic, in turn; all when absent. */
  readonly rules?: readonly number[];
  readonly seed?: number;
}

export interface Traffic {
  /** Returns what ends this stream; several can flow at a time. */
  start(options: TrafficOptions): () => void;
  stop(): void;
  report(): TrafficReport;
  readonly records: readonly TrafficRecord[];
  readonly counters: Counters;
}

type Streams = ReturnType<typeof namedStreams>;

interface Stream {
  readonly options: Required<Omit<TrafficOptions, 'rules'>> & Pick<TrafficOptions, 'rules'>;
  readonly random: Streams;
  sent: number;
}

interface Picked {
  /** Null: nobody answers, with the proxy's own code. */
  readonly pod: KubeObject | null;
  readonly code: number;
  readonly service: string;
  readonly reason: TrafficRecord['lost'];
}

const TICK_MS = 5;

const nobody = (code: number, service: string, reason: TrafficRecord['lost']): Picked => ({
  pod: null,
  code,
  service,
  reason,
});

const podByUid = (cluster: Cluster, namespace: string, uid: string): KubeObject | null =>
  list(cluster.context.store, PODS, namespace).find(({ metadata }) => metadata.uid === uid) ?? null;

const fromEndpoints = (
  cluster: Cluster,
  service: string,
  uids: readonly string[] | undefined,
  random: Streams,
): Picked => {
  if (uids === undefined) return nobody(500, service, 'no-service');
  const uid = uids[Math.floor(random('endpoint')() * uids.length)];
  if (uid === undefined) return nobody(503, service, 'no-endpoints');
  const pod = podByUid(cluster, service.split('/')[0] ?? '', uid);
  return pod === null ? nobody(502, service, 'refused') : { pod, code: 200, service, reason: null };
};

const pickBackend = (rule: Rule, random: Streams): string | null => {
  const total = rule.backends.reduce((sum, { weight }) => sum + weight, 0);
  let left = random(`split ${rule.route}/${rule.index}`)() * total;
  for (const { service, weight } of rule.backends) {
    if (weight > 0 && left < weight) return service;
    left -= weight;
  }
  return null;
};

const pickByRoute = (cluster: Cluster, stream: Stream): Picked => {
  const [kind = '', name = ''] = stream.options.target.split('/');
  const rules = cluster.dataPlane.rules.get(routeKey(kind, stream.options.namespace, name)) ?? [];
  const used = stream.options.rules ?? rules.map(({ index }) => index);
  const rule = rules[used[stream.sent % Math.max(1, used.length)] ?? 0];
  if (rule === undefined) return nobody(404, '', 'no-route');
  const service = pickBackend(rule, stream.random);
  if (service === null) return nobody(500, '', 'no-backend');
  return fromEndpoints(cluster, service, cluster.dataPlane.endpoints.get(service), stream.random);
};

/** As kube-proxy does it: any ready pod, at random. */
const pickByService = (cluster: Cluster, stream: Stream): Picked => {
  const { namespace, target } = stream.options;
  const name = target.split('/')[1] ?? '';
  const key = `${namespace}/${name}`;
  const service = find(cluster.context.store, SERVICES, namespace, name);
  const known =
    cluster.dataPlane.endpoints.get(key) ??
    (service && podsOfService(cluster.context, service).map(({ metadata }) => metadata.uid ?? ''));
  return fromEndpoints(cluster, key, known, stream.random);
};

const imageOf = (pod: KubeObject): string => viewSpec<PodTemplate['spec']>(pod).containers[0]?.image ?? '';

/** One request to a pod, counted by it. The random numbers are its version's own: as many failures whatever others get. */
export const answer = (
  pod: KubeObject,
  random: Streams,
  counters: Counters,
): { readonly version: string; readonly code: number; readonly latencyMs: number } => {
  const { version, errorRate, latencyMs, latencyP99Ms } = podBehaviour(pod);
  const code = random(`failures ${version}`)() < errorRate ? 500 : 200;
  const luck = random(`latency ${version}`)();
  const tookMs = (luck < 0.02 ? latencyP99Ms : latencyMs) * (0.8 + 0.4 * random(`jitter ${version}`)());
  count(counters, pod, imageOf(pod), code, tookMs / 1000);
  return { version, code, latencyMs: tookMs };
};

const send = (cluster: Cluster, stream: Stream, counters: Counters): TrafficRecord => {
  const byService = stream.options.target.startsWith('service/');
  const picked = byService ? pickByService(cluster, stream) : pickByRoute(cluster, stream);
  stream.sent += 1;
  const base = { at: Date.now(), service: picked.service };
  if (picked.pod === null)
    return { ...base, pod: null, version: null, code: picked.code, latencyMs: 0, lost: picked.reason };
  return { ...base, pod: picked.pod.metadata.name, ...answer(picked.pod, stream.random, counters), lost: null };
};

const flow = (cluster: Cluster, stream: Stream, counters: Counters, records: TrafficRecord[]): NodeJS.Timeout => {
  const startedAt = performance.now();
  return setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * stream.options.rps);
    while (stream.sent < due) records.push(send(cluster, stream, counters));
  }, TICK_MS);
};

/** User traffic: requests on schedule, whether or not earlier ones were answered well. */
export const createTraffic = (cluster: Cluster, defaultSeed: number): Traffic => {
  const counters: Counters = new Map();
  const records: TrafficRecord[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const end = (timer: NodeJS.Timeout): void => {
    clearInterval(timer);
    timers.delete(timer);
  };
  return {
    counters,
    records,
    start: (options) => {
      const { rps, target, namespace = 'shop', seed = defaultSeed, rules } = options;
      if (!(rps >= 1 && rps <= 1000)) throw new Error(`rps is ${rps}; the sandbox sends 1 to 1000`);
      const stream: Stream = {
        options: { rps, target, namespace, seed, ...(rules && { rules }) },
        random: namedStreams(seed),
        sent: 0,
      };
      const timer = flow(cluster, stream, counters, records);
      timers.add(timer);
      return () => end(timer);
    },
    stop: () => timers.forEach(end),
    report: () => reportOf(records),
  };
};
