import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import type { Json } from '../../src/core/units.ts';
import { matches, selects } from '../../src/workloads/selectors.ts';
import { deploymentOf } from '../../src/workloads/shape.ts';
import { aManifest } from '../fakes/manifest.ts';
import { created, deployment, labelsOf, resolveIn, type Strings, seeFor, service, targetIn } from './world.ts';

const KEYS = ['app', 'tier', 'version', 'app.kubernetes.io/name', 'example.com/track'];
const VALUES = ['', 'checkout', 'checkout-canary', 'web', '1.2.3'];

const labels = (minLength: number) =>
  fc
    .uniqueArray(fc.constantFrom(...KEYS), { minLength })
    .chain((keys) => fc.tuple(...keys.map((key) => fc.constantFrom(...VALUES).map((value) => [key, value] as const))))
    .map((entries): Strings => Object.fromEntries(entries));

const someOf = (of: Strings): fc.Arbitrary<Strings> =>
  fc.subarray(Object.entries(of), { minLength: 1 }).map((entries) => Object.fromEntries(entries));

/** Tracking labels, which people's charts put into pod templates too. */
const TRACKED = { 'argocd.argoproj.io/instance': 'shop', 'helm.sh/chart': 'shop-1.2.3' };

interface World {
  readonly stable: KubeObject;
  readonly next: Strings;
  readonly services: readonly KubeObject[];
  readonly others: readonly KubeObject[];
}

/** A template with labels of its own, which stable's selector still selects: another one cannot be applied at all. */
const world: fc.Arbitrary<World> = labels(1).chain((own) =>
  fc
    .record({
      selected: someOf(own),
      served: someOf(own),
      changed: fc.oneof(fc.constant<Strings>({}), labels(1)),
      selectors: fc.array(fc.oneof(someOf(own), labels(1)), { maxLength: 3 }),
      foreign: fc.array(labels(1), { maxLength: 3 }),
    })
    .map(({ selected, served, changed, selectors, foreign }) => ({
      stable: deployment({ labels: own, selector: { matchLabels: selected } }),
      // A Service that would lose its pods by the promotion is refused.
      next: { ...own, ...changed, ...served, ...selected },
      services: [served, ...selectors].map((one, index) => service(`s${index}`, one)),
      others: foreign.map((one, index) => deployment({ name: `other${index}`, labels: one })),
    })),
);

const templateOf = (next: Strings): Json => ({
  metadata: { labels: { ...next, ...TRACKED } },
  spec: { containers: [{ name: 'app', image: 'app:2', env: [{ name: 'NEW', value: '1' }] }] },
});

/** Worlds in which the manifest may be released. */
const inWorld = ({ stable, next, services, others }: World) => {
  const objects = [stable, ...services, ...others];
  const version = { kind: 'manifest', manifest: aManifest(), template: templateOf(next) } as const;
  const { target, findings } = resolveIn(objects, { version, service: 's0' });
  fc.pre(target !== null && !findings.some(({ severity }) => severity === 'error'));
  const whole = targetIn(objects, { version, service: 's0' });
  const seen = seeFor(whole, objects);
  return { canary: created(seen, whole, 'canary'), canaryService: created(seen, whole, 'canary-service') };
};

const runs = (seed: number) => ({ seed, numRuns: 100 });

describe('a canary of a template with other labels', () => {
  test('is selected by nothing that selects pods of stable’s, before or after the promotion', () => {
    fc.assert(
      fc.property(world, (generated) => {
        const { canary } = inWorld(generated);
        const { stable, next, services, others } = generated;
        const pods = labelsOf(canary);

        expect(services.filter((one) => selects(one, labelsOf(stable)) && selects(one, pods))).toEqual([]);
        expect(services.filter((one) => selects(one, next) && selects(one, pods))).toEqual([]);
        for (const one of [stable, ...others]) expect(matches(deploymentOf(one).selector, pods)).toBe(false);
      }),
      runs(20261202),
    );
  });

  test('has a Service and a selector that take no pod of stable’s, before or after the promotion', () => {
    fc.assert(
      fc.property(world, (generated) => {
        const { canary, canaryService } = inWorld(generated);
        const strangers = [labelsOf(generated.stable), generated.next, ...generated.others.map(labelsOf)];

        expect(selects(canaryService, labelsOf(canary))).toBe(true);
        expect(strangers.filter((one) => selects(canaryService, one))).toEqual([]);
        expect(strangers.filter((one) => matches(deploymentOf(canary).selector, one))).toEqual([]);
      }),
      runs(20261203),
    );
  });

  test('runs the new template, without labels by which a tool finds its own objects', () => {
    fc.assert(
      fc.property(world, (generated) => {
        const { canary } = inWorld(generated);
        const spec = canary['spec'] as { template: { spec: unknown } };

        expect(spec.template.spec).toMatchObject({ containers: [{ image: 'app:2', env: [{ name: 'NEW' }] }] });
        expect(Object.keys(labelsOf(canary)).sort()).toEqual(Object.keys(generated.next).sort());
      }),
      runs(20261204),
    );
  });
});
