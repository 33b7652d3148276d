import fc from 'fast-check';
import type { KubeObject, ObjectRef } from '../../src/core/objects.ts';
import { fieldsOf } from '../../src/core/shape.ts';
import { gatewayApi } from '../../src/routers/gateway-api/gateway-api.ts';
import { routerConformance } from '../conformance/router.ts';
import type { RouterFixture } from '../conformance/router-fixture.ts';
import { type World, worldOf } from '../conformance/world.ts';
import {
  accepted,
  backendsOf,
  defaulted,
  foreignOf,
  grpcRoute,
  httpRoute,
  mapRoutes,
  routeOf,
  routesWorld,
  rulesOf,
  splitsOf,
  targetOf,
} from './routes.ts';

const weights = [10, 50, 100, 500, 1250, 2000, 3330, 5000, 8000, 9990, 10_000];
const path = (value: string) => ({ matches: [{ path: { type: 'PathPrefix', value } }] });
const header = { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-arm', value: 'stable' }] } };

const weightArbitrary = fc.option(fc.integer({ min: 0, max: 1000 }), { nil: undefined });
const entry = (name: string, port: number, weight: number | undefined, filtered: boolean) => ({
  name,
  port,
  ...(weight === undefined ? {} : { weight }),
  ...(filtered ? { filters: [header] } : {}),
});
const foreignArbitrary = fc
  .tuple(fc.constantFrom('search', 'legacy', 'checkout-v2'), fc.constantFrom(80, 81), weightArbitrary, fc.boolean())
  .map(([name, port, weight, filtered]) => entry(name, port, weight, filtered));
// Two entries of stable with the same port are one backend written twice: ports differ here as they do in real routes.
const stableArbitrary = fc
  .tuple(
    fc.constantFrom([80], [80, 8080]),
    fc.array(fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined }), { minLength: 2, maxLength: 2 }),
    fc.boolean(),
  )
  .map(([ports, sizes, filtered]) => ports.map((port, index) => entry('checkout', port, sizes[index], filtered)));
const ruleArbitrary = fc
  .tuple(
    stableArbitrary,
    fc.array(foreignArbitrary, { maxLength: 3 }),
    fc.nat({ max: 3 }),
    fc.constantFrom('/', '/a', '/b', null),
  )
  .map(([stable, foreign, at, prefix]) => ({
    ...(prefix === null ? {} : path(prefix)),
    timeouts: { request: '10s' },
    backendRefs: [...foreign.slice(0, at), ...stable, ...foreign.slice(at)],
  }));
const redirect = {
  ...path('/old'),
  filters: [{ type: 'RequestRedirect', requestRedirect: { hostname: 'new.example' } }],
};
const rulesArbitrary = fc
  .tuple(
    fc.array(ruleArbitrary, { minLength: 1, maxLength: 4 }),
    fc.array(fc.constantFrom(redirect, { ...path('/x'), backendRefs: [entry('search', 80, 7, false)] }), {
      maxLength: 2,
    }),
    fc.boolean(),
  )
  .map(([ours, others, before]) => (before ? [...others, ...ours] : [...ours, ...others]));

const plain = (ref: ObjectRef): KubeObject => routeOf(ref, [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
const one = (object: KubeObject): World => routesWorld({ ref: httpRoute(), object });

const broken: RouterFixture['broken'] = [
  {
    name: 'a route that does not exist',
    world: worldOf([]),
    code: 'route-not-found',
    message: /HTTPRoute shop\/checkout does not exist/,
  },
  {
    name: 'a route that leads elsewhere',
    world: one(routeOf(httpRoute(), [{ backendRefs: [{ name: 'search', port: 80 }] }])),
    code: 'route-not-found',
    message: /no rule that leads to Service checkout/,
  },
  {
    name: 'a route whose rules are no list',
    world: one(routeOf(httpRoute(), [], { rules: 'x' })),
    code: 'route-unsupported',
    message: /spec\.rules is not a list/,
  },
  {
    name: 'a rule whose backends are no list',
    world: one(routeOf(httpRoute(), [{ backendRefs: {} }])),
    code: 'route-unsupported',
    message: /spec\.rules\[0\]\.backendRefs/,
  },
  {
    name: 'a weight that is no whole number',
    world: one(routeOf(httpRoute(), [{ backendRefs: [{ name: 'checkout', weight: 1.5 }] }])),
    code: 'route-unsupported',
    message: /whole weights/,
  },
  {
    name: 'a route whose stable Service has weight 0',
    world: one(
      routeOf(httpRoute(), [
        {
          backendRefs: [
            { name: 'checkout', weight: 0 },
            { name: 'b', weight: 1 },
          ],
        },
      ]),
    ),
    code: 'route-unsupported',
    message: /already split: Service checkout has weight 0/,
  },
  {
    name: 'a route that names the canary already',
    world: one(
      routeOf(httpRoute(), [
        {
          backendRefs: [
            { name: 'checkout', weight: 90 },
            { name: 'checkout-canary', weight: 10 },
          ],
        },
      ]),
    ),
    code: 'route-unsupported',
    message: /already split: it names Service checkout-canary/,
  },
  {
    name: 'a rule without a place for one more backend',
    world: one(
      routeOf(httpRoute(), [
        { backendRefs: [{ name: 'checkout' }, ...Array.from({ length: 15 }, (_, i) => ({ name: `b${i}` }))] },
      ]),
    ),
    code: 'route-unsupported',
    message: /16 backends/,
  },
  {
    name: 'a rule whose weights would exceed the limit',
    world: one(
      routeOf(httpRoute(), [
        {
          backendRefs: [
            { name: 'checkout', weight: 1001 },
            { name: 'b', weight: 1 },
          ],
        },
      ]),
    ),
    code: 'route-unsupported',
    message: /multiplied by 1000 they exceed 1000000/,
  },
  {
    name: 'a route that no gateway accepts',
    world: worldOf([{ ref: httpRoute(), object: accepted(plain(httpRoute()), { Accepted: 'False' }) }]),
    code: 'route-not-accepted',
    message: /Gateway infra\/gateway does not accept HTTPRoute shop\/checkout: Accepted: Accepted is False/,
  },
  {
    name: 'a route with a backend that is missing',
    world: worldOf([{ ref: httpRoute(), object: accepted(plain(httpRoute()), { ResolvedRefs: 'False' }) }]),
    code: 'route-not-accepted',
    message: /does not find all backends/,
  },
  {
    name: 'a route without a status',
    world: worldOf([{ ref: httpRoute(), object: plain(httpRoute()) }]),
    code: 'route-not-accepted',
    message: /says nothing about HTTPRoute shop\/checkout/,
  },
  {
    name: 'a route without parents',
    world: one(routeOf(httpRoute(), [{ backendRefs: [{ name: 'checkout' }] }], { parentRefs: [] })),
    code: 'route-not-accepted',
    message: /no parentRefs/,
  },
  {
    name: 'a route that Argo Rollouts writes',
    world: mapRoutes(one(plain(httpRoute())), (route) => ({
      ...route,
      metadata: { ...route.metadata, annotations: { 'argo-rollouts.argoproj.io/managed-by-rollouts': 'x' } },
    })),
    code: 'owned-by-controller',
    message: /Argo Rollouts/,
  },
  {
    name: 'a route that Flagger made',
    world: mapRoutes(one(plain(httpRoute())), (route) => ({
      ...route,
      metadata: {
        ...route.metadata,
        ownerReferences: [{ apiVersion: 'flagger.app/v1beta1', kind: 'Canary', name: 'checkout', uid: 'u' }],
      },
    })),
    code: 'owned-by-controller',
    message: /belongs to Canary checkout/,
  },
  {
    name: 'a shared rule on a route that another rollout writes',
    world: mapRoutes(
      one(routeOf(httpRoute(), [{ backendRefs: [{ name: 'checkout' }, { name: 'search' }] }])),
      (route) => ({
        ...route,
        metadata: { ...route.metadata, annotations: { 'canary-rollout.github.io/holder-0000000000': 't' } },
      }),
    ),
    code: 'route-unsupported',
    message: /another rollout/,
  },
];

const withRules = (route: KubeObject, rules: readonly unknown[]): KubeObject => ({
  ...route,
  spec: { ...fieldsOf(route['spec']), rules },
});
const elsewhere = { ...path('/new'), backendRefs: [{ name: 'search', port: 80, weight: 2 }] };
const toStable = { ...path('/new-too'), backendRefs: [{ name: 'checkout', port: 80, weight: 2 }] };
const insertEntries = (route: KubeObject): KubeObject =>
  withRules(
    route,
    rulesOf(route).map((rule) =>
      rule['backendRefs'] === undefined
        ? rule
        : { ...rule, backendRefs: [{ name: 'new', port: 80, weight: 0 }, ...backendsOf(rule)] },
    ),
  );

const common = {
  router: gatewayApi,
  weights,
  settle: (world: World) => mapRoutes(world, (route) => accepted(route)),
  refuse: {
    world: (world: World) => mapRoutes(world, (route) => accepted(route, { Accepted: 'False' })),
    code: 'route-not-accepted' as const,
  },
  splits: splitsOf,
  foreign: foreignOf,
  inserts: [
    insertEntries,
    (route: KubeObject) => withRules(route, [elsewhere, ...rulesOf(route)]),
    (route: KubeObject) => withRules(insertEntries(route), [toStable, elsewhere, ...rulesOf(insertEntries(route))]),
  ],
  revert: (_route: KubeObject, start: KubeObject): KubeObject => start,
  broken,
  restores: true,
  testsGeneration: true,
};

const fixtureOf = (
  title: string,
  objects: readonly { ref: ObjectRef; rules: readonly unknown[] }[],
  defaults: boolean,
): RouterFixture => {
  const place = (ref: ObjectRef, rules: readonly unknown[]) => {
    const object = routeOf(ref, rules);
    return { ref, object: defaults ? defaulted(object) : object };
  };
  const refs = objects.map(({ ref }) => ref);
  return {
    ...common,
    title: `gateway-api, ${title}${defaults ? ', with the defaults of the CRD' : ''}`,
    target: targetOf(refs),
    written: refs,
    world: routesWorld(...objects.map(({ ref, rules }) => place(ref, rules))),
    worlds: fc
      .tuple(...refs.map(() => rulesArbitrary))
      .map((all) => routesWorld(...refs.map((ref, index) => place(ref, all[index] ?? [])))),
    ...(defaults ? { onWrite: defaulted } : {}),
  };
};

const shared = [
  {
    ...path('/'),
    name: 'main',
    backendRefs: [
      { name: 'search', port: 80, weight: 3 },
      { name: 'checkout', port: 80, weight: 7, filters: [header] },
    ],
  },
  redirect,
  {
    ...path('/admin'),
    backendRefs: [
      { name: 'checkout', port: 80 },
      { name: 'checkout', port: 8080 },
    ],
  },
  {
    ...path('/uneven'),
    backendRefs: [
      { name: 'checkout', port: 80, weight: 2 },
      { name: 'checkout', port: 8080, weight: 5 },
    ],
  },
];

for (const defaults of [false, true]) {
  routerConformance(
    fixtureOf(
      'one HTTPRoute with one backend',
      [{ ref: httpRoute(), rules: [{ backendRefs: [{ name: 'checkout', port: 80 }] }] }],
      defaults,
    ),
  );
  routerConformance(
    fixtureOf(
      'one HTTPRoute with foreign backends, ports and filters',
      [{ ref: httpRoute(), rules: shared }],
      defaults,
    ),
  );
}
routerConformance({
  ...fixtureOf(
    'an HTTPRoute and a GRPCRoute',
    [
      { ref: httpRoute(), rules: shared },
      {
        ref: grpcRoute('checkout-grpc'),
        rules: [
          { matches: [{ method: { service: 'shop.Checkout' } }], backendRefs: [{ name: 'checkout', port: 9000 }] },
        ],
      },
    ],
    true,
  ),
});
