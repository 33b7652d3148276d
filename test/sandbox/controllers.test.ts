import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../sandbox/cluster/objects.ts';
import type { Sandbox } from '../../sandbox/index.ts';
import { startSandbox } from '../../sandbox/index.ts';
import { shopObjects } from '../../sandbox/shop.ts';

const GATEWAY_API = 'gateway.networking.k8s.io/v1';
const held = {} as { sandbox: Sandbox };

beforeEach(async () => {
  held.sandbox = await startSandbox({ pace: { startDelayMs: 20, stopDelayMs: 20 } });
});
afterEach(() => held.sandbox.stop());

const pods = (): KubeObject[] => held.sandbox.cluster.list('v1', 'Pod', 'shop');
const sets = (): KubeObject[] => held.sandbox.cluster.list('apps/v1', 'ReplicaSet', 'shop');
const deployment = (): KubeObject | null => held.sandbox.cluster.get('apps/v1', 'Deployment', 'shop', 'checkout');
const image = (tag: string): string => `registry.example/checkout:${tag}`;
const text = (value: unknown): string => JSON.stringify(value);

describe('workloads', () => {
  test('a Deployment becomes a ReplicaSet, ready pods and endpoints', async () => {
    held.sandbox.cluster.apply(shopObjects());
    await held.sandbox.ready('shop', 'checkout');

    const [set] = sets();
    const hash = set?.metadata.labels?.['pod-template-hash'] ?? '';
    expect(set?.metadata.name).toBe(`checkout-${hash}`);
    expect(pods().map(({ metadata }) => metadata.name.startsWith(`checkout-${hash}-`))).toEqual([true, true, true]);
    await held.sandbox.until('endpoints', () => {
      const [slice] = held.sandbox.cluster.list('discovery.k8s.io/v1', 'EndpointSlice', 'shop');
      const endpoints = (slice?.['endpoints'] ?? []) as { conditions: { ready: boolean } }[];
      return endpoints.length === 3 && endpoints.every(({ conditions }) => conditions.ready);
    });
    expect(deployment()?.status).toMatchObject({ observedGeneration: 1, readyReplicas: 3, availableReplicas: 3 });
  });

  test('the revision is recorded without raising the generation', async () => {
    held.sandbox.cluster.apply(shopObjects());
    await held.sandbox.ready('shop', 'checkout');

    expect(deployment()?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    expect(deployment()?.metadata.generation).toBe(1);
  });

  test('a rolling update never has fewer ready pods than wanted and keeps the old ReplicaSet at 0', async () => {
    held.sandbox.cluster.apply(shopObjects());
    await held.sandbox.ready('shop', 'checkout');
    const ready: number[] = [];
    held.sandbox.cluster.context.store.listeners.add(() => {
      ready.push(
        pods().filter(
          ({ metadata, status }) =>
            !metadata.deletionTimestamp && text(status).includes('"type":"Ready","status":"True"'),
        ).length,
      );
    });
    held.sandbox.cluster.apply(shopObjects({ image: image('1.4.2') }));
    await held.sandbox.ready('shop', 'checkout');

    expect(Math.min(...ready)).toBe(3);
    expect(
      sets()
        .map(({ spec }) => (spec as { replicas: number }).replicas)
        .toSorted(),
    ).toEqual([0, 3]);
    expect(deployment()?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
  });

  test('a return to the old template uses its ReplicaSet again', async () => {
    for (const tag of ['1.4.1', '1.4.2', '1.4.1']) {
      held.sandbox.cluster.apply(shopObjects({ image: image(tag) }));
      await held.sandbox.ready('shop', 'checkout');
    }

    expect(sets()).toHaveLength(2);
    expect(deployment()?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
  });

  test('annotations of the Deployment stay on its ReplicaSets', async () => {
    held.sandbox.cluster.apply(shopObjects({ annotations: { team: 'shop' } }));
    await held.sandbox.ready('shop', 'checkout');

    expect(sets()[0]?.metadata.annotations).toMatchObject({ team: 'shop', 'deployment.kubernetes.io/revision': '1' });
  });

  test.each([
    ['2.0-crash', 'CrashLoopBackOff'],
    ['2.0-missing', 'ImagePullBackOff'],
  ])('the image tag %s leaves its pods waiting with %s', async (tag, reason) => {
    held.sandbox.cluster.apply(shopObjects({ image: image(tag) }));
    await held.sandbox.until(
      reason,
      () => pods().length === 3 && pods().every(({ status }) => text(status).includes(reason)),
    );

    expect(deployment()?.status).toMatchObject({ unavailableReplicas: 3 });
    expect(text(pods()[0]?.status).includes('lastState')).toBe(tag.includes('crash'));
  });

  test('the same tag is the same digest until it is moved', async () => {
    held.sandbox.cluster.apply(shopObjects());
    await held.sandbox.ready('shop', 'checkout');
    const ids = (): (string | undefined)[] => pods().map(({ status }) => /"imageID":"([^"]+)"/.exec(text(status))?.[1]);
    const [first, ...others] = ids();
    held.sandbox.cluster.movedImages.set(image('1.4.1'), 'another build');
    held.sandbox.cluster.apply(shopObjects({ templateAnnotations: { restarted: 'now' } }));
    await held.sandbox.ready('shop', 'checkout');
    await held.sandbox.until('the old pods gone', () => pods().length === 3);

    expect(first).toMatch(/^registry\.example\/checkout@sha256:[0-9a-f]{64}$/);
    expect(others).toEqual([first, first]);
    expect(ids()).not.toContain(first);
  });
});

describe('deletion', () => {
  test.each(['Foreground', 'Background'])(
    'a %s deletion takes ReplicaSets and pods with it',
    async (propagationPolicy) => {
      const { cluster } = held.sandbox;
      cluster.apply(shopObjects());
      await held.sandbox.ready('shop', 'checkout');
      await fetch(`${cluster.url}/apis/apps/v1/namespaces/shop/deployments/checkout`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${cluster.adminToken}` },
        body: JSON.stringify({ propagationPolicy }),
      });
      if (propagationPolicy === 'Foreground') expect(deployment()?.metadata.finalizers).toEqual(['foregroundDeletion']);

      await held.sandbox.until('everything gone', () => deployment() === null && sets().length + pods().length === 0);
    },
  );

  test('the EndpointSlice goes with its Service', async () => {
    const { cluster } = held.sandbox;
    cluster.apply(shopObjects());
    const slices = (): KubeObject[] => cluster.list('discovery.k8s.io/v1', 'EndpointSlice', 'shop');
    await held.sandbox.until('a slice', () => slices().length === 1);
    cluster.delete('v1', 'Service', 'shop', 'checkout');

    await held.sandbox.until('no slice', () => slices().length === 0);
  });
});

describe('the gateway', () => {
  const conditions = (): Record<string, string> => {
    const status = held.sandbox.cluster.get(GATEWAY_API, 'HTTPRoute', 'shop', 'checkout')?.status as
      | { parents: { conditions: { type: string; status: string; observedGeneration: number }[] }[] }
      | undefined;
    return Object.fromEntries(
      (status?.parents[0]?.conditions ?? []).map((entry) => [
        entry.type,
        `${entry.status}@${entry.observedGeneration}`,
      ]),
    );
  };

  test('accepts a route and tells for which generation', async () => {
    held.sandbox.cluster.apply(shopObjects());

    await held.sandbox.until(
      'accepted',
      () => conditions()['Accepted'] === 'True@1' && conditions()['ResolvedRefs'] === 'True@1',
    );
  });

  test('does not resolve a backend that is missing, and does when it comes', async () => {
    const [deploymentOnly, service, route] = shopObjects();
    held.sandbox.cluster.apply([deploymentOnly ?? {}, route ?? {}]);
    await held.sandbox.until('unresolved', () => conditions()['ResolvedRefs'] === 'False@1');
    held.sandbox.cluster.apply([service ?? {}]);

    await held.sandbox.until('resolved', () => conditions()['ResolvedRefs'] === 'True@1');
  });

  test('reports and applies nothing while it is frozen', async () => {
    held.sandbox.cluster.apply(shopObjects());
    await held.sandbox.until('accepted', () => conditions()['Accepted'] === 'True@1');
    held.sandbox.cluster.pace.gatewayIsFrozen = true;
    const [, , route] = shopObjects() as KubeObject[];
    const changed = {
      ...route,
      spec: { ...(route?.spec as object), rules: [{ backendRefs: [{ name: 'checkout', port: 80, weight: 7 }] }] },
    };
    held.sandbox.cluster.pace.startDelayMs = 150;
    held.sandbox.cluster.apply([changed, ...shopObjects({ name: 'slower', route: null })]);
    // By the time that these pods are ready, the gateway would long have answered.
    await held.sandbox.ready('shop', 'slower');
    expect(conditions()['Accepted']).toBe('True@1');
    expect(text([...held.sandbox.cluster.dataPlane.rules.values()])).not.toContain('"weight":7');
    held.sandbox.cluster.pace.gatewayIsFrozen = false;

    await held.sandbox.until('accepted again', () => conditions()['Accepted'] === 'True@2');
    await held.sandbox.until('applied', () =>
      text([...held.sandbox.cluster.dataPlane.rules.values()]).includes('"weight":7'),
    );
  });
});

describe('a Job', () => {
  const job = (owner: string): KubeObject => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: 'watchdog',
      namespace: 'shop',
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'state', uid: owner }],
    },
    spec: {
      template: {
        metadata: { labels: { role: 'watchdog' } },
        spec: { restartPolicy: 'OnFailure', containers: [{ name: 'c', image: 'registry.example/kubectl:1' }] },
      },
    },
  });
  const status = (): unknown => held.sandbox.cluster.get('batch/v1', 'Job', 'shop', 'watchdog')?.status;
  const start = async (): Promise<void> => {
    const state: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'state', namespace: 'shop' } };
    held.sandbox.cluster.apply([state]);
    const uid = held.sandbox.cluster.get('v1', 'ConfigMap', 'shop', 'state')?.metadata.uid ?? '';
    held.sandbox.cluster.apply([job(uid)]);
    await held.sandbox.until('a pod that is ready', () => text(status()).includes('"ready":1'));
  };

  test('has one pod, and tells whether it is ready', async () => {
    await start();

    expect(status()).toMatchObject({ active: 1, ready: 1, startTime: expect.any(String) });
    expect(pods().map(({ metadata }) => metadata.labels)).toEqual([
      expect.objectContaining({ role: 'watchdog', 'batch.kubernetes.io/job-name': 'watchdog' }),
    ]);
  });

  test('goes with the ConfigMap that owns it, and its pod with it', async () => {
    await start();
    const { url, adminToken } = held.sandbox.cluster;
    await fetch(`${url}/api/v1/namespaces/shop/configmaps/state`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${adminToken}` },
    });

    await held.sandbox.until('nothing', () => pods().length === 0 && (status() ?? null) === null);
  });
});
