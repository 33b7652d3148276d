import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import { matches, selects } from '../../src/workloads/selectors.ts';
import { deploymentOf } from '../../src/workloads/shape.ts';
import { created, deployment, labelsOf, resolveIn, type Strings, seeFor, service, targetIn } from './world.ts';

const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const KEYS = [
  'app',
  'tier',
  'version',
  'app.kubernetes.io/name',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/part-of',
  'helm.sh/chart',
  'kustomize.toolkit.fluxcd.io/name',
];

const value = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'checkout',
    'checkout-canary',
    '1.2.3',
    'A_b.c',
    `${'x'.repeat(62)}y`,
    `${'x'.repeat(50)}.-.-z`,
  ),
  fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?$/),
);

const podLabels = fc
  .uniqueArray(fc.constantFrom(...KEYS), { minLength: 1, maxLength: KEYS.length })
  .chain((keys) => fc.tuple(...keys.map((key) => value.map((one) => [key, one] as const))))
  .map((entries): Strings => Object.fromEntries(entries));

const someOf = (labels: Strings, minLength = 1): fc.Arbitrary<Strings> =>
  fc.subarray(Object.entries(labels), { minLength }).map((entries) => Object.fromEntries(entries));

const expression = (labels: Strings) =>
  fc
    .constantFrom(...Object.entries(labels))
    .chain(([key, held]) =>
      fc.constantFrom(
        { key, operator: 'In', values: [held, 'other'] },
        { key, operator: 'In', values: [held, `${held}-canary`] },
        { key, operator: 'Exists' },
        { key, operator: 'NotIn', values: ['other'] },
        { key: 'absent', operator: 'DoesNotExist' },
      ),
    );

const OWNERSHIP = {
  labels: {
    'app.kubernetes.io/managed-by': 'Helm',
    'app.kubernetes.io/instance': 'argo-app',
    'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
    'canary-rollout.github.io/holder-0123456789': 'another',
  },
  annotations: {
    'kubectl.kubernetes.io/last-applied-configuration': '{}',
    'deployment.kubernetes.io/revision': '12',
    'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/checkout',
    'meta.helm.sh/release-name': 'checkout',
  },
  finalizers: ['example.com/keep'],
  ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'o' }],
  managedFields: [{ manager: 'argocd-controller' }],
  creationTimestamp: '2026-01-01T00:00:00Z',
};

interface World {
  readonly stable: KubeObject;
  readonly services: readonly KubeObject[];
  readonly objects: readonly KubeObject[];
}

const world: fc.Arbitrary<World> = podLabels.chain((labels) =>
  fc
    .record({
      matchLabels: someOf(labels, 0),
      expressions: fc.array(expression(labels), { maxLength: 2 }),
      selectors: fc.array(someOf(labels), { minLength: 1, maxLength: 5 }),
      foreign: fc.array(podLabels, { maxLength: 2 }),
    })
    .map(({ matchLabels, expressions, selectors, foreign }) => {
      const isEmpty = Object.keys(matchLabels).length === 0 && expressions.length === 0;
      const selector = { matchLabels: isEmpty ? labels : matchLabels, matchExpressions: expressions };
      const stable = deployment({ labels, selector, metadata: OWNERSHIP });
      const services = selectors.map((one, index) => service(`s${index}`, one, { metadata: OWNERSHIP }));
      const others = foreign.map((one, index) => deployment({ name: `other${index}`, labels: one }));
      return { stable, services, objects: [stable, ...services, ...others] };
    }),
);

const selectorOf = (object: KubeObject): Strings => (object['spec'] as { selector: Strings }).selector;

describe.each(['requests', 'pods'] as const)('canary and stable with %s as the unit', (unit) => {
  const shared = (name: string): boolean => unit === 'pods' && name === 's0';

  const copies = ({ stable, objects }: World) => {
    const { target, findings } = resolveIn(objects, { unit, service: 's0' });
    fc.pre(target !== null && findings.length === 0);
    const whole = targetIn(objects, { unit, service: 's0' });
    const seen = seeFor(whole, objects);
    return {
      target: whole,
      stableLabels: labelsOf(stable),
      canary: created(seen, whole, 'canary'),
      canaryService: unit === 'requests' ? created(seen, whole, 'canary-service') : null,
    };
  };

  test('are never selected by the same Service or Deployment, but for the Service that both share', () => {
    fc.assert(
      fc.property(world, (generated) => {
        const { canary, stableLabels } = copies(generated);
        const canaryLabels = labelsOf(canary);

        for (const one of generated.services) {
          if (selects(one, stableLabels)) expect(selects(one, canaryLabels)).toBe(shared(one.metadata.name));
        }
        expect(matches(deploymentOf(generated.stable).selector, canaryLabels)).toBe(false);
        expect(matches(deploymentOf(canary).selector, stableLabels)).toBe(false);
        expect(matches(deploymentOf(canary).selector, canaryLabels)).toBe(true);
      }),
      { seed: 20261121, numRuns: 400 },
    );
  });

  test('are told apart by the canary Service', () => {
    fc.assert(
      fc.property(world, (generated) => {
        const { canary, canaryService, stableLabels } = copies(generated);
        if (canaryService === null) return;

        expect(selects(canaryService, labelsOf(canary))).toBe(true);
        expect(selects(canaryService, stableLabels)).toBe(false);
        expect(Object.keys(selectorOf(canaryService)).length).toBeGreaterThan(0);
      }),
      { seed: 20261122, numRuns: 200 },
    );
  });

  test('have valid label values, and the copies carry nobody else’s ownership', () => {
    fc.assert(
      fc.property(world, (generated) => {
        const { canary, canaryService } = copies(generated);

        for (const [key, one] of Object.entries(labelsOf(canary))) {
          expect(one).toMatch(LABEL_VALUE);
          expect(one.length).toBeLessThanOrEqual(63);
          expect(key).not.toMatch(/argocd|fluxcd|helm\.sh/);
        }
        for (const copy of [canary, canaryService]) {
          if (copy === null) continue;
          const { metadata } = copy;
          expect(metadata.labels?.['app.kubernetes.io/managed-by']).toBe('canary-rollout');
          expect(Object.keys(metadata).sort()).toEqual([
            'annotations',
            'labels',
            'name',
            'namespace',
            'resourceVersion',
            'uid',
          ]);
          const keys = [...Object.keys(metadata.labels ?? {}), ...Object.keys(metadata.annotations ?? {})].join(' ');
          expect(keys).not.toMatch(/argocd|fluxcd|helm\.sh|last-applied|deployment\.kubernetes\.io|0123456789/);
          expect(copy).not.toHaveProperty('status');
        }
      }),
      { seed: 20261123, numRuns: 200 },
    );
  });

  test('are resolved the same way every time', () => {
    fc.assert(
      fc.property(world, ({ objects }) => {
        expect(resolveIn(objects, { unit, service: 's0' })).toEqual(resolveIn(objects, { unit, service: 's0' }));
      }),
      { seed: 20261124, numRuns: 100 },
    );
  });
});
