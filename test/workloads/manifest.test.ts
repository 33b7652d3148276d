import jsonpatch from 'fast-json-patch';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import type { Manifest } from '../../src/core/spec.ts';
import type { Json } from '../../src/core/units.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { aManifest, POD_TEMPLATE } from '../fakes/manifest.ts';
import { created, deployment, guard, request, resolveIn, see, seeFor, service, targetIn } from './world.ts';

const SERVICE = service('checkout', { app: 'checkout' });
const RESTARTED = { 'kubectl.kubernetes.io/restartedAt': '2026-03-01T10:00:00Z' };

const offerIn = (objects: readonly KubeObject[], manifest: Manifest) => {
  const asked = request({ version: { kind: 'manifest', manifest, template: null } });
  return deploymentWorkload.offer(see(deploymentWorkload.surveys(asked), objects), asked);
};

const version = (template: Json) => ({ kind: 'manifest', manifest: aManifest(), template }) as const;
const templateOf = (object: KubeObject) => (object['spec'] as { template: Record<string, unknown> }).template;
const texts = (found: ReturnType<typeof offerIn>) =>
  found.findings.map(({ severity, where, message }) => `${severity} ${where} ${message}`);

describe('what a manifest offers', () => {
  test('is a patch of stable’s pod template, tested against the one that was read', () => {
    const stable = deployment();
    const { write, findings } = offerIn([stable, SERVICE], aManifest());

    expect(findings).toEqual([]);
    expect(write?.verb).toBe('patch');
    const patched = jsonpatch.applyPatch(structuredClone(stable), write?.body as never, true).newDocument;
    expect(templateOf(patched)).toEqual(POD_TEMPLATE);
    expect({ ...patched, spec: null }).toEqual({ ...stable, spec: null });
    expect(() =>
      jsonpatch.applyPatch(
        structuredClone(deployment({ templateAnnotations: { a: 'b' } })),
        write?.body as never,
        true,
      ),
    ).toThrow();
  });

  test('keeps a restart that somebody asked for, which no file knows of', () => {
    const { write } = offerIn([deployment({ templateAnnotations: RESTARTED }), SERVICE], aManifest());

    expect(JSON.stringify(write?.body)).toContain('"metadata":{"labels":{"app":"checkout"},"annotations":{"kubectl');
  });

  test('is the Deployment itself where there is none, without status and in the namespace of the release', () => {
    const manifest = aManifest();
    const withStatus = { ...manifest, deployment: { ...manifest.deployment, status: { replicas: 9 } } };
    const { write, findings } = offerIn([SERVICE], withStatus);

    expect(findings).toEqual([]);
    expect(write).toMatchObject({ verb: 'create', ref: { kind: 'Deployment', namespace: 'shop', name: 'checkout' } });
    expect(write?.body).toEqual({ ...manifest.deployment, metadata: { name: 'checkout', namespace: 'shop' } });
  });

  test('is refused where the cluster can never take it, with the line', () => {
    const selector = { matchLabels: { app: 'checkout', tier: 'web' } };

    expect(texts(offerIn([deployment(), SERVICE], aManifest({ selector }, { namespace: 'prod' })))).toEqual([
      'error k8s/checkout.yaml:4:3 the Deployment checkout is for the namespace prod, and the release is in shop',
      'error k8s/checkout.yaml:6:3 the selector of the Deployment checkout is app=checkout in the cluster and app=checkout, tier=web here, and it can never be changed',
    ]);
    expect(texts(offerIn([], aManifest({ replicas: 0 })))).toEqual([
      'error k8s/checkout.yaml:1:1 with `replicas: 0` nothing would run',
    ]);
  });

  test('names what else differs, and nothing that the API server has filled in', () => {
    const spec = {
      replicas: 5,
      strategy: { rollingUpdate: { maxSurge: '25%' } },
      progressDeadlineSeconds: 90,
      minReadySeconds: null,
    };
    const manifest = aManifest(spec);
    const metadata = { name: 'checkout', labels: { team: 'shop' } };
    const labelled = { ...manifest, deployment: { ...manifest.deployment, metadata } };

    expect(texts(offerIn([deployment(), SERVICE], labelled))).toEqual([
      'warning k8s/checkout.yaml:1 of the Deployment checkout only the pod template is released; these differ from the cluster and stay as they are there: metadata.labels, spec.replicas',
    ]);
  });
});

describe('the version of a manifest', () => {
  const COMPLETE = {
    ...POD_TEMPLATE,
    spec: {
      containers: [
        { name: 'app', image: 'app:2' },
        { name: 'proxy', image: 'proxy:1' },
      ],
      restartPolicy: 'Always',
    },
  };

  test('is its template as the API server completed it, judged by the images that are new', () => {
    const { target, findings } = resolveIn([deployment(), SERVICE], { version: version(COMPLETE) });

    expect(findings).toEqual([]);
    expect(target?.template).toEqual(COMPLETE);
    expect(target?.images).toEqual([
      { container: 'app', image: 'app:2' },
      { container: 'proxy', image: 'proxy:1' },
    ]);
    expect(target?.manifest).toMatch(/^[0-9a-f]{10}$/);
  });

  test('is what the canary gets, and what stable is given', () => {
    const claimed = { labels: { [guard.holder.key]: guard.holder.value, [guard.wayBack.key]: guard.wayBack.value } };
    const stable = deployment({ metadata: claimed });
    const target = targetIn([stable, SERVICE], { version: version(COMPLETE) });
    const seen = seeFor(target, [stable, SERVICE]);
    const canary = templateOf(created(seen, target, 'canary'));
    const update = deploymentWorkload.plan(seen, target, { kind: 'update-stable' }, guard);

    expect(canary['spec']).toEqual(COMPLETE.spec);
    const [patch] = update.ok ? update.value : [];
    const patched = jsonpatch.applyPatch(structuredClone(stable), patch?.body as never, true).newDocument;
    expect(templateOf(patched)).toEqual(COMPLETE);
  });

  test('is unchanged only when all of it runs and is ready', () => {
    const isUnchanged = (objects: readonly KubeObject[]): boolean => {
      const asked = request({ version: version(COMPLETE) });
      return deploymentWorkload.isUnchanged(see(deploymentWorkload.surveys(asked), objects), asked);
    };
    const running = deployment({ spec: { template: COMPLETE } });

    expect(isUnchanged([running])).toBe(true);
    expect(isUnchanged([deployment({ spec: { template: COMPLETE }, status: { readyReplicas: 2 } })])).toBe(false);
    expect(isUnchanged([deployment()])).toBe(false);
  });

  test('is refused when a Service would lose its pods by it, in words about the manifest', () => {
    const labels = { app: 'checkout', tier: 'web' };
    const stable = deployment({ labels, selector: { matchLabels: { app: 'checkout' } } });
    const found = resolveIn([stable, service('checkout', labels)], { version: version(COMPLETE) }).findings;

    expect(found.map(({ code, message }) => `${code} ${message}`)).toContain(
      'unsafe-labels Service checkout selects the pods of now, but not those of the manifest.',
    );
  });
});
