import type { Preset, PresetVariant } from '../../ports/preset.ts';
import { GRPC_WORDS, HTTP_ERRORS } from './codes.ts';

const PODS = 'namespace="{{namespace}}", pod=~"{{pods}}"';

/** The label that holds the status has no agreed name; only series that have it are taken, so that failures show. */
const variant = (counter: string, histogram: string, status: string): PresetVariant => ({
  calls: 'http',
  requests: `${counter}{${PODS}, ${status}!=""}`,
  failures: `${counter}{${PODS}, ${status}=~"${HTTP_ERRORS}"}`,
  histogram: `${histogram}_bucket{${PODS}}`,
  unit: 's',
});

const STATUSES = ['code', 'status', 'status_code'];
const DURATION = 'http_request_duration_seconds';

export const http: Preset = {
  name: 'http',
  title: "the pods' own metrics by the usual names: `http_requests_total`, `http_request_duration_seconds`",
  kind: 'application',
  variants: [
    ...STATUSES.map((status) => variant('http_requests_total', DURATION, status)),
    ...STATUSES.map((status) => variant(`${DURATION}_count`, DURATION, status)),
    // Micrometer's, of Spring Boot.
    variant('http_server_requests_seconds_count', 'http_server_requests_seconds', 'status'),
    {
      calls: 'grpc',
      requests: `grpc_server_handled_total{${PODS}}`,
      failures: `grpc_server_handled_total{${PODS}, grpc_code=~"${GRPC_WORDS}"}`,
      histogram: `grpc_server_handling_seconds_bucket{${PODS}}`,
      unit: 's',
    },
  ],
  blended: null,
  advice:
    'The pods must be scraped, with the labels `namespace` and `pod`. Other names need `requests` and `failures` of their own.',
};
