export interface ShopOptions {
  readonly namespace?: string;
  readonly name?: string;
  readonly image?: string;
  readonly replicas?: number;
  /** `null`: no route. */
  readonly route?: string | null;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly templateAnnotations?: Readonly<Record<string, string>>;
}

/** The app of demo and tests: a Deployment, its Service and an HTTPRoute on the sandbox's gateway. */
export const shopObjects = (options: ShopOptions = {}): object[] => {
  const { namespace = 'shop', name = 'checkout', image = 'registry.example/checkout:1.4.1', replicas = 3 } = options;
  const { route = name, annotations = {}, templateAnnotations = {} } = options;
  const labels = { app: name };
  const container = { name, image, ports: [{ name: 'http', containerPort: 8080 }] };
  const template = { metadata: { labels, annotations: templateAnnotations }, spec: { containers: [container] } };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels, annotations },
    spec: { replicas, selector: { matchLabels: labels }, template },
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels },
    spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  };
  const httpRoute = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: route, namespace },
    spec: {
      parentRefs: [{ name: 'web' }],
      hostnames: [`${name}.example`],
      rules: [{ backendRefs: [{ name, port: 80 }] }],
    },
  };
  return route === null ? [deployment, service] : [deployment, service, httpRoute];
};

export const ERRORS_METRIC = `- name: errors
  requests: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}"}
  failures: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}", code=~"5.."}
`;
