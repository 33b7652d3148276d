import { homedir } from 'node:os';
import { join } from 'node:path';

/** Every stack has a network namespace of its own, so that these never collide. */
export const PORT = {
  etcd: 2379,
  etcdPeer: 2380,
  api: 6443,
  controllerManager: 10257,
  scheduler: 10259,
  /** HTTP and gRPC without TLS. */
  gateway: 8000,
  /** Traefik's metrics and /ping. */
  traefik: 8082,
  prometheus: 9190,
  /** The container ports of every pod. */
  farm: 8080,
  farmGrpc: 8081,
  farmMetrics: 9102,
  /** Of the rivals, when they run. */
  flagger: 8181,
  argo: 8390,
  argoHealth: 8391,
} as const;

export const POD_NETWORK = '10.244.0.0/16';
export const SERVICE_NETWORK = '10.96.0.0/16';
export const NODES = ['node-1', 'node-2'] as const;
export const SCRAPE_INTERVAL = '1s';

export const BIN = process.env['CANARY_STACK_BIN'] ?? join(homedir(), '.cache/canary-rollout-stack/bin');
export const HERE = import.meta.dirname;
export const GATEWAY_URL = `http://127.0.0.1:${PORT.gateway}`;
export const PROMETHEUS_URL = `http://127.0.0.1:${PORT.prometheus}`;
export const API_URL = `https://127.0.0.1:${PORT.api}`;

/** Who talks to the API server, by name in the audit log. */
export const USERS = [
  'harness',
  'farm',
  'kwok',
  'traefik',
  'controller-manager',
  'scheduler',
  'flagger',
  'argo',
] as const;
export type User = (typeof USERS)[number];

/** Where one stack keeps its files. */
export interface Folders {
  /** Logs, keys, kubeconfigs. */
  readonly run: string;
  /** On tmpfs: etcd and Prometheus have no fsync to wait for. */
  readonly data: string;
}

export const kubeconfigOf = (folders: Folders, user: User): string => join(folders.run, `kubeconfig-${user}`);
export const auditLogOf = (folders: Folders): string => join(folders.data, 'audit.log');
export const manifests = (name: string): string => join(BIN, 'manifests', name);
