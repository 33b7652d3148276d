import { expect, test } from 'vitest';
import { HORIZONTAL_POD_AUTOSCALER, objectRef, SCALED_OBJECT } from '../../src/core/objects.ts';
import type { Autoscaler, Companion, Target } from '../../src/core/plan.ts';
import { deserialise, serialise } from '../../src/kube/saved-rollout.ts';
import { aPlan, aRollout } from '../fakes/rollout.ts';

const HTTP_ROUTE = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', plural: 'httproutes' };
const BOUNDS = { namespace: 'shop', deployment: 'checkout', routeKinds: [HTTP_ROUTE] };

const whyNot = (changes: Partial<Target>): string | null => {
  const rollout = aRollout({ plan: aPlan({ target: { ...aPlan().target, ...changes } }) });
  const saved = deserialise(serialise(rollout, { id: 'run-1', runUrl: null }), BOUNDS);
  return saved.kind === 'unreadable' ? saved.why : null;
};

const HPA = objectRef(HORIZONTAL_POD_AUTOSCALER, 'shop', 'checkout');
const MINIMUM = { path: '/spec/minReplicas', was: null, held: 3 };
const MAXIMUM = { path: '/spec/maxReplicas', was: 9, held: 3 };
const PAUSED = { path: '/metadata/annotations/autoscaling.keda.sh~1paused', was: 'false', held: 'true' };
const COPY: Companion = { ref: { ...HPA, name: 'checkout-canary' }, body: { spec: {} } };

test('a held autoscaler and a copy are read back', () => {
  const keda = { ref: objectRef(SCALED_OBJECT, 'shop', 'checkout'), fields: [PAUSED] };

  expect(whyNot({ autoscaler: { ref: HPA, fields: [MINIMUM, MAXIMUM] }, companions: [COPY] })).toBeNull();
  expect(whyNot({ autoscaler: keda })).toBeNull();
});

test.each<readonly [string, Autoscaler]>([
  ['another namespace', { ref: { ...HPA, namespace: 'kube-system' }, fields: [MINIMUM] }],
  ['another resource', { ref: { ...HPA, apiVersion: 'v1', plural: 'serviceaccounts' }, fields: [MINIMUM] }],
  ['a field of another kind', { ref: HPA, fields: [PAUSED] }],
  ['any annotation', { ref: HPA, fields: [{ ...PAUSED, path: '/metadata/annotations/owner' }] }],
  ['a value that no such field has', { ref: HPA, fields: [{ ...MINIMUM, held: { any: 'thing' } }] }],
])('an autoscaler of %s makes the state unreadable', (_what, autoscaler) => {
  expect(whyNot({ autoscaler })).toMatch(/autoscaler|another namespace/);
});

test('a copy in another namespace makes the state unreadable', () => {
  expect(whyNot({ companions: [{ ...COPY, ref: { ...COPY.ref, namespace: 'kube-system' } }] })).toContain(
    'another namespace',
  );
});
