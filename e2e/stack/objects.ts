import { NODES, PORT } from './settings.ts';

const nodes = (): readonly object[] =>
  NODES.map((name) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
  }));

/** One listener without TLS: HTTPRoutes and GRPCRoutes (HTTP/2 with prior knowledge) of every namespace. */
const gateway = (): readonly object[] => [
  {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name: 'traefik' },
    spec: { controllerName: 'traefik.io/gateway-controller' },
  },
  {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'canary-gateway', namespace: 'default' },
    spec: {
      gatewayClassName: 'traefik',
      listeners: [
        { name: 'http', protocol: 'HTTP', port: PORT.gateway, allowedRoutes: { namespaces: { from: 'All' } } },
      ],
    },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'nginx' },
    spec: { controller: 'k8s.io/ingress-nginx' },
  },
];

/**
 * Prometheus as a Service, for clients that reach it through the API server. That proxy only dials addresses of pods, so
 * a fake pod lends Prometheus its IP.
 */
const monitoring = (): readonly object[] => {
  const labels = { app: 'prometheus' };
  const metadata = { name: 'prometheus', namespace: 'monitoring' };
  const ports = [{ name: 'web', containerPort: PORT.prometheus }];
  const containers = [{ name: 'prometheus', image: 'registry.example/prometheus:2.42.0', ports }];
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'monitoring' } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, ports: [{ name: 'web', port: 9090, targetPort: 'web' }] },
    },
  ];
};

/** What every stack has before the first case. */
export const stackObjects = (): readonly object[] => [...nodes(), ...gateway(), ...monitoring()];
