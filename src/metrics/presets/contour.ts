import type { Preset } from '../../ports/preset.ts';
import { envoyCluster } from './envoy-cluster.ts';

/** `NAMESPACE_SERVICE_PORT`, the alternative name that Contour gives to a cluster's statistics (internal/envoy/cluster.go); no name holds a `_`. */
const CLUSTER = 'envoy_cluster_name=~"{{namespace}}_{{service}}_[0-9]+"';

export const contour: Preset = {
  name: 'contour',
  title: 'Contour',
  kind: 'router',
  variants: [envoyCluster(CLUSTER)],
  blended: null,
  advice: "Contour's Envoy pods must be scraped (`/stats/prometheus`).",
};
