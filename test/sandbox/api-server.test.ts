import { afterAll, beforeAll, describe } from 'vitest';
import type { Cluster } from '../../sandbox/cluster/index.ts';
import { startCluster } from '../../sandbox/cluster/index.ts';
import { apiServerConformance } from '../conformance/api-server.ts';

describe('the API server of the sandbox', () => {
  const running = {} as { cluster: Cluster };
  beforeAll(async () => {
    running.cluster = await startCluster({ namespaces: ['conformance'] });
  });
  afterAll(() => running.cluster.stop());

  apiServerConformance(async () => {
    const { url, adminToken } = running.cluster;
    return { url, headers: { authorization: `Bearer ${adminToken}` }, namespace: 'conformance' };
  });
});
