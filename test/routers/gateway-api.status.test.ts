import { describe, expect, test } from 'vitest';
import { type KubeObject, refKey } from '../../src/core/objects.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { gatewayApi } from '../../src/routers/gateway-api/gateway-api.ts';
import { read, ref, set, simple, target, worldOfRules } from './claimed-route.ts';
import { accepted, grpcRoute, httpRoute, mapRoutes, routeOf, routesWorld, targetOf } from './routes.ts';

describe('what the gateways say', () => {
  const start = worldOfRules(simple);
  const original = gatewayApi.original(read(start), target);
  const written = set(start, 1000, original);
  const verify = (edit: (route: KubeObject) => KubeObject) =>
    gatewayApi.verify(read(mapRoutes(written, edit)), target, weightOnly(1000), original);
  type Parent = { parentRef: object; controllerName: string; conditions: Record<string, unknown>[] };
  const parents = (edit: (parents: Parent[]) => Parent[]) => (route: KubeObject) => {
    const done = accepted(route);
    const { parents: list } = done['status'] as { parents: Parent[] };
    return { ...done, status: { parents: edit(structuredClone(list)) } };
  };

  test('a controller that never sets observedGeneration is believed', () => {
    const linkerd = parents((list) =>
      list.map((one) => ({ ...one, conditions: one.conditions.map(({ observedGeneration: _none, ...rest }) => rest) })),
    );

    expect(verify(linkerd)).toEqual({ kind: 'reached', rung: 'V1' });
  });

  test.each([
    [
      'a parent without a status',
      parents(() => []),
      /a status of HTTPRoute shop\/checkout from Gateway infra\/gateway/,
    ],
    [
      'backends that are not resolved',
      (route: KubeObject) => accepted(route, { ResolvedRefs: 'False' }),
      /to find the backends of .* \(ResolvedRefs: ResolvedRefs is False\)/,
    ],
    [
      'rules that are left out',
      (route: KubeObject) => accepted(route, { PartiallyInvalid: 'True' }),
      /to take all rules/,
    ],
    ['a verdict that is not made', (route: KubeObject) => accepted(route, { Accepted: 'Unknown' }), /to accept/],
    [
      'a status of another parent only',
      parents((list) => list.map((one) => ({ ...one, parentRef: { name: 'other' } }))),
      /a status of/,
    ],
  ])('%s is waited for', (_name, edit, text) => {
    expect(verify(edit)).toMatchObject({ kind: 'pending', waitingFor: expect.stringMatching(text) });
  });

  test('a controller that has read the weights and misses a backend says so', () => {
    expect(verify((route) => accepted(route, { ResolvedRefs: 'False' }))).toMatchObject({ taken: true });
    expect(verify((route) => accepted(route, { Accepted: 'Unknown' }))).not.toHaveProperty('taken');
  });

  test('an old refusal is waited out, and a refusal by one of two controllers counts', () => {
    const old = parents((list) =>
      list.map((one) => ({ ...one, conditions: [{ type: 'Accepted', status: 'False', observedGeneration: 3 }] })),
    );
    const second = parents((list) => [
      ...list,
      ...list.map((one) => ({
        ...one,
        conditions: [{ type: 'Accepted', status: 'False', reason: 'NotAllowed', observedGeneration: 4 }],
      })),
    ]);

    expect(verify(old).kind).toBe('pending');
    expect(verify(second)).toEqual({
      kind: 'refused',
      code: 'route-not-accepted',
      reason: 'Gateway infra/gateway does not accept HTTPRoute shop/checkout: NotAllowed',
    });
  });

  test('a backend that is not known yet refuses a start, and not a rollout under way', () => {
    const unresolved = (world: typeof start) =>
      gatewayApi
        .check(read(mapRoutes(world, (route) => accepted(route, { ResolvedRefs: 'False' }))), target, original)
        .map(({ code }) => code);

    expect(unresolved(routesWorld({ ref, object: routeOf(ref, simple) }))).toEqual(['route-not-accepted']);
    expect(unresolved(written)).toEqual([]);
  });

  test('a long message of a controller is cut', () => {
    const long = parents((list) =>
      list.map((one) => ({
        ...one,
        conditions: [{ type: 'Accepted', status: 'False', message: 'x'.repeat(5000), observedGeneration: 4 }],
      })),
    );

    const verdict = verify(long);

    expect(verdict.kind === 'refused' && verdict.reason.length < 300).toBe(true);
  });

  test('the settle time is that of the slowest implementation, and a careful one where none is known', () => {
    const settle = (...names: string[]) =>
      gatewayApi.settleMs?.(
        read(
          mapRoutes(
            start,
            parents((list) => names.flatMap((controllerName) => list.map((one) => ({ ...one, controllerName })))),
          ),
        ),
        target,
      );

    expect(settle('traefik.io/gateway-controller')).toBe(2000);
    expect(settle('istio.io/gateway-controller', 'networking.gke.io/gateway')).toBe(120_000);
    expect(settle('unheard.of/controller', 'constructor')).toBe(5000);
    expect(settle()).toBe(5000);
  });
});

describe('finding routes', () => {
  const service = { namespace: 'shop', name: 'checkout' };
  const found = (...objects: readonly KubeObject[]) => gatewayApi.candidates(objects, service).map(refKey);

  test('finds every route with a rule that leads to the Service', () => {
    const grpc = grpcRoute('rpc');

    expect(
      found(
        routeOf(ref, simple),
        routeOf(grpc, [
          { backendRefs: [{ name: 'other' }] },
          { backendRefs: [{ group: '', kind: 'Service', name: 'checkout', namespace: 'shop' }] },
        ]),
        routeOf(httpRoute('elsewhere'), [{ backendRefs: [{ name: 'checkout', namespace: 'other' }] }]),
        routeOf(httpRoute('import'), [
          { backendRefs: [{ group: 'multicluster.x-k8s.io', kind: 'ServiceImport', name: 'checkout' }] },
        ]),
        routeOf(httpRoute('none'), [{}]),
        { ...routeOf(httpRoute('foreign-group'), simple), apiVersion: 'example.com/v1' },
      ),
    ).toEqual([refKey(ref), refKey(grpc)]);
  });

  test('warns of sessions that outlive weight 0, of grants, and of multiplied weights', () => {
    const far = { ...ref, namespace: 'edge' };
    const object = routeOf(far, [
      { sessionPersistence: {}, backendRefs: [{ name: 'checkout', namespace: 'shop' }, { name: 'b' }] },
    ]);
    const to = targetOf([far]);

    const findings = gatewayApi.check(read(routesWorld({ ref: far, object }), to), to);

    expect(findings.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'warning: HTTPRoute edge/checkout: spec.rules[0] also leads to b: its weights are multiplied by 1000 for the rollout, and put back',
      'warning: HTTPRoute edge/checkout: spec.rules[0] has sessionPersistence: users with a session on the canary stay there at weight 0',
      'warning: HTTPRoute edge/checkout: spec.rules[0] leads into namespace shop: a ReferenceGrant there must cover Service checkout-canary too',
    ]);
  });

  test('names the fields that it will write', () => {
    const world = worldOfRules([...simple, { backendRefs: [{ name: 'checkout' }, { name: 'b' }] }]);

    expect(gatewayApi.fields(read(world), target)).toEqual({
      [refKey(ref)]: [
        'spec.rules[0].backendRefs[checkout-canary]',
        'spec.rules[0].backendRefs[checkout].weight',
        'spec.rules[1].backendRefs[checkout-canary]',
        'spec.rules[1].backendRefs[].weight',
      ],
    });
  });
});
