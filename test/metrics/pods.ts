import type { KubeObject, ListRef } from '../../src/core/objects.ts';
import { listRef, POD } from '../../src/core/objects.ts';
import type { BoundQuery } from '../../src/core/sample.ts';
import type { CallProblem } from '../../src/ports/cluster.ts';
import type { Http, HttpAnswer } from '../../src/ports/http.ts';
import { type FakeCluster, fakeCluster } from '../fakes/cluster.ts';

export interface PodOptions {
  readonly app?: string;
  readonly namespace?: string;
  readonly ip?: string;
  readonly uid?: string;
  readonly phase?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: object;
}

const CONTAINERS = [
  { name: 'proxy', ports: [{ name: 'http', containerPort: 8080 }] },
  { name: 'app', ports: [{ name: 'metrics', containerPort: 9102 }] },
];

export const podNamed = (name: string, options: PodOptions = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: options.namespace ?? 'shop',
    uid: options.uid ?? `uid-${name}`,
    labels: { app: options.app ?? 'stable' },
    annotations: options.annotations ?? {},
  },
  spec: options.spec ?? { containers: CONTAINERS },
  status: { phase: options.phase ?? 'Running', podIP: options.ip ?? '10.1.2.3' },
});

/** What a pod answers: its text, or why it does not. */
export type Page = string | { readonly status: number; readonly body: string } | CallProblem;

export interface PodWorld {
  readonly cluster: FakeCluster;
  readonly http: Http;
  readonly clock: { now: () => number };
  /** By name of the pod; through the API server. */
  readonly pages: Map<string, Page>;
  /** By address: `10.1.2.3:9102`. None answers unless it stands here. */
  readonly near: Map<string, HttpAnswer>;
  /** `proxy NAME`, `direct URL` and `list`, in order. */
  readonly asked: string[];
  /** Epoch ms. */
  at(ms: number): void;
}

export const NOW = Date.parse('2026-03-01T10:00:00Z');

export const podWorld = (objects: readonly KubeObject[]): PodWorld => {
  const pages = new Map<string, Page>();
  const near = new Map<string, HttpAnswer>();
  const asked: string[] = [];
  let now = NOW;
  const cluster = fakeCluster({
    objects,
    podProxy: ({ name, port, scheme }, path) => {
      asked.push(`proxy ${scheme}:${name}:${port}${path}`);
      const page = pages.get(name) ?? { kind: 'unreachable', message: 'connection refused' };
      return typeof page === 'string' ? { status: 200, body: page } : page;
    },
  });
  cluster.interfere((verb) => {
    if (verb === 'list') asked.push('list');
    return undefined;
  });
  return {
    cluster,
    pages,
    near,
    asked,
    clock: { now: () => now },
    http: {
      get: async (url) => {
        asked.push(`direct ${url}`);
        return near.get(new URL(url).host) ?? { kind: 'unreachable', message: 'connect ECONNREFUSED' };
      },
    },
    at: (ms) => {
      now = ms;
    },
  };
};

export const podsOf = (app: string): ListRef => listRef(POD, 'shop', `app=${app}`);

export const counted = (overrides: Partial<BoundQuery> = {}): BoundQuery & { readonly kind: 'counted' } => ({
  metric: 'errors',
  arm: 'stable',
  replicaLabels: ['replica'],
  pods: podsOf('stable'),
  requests: 'http_requests_total{pod=~"s-.*"}',
  failures: 'http_requests_total{pod=~"s-.*", code=~"5.."}',
  ...overrides,
  kind: 'counted',
});

export const latency = (overrides: Partial<BoundQuery> = {}): BoundQuery & { readonly kind: 'latency' } => ({
  metric: 'slow',
  arm: 'stable',
  replicaLabels: [],
  pods: podsOf('stable'),
  histogram: 'http_request_duration_seconds_bucket',
  ...overrides,
  kind: 'latency',
});

export const measured: BoundQuery = {
  metric: 'p99',
  arm: 'stable',
  kind: 'measured',
  query: 'sum(x)',
  replicaLabels: [],
  pods: podsOf('stable'),
};

export const requestsTotal = (ok: number, failed?: number): string =>
  [
    `http_requests_total{code="200"} ${ok}`,
    ...(failed === undefined ? [] : [`http_requests_total{code="500"} ${failed}`]),
    '',
  ].join('\n');

export const { signal } = new AbortController();
