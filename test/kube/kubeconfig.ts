import { connect } from '../../src/kube/cluster.ts';
import type { ClusterOptions } from '../../src/kube/sender.ts';
import type { Cluster } from '../../src/ports/cluster.ts';

/** JSON is YAML. */
export const kubeconfigFor = (server: string, user: object = { token: 't0k3n-s3cr3t' }, cluster: object = {}): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'main', context: { cluster: 'c', user: 'u', namespace: 'shop' } },
      { name: 'other', context: { cluster: 'c', user: 'u' } },
    ],
  });

/** Connects, or fails the test. */
export const connected = (changes: Partial<ClusterOptions>): Cluster => {
  const result = connect({
    kubeconfig: null,
    context: null,
    environment: {},
    userAgent: 'canary-rollout/test',
    proxyFor: () => null,
    ...changes,
  });
  if (!result.ok) throw new Error(result.problem.message);
  return result.value;
};
