import type { RouteKind, TrafficRouter } from '../ports/traffic-router.ts';
import { gatewayApi } from './gateway-api/gateway-api.ts';
import { replicas } from './replicas.ts';

/** Every router there is. One more is one file, and one line here. */
export const routers: readonly TrafficRouter[] = [gatewayApi, replicas];

/** What a user may write before the slash of `route`, with the router that it leads to: data for config and messages. */
export const routeKinds: readonly { readonly router: string; readonly kind: RouteKind }[] = routers.flatMap(
  ({ name, kinds }) => kinds.map((kind) => ({ router: name, kind })),
);
