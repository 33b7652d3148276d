import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COPIED } from '../../src/core/copied-kinds.ts';
import { HORIZONTAL_POD_AUTOSCALER, type KubeObject } from '../../src/core/objects.ts';
import { COPIED_KINDS, type CopiedKind } from '../../src/core/spec.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { matches } from '../../src/workloads/selectors.ts';
import { deploymentOf, selectorOf } from '../../src/workloads/shape.ts';
import {
  created,
  deployment,
  guard,
  labelsOf,
  object,
  resolveIn,
  type Strings,
  seeFor,
  service,
  targetIn,
} from './world.ts';

const VALUES = ['', 'checkout', 'checkout-canary', 'web', `${'x'.repeat(62)}y`];
const KEYS = ['app', 'tier', 'version', 'app.kubernetes.io/name', 'app.kubernetes.io/instance'];

const labels = (minLength: number) =>
  fc
    .uniqueArray(fc.constantFrom(...KEYS), { minLength })
    .chain((keys) => fc.tuple(...keys.map((key) => fc.constantFrom(...VALUES).map((value) => [key, value] as const))))
    .map((entries): Strings => Object.fromEntries(entries));

const someOf = (of: Strings, minLength: number): fc.Arbitrary<Strings> =>
  fc.subarray(Object.entries(of), { minLength }).map((entries) => Object.fromEntries(entries));

/** Of stable's labels, of whatever labels, or of all pods. */
const selector = (of: Strings) =>
  fc.oneof(
    { weight: 4, arbitrary: someOf(of, 1).map((matchLabels) => ({ matchLabels })) },
    { weight: 1, arbitrary: labels(1).map((matchLabels) => ({ matchLabels })) },
    { weight: 1, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...Object.entries(of)).map(([key, value]) => ({
        matchExpressions: [{ key, operator: 'In', values: [value, 'other'] }],
      })),
    },
  );

/** What every copy must leave behind. */
const OWNERSHIP = {
  labels: {
    team: 'a',
    'app.kubernetes.io/managed-by': 'Helm',
    'argocd.argoproj.io/instance': 'shop',
    'kustomize.toolkit.fluxcd.io/name': 'shop',
    'canary-rollout.github.io/holder-0123456789': 'another',
  },
  annotations: {
    'example.com/why': 'audit',
    'kubectl.kubernetes.io/last-applied-configuration': '{}',
    'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/checkout',
    'meta.helm.sh/release-name': 'checkout',
  },
  finalizers: ['example.com/keep'],
  // No controller: one that is has the last word, and the rollout refuses beside it.
  ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'o' }],
  managedFields: [{ manager: 'argocd-controller' }],
  creationTimestamp: '2026-01-01T00:00:00Z',
};

const specOf = (kind: CopiedKind, of: unknown, peer: unknown): Record<string, unknown> => {
  switch (kind) {
    case 'NetworkPolicy':
      return { podSelector: of, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: peer }] }] };
    case 'PodDisruptionBudget':
      return { selector: of, minAvailable: 1 };
    case 'ServiceMonitor':
      return { selector: of, endpoints: [{ port: 'http' }] };
    case 'PodMonitor':
      return { selector: of, podMetricsEndpoints: [{ port: 'http' }] };
  }
};

const policies = (of: Strings) =>
  fc.array(fc.tuple(fc.constantFrom(...COPIED_KINDS), selector(of), selector(of)), { maxLength: 6 }).map((drawn) =>
    drawn.map(([kind, selects, peer], index) =>
      object(COPIED[kind], `p${index}`, {
        metadata: OWNERSHIP,
        spec: specOf(kind, selects, peer),
        status: { observedGeneration: 1 },
      }),
    ),
  );

const autoscaler = (isThere: boolean): readonly KubeObject[] =>
  isThere
    ? [
        object(HORIZONTAL_POD_AUTOSCALER, 'checkout', {
          metadata: OWNERSHIP,
          spec: {
            scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
            minReplicas: 2,
            maxReplicas: 9,
          },
        }),
      ]
    : [];

interface World {
  readonly stable: KubeObject;
  readonly others: readonly KubeObject[];
  readonly policies: readonly KubeObject[];
  readonly objects: readonly KubeObject[];
}

const world: fc.Arbitrary<World> = labels(1).chain((own) =>
  fc
    .record({
      selected: someOf(own, 1),
      served: someOf(own, 1),
      foreign: fc.array(labels(1), { maxLength: 3 }),
      around: policies(own),
      isScaled: fc.boolean(),
    })
    .map(({ selected, served, foreign, around, isScaled }) => {
      const stable = deployment({ labels: own, selector: { matchLabels: selected }, metadata: OWNERSHIP });
      const others = foreign.map((one, index) => deployment({ name: `other${index}`, labels: one }));
      const front = service('checkout', served, { metadata: { labels: own } });
      const objects = [stable, front, ...others, ...around, ...autoscaler(isScaled)];
      return { stable, others, policies: around, objects };
    }),
);

const CHANGES = { copy: COPIED_KINDS, service: 'checkout' } as const;

/** Worlds in which the rollout may start, with what it would create in them. */
const inWorld = ({ objects }: World) => {
  const { target, findings } = resolveIn(objects, CHANGES);
  fc.pre(target !== null && !findings.some(({ severity }) => severity === 'error'));
  const whole = targetIn(objects, CHANGES);
  const seen = seeFor(whole, objects);
  const planned = deploymentWorkload.plan(seen, whole, { kind: 'companions' }, guard);
  if (!planned.ok) throw new Error(planned.problem);
  return {
    target: whole,
    canary: created(seen, whole, 'canary'),
    requests: planned.value,
    copies: planned.value.map(({ body }) => body as unknown as KubeObject),
  };
};

/** The selector of pods that an object has, whatever its kind calls it. */
const podSelectorOf = (one: KubeObject) => {
  const spec = one['spec'] as { readonly podSelector?: unknown; readonly selector?: unknown };
  return selectorOf(one.kind === 'NetworkPolicy' ? spec.podSelector : spec.selector);
};

const isOfPods = ({ kind }: KubeObject): boolean =>
  kind !== 'ServiceMonitor' && kind !== HORIZONTAL_POD_AUTOSCALER.kind;

/** One that lets the canary's pods in, or be reached, where another lets stable's: it is about the pods of that other. */
const isForPeers = ({ metadata }: KubeObject): boolean => metadata.name.endsWith('-canary-peers');

const runs = (seed: number) => ({ seed, numRuns: 300 });

describe('what is created beside the canary', () => {
  test('carries nothing by which somebody else would own, find or keep it', () => {
    fc.assert(
      fc.property(world, (generated) => {
        const { copies, requests } = inWorld(generated);

        expect(requests.every(({ verb }) => verb === 'create')).toBe(true);
        for (const { metadata, ...rest } of copies) {
          const keys = [...Object.keys(metadata.labels ?? {}), ...Object.keys(metadata.annotations ?? {})].join(' ');

          expect(Object.keys(metadata).sort()).toEqual(['annotations', 'labels', 'name', 'namespace']);
          expect(Object.keys(rest).sort()).toEqual(['apiVersion', 'kind', 'spec']);
          expect(metadata.labels?.['app.kubernetes.io/managed-by']).toBe('canary-rollout');
          expect(keys).not.toMatch(/argocd|fluxcd|helm\.sh|last-applied|0123456789/);
          expect(keys).toContain(guard.holder.key);
          expect(keys).toContain(guard.wayBack.key);
        }
      }),
      runs(20261125),
    );
  });

  test('has a name of its own, none of an object that was there', () => {
    fc.assert(
      fc.property(world, (generated) => {
        const { requests } = inWorld(generated);
        const names = requests.map(({ ref }) => `${ref.kind}/${ref.name}`);
        const before = generated.objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);

        expect(new Set([...names, ...before]).size).toBe(names.length + before.length);
      }),
      runs(20261126),
    );
  });

  test('selects the canary’s pods, and no pod of stable’s or of another Deployment', () => {
    fc.assert(
      fc.property(world, (generated) => {
        const { copies, canary } = inWorld(generated);
        const strangers = [generated.stable, ...generated.others].map(labelsOf);

        for (const copy of copies.filter((one) => isOfPods(one) && !isForPeers(one))) {
          const selects = podSelectorOf(copy);
          expect(matches(selects, labelsOf(canary))).toBe(true);
          expect(strangers.filter((one) => matches(selects, one))).toEqual([]);
        }
        for (const { spec } of copies.filter(({ kind }) => kind === HORIZONTAL_POD_AUTOSCALER.kind))
          expect(spec).toMatchObject({ scaleTargetRef: { name: canary.metadata.name } });
      }),
      runs(20261127),
    );
  });

  test('isolates no pod that was not isolated before', () => {
    fc.assert(
      fc.property(world, (generated) => {
        for (const { metadata, spec } of inWorld(generated).copies.filter(isForPeers)) {
          const original = generated.policies.find((one) => `${one.metadata.name}-canary-peers` === metadata.name);
          const { podSelector, policyTypes } = spec as { podSelector: unknown; policyTypes: readonly string[] };

          expect(original).toHaveProperty('spec.podSelector', podSelector);
          expect(policyTypes).toEqual(['Ingress']);
        }
      }),
      runs(20261201),
    );
  });

  test('leaves no NetworkPolicy of stable’s pods without one for the canary’s', () => {
    fc.assert(
      fc.property(world, (generated) => {
        const { copies, canary } = inWorld(generated);
        const isFor = (one: KubeObject, pods: Strings): boolean =>
          one.kind === 'NetworkPolicy' && matches(podSelectorOf(one), pods);
        const lacking = generated.policies.filter(
          (one) => isFor(one, labelsOf(generated.stable)) && !isFor(one, labelsOf(canary)),
        );
        const copied = copies
          .filter((one) => !isForPeers(one) && isFor(one, labelsOf(canary)))
          .map(({ metadata }) => metadata.name);

        expect(lacking.filter(({ metadata }) => !copied.includes(`${metadata.name}-canary`))).toEqual([]);
      }),
      runs(20261128),
    );
  });

  test('is no budget or monitor of a pod that has one already', () => {
    fc.assert(
      fc.property(world, (generated) => {
        const { copies, canary } = inWorld(generated);
        const countOf = (kind: string, of: readonly KubeObject[], pods: Strings): number =>
          of.filter((one) => one.kind === kind && matches(podSelectorOf(one), pods)).length;

        for (const kind of ['PodDisruptionBudget', 'PodMonitor']) {
          const before = countOf(kind, generated.policies, labelsOf(canary));
          const added = countOf(kind, copies, labelsOf(canary));
          expect(before > 0 ? added : 0).toBe(0);
        }
      }),
      runs(20261129),
    );
  });
});

describe('the canary’s pods', () => {
  test('match the selector of no other Deployment, nor other pods the canary’s', () => {
    fc.assert(
      fc.property(world, (generated) => {
        const { canary } = inWorld(generated);

        for (const one of [generated.stable, ...generated.others])
          expect(matches(deploymentOf(one).selector, labelsOf(canary))).toBe(false);
        for (const one of generated.others) expect(matches(deploymentOf(canary).selector, labelsOf(one))).toBe(false);
      }),
      runs(20261130),
    );
  });
});
