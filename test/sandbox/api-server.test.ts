import { afterAll, beforeAll, describe } from 'vitest';
import type { Cluster } from '../../sandbox/cluster/index.ts';
import { startCluster } from '../../sandbox/cluster/index.ts';
import type { Entrance, Rule } from '../conformance/api-client.ts';
import { apiServerConformance } from '../conformance/api-server.ts';
import { storeConformance } from '../conformance/store.ts';

const namespaced = (rules: readonly Rule[]) => rules.map((rule) => ({ ...rule, namespaces: ['conformance'] }));

describe('the API server of the sandbox', () => {
  const running = {} as { cluster: Cluster };
  beforeAll(async () => {
    running.cluster = await startCluster({ namespaces: ['conformance'] });
  });
  afterAll(() => running.cluster.stop());

  const connect = async (): Promise<Entrance> => {
    const { url, adminToken } = running.cluster;
    return {
      url,
      headers: { authorization: `Bearer ${adminToken}` },
      namespace: 'conformance',
      grant: async (rules) => running.cluster.token('limited', namespaced(rules)),
    };
  };
  apiServerConformance(connect);
  describe('holds state and lock', () => storeConformance(connect));
});
