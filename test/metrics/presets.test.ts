import { describe, expect, test } from 'vitest';
import { promqlProblems, tellsArmsApart } from '../../src/config/promql.ts';
import { placeholdersIn } from '../../src/core/placeholders.ts';
import { PRESET_NAMES, PRESETS } from '../../src/metrics/presets/index.ts';
import { bound, selects } from './presets-series.ts';

type Labels = Readonly<Record<string, string>>;

const selectorsOf = (
  name: string,
): readonly (readonly [requests: string, failures: string, histogram: string | null])[] =>
  (PRESETS.find((preset) => preset.name === name)?.variants ?? []).map((variant) => [
    variant.requests,
    variant.failures,
    variant.histogram,
  ]);

/** The arms whose requests a preset counts this series as, in any of its spellings. */
const armsOf = (name: string, metric: string, labels: Labels, route?: string): readonly string[] =>
  (['stable', 'canary'] as const).filter((arm) =>
    selectorsOf(name).some((selectors) =>
      [selectors[0], selectors[2] ?? ''].some((one) => selects(bound(one, arm, route), metric, labels)),
    ),
  );

const isFailure = (name: string, metric: string, labels: Labels): boolean =>
  selectorsOf(name).some(([, failures]) => selects(bound(failures, 'canary'), metric, labels));

describe('presets', () => {
  test('are the ones that the documents name', () => {
    expect([...PRESET_NAMES].sort()).toEqual(
      ['traefik', 'istio', 'linkerd', 'nginx', 'envoy-gateway', 'contour', 'http', 'otel'].sort(),
    );
  });

  const variants = PRESETS.flatMap(({ name, variants: all }) =>
    all.map((variant, index) => ({ title: `${name} ${index + 1}`, variant })),
  );

  test.each(variants)('$title has selectors that a user could have written', ({ variant }) => {
    const counters = [variant.requests, variant.failures];
    const histograms = variant.histogram === null ? [] : [variant.histogram];
    expect(counters.flatMap((selector) => promqlProblems(selector, 'counter'))).toEqual([]);
    expect(histograms.flatMap((selector) => promqlProblems(selector, 'histogram'))).toEqual([]);
    expect([...counters, ...histograms].every(tellsArmsApart)).toBe(true);
  });

  test.each(variants)('$title counts as failures some of its requests', ({ variant }) => {
    expect(variant.failures).not.toBe(variant.requests);
    expect(variant.failures.startsWith(variant.requests.slice(0, variant.requests.indexOf('{') + 1))).toBe(true);
  });

  test.each(variants)('$title has a unit exactly when it has a histogram', ({ variant }) => {
    expect(variant.unit === null).toBe(variant.histogram === null);
    expect(variant.histogram ?? '_bucket{').toContain('_bucket{');
  });

  test.each(variants)('$title takes several routes where it names one', ({ variant }) => {
    for (const selector of [variant.requests, variant.failures, variant.histogram ?? '']) {
      const routes = placeholdersIn(selector).filter(({ name }) => name === 'route');
      expect(routes.filter(({ from }) => selector.charAt(from - 1) !== '(')).toEqual([]);
    }
  });

  test.each(PRESETS)('$name says what else it looks at in a selector too', ({ blended }) => {
    expect(blended === null ? [] : promqlProblems(blended.requests, 'counter')).toEqual([]);
  });
});

/** A name of a backend as Traefik 3.7.10 makes it, seen on the stack. */
const traefikBackend = (service: string, index: number, route = 'shop-checkout'): string =>
  `httproute-${route}-gw-default-canary-gateway-ep-web-0-1c0cf64bde51d9dddf0d-svc-${service}-${index}@kubernetesgateway`;

const CHECKOUT_POD = 'checkout-5d9c7b6f4-x7k2p';
const CANARY_POD = 'checkout-canary-7f6d5c4b8-q9w8e';

type Row = readonly [metric: string, labels: Labels, arms: readonly string[]];

const PODS: readonly (readonly [pod: string, namespace: string, arms: readonly string[]])[] = [
  [CHECKOUT_POD, 'shop', ['stable']],
  [CANARY_POD, 'shop', ['canary']],
  [CHECKOUT_POD, 'shop2', []],
  ['checkout2-5d9c7b6f4-x7k2p', 'shop', []],
  ['checkout-canary2-7f6d5c4b8-q9w8e', 'shop', []],
];

const pods = (metric: string, labels: Labels = {}, namespace = 'namespace', pod = 'pod'): readonly Row[] =>
  PODS.map(([name, space, arms]) => [metric, { ...labels, [namespace]: space, [pod]: name }, arms]);

const TRAEFIK = 'traefik_service_requests_total';
const ISTIO = 'istio_requests_total';
const LINKERD = 'outbound_http_route_backend_response_statuses_total';
const ENVOY = 'envoy_cluster_upstream_rq';

const istioTo = (service: string, namespace = 'shop', reporter = 'source'): Labels => ({
  reporter,
  destination_service_namespace: namespace,
  destination_service_name: service,
  destination_workload: 'unknown',
});
const istioPod = (workload: string, namespace = 'shop', reporter = 'destination'): Labels => ({
  reporter,
  destination_workload_namespace: namespace,
  destination_workload: workload,
});
const linkerdTo = (backend: string, changes: Labels = {}): Labels => ({
  parent_namespace: 'shop',
  parent_name: 'checkout',
  route_namespace: 'shop',
  route_name: 'checkout',
  backend_namespace: 'shop',
  backend_name: backend,
  ...changes,
});
const cluster = (name: string): Labels => ({ envoy_cluster_name: name });

const SERIES: Readonly<Record<string, readonly Row[]>> = {
  traefik: [
    [TRAEFIK, { service: traefikBackend('shop-checkout', 0) }, ['stable']],
    [TRAEFIK, { service: traefikBackend('shop-checkout-canary', 1) }, ['canary']],
    ['traefik_service_request_duration_seconds_bucket', { service: traefikBackend('shop-checkout', 12) }, ['stable']],
    [TRAEFIK, { service: traefikBackend('shop-checkout', 0), protocol: 'grpc' }, []],
    [TRAEFIK, { service: traefikBackend('shop-checkout', 0).replace('http', 'grpc'), protocol: 'grpc' }, []],
    [TRAEFIK, { service: traefikBackend('shop-checkout2', 0) }, []],
    [TRAEFIK, { service: traefikBackend('shop2-checkout', 0) }, []],
    [TRAEFIK, { service: traefikBackend('shop-web-checkout', 0) }, []],
    [TRAEFIK, { service: traefikBackend('shop-checkout-canary-2', 0) }, []],
    [TRAEFIK, { service: traefikBackend('shop-checkout', 0, 'shop-other') }, []],
    [TRAEFIK, { service: traefikBackend('shop-checkout', 0, 'shop-checkout2') }, []],
    [TRAEFIK, { service: traefikBackend('web-svc-shop-checkout', 0) }, []],
    // Before 3.7.6.
    [TRAEFIK, { service: 'shop-checkout-http-80@kubernetesgateway' }, ['stable']],
    [TRAEFIK, { service: 'shop-checkout-canary-http-80@kubernetesgateway' }, ['canary']],
    [TRAEFIK, { service: 'shop-checkout-grpc-8081@kubernetesgateway' }, []],
    [TRAEFIK, { service: 'shop-checkout2-http-80@kubernetesgateway' }, []],
    [TRAEFIK, { service: 'my-shop-checkout-http-80@kubernetesgateway' }, []],
    [TRAEFIK, { service: 'shop-checkout-80@kubernetescrd' }, []],
  ],
  istio: [
    [ISTIO, istioTo('checkout'), ['stable']],
    [ISTIO, istioTo('checkout-canary'), ['canary']],
    ['istio_request_duration_milliseconds_bucket', istioTo('checkout-canary'), ['canary']],
    [ISTIO, istioTo('checkout2'), []],
    [ISTIO, istioTo('checkout', 'shop2'), []],
    [ISTIO, istioTo('checkout', 'shop', 'waypoint'), ['stable']],
    // The pods' sidecars count again what the clients' have counted.
    [ISTIO, istioTo('checkout', 'shop', 'destination'), []],
    [ISTIO, istioPod('checkout'), ['stable']],
    [ISTIO, istioPod('checkout-canary'), ['canary']],
    [ISTIO, istioPod('checkout2'), []],
  ],
  linkerd: [
    [LINKERD, linkerdTo('checkout'), ['stable']],
    [LINKERD, linkerdTo('checkout-canary'), ['canary']],
    ['outbound_http_route_backend_response_duration_seconds_bucket', linkerdTo('checkout'), ['stable']],
    ['outbound_grpc_route_backend_response_statuses_total', linkerdTo('checkout-canary'), ['canary']],
    [LINKERD, linkerdTo('checkout2'), []],
    [LINKERD, linkerdTo('checkout', { backend_namespace: 'shop2' }), []],
    // What clients send past the route.
    [LINKERD, linkerdTo('checkout', { route_namespace: '', route_name: 'http' }), []],
    ['response_total', { direction: 'inbound', namespace: 'shop', deployment: 'checkout' }, ['stable']],
    ['response_total', { direction: 'inbound', namespace: 'shop', deployment: 'checkout-canary' }, ['canary']],
    ['response_total', { direction: 'outbound', namespace: 'shop', deployment: 'checkout' }, []],
    ['response_latency_ms_bucket', { direction: 'inbound', namespace: 'shop', deployment: 'checkout2' }, []],
  ],
  'envoy-gateway': [
    [ENVOY, cluster('service/shop/checkout/80'), ['stable']],
    [ENVOY, cluster('service/shop/checkout-canary/80/http2'), ['canary']],
    ['envoy_cluster_upstream_rq_time_bucket', cluster('service/shop/checkout/8080'), ['stable']],
    [ENVOY, cluster('service/shop/checkout2/80'), []],
    [ENVOY, cluster('service/shop2/checkout/80'), []],
    [ENVOY, cluster('httproute/shop/checkout/rule/0'), []],
    [ENVOY, cluster('httproute/shop/checkout/rule/0/backend/0'), []],
  ],
  contour: [
    [ENVOY, cluster('shop_checkout_80'), ['stable']],
    [ENVOY, cluster('shop_checkout-canary_80'), ['canary']],
    ['envoy_cluster_upstream_rq_time_bucket', cluster('shop_checkout_80'), ['stable']],
    [ENVOY, cluster('shop_checkout2_80'), []],
    [ENVOY, cluster('shop2_checkout_80'), []],
    [ENVOY, cluster('my-shop_checkout_80'), []],
  ],
  http: [
    ...['code', 'status', 'status_code'].flatMap((label) => [
      ...pods('http_requests_total', { [label]: '200' }),
      ...pods('http_request_duration_seconds_count', { [label]: '200' }),
    ]),
    ...pods('http_request_duration_seconds_bucket', { le: '0.1' }),
    ...pods('http_server_requests_seconds_count', { status: '200' }),
    ...pods('http_server_requests_seconds_bucket', { status: '200', le: '0.1' }),
    ...pods('grpc_server_handled_total', { grpc_code: 'OK' }),
    // No failure would ever show.
    ['http_requests_total', { namespace: 'shop', pod: CHECKOUT_POD }, []],
  ],
  otel: [
    ...pods('http_server_request_duration_seconds_count'),
    ...pods('http_server_request_duration_seconds_bucket', {}, 'k8s_namespace_name', 'k8s_pod_name'),
    ...pods('http_server_duration_milliseconds_count', {}, 'k8s_namespace_name', 'k8s_pod_name'),
    ...pods('rpc_server_duration_milliseconds_count'),
  ],
};

describe.each(Object.entries(SERIES))('the series of %s', (name, series) => {
  test.each(series.map(([metric, labels, arms]) => ({ metric, labels, arms })))(
    '$metric $labels is of $arms',
    ({ metric, labels, arms }) => {
      expect(armsOf(name, metric, labels)).toEqual(arms);
    },
  );
});

test('every preset that counts anything has its series tried', () => {
  expect(Object.keys(SERIES).sort()).toEqual(
    PRESETS.filter(({ variants }) => variants.length > 0)
      .map(({ name }) => name)
      .sort(),
  );
});

test('a route with dots in its name is the one that Traefik writes with dashes', () => {
  const service = traefikBackend('shop-checkout', 0, 'shop-checkout-example-com');
  expect(armsOf('traefik', TRAEFIK, { service }, 'checkout.example.com')).toEqual(['stable']);
});

const traefikCanary = { service: traefikBackend('shop-checkout-canary', 1) };

describe('failures', () => {
  const codes: readonly (readonly [
    preset: string,
    metric: string,
    label: string,
    base: Labels,
    bad: readonly string[],
    good: readonly string[],
  ])[] = [
    ['traefik', TRAEFIK, 'code', traefikCanary, ['500', '503', '504'], ['200', '404', '429', '499', '0']],
    ['istio', ISTIO, 'response_code', istioTo('checkout-canary'), ['500', '503'], ['200', '404', '0']],
    [
      'istio',
      ISTIO,
      'grpc_response_status',
      { ...istioTo('checkout-canary'), request_protocol: 'grpc', response_code: '200' },
      ['2', '13', '14'],
      ['0', '5', '1', ''],
    ],
    ['linkerd', LINKERD, 'http_status', linkerdTo('checkout-canary'), ['500', '504', ''], ['200', '302', '404']],
    [
      'linkerd',
      'outbound_grpc_route_backend_response_statuses_total',
      'grpc_status',
      linkerdTo('checkout-canary'),
      ['UNKNOWN', 'INTERNAL'],
      ['OK', 'NOT_FOUND'],
    ],
    [
      'linkerd',
      'response_total',
      'classification',
      { direction: 'inbound', namespace: 'shop', deployment: 'checkout-canary' },
      ['failure'],
      ['success'],
    ],
    [
      'envoy-gateway',
      ENVOY,
      'envoy_response_code',
      cluster('service/shop/checkout-canary/80'),
      ['503'],
      ['200', '404'],
    ],
    ['contour', ENVOY, 'envoy_response_code', cluster('shop_checkout-canary_80'), ['503'], ['200', '404']],
    [
      'http',
      'http_requests_total',
      'code',
      { namespace: 'shop', pod: CANARY_POD },
      ['500', '5xx'],
      ['200', '404', '2xx', ''],
    ],
    [
      'http',
      'http_request_duration_seconds_count',
      'status_code',
      { namespace: 'shop', pod: CANARY_POD },
      ['502'],
      ['200'],
    ],
    [
      'http',
      'grpc_server_handled_total',
      'grpc_code',
      { namespace: 'shop', pod: CANARY_POD },
      ['Internal', 'Unavailable'],
      ['OK', 'NotFound'],
    ],
    [
      'otel',
      'http_server_request_duration_seconds_count',
      'http_response_status_code',
      { namespace: 'shop', pod: CANARY_POD },
      ['500'],
      ['200', '404'],
    ],
    [
      'otel',
      'rpc_server_duration_milliseconds_count',
      'rpc_grpc_status_code',
      { namespace: 'shop', pod: CANARY_POD },
      ['13'],
      ['0', '3'],
    ],
  ];

  test.each(codes)('of %s, %s by %s', (name, metric, label, base, bad, good) => {
    const failing = [...bad, ...good].filter((value) => isFailure(name, metric, { ...base, [label]: value }));
    expect(failing).toEqual(bad);
  });
});

test('what is counted of gRPC calls is not counted by their HTTP status too', () => {
  const labels = { ...istioTo('checkout'), request_protocol: 'grpc', grpc_response_status: '13', response_code: '200' };
  const counting = selectorsOf('istio').filter(([requests]) => selects(bound(requests, 'stable'), ISTIO, labels));
  expect(counting).toHaveLength(1);
});
