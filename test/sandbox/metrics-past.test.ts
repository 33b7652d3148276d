import { afterEach, describe, expect, test } from 'vitest';
import type { Sandbox, SandboxOptions } from '../../sandbox/index.ts';
import { startSandbox } from '../../sandbox/index.ts';
import { shopObjects } from '../../sandbox/shop.ts';

const held: Sandbox[] = [];
afterEach(async () => {
  for (const sandbox of held.splice(0)) await sandbox.stop();
});

const start = async (options: SandboxOptions = {}): Promise<Sandbox> => {
  const sandbox = await startSandbox({ prometheus: { scrapeIntervalMs: 100, ...options.prometheus } });
  held.push(sandbox);
  sandbox.cluster.apply(shopObjects({ replicas: 2, templateAnnotations: { 'farm/error-rate': '0.1' } }));
  await sandbox.ready('shop', 'checkout');
  return sandbox;
};

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

const ask = async ({ prometheus }: Sandbox, query: string): Promise<readonly Series[]> => {
  const response = await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query })}`);
  return ((await response.json()) as { data: { result: Series[] } }).data.result;
};

const REPLICA = 'prometheus_replica';
const valuesOf = (series: readonly Series[]): readonly number[] =>
  series.flatMap(({ values }) => values.map(([, value]) => Number(value)));

describe('the past of pods', () => {
  test('is in the store, for counters and buckets, and is the same for the same seed', async () => {
    const told = [];
    for (const _ of [1, 2]) {
      const sandbox = await start();
      sandbox.prometheus.pause();
      sandbox.past({ app: 'checkout', ms: 60_000, rps: 50, seed: 7 });
      const requests = await ask(sandbox, 'http_requests_total[2m]');
      const all = await ask(sandbox, 'http_request_duration_seconds_bucket{le="+Inf"}[2m]');

      expect(requests).toHaveLength(4);
      expect(requests.every(({ values }) => values.length > 500)).toBe(true);
      expect(valuesOf(all)).toEqual(valuesOf(requests));
      told.push(requests.map(({ values }) => Number(values.at(-1)?.[1])).sort((a, b) => a - b));
    }

    expect(told[0]?.reduce((sum, count) => sum + count)).toBeGreaterThan(2_900);
    expect(told[1]).toEqual(told[0]);
  });

  test('goes on with the traffic of now: no counter begins again', async () => {
    const sandbox = await start();
    sandbox.traffic.start({ rps: 200, target: 'service/checkout' });
    await sandbox.measured();
    sandbox.past({ app: 'checkout', ms: 30_000, rps: 50 });
    await sandbox.until('more requests', () => sandbox.traffic.records.length > 200);

    for (const { values } of await ask(sandbox, 'http_requests_total[2m]')) {
      const falls = values.filter(([, value], index) => Number(value) < Number(values[index - 1]?.[1] ?? 0));
      expect(falls).toEqual([]);
      const times = values.map(([at]) => at);
      expect(times).toEqual([...times].sort((a, b) => a - b));
    }
  });

  test('is told by two replicas that answer in turn, each with its own moments and never both', async () => {
    const sandbox = await start({ prometheus: { replicas: { mode: 'in-turn', skewMs: 40 } } });
    sandbox.prometheus.pause();
    sandbox.past({ app: 'checkout', ms: 10_000, rps: 50 });
    const timesOf = async (): Promise<readonly number[]> => {
      const [series] = await ask(sandbox, 'http_requests_total{code="200"}[2m]');
      return (series?.values ?? []).map(([at]) => Math.round(at * 1000));
    };

    const [one, other, again] = [await timesOf(), await timesOf(), await timesOf()];

    expect(again).toEqual(one);
    expect(one.filter((at) => other.includes(at))).toEqual([]);
    expect(Math.abs((one[5] ?? 0) - (other[5] ?? 0)) % 100).toSatisfy((gap: number) => gap === 40 || gap === 60);
  });

  test('is told twice by two replicas without deduplication', async () => {
    const sandbox = await start({ prometheus: { replicas: { mode: 'labelled', skewMs: 40 } } });
    sandbox.prometheus.pause();
    sandbox.past({ app: 'checkout', ms: 10_000, rps: 50 });

    const found = await ask(sandbox, 'http_requests_total{code="200"}[2m]');

    expect(found.map(({ metric }) => metric[REPLICA]).sort()).toEqual(['a', 'a', 'b', 'b']);
  });

  test('needs pods that are ready', async () => {
    const sandbox = await start();

    expect(() => sandbox.past({ app: 'nobody', ms: 1_000, rps: 1 })).toThrow('no pod with app=nobody is ready');
  });
});
