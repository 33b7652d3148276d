import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pace } from './cluster/context.ts';
import { PODS } from './cluster/context.ts';
import type { Cluster } from './cluster/index.ts';
import { startCluster } from './cluster/index.ts';
import { restartContainers } from './cluster/kubelet.ts';
import { find, list } from './cluster/store.ts';
import type { Exposed } from './counters.ts';
import { expose } from './counters.ts';
import type { GitHub, GitHubOptions } from './github/index.ts';
import { startGitHub } from './github/index.ts';
import type { PastOptions } from './past.ts';
import { makePast } from './past.ts';
import { metricsPage } from './pod-page.ts';
import type { Prometheus, PrometheusOptions } from './prometheus/index.ts';
import { startPrometheus } from './prometheus/index.ts';
import type { RunOptions, RunResult } from './runner/index.ts';
import { runAction } from './runner/index.ts';
import type { Traffic } from './traffic.ts';
import { createTraffic } from './traffic.ts';

export interface SandboxOptions {
  readonly pace?: Partial<Pace>;
  readonly namespaces?: readonly string[];
  /** The namespace of the kubeconfig's context; default `shop`. */
  readonly namespace?: string;
  readonly seed?: number;
  readonly prometheus?: PrometheusOptions;
  readonly github?: GitHubOptions;
}

export interface Sandbox {
  readonly cluster: Cluster;
  readonly traffic: Traffic;
  readonly prometheus: Prometheus;
  readonly github: GitHub;
  /** A kubeconfig with the administrator's token. */
  readonly kubeconfigPath: string;
  /** Waits until all replicas of a Deployment are ready on its newest template. */
  ready(namespace: string, deployment: string, timeoutMs?: number): Promise<void>;
  until(what: string, holds: () => boolean, timeoutMs?: number): Promise<void>;
  /** Waits until the metrics store has found what users did three times: before, it cannot be asked about stable. */
  measured(): Promise<void>;
  /** As if ready pods had served for a while: their counters and the metrics store show it. */
  past(options: PastOptions): void;
  /** The process in a pod starts anew, and its counters from nought. */
  restart(namespace: string, pod: string): void;
  /** The action against this sandbox: its kubeconfig and its GitHub are given unless the options give others. */
  run(options: RunOptions): Promise<RunResult>;
  stop(): Promise<void>;
}

interface DeploymentStatus {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly readyReplicas?: number;
}

const until = async (what: string, holds: () => boolean, timeoutMs = 10_000): Promise<void> => {
  const deadline = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

const isReady = (cluster: Cluster, namespace: string, name: string): boolean => {
  const deployment = cluster.get('apps/v1', 'Deployment', namespace, name);
  const { replicas: wanted = 1 } = (deployment?.spec ?? {}) as { replicas?: number };
  const status = (deployment?.status ?? {}) as DeploymentStatus;
  const counts = [status.replicas ?? 0, status.updatedReplicas ?? 0, status.readyReplicas ?? 0];
  return status.observedGeneration === deployment?.metadata.generation && counts.every((count) => count === wanted);
};

/** Of the series of the pods that was found most often. */
const scrapesOf = ({ samples }: Prometheus): number =>
  Math.max(
    0,
    ...[...samples.values()].flatMap(({ labels, points }) => (labels['job'] === 'pods' ? [points.length] : [])),
  );

const targetsOf = (cluster: Cluster, traffic: Traffic): ReadonlyMap<string, readonly Exposed[]> =>
  new Map(
    list(cluster.context.store, PODS, '').map(({ metadata }) => {
      const uid = metadata.uid ?? '';
      return [uid, expose(traffic.counters, uid)] as const;
    }),
  );

/** Cluster, metrics store, GitHub and user traffic in this process, on random ports of 127.0.0.1. */
export const startSandbox = async (options: SandboxOptions = {}): Promise<Sandbox> => {
  const { namespace = 'shop', namespaces = ['shop'], pace = {}, seed = 1 } = options;
  const cluster = await startCluster({ pace, namespaces, namespace });
  const traffic = createTraffic(cluster, seed);
  const prometheus = await startPrometheus(() => targetsOf(cluster, traffic), options.prometheus);
  cluster.proxied.set('monitoring/prometheus:9090', prometheus.url);
  cluster.proxied.set('monitoring/prometheus:web', prometheus.url);
  cluster.podPages.push(metricsPage(traffic.counters));
  const github = await startGitHub(options.github);
  const folder = mkdtempSync(join(tmpdir(), 'canary-sandbox-'));
  const kubeconfigPath = join(folder, 'kubeconfig');
  writeFileSync(kubeconfigPath, cluster.kubeconfig(), { mode: 0o600 });
  return {
    cluster,
    traffic,
    prometheus,
    github,
    kubeconfigPath,
    until,
    measured: () => until('samples of the users’ requests', () => scrapesOf(prometheus) >= 3),
    restart: (own, name) => {
      const pod = find(cluster.context.store, PODS, own, name);
      if (pod === undefined) throw new Error(`there is no pod ${own}/${name}`);
      traffic.counters.delete(pod.metadata.uid ?? '');
      restartContainers(cluster.context, pod);
    },
    past: (options) => makePast(cluster, traffic, prometheus, options),
    ready: (own, deployment, timeoutMs) =>
      until(`${own}/${deployment} ready`, () => isReady(cluster, own, deployment), timeoutMs),
    run: (run) => runAction({ ...run, github: run.github ?? github, env: { KUBECONFIG: kubeconfigPath, ...run.env } }),
    stop: async () => {
      traffic.stop();
      await Promise.all([cluster.stop(), prometheus.stop(), github.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
