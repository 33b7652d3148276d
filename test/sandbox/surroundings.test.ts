import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../../sandbox/cluster/index.ts';
import { startCluster } from '../../sandbox/cluster/index.ts';

const held = {} as { cluster: Cluster };
beforeAll(async () => {
  held.cluster = await startCluster();
});
afterAll(() => held.cluster.stop());

const call = async (method: string, path: string, body?: object): Promise<{ code: number; body: unknown }> => {
  const { url, adminToken } = held.cluster;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${adminToken}`,
      'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    code: response.status,
    body: response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text,
  };
};

const inShop = (group: string, plural: string): string =>
  `${group === 'v1' ? '/api/v1' : `/apis/${group}`}/namespaces/shop/${plural}`;

const KINDS: readonly (readonly [kind: string, apiVersion: string, collection: string])[] = [
  ['ResourceQuota', 'v1', inShop('v1', 'resourcequotas')],
  ['LimitRange', 'v1', inShop('v1', 'limitranges')],
  ['PersistentVolumeClaim', 'v1', inShop('v1', 'persistentvolumeclaims')],
  ['Node', 'v1', '/api/v1/nodes'],
  ['StatefulSet', 'apps/v1', inShop('apps/v1', 'statefulsets')],
  ['DaemonSet', 'apps/v1', inShop('apps/v1', 'daemonsets')],
  ['PriorityClass', 'scheduling.k8s.io/v1', '/apis/scheduling.k8s.io/v1/priorityclasses'],
  ['Ingress', 'networking.k8s.io/v1', inShop('networking.k8s.io/v1', 'ingresses')],
  ['NetworkPolicy', 'networking.k8s.io/v1', inShop('networking.k8s.io/v1', 'networkpolicies')],
  ['PodDisruptionBudget', 'policy/v1', inShop('policy/v1', 'poddisruptionbudgets')],
  ['HorizontalPodAutoscaler', 'autoscaling/v2', inShop('autoscaling/v2', 'horizontalpodautoscalers')],
  ['ScaledObject', 'keda.sh/v1alpha1', inShop('keda.sh/v1alpha1', 'scaledobjects')],
  ['VerticalPodAutoscaler', 'autoscaling.k8s.io/v1', inShop('autoscaling.k8s.io/v1', 'verticalpodautoscalers')],
  ['ServiceMonitor', 'monitoring.coreos.com/v1', inShop('monitoring.coreos.com/v1', 'servicemonitors')],
  ['PodMonitor', 'monitoring.coreos.com/v1', inShop('monitoring.coreos.com/v1', 'podmonitors')],
  ['DestinationRule', 'networking.istio.io/v1', inShop('networking.istio.io/v1', 'destinationrules')],
  ['Sidecar', 'networking.istio.io/v1', inShop('networking.istio.io/v1', 'sidecars')],
  ['AuthorizationPolicy', 'security.istio.io/v1', inShop('security.istio.io/v1', 'authorizationpolicies')],
  ['PeerAuthentication', 'security.istio.io/v1', inShop('security.istio.io/v1', 'peerauthentications')],
  ['BackendTLSPolicy', 'gateway.networking.k8s.io/v1', inShop('gateway.networking.k8s.io/v1', 'backendtlspolicies')],
];

describe('what is usually there beside an application', () => {
  test.each(KINDS)('a %s is kept, patched, listed and deleted', async (kind, apiVersion, collection) => {
    const name = kind.toLowerCase();
    const object = {
      apiVersion,
      kind,
      metadata: { name },
      ...(kind === 'PriorityClass' ? { value: 7 } : { spec: { a: 1 } }),
    };

    const dry = await call('POST', `${collection}?dryRun=All`, object);
    const before = await call('GET', `${collection}/${name}`);
    const created = await call('POST', collection, object);
    const patched = await call('PATCH', `${collection}/${name}`, { metadata: { labels: { b: 'c' } } });
    const listed = await call('GET', collection);
    const deleted = await call('DELETE', `${collection}/${name}`);

    expect([dry, before, created, patched, deleted].map(({ code }) => code)).toEqual([201, 404, 201, 200, 200]);
    expect(created.body).toMatchObject(object);
    expect((listed.body as { items: object[] }).items).toMatchObject([{ metadata: { name, labels: { b: 'c' } } }]);
  });

  test('a kind that nobody installed is no path, and not in discovery', async () => {
    held.cluster.unserved.add('ServiceMonitor').add('PodMonitor');
    const listed = await call('GET', inShop('monitoring.coreos.com/v1', 'servicemonitors'));
    const groups = await call('GET', '/apis');
    held.cluster.unserved.clear();

    expect(listed).toEqual({ code: 404, body: '404 page not found\n' });
    expect(JSON.stringify(groups.body)).not.toContain('monitoring.coreos.com');
    expect((await call('GET', inShop('monitoring.coreos.com/v1', 'servicemonitors'))).code).toBe(200);
  });
});
