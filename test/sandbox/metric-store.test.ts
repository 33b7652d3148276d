import { afterAll, describe } from 'vitest';
import type { Sandbox } from '../../sandbox/index.ts';
import { startSandbox } from '../../sandbox/index.ts';
import type { ReplicaOptions } from '../../sandbox/prometheus/replicas.ts';
import { shopObjects } from '../../sandbox/shop.ts';
import { type LiveStore, metricStoreConformance } from '../conformance/metric-store.ts';

const SCRAPE_MS = 500;

describe.each<[string, ReplicaOptions | undefined]>([
  ['', undefined],
  [' with the series of two replicas', { mode: 'labelled', skewMs: 180 }],
])('the sandbox’s store%s', (_name, replicas) => {
  const held: Sandbox[] = [];
  afterAll(async () => {
    for (const sandbox of held) await sandbox.stop();
  });

  metricStoreConformance(async (): Promise<LiveStore> => {
    const sandbox = await startSandbox({
      prometheus: { scrapeIntervalMs: SCRAPE_MS, ...(replicas && { replicas }) },
    });
    held.push(sandbox);
    sandbox.cluster.apply(shopObjects({ templateAnnotations: { 'farm/error-rate': '0.2' } }));
    await sandbox.ready('shop', 'checkout');
    sandbox.past({ app: 'checkout', ms: 12 * 60_000, rps: 20 });
    sandbox.traffic.start({ rps: 50, target: 'httproute/checkout' });
    await sandbox.until('users', () => sandbox.traffic.records.length > 50);
    return { url: sandbox.prometheus.url, namespace: 'shop', scrapeIntervalMs: SCRAPE_MS };
  });
});
