import type { Preset, PresetVariant } from '../../ports/preset.ts';
import { GRPC_NUMBERS, HTTP_ERRORS } from './codes.ts';

/** `code` is the gRPC status of gRPC calls, the HTTP status of all others: no number is both (pkg/middlewares/metrics). */
const variant = (service: string): PresetVariant => ({
  calls: 'any',
  requests: `traefik_service_requests_total{service=~"${service}"}`,
  failures: `traefik_service_requests_total{service=~"${service}", code=~"${HTTP_ERRORS}|${GRPC_NUMBERS}"}`,
  histogram: `traefik_service_request_duration_seconds_bucket{service=~"${service}"}`,
  unit: 's',
});

/**
 * Traefik names a backend of a route from 3.7.6 on
 * `httproute-NAMESPACE-ROUTE-gw-NAMESPACE-GATEWAY-ep-ENTRYPOINT-RULE-HASH-svc-NAMESPACE-SERVICE-BACKEND@kubernetesgateway`,
 * and before that `NAMESPACE-SERVICE-http-PORT@kubernetesgateway` (pkg/provider/kubernetes/gateway). The hash, ten bytes
 * of the matching rule, keeps names that hold `-svc-` apart.
 */
export const traefik: Preset = {
  name: 'traefik',
  title: 'Traefik, for routes of the Gateway API',
  kind: 'router',
  variants: [
    variant(
      '(http|grpc)route-{{namespace}}-({{route}})-gw-.+-[0-9]+-[0-9a-f]{20}-svc-{{namespace}}-{{service}}-[0-9]+@kubernetesgateway',
    ),
    variant('{{namespace}}-{{service}}-(http|grpc)-[0-9]+@kubernetesgateway'),
  ],
  blended: null,
  advice: 'Traefik needs `metrics.prometheus.addServicesLabels` (on by default), and its pods must be scraped.',
};
