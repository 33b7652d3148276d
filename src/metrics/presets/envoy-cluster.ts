import type { PresetVariant } from '../../ports/preset.ts';
import { HTTP_ERRORS } from './codes.ts';

/** Of an Envoy that names its clusters by Service: what it counts of one, selected by that name. */
export const envoyCluster = (cluster: string): PresetVariant => ({
  calls: 'http',
  requests: `envoy_cluster_upstream_rq{${cluster}}`,
  failures: `envoy_cluster_upstream_rq{${cluster}, envoy_response_code=~"${HTTP_ERRORS}"}`,
  histogram: `envoy_cluster_upstream_rq_time_bucket{${cluster}}`,
  unit: 'ms',
});
