import type { Catalogue } from '../../src/config/routes.ts';

export const CATALOGUE: Catalogue = {
  routeKinds: [
    { kind: 'HTTPRoute', aliases: ['httproutes'], router: 'gateway-api' },
    { kind: 'GRPCRoute', aliases: ['grpcroutes'], router: 'gateway-api' },
    { kind: 'VirtualService', aliases: ['virtualservices', 'vs'], router: 'istio' },
  ],
  presets: ['traefik', 'istio', 'linkerd', 'nginx', 'envoy-gateway', 'contour', 'http', 'otel'],
};

export const GOOD_INPUTS = {
  image: 'ghcr.io/acme/checkout:1.4.2',
  deployment: 'checkout',
  prometheus: 'service://monitoring/prometheus:9090',
};

export const GOOD_FILE = `# how checkout is released
deployment: checkout
service: checkout
route: |
  httproute/checkout
  grpcroute/checkout
steps:
  - { weight: 5, interval: 30s }
  - weight: 50.5
prometheus: https://prometheus.example.com
timeout: 2h
pod-logs: off
metrics:
  - name: errors
    requests: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}"}
    failures: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}", code=~"5.."}
  - name: p99 latency
    query: |
      histogram_quantile(0.99,
        sum by (le) (rate(latency_bucket{pod=~"{{pods}}"}[{{window}}])))
    max: 0.5
    max-increase: 20%
    unit: s
`;
