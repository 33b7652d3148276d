import type { Preset } from '../../ports/preset.ts';
import { GRPC_NAMES } from './codes.ts';

/** Of this route only: what clients send past it, to stable's Service alone, is no traffic that is split. */
const BACKEND =
  'backend_namespace="{{namespace}}", backend_name="{{service}}", route_namespace="{{namespace}}", route_name=~"({{route}})"';
const INBOUND = 'direction="inbound", namespace="{{namespace}}", deployment="{{deployment}}"';

/** Labels from linkerd2-proxy, `linkerd/app/outbound/src/metrics.rs`; a request that got no answer has `error` and no status. */
export const linkerd: Preset = {
  name: 'linkerd',
  title: "Linkerd: the clients' proxies, or the pods' own",
  kind: 'router',
  variants: [
    {
      calls: 'http',
      requests: `outbound_http_route_backend_response_statuses_total{${BACKEND}}`,
      failures: `outbound_http_route_backend_response_statuses_total{${BACKEND}, http_status!~"[1-4][0-9][0-9]"}`,
      histogram: `outbound_http_route_backend_response_duration_seconds_bucket{${BACKEND}}`,
      unit: 's',
    },
    {
      calls: 'grpc',
      requests: `outbound_grpc_route_backend_response_statuses_total{${BACKEND}}`,
      failures: `outbound_grpc_route_backend_response_statuses_total{${BACKEND}, grpc_status=~"${GRPC_NAMES}"}`,
      histogram: `outbound_grpc_route_backend_response_duration_seconds_bucket{${BACKEND}}`,
      unit: 's',
    },
    {
      calls: 'any',
      requests: `response_total{${INBOUND}}`,
      failures: `response_total{${INBOUND}, classification="failure"}`,
      histogram: `response_latency_ms_bucket{${INBOUND}}`,
      unit: 'ms',
    },
  ],
  blended: null,
  advice:
    "The clients or the pods must be meshed and their proxies scraped with Linkerd's own rules, which set `deployment`.",
};
