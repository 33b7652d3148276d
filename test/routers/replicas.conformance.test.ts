import fc from 'fast-check';
import { DEPLOYMENT, ENDPOINT_SLICE, type KubeObject, objectRef, refKey, SERVICE } from '../../src/core/objects.ts';
import { fieldsOf } from '../../src/core/shape.ts';
import { replicas } from '../../src/routers/replicas.ts';
import { routerConformance } from '../conformance/router.ts';
import type { RouterFixture } from '../conformance/router-fixture.ts';
import { objectAt, type World, worldOf } from '../conformance/world.ts';
import { targetOf } from './routes.ts';

const stable = objectRef(DEPLOYMENT, 'shop', 'checkout');
const canary = objectRef(DEPLOYMENT, 'shop', 'checkout-canary');
const service = objectRef(SERVICE, 'shop', 'checkout');
const slice = objectRef(ENDPOINT_SLICE, 'shop', 'checkout-abc');

const countOf = (object: KubeObject): number => Number(fieldsOf(object['spec'])['replicas'] ?? 1);

const deployment = (name: string, count: unknown, extra: object = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, generation: 1, resourceVersion: '5', labels: { app: name } },
  spec: { replicas: count, template: { spec: { containers: [] } }, ...extra },
});
const endpoint = (pod: string, conditions: object) => ({
  addresses: ['10.0.0.1'],
  conditions,
  targetRef: { kind: 'Pod', name: pod },
});
const serviceObject = (spec: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'checkout', namespace: 'shop' },
  spec,
});

const worldWith = (count: unknown, extra: object = {}): World =>
  settled(
    worldOf([
      { ref: stable, object: deployment('checkout', count, extra) },
      { ref: canary, object: deployment('checkout-canary', 0, extra) },
      { ref: service, object: serviceObject() },
      {
        ref: slice,
        object: {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: { name: 'checkout-abc', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'checkout' } },
          endpoints: [],
        },
      },
    ]),
  );

/** Pods are ready and in the slice, beside one that terminates and one that is not ready. */
const settled = (world: World): World => {
  const next = new Map(world);
  for (const ref of [stable, canary]) {
    const object = objectAt(world, ref);
    const count = countOf(object);
    next.set(refKey(ref), {
      ...object,
      status: { observedGeneration: object.metadata.generation, replicas: count, readyReplicas: count },
    });
  }
  const pods = Array.from({ length: countOf(objectAt(world, canary)) }, (_, index) =>
    endpoint(`checkout-canary-7d9f6-aaaa${index}`, { ready: true }),
  );
  const others = Array.from({ length: countOf(objectAt(world, stable)) }, (_, index) =>
    endpoint(`checkout-5c8d4-aaaa${index}`, { ready: true }),
  );
  const leaving = endpoint('checkout-canary-7d9f6-zzzzz', { ready: true, terminating: true });
  const unready = endpoint('checkout-canary-7d9f6-yyyyy', { ready: false });
  next.set(refKey(slice), { ...objectAt(world, slice), endpoints: [...others, ...pods, leaving, unready] });
  return next;
};

const fixture: RouterFixture = {
  title: 'replicas, with a Service',
  router: replicas,
  target: targetOf([], { router: 'replicas', canaryService: null }),
  written: [canary],
  world: worldWith(9),
  worlds: fc
    .tuple(fc.integer({ min: 0, max: 600 }), fc.boolean())
    .map(([minReadySeconds, paused]) => worldWith(9, { minReadySeconds, paused, strategy: { type: 'RollingUpdate' } })),
  weights: [1000, 2500, 5000, 7500],
  settle: settled,
  refuse: null,
  splits: (world) => [{ stable: countOf(objectAt(world, stable)), canary: countOf(objectAt(world, canary)) }],
  foreign: (object) => {
    const { generation: _generation, resourceVersion: _version, ...metadata } = object.metadata;
    const { replicas: _replicas, ...spec } = fieldsOf(object['spec']);
    return { ...object, metadata, spec, status: null };
  },
  inserts: [],
  revert: (object) => ({ ...object, spec: { ...fieldsOf(object['spec']), replicas: 0 } }),
  broken: [
    {
      name: 'a Deployment that does not exist',
      world: worldOf([]),
      code: 'deployment-not-found',
      message: /Deployment shop\/checkout does not exist/,
    },
    {
      name: 'a Deployment without pods',
      world: worldWith(0),
      code: 'stable-not-healthy',
      message: /no replicas to share/,
    },
    {
      name: 'a Deployment whose count is no number',
      world: worldOf([{ ref: stable, object: deployment('checkout', 'x') }]),
      code: 'route-unsupported',
      message: /spec\.replicas is not a number/,
    },
  ],
  restores: false,
  testsGeneration: false,
};

routerConformance(fixture);
routerConformance({
  ...fixture,
  title: 'replicas, without a Service',
  target: targetOf([], { router: 'replicas', service: null, canaryService: null }),
});
