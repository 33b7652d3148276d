import type { Catalogue } from '../../src/config/routes.ts';

export const CATALOGUE: Catalogue = {
  routeKinds: [
    { kind: 'HTTPRoute', aliases: ['httproutes'], router: 'gateway-api' },
    { kind: 'GRPCRoute', aliases: ['grpcroutes'], router: 'gateway-api' },
    { kind: 'VirtualService', aliases: ['virtualservices', 'vs'], router: 'istio' },
  ],
};

export const GOOD_INPUTS = {
  image: 'ghcr.io/acme/checkout:1.4.2',
  deployment: 'checkout',
  prometheus: 'service://monitoring/prometheus:9090',
};
