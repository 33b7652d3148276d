import type { Preset, PresetVariant } from '../../ports/preset.ts';
import { GRPC_NUMBERS, HTTP_ERRORS } from './codes.ts';

/** By Service, requests that found no pod count too; they have no workload (istio.io, standard metrics). */
const BY_SERVICE = 'destination_service_namespace="{{namespace}}", destination_service_name="{{service}}"';
const BY_WORKLOAD = 'destination_workload_namespace="{{namespace}}", destination_workload="{{deployment}}"';

const variant = (
  calls: 'http' | 'grpc',
  reporter: 'source' | 'waypoint' | 'destination',
  destination: string,
): PresetVariant => {
  const all = `reporter="${reporter}", ${destination}, request_protocol${calls === 'http' ? '!' : ''}="grpc"`;
  const failed = calls === 'http' ? `response_code=~"${HTTP_ERRORS}"` : `grpc_response_status=~"${GRPC_NUMBERS}"`;
  return {
    calls,
    requests: `istio_requests_total{${all}}`,
    failures: `istio_requests_total{${all}, ${failed}}`,
    histogram: `istio_request_duration_milliseconds_bucket{${all}}`,
    unit: 'ms',
  };
};

/** Gateways and clients' sidecars report as the source: they count what never reached a pod. One reporter, or requests would count twice. */
const variants = (calls: 'http' | 'grpc'): readonly PresetVariant[] => [
  variant(calls, 'source', BY_SERVICE),
  variant(calls, 'waypoint', BY_SERVICE),
  variant(calls, 'source', BY_WORKLOAD),
  variant(calls, 'destination', BY_WORKLOAD),
];

export const istio: Preset = {
  name: 'istio',
  title: 'Istio: gateways, sidecars and waypoints',
  kind: 'router',
  variants: [...variants('http'), ...variants('grpc')],
  blended: null,
  advice: 'The gateway, the clients or the pods must be proxies of Istio, and these must be scraped.',
};
