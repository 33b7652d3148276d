import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/index.ts';
import { shopObjects } from '../../sandbox/shop.ts';
import { listRef, POD } from '../../src/core/objects.ts';
import { createScrape } from '../../src/metrics/scrape/index.ts';
import type { Http } from '../../src/ports/http.ts';
import { connected } from '../kube/kubeconfig.ts';
import { counted } from './pods.ts';

const held = {} as { sandbox: Sandbox };
const { signal } = new AbortController();
const far: Http = { get: async () => ({ kind: 'unreachable', message: 'no route to host' }) };
const QUERY = counted({
  pods: listRef(POD, 'shop', 'app=checkout'),
  requests: 'http_requests_total{namespace="shop", pod=~"checkout-.*"}',
  failures: 'http_requests_total{namespace="shop", pod=~"checkout-.*", code=~"5.."}',
});

beforeEach(async () => {
  held.sandbox = await startSandbox({ pace: { startDelayMs: 20, stopDelayMs: 20 } });
  held.sandbox.cluster.apply(shopObjects());
  await held.sandbox.ready('shop', 'checkout');
  const stop = held.sandbox.traffic.start({ rps: 500, target: 'httproute/checkout' });
  await held.sandbox.until('requests on each pod', () => held.sandbox.traffic.counters.size === 3);
  stop();
});
afterEach(() => held.sandbox.stop());

const sourceWith = (kubeconfig: string) => {
  const cluster = connected({ kubeconfig });
  const spec = { kind: 'port', port: '9102', path: '/metrics' } as const;
  return createScrape({ spec, cluster, http: far, clock: { now: Date.now } });
};

describe('pods behind an API server', () => {
  test('are read through its pod proxy, and tell what users asked them', async () => {
    const { cluster, traffic } = held.sandbox;
    const before = cluster.calls.length;

    const [sample] = await sourceWith(cluster.kubeconfig()).sample([QUERY], 0, 0, signal);

    const counts = sample?.kind === 'counters' ? sample.requests.map(({ points }) => points.at(-1)?.[1] ?? 0) : [];
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(
      traffic.records.filter(({ pod }) => pod !== null).length,
    );
    const calls = cluster.calls.slice(before).map(({ verb, resource }) => `${verb} ${resource}`);
    expect(calls).toEqual(['list pods', 'get pods/proxy', 'get pods/proxy', 'get pods/proxy']);
  });

  test('cannot be read without the right, which the check names', async () => {
    const { cluster } = held.sandbox;
    const token = cluster.token('ci', [
      { verbs: ['list'], apiGroups: [''], resources: ['pods'], namespaces: ['shop'] },
    ]);

    const { findings } = await sourceWith(cluster.kubeconfig(token)).check([QUERY], signal);

    expect(findings).toMatchObject([
      {
        severity: 'error',
        code: 'forbidden',
        message: expect.stringMatching(/User "ci" cannot get resource "pods\/proxy"/),
        advice: expect.stringContaining('`get` `pods/proxy`'),
      },
    ]);
  });
});
