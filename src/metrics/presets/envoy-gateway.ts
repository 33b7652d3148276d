import type { Preset } from '../../ports/preset.ts';
import { envoyCluster } from './envoy-cluster.ts';

/** With `mergeBackends` a cluster is `service/NAMESPACE/NAME/PORT`, with the protocol behind it where one is set (internal/gatewayapi/helpers.go). */
const CLUSTER = 'envoy_cluster_name=~"service/{{namespace}}/{{service}}/[0-9]+(/[a-z0-9]+)?"';
const RULE = 'envoy_cluster_name=~"(http|grpc)route/{{namespace}}/({{route}})/rule/[0-9]+(/backend/-?[0-9]+)?"';

export const envoyGateway: Preset = {
  name: 'envoy-gateway',
  title: 'Envoy Gateway with `mergeBackends`',
  kind: 'router',
  variants: [envoyCluster(CLUSTER)],
  blended: {
    requests: `envoy_cluster_upstream_rq{${RULE}}`,
    why: 'Envoy Gateway counts all backends of a rule as one cluster, or by their place in the list',
  },
  advice: 'Set `mergeBackends: {}` in EnvoyProxy (Envoy Gateway 1.9), with no filters on the backends of the route.',
};
