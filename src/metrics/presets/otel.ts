import type { Preset, PresetVariant } from '../../ports/preset.ts';
import { GRPC_NUMBERS, HTTP_ERRORS } from './codes.ts';

/** Scraped from the pods, or sent through a collector that turns resource attributes into labels. */
const PODS = [
  'namespace="{{namespace}}", pod=~"{{pods}}"',
  'k8s_namespace_name="{{namespace}}", k8s_pod_name=~"{{pods}}"',
];

const variants = (
  calls: 'http' | 'grpc',
  histogram: string,
  unit: 's' | 'ms',
  failed: string,
): readonly PresetVariant[] =>
  PODS.map((pods) => ({
    calls,
    requests: `${histogram}_count{${pods}}`,
    failures: `${histogram}_count{${pods}, ${failed}}`,
    histogram: `${histogram}_bucket{${pods}}`,
    unit,
  }));

/** Names from OpenTelemetry's semantic conventions, stable ones first, as Prometheus spells them. */
export const otel: Preset = {
  name: 'otel',
  title: "the pods' own metrics by OpenTelemetry's conventions: `http.server.request.duration`",
  kind: 'application',
  variants: [
    ...variants('http', 'http_server_request_duration_seconds', 's', `http_response_status_code=~"${HTTP_ERRORS}"`),
    ...variants('http', 'http_server_duration_milliseconds', 'ms', `http_status_code=~"${HTTP_ERRORS}"`),
    ...variants('grpc', 'rpc_server_duration_milliseconds', 'ms', `rpc_grpc_status_code=~"${GRPC_NUMBERS}"`),
  ],
  blended: null,
  advice:
    'The series need the labels `namespace` and `pod`, or `k8s_namespace_name` and `k8s_pod_name`: let the collector turn these resource attributes into labels.',
};
