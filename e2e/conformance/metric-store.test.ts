import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe } from 'vitest';
import { type LiveStore, metricStoreConformance } from '../../test/conformance/metric-store.ts';

const ENOUGH_SCRAPES = 12;
const PATIENCE_MS = 40_000;

/** Of the series that was found least often. */
const scrapesOf = async ({ url, namespace }: LiveStore): Promise<number> => {
  const query = `min(count_over_time(http_requests_total{namespace="${namespace}"}[2m]))`;
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query })}`);
  const { data } = (await response.json()) as { data: { result: readonly { value: readonly [number, string] }[] } };
  return Number(data.result[0]?.value[1] ?? 0);
};

describe('a real store', () => {
  metricStoreConformance(async () => {
    const { metrics } = JSON.parse(fs.readFileSync(process.env['CANARY_E2E_ENTRANCE'] ?? '', 'utf8')) as {
      readonly metrics: LiveStore;
    };
    const deadline = Date.now() + PATIENCE_MS;
    while ((await scrapesOf(metrics)) < ENOUGH_SCRAPES) {
      if (Date.now() > deadline) throw new Error(`the store did not find users in ${metrics.namespace}`);
      await sleep(200);
    }
    return metrics;
  });
});
