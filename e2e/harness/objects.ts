import type { KubeObject } from './json.ts';

type Labels = Readonly<Record<string, string>>;

export interface AppShape {
  readonly namespace: string;
  readonly name: string;
  /** The image's tag. */
  readonly version: string;
  readonly replicas?: number;
  /** Of selector and pods. */
  readonly labels?: Labels;
  /** Of pods only. */
  readonly podLabels?: Labels;
  readonly podAnnotations?: Labels;
}

export const REGISTRY = 'registry.example';
export const imageOf = (name: string, version: string): string => `${REGISTRY}/${name}:${version}`;

/** A Deployment with enough in its template that an incomplete copy would show. */
export const deployment = ({
  namespace,
  name,
  version,
  replicas = 3,
  labels = { app: name },
  podLabels = {},
  podAnnotations = {},
}: AppShape): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace, labels: { 'app.kubernetes.io/name': name } },
  spec: {
    replicas,
    selector: { matchLabels: { ...labels } },
    template: {
      metadata: {
        labels: { ...labels, ...podLabels },
        annotations: { 'example.com/team': 'shop', ...podAnnotations },
      },
      spec: {
        volumes: [{ name: 'cache', emptyDir: {} }],
        initContainers: [{ name: 'migrate', image: imageOf('migrate', '1') }],
        containers: [
          {
            name,
            image: imageOf(name, version),
            env: [{ name: 'REGION', value: 'eu' }],
            ports: [
              { name: 'http', containerPort: 8080 },
              { name: 'grpc', containerPort: 8081 },
            ],
            readinessProbe: { httpGet: { path: '/ready', port: 'http' } },
            volumeMounts: [{ name: 'cache', mountPath: '/cache' }],
          },
        ],
      },
    },
  },
});

export const service = (namespace: string, name: string, selector: Labels = { app: name }): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: { selector: { ...selector }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
});

/** https://gateway-api.sigs.k8s.io/guides/backend-protocol/: plain-text HTTP/2 must be asked for. */
export const grpcService = (namespace: string, name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: {
    selector: { app: name },
    ports: [{ name: 'grpc', port: 80, targetPort: 'grpc', appProtocol: 'kubernetes.io/h2c' }],
  },
});

type Rule = { readonly [key: string]: KubeObject['spec'] };

const route = (kind: 'HTTPRoute' | 'GRPCRoute') => (namespace: string, name: string, rules: readonly object[]) =>
  ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata: { name, namespace },
    spec: {
      parentRefs: [{ name: 'canary-gateway', namespace: 'default' }],
      hostnames: [`${namespace}.example`],
      rules: rules as readonly Rule[],
    },
  }) as KubeObject;

export const httpRoute = route('HTTPRoute');
export const grpcRoute = route('GRPCRoute');

export const namespaceObject = (name: string, labels: Labels = {}): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

export const serviceAccount = (namespace: string, name: string): object => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace },
});

/** Binds everything in the whole cluster: for cases that are not about rights. */
export const adminBinding = (namespace: string, account: string): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: `${namespace}-${account}` },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
});
