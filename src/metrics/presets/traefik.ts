import type { Preset, PresetVariant } from '../../ports/preset.ts';
import { HTTP_ERRORS } from './codes.ts';

/**
 * Of HTTP only: a gRPC call's `code` is read where servers seldom put it, before the trailers (pkg/middlewares/metrics).
 * Measured on 3.7.10: 2, unknown, for every call of a server that does not announce its trailers, good or bad.
 */
const variant = (name: string): PresetVariant => {
  const labels = `service=~"${name}", protocol!~"grpc.*"`;
  return {
    calls: 'http',
    requests: `traefik_service_requests_total{${labels}}`,
    failures: `traefik_service_requests_total{${labels}, code=~"${HTTP_ERRORS}"}`,
    histogram: `traefik_service_request_duration_seconds_bucket{${labels}}`,
    unit: 's',
  };
};

/**
 * Traefik names a backend of a route from 3.7.6 on
 * `httproute-NAMESPACE-ROUTE-gw-NAMESPACE-GATEWAY-ep-ENTRYPOINT-RULE-HASH-svc-NAMESPACE-SERVICE-BACKEND@kubernetesgateway`,
 * and before that `NAMESPACE-SERVICE-http-PORT@kubernetesgateway` (pkg/provider/kubernetes/gateway). The hash, ten bytes
 * of the matching rule, keeps names that hold `-svc-` apart.
 */
export const traefik: Preset = {
  name: 'traefik',
  title: 'Traefik, for HTTPRoutes of the Gateway API',
  kind: 'router',
  variants: [
    variant(
      'httproute-{{namespace}}-({{route}})-gw-.+-[0-9]+-[0-9a-f]{20}-svc-{{namespace}}-{{service}}-[0-9]+@kubernetesgateway',
    ),
    variant('{{namespace}}-{{service}}-http-[0-9]+@kubernetesgateway'),
  ],
  blended: null,
  advice: 'Traefik needs `metrics.prometheus.addServicesLabels` (on by default), and its pods must be scraped.',
};
