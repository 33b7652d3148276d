import { randomOf } from '../random.ts';
import { type Behaviour, behaviourOf } from './behaviour.ts';

export interface Manifest {
  readonly metadata: {
    readonly uid: string;
    readonly name: string;
    readonly namespace: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly containers: readonly { readonly image: string }[] };
  readonly status?: {
    readonly podIP?: string;
    readonly containerStatuses?: readonly { readonly state?: { readonly running?: object } }[];
  };
}

export const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export interface Tally {
  count: number;
  sumSeconds: number;
  readonly buckets: number[];
}

/** One open connection, HTTP/1 or HTTP/2. */
export interface Connection {
  /** Ends when the requests in flight are answered. */
  finish(): void;
  reset(): void;
}

export interface Pod {
  readonly uid: string;
  readonly ip: string;
  readonly identity: {
    readonly pod: string;
    readonly namespace: string;
    readonly image: string;
    readonly version: string;
  };
  readonly labels: string;
  readonly behaviour: Behaviour;
  /** How many times as often as usual requests fail. */
  incident: number;
  readonly random: () => number;
  running: boolean;
  draining: boolean;
  stopped: boolean;
  readonly connections: Set<Connection>;
  /** By HTTP status, and by gRPC status code. */
  readonly http: Map<string, Tally>;
  readonly grpc: Map<string, Tally>;
}

export const record = (tallies: Map<string, Tally>, code: string, seconds: number): void => {
  const tally = tallies.get(code) ?? { count: 0, sumSeconds: 0, buckets: LATENCY_BUCKETS.map(() => 0) };
  tallies.set(code, tally);
  tally.count += 1;
  tally.sumSeconds += seconds;
  const bucket = LATENCY_BUCKETS.findIndex((limit) => seconds <= limit);
  if (bucket >= 0) tally.buckets[bucket] = (tally.buckets[bucket] ?? 0) + 1;
};

const labelText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',');

/** Whether the next request fails. */
export const fails = ({ behaviour, incident, random }: Pod): boolean => random() < behaviour.errorRate * incident;

const podOf = (manifest: Manifest, ip: string, random: () => number): Pod => {
  const { uid, name, namespace, labels = {}, annotations = {} } = manifest.metadata;
  const image = manifest.spec.containers[0]?.image ?? '';
  const version = image.split(/[:@]/).at(-1) ?? image;
  return {
    uid,
    ip,
    identity: { pod: name, namespace, image, version },
    // Both spellings of namespace and pod: dashboards use the short one, Flagger's built-in queries the long one.
    labels: labelText({
      namespace,
      pod: name,
      kubernetes_namespace: namespace,
      kubernetes_pod_name: name,
      app: labels['app'] ?? '',
      pod_template_hash: labels['pod-template-hash'] ?? labels['rollouts-pod-template-hash'] ?? '',
      version,
    }),
    behaviour: behaviourOf(annotations, version),
    incident: 1,
    random,
    running: false,
    draining: false,
    stopped: false,
    connections: new Set(),
    http: new Map(),
    grpc: new Map(),
  };
};

/** Like a server's graceful shutdown: requests in flight finish, everything else is refused. */
const stop = (pod: Pod): void => {
  pod.stopped = true;
  for (const connection of pod.connections) connection.finish();
};

const TURN_MS = 50;

/** Counted in turns of the event loop: a machine that held the farm up for seconds has not let it read its requests either, and a server with a core of its own would have answered them. */
const stopAfter = (pod: Pod, ms: number): void => {
  if (ms <= 0) stop(pod);
  else setTimeout(() => stopAfter(pod, ms - TURN_MS), TURN_MS);
};

const follow = (pod: Pod, manifest: Manifest): void => {
  // As in a cluster, readiness decides only whether endpoints list the pod; it answers either way.
  pod.running = manifest.status?.containerStatuses?.every(({ state }) => state?.running) ?? false;
  if (manifest.metadata.deletionTimestamp && !pod.draining) {
    pod.draining = true;
    stopAfter(pod, pod.behaviour.drainMs);
  }
};

export interface Pods {
  upsert(manifest: Manifest): void;
  /** The process is gone. One that was told to stop ended when it had answered; of any other, whatever is open breaks. */
  remove(uid: string): void;
  /** Drops every pod that is not listed. */
  keep(uids: ReadonlySet<string>): void;
  /** From now on every pod of a namespace, also one to come, fails so many times as often as it does by itself. */
  disturb(namespace: string, incident: number): void;
  at(ip: string | undefined): Pod | undefined;
  all(): readonly Pod[];
}

/** The pods of the cluster as the farm plays them. Outcomes depend on the seed, the version and how many pods of it came before: names are random. */
export const createPods = (seed: string): Pods => {
  const byUid = new Map<string, Pod>();
  const byIp = new Map<string, Pod>();
  const born = new Map<string, number>();
  const incidents = new Map<string, number>();

  const adopt = (manifest: Manifest, ip: string): Pod => {
    const kin = `${manifest.metadata.namespace} ${manifest.spec.containers[0]?.image}`;
    const ordinal = born.get(kin) ?? 0;
    born.set(kin, ordinal + 1);
    const pod = podOf(manifest, ip, randomOf(seed, kin, ordinal));
    pod.incident = incidents.get(manifest.metadata.namespace) ?? 1;
    byUid.set(pod.uid, pod);
    byIp.set(ip, pod);
    return pod;
  };
  const remove = (uid: string): void => {
    const pod = byUid.get(uid);
    if (!pod) return;
    byUid.delete(uid);
    if (pod.draining) return; // New connections are refused from its stop on.
    pod.stopped = true;
    for (const connection of pod.connections) connection.reset();
    if (byIp.get(pod.ip) === pod) byIp.delete(pod.ip); // The IP may belong to a new pod already.
  };
  const upsert = (manifest: Manifest): void => {
    const ip = manifest.status?.podIP;
    if (!ip) return;
    const pod = byUid.get(manifest.metadata.uid) ?? adopt(manifest, ip);
    follow(pod, manifest);
  };
  return {
    upsert,
    remove,
    keep: (uids) => {
      for (const uid of byUid.keys()) if (!uids.has(uid)) remove(uid);
    },
    disturb: (namespace, incident) => {
      incidents.set(namespace, incident);
      for (const pod of byUid.values()) if (pod.identity.namespace === namespace) pod.incident = incident;
    },
    at: (ip) => byIp.get(ip ?? ''),
    all: () => [...byUid.values()],
  };
};
