import { setTimeout as sleep } from 'node:timers/promises';
import { kubeconfig } from '../stack/identity.ts';
import { PROMETHEUS_URL } from '../stack/settings.ts';
import type { Stack } from '../stack/stack.ts';
import type { Inputs } from './action.ts';
import type { Claims } from './claims.ts';
import type { FakeGitHub } from './github.ts';
import { type KubeObject, listAt, numberAt, textAt } from './json.ts';
import { collectionOf } from './kinds.ts';
import { type Kube, paths } from './kube.ts';
import { adminBinding, namespaceObject, serviceAccount } from './objects.ts';

/** What every suite gets. */
export interface Context {
  readonly stack: Stack;
  readonly kube: Kube;
  readonly github: FakeGitHub;
  readonly claims: Claims;
  readonly seed: string;
  readonly full: boolean;
  /** Names of cases to run instead of all, for suites that know their cases by name. */
  readonly only: readonly string[];
}

/** A namespace of its own with an identity of its own, so that the audit log tells the cases apart. */
export interface Shop {
  readonly namespace: string;
  readonly host: string;
  /** The identity's name in the audit log. */
  readonly user: string;
  readonly kubeconfig: string;
}

/** A kubeconfig for a ServiceAccount of the namespace, made first. */
export const identityOf = async (context: Context, namespace: string, account: string): Promise<string> => {
  const accounts = paths.serviceAccounts(namespace);
  await context.kube.create(accounts, serviceAccount(namespace, account));
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 7200 } };
  const answer = await context.kube.create(`${accounts}/${account}/token`, request);
  return kubeconfig(context.stack.certificate, textAt(answer, 'status', 'token'), namespace, account);
};

const isReady = (deployment: KubeObject): boolean => {
  const wanted = numberAt(deployment, 'spec', 'replicas');
  return (
    numberAt(deployment, 'status', 'readyReplicas') === wanted &&
    numberAt(deployment, 'status', 'availableReplicas') === wanted &&
    numberAt(deployment, 'status', 'updatedReplicas') === wanted &&
    numberAt(deployment, 'status', 'replicas') === wanted
  );
};

const isAccepted = (route: KubeObject): boolean =>
  listAt(route, 'status', 'parents', 0, 'conditions').some(
    (condition) => textAt(condition, 'type') === 'Accepted' && textAt(condition, 'status') === 'True',
  );

/** Resolves when Deployments are ready and routes accepted. */
const settle = async ({ kube }: Context, objects: readonly KubeObject[]): Promise<void> => {
  for (const { kind, metadata } of objects) {
    const path = `${collectionOf(kind, metadata.namespace ?? '')}/${metadata.name}`;
    if (kind === 'Deployment') await kube.until(`${path} ready`, async () => isReady(await kube.get(path)));
    if (kind.endsWith('Route')) await kube.until(`${path} accepted`, async () => isAccepted(await kube.get(path)));
  }
};

export interface ShopOptions {
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  /** By `Kind/name`: the field manager that an object comes from, as a GitOps tool would be. */
  readonly managers?: Readonly<Record<string, string>>;
}

/** Makes the namespace, its objects in order, and an identity that may do everything. */
export const openShop = async (
  context: Context,
  namespace: string,
  objects: readonly KubeObject[],
  { namespaceLabels = {}, managers = {} }: ShopOptions = {},
): Promise<Shop> => {
  const { kube } = context;
  await kube.create(paths.namespaces(), namespaceObject(namespace, namespaceLabels));
  for (const object of objects) {
    const manager = managers[`${object.kind}/${object.metadata.name}`];
    const query = manager === undefined ? '' : `?fieldManager=${manager}`;
    await kube.create(`${collectionOf(object.kind, namespace)}${query}`, object);
  }
  const config = await identityOf(context, namespace, 'release');
  await kube.create(paths.clusterRoleBindings(), adminBinding(namespace, 'release'));
  await settle(context, objects);
  const user = `system:serviceaccount:${namespace}:release`;
  return { namespace, host: `${namespace}.example`, user, kubeconfig: config };
};

const HTTP_METRICS = `
- name: errors
  requests: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}"}
  failures: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}", code=~"5.."}
- name: p99 latency
  query: histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{namespace="{{namespace}}", pod=~"{{pods}}"}[{{window}}])))
  max: 0.5
  unit: s
  every: 2s
`;

export const GRPC_METRICS = `
- name: failed calls
  requests: grpc_server_handled_total{namespace="{{namespace}}", pod=~"{{pods}}"}
  failures: grpc_server_handled_total{namespace="{{namespace}}", pod=~"{{pods}}", grpc_code!="OK"}
`;

/** The inputs of a short release; a case adds its own or replaces these. */
export const releaseInputs = (shop: Shop, image: string, deployment: string): Inputs => ({
  image,
  deployment,
  namespace: shop.namespace,
  kubeconfig: shop.kubeconfig,
  prometheus: PROMETHEUS_URL,
  metrics: HTTP_METRICS,
  weights: '10, 50',
  interval: '5s',
  drain: '3s',
  'ready-timeout': '60s',
});

/** More than the four scrapes that no query of the action looks at less of. */
const ENOUGH_SAMPLES = 6;

/**
 * Resolves when Prometheus has read every pod of the namespace that answers often enough for a rate: the action asks stable
 * first. The samples are counted, because time does not tell: Prometheus takes a change of its targets up to 5 s late, so a
 * pod with the IP of one that is gone is read once, then dropped, then found again.
 */
export const untilMeasured = async (shop: Pick<Shop, 'namespace'>, metric = 'http_requests_total'): Promise<void> => {
  const samples = `min(count_over_time(${metric}{namespace="${shop.namespace}"}[10s]))`;
  const query = encodeURIComponent(samples);
  for (let tries = 0; tries < 300; tries += 1) {
    const answer: unknown = await (await fetch(`${PROMETHEUS_URL}/api/v1/query?query=${query}`)).json();
    if (Number(textAt(answer, 'data', 'result', 0, 'value', 1)) >= ENOUGH_SAMPLES) return;
    await sleep(200);
  }
  throw new Error(`${metric} of ${shop.namespace} does not show in Prometheus`);
};
