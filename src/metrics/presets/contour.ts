import type { Preset } from '../../ports/preset.ts';
import { HTTP_ERRORS } from './codes.ts';

/** `NAMESPACE_SERVICE_PORT`, the alternative name that Contour gives to a cluster's statistics (internal/envoy/cluster.go); no name holds a `_`. */
const CLUSTER = 'envoy_cluster_name=~"{{namespace}}_{{service}}_[0-9]+"';

export const contour: Preset = {
  name: 'contour',
  title: 'Contour',
  kind: 'router',
  variants: [
    {
      calls: 'http',
      requests: `envoy_cluster_upstream_rq{${CLUSTER}}`,
      failures: `envoy_cluster_upstream_rq{${CLUSTER}, envoy_response_code=~"${HTTP_ERRORS}"}`,
      histogram: `envoy_cluster_upstream_rq_time_bucket{${CLUSTER}}`,
      unit: 'ms',
    },
  ],
  blended: null,
  advice: "Contour's Envoy pods must be scraped (`/stats/prometheus`).",
};
