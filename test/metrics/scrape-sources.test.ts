import { describe, expect, test } from 'vitest';
import type { BoundQuery, Sample } from '../../src/core/sample.ts';
import type { SourcesSpec } from '../../src/core/spec.ts';
import { createSources, METRIC_SOURCES, sourceNotices, sourcePermissions } from '../../src/metrics/index.ts';
import { createScrape } from '../../src/metrics/scrape/index.ts';
import { sourceOfSeveral } from '../../src/metrics/several.ts';
import type { MetricSource } from '../../src/ports/metric-source.ts';
import { counted, measured, NOW, type PodWorld, podNamed, podsOf, podWorld, requestsTotal, signal } from './pods.ts';

const APP = { kind: 'port', port: '9102', path: '/metrics' } as const;
const ROUTER = { namespace: 'ingress', service: 'web', port: '9100', path: '/metrics' } as const;
const STORE = {
  address: { kind: 'service', namespace: 'monitoring', name: 'prometheus', port: '9090' },
  headers: [],
  ca: null,
} as const;

interface Asked {
  readonly verb: 'check' | 'sample' | 'history';
  readonly metrics: readonly string[];
}

/** A store that has the metrics named, and one value of every expression. */
const storeOf = (has: readonly string[]): MetricSource & { readonly asked: Asked[] } => {
  const asked: Asked[] = [];
  const note = (verb: Asked['verb'], queries: readonly BoundQuery[]): void =>
    void asked.push({ verb, metrics: queries.map(({ metric, arm }) => `${metric}/${arm}`) });
  const answer = ({ metric, arm, kind }: BoundQuery, at: number): Sample => {
    if (kind === 'measured') return { metric, arm, kind: 'value', value: 1, at };
    if (!has.includes(metric)) return { metric, arm, kind: 'no-data', why: 'empty' };
    return { metric, arm, kind: 'counters', requests: [{ id: 'store', pod: null, points: [[at, 1]] }], failures: [] };
  };
  return {
    asked,
    check: async (queries) => {
      note('check', queries);
      const missing = queries.filter(({ metric, kind }) => kind !== 'measured' && !has.includes(metric));
      const findings = missing.map(({ metric }) => ({
        severity: 'error' as const,
        code: 'metric-not-found' as const,
        message: 'The store has none.',
        where: `metric "${metric}"`,
        advice: null,
      }));
      return { findings, scrapeIntervalMs: 15_000, paceMs: 5_000 };
    },
    sample: async (queries, _from, to) => {
      note('sample', queries);
      return queries.map((query) => answer(query, to));
    },
    history: async (queries, _from, to) => {
      note('history', queries);
      return queries.map((query) => answer(query, to));
    },
  };
};

const worldWith = (): PodWorld => {
  const world = podWorld([podNamed('s-1'), podNamed('c-1', { app: 'canary' })]);
  world.pages.set('s-1', requestsTotal(10)).set('c-1', requestsTotal(2));
  return world;
};

const ofPods = counted({ metric: 'app', requests: 'http_requests_total' });
const ofPodsCanary = counted({ ...ofPods, arm: 'canary', pods: podsOf('canary') });
const ofStore = counted({ metric: 'mesh', requests: 'istio_requests_total' });
const ofStoreCanary = counted({ ...ofStore, arm: 'canary', pods: podsOf('canary') });
const idsOf = (samples: readonly Sample[]) =>
  samples.map((sample) =>
    sample.kind === 'counters' ? sample.requests.map(({ id }) => (id === 'store' ? id : 'pod')) : sample.kind,
  );

describe('several sources', () => {
  const setUp = (has: readonly string[] = ['mesh', 'app']) => {
    const world = worldWith();
    const store = storeOf(has);
    const source = sourceOfSeveral([createScrape({ ...world, spec: APP })], store, world.clock);
    return { world, store, source };
  };

  test('answer counters from the pods where those have them, and the rest from the store', async () => {
    const { source, store } = setUp();
    const check = await source.check([ofPods, ofStore, measured], signal);

    const samples = await source.sample([ofStore, ofPods, measured, ofPodsCanary, ofStoreCanary], NOW, NOW, signal);

    expect(idsOf(samples)).toEqual([['store'], ['pod'], 'value', ['pod'], ['store']]);
    expect(samples.map(({ metric, arm }) => `${metric}/${arm}`)).toEqual([
      'mesh/stable',
      'app/stable',
      'p99/stable',
      'app/canary',
      'mesh/canary',
    ]);
    expect(store.asked).toEqual([
      { verb: 'check', metrics: ['mesh/stable', 'p99/stable'] },
      { verb: 'sample', metrics: ['mesh/stable', 'p99/stable', 'mesh/canary'] },
    ]);
    expect(check).toMatchObject({ scrapeIntervalMs: 15_000, counterIntervalMs: 1_000, paceMs: 1_000 });
    expect(check.findings).toMatchObject([{ severity: 'warning', where: 'metric "mesh"' }]);
  });

  test('say what each of them lacks when none has a metric', async () => {
    const { findings } = await setUp([]).source.check([ofStore], signal);

    expect(findings.map(({ severity, message }) => [severity, message])).toEqual([
      ['error', 'The store has none.'],
      ['error', expect.stringContaining('No pod that answered has a metric "istio_requests_total".')],
    ]);
  });

  test('keep to what the check chose, even when the pods fall silent', async () => {
    const { source, world, store } = setUp();
    await source.check([ofPods], signal);
    world.pages.clear();
    world.at(NOW + 1_000);

    expect(await source.sample([ofPods], NOW, NOW, signal)).toMatchObject([{ kind: 'error' }]);
    expect(store.asked).toEqual([]);
  });

  test('choose at the first sample where there was no check, by who has data of stable', async () => {
    const { source, store } = setUp();

    const samples = await source.sample([ofPodsCanary, ofPods, ofStore, ofStoreCanary], NOW, NOW, signal);

    expect(idsOf(samples)).toEqual([['pod'], ['pod'], ['store'], ['store']]);
    expect(store.asked).toEqual([{ verb: 'sample', metrics: ['mesh/stable', 'mesh/canary'] }]);
  });

  test('do not choose a source that has data of the canary alone: nothing could be compared', async () => {
    const { source, world } = setUp();
    world.pages.set('c-1', 'istio_requests_total 1\n');

    expect(idsOf(await source.sample([ofStoreCanary, ofStore], NOW, NOW, signal))).toEqual([['store'], ['store']]);
  });

  test('choose later when nobody has data at first', async () => {
    const { source, world } = setUp(['mesh']);
    world.pages.clear();
    const first = await source.sample([ofPods], NOW, NOW, signal);
    world.pages.set('s-1', requestsTotal(1));
    world.at(NOW + 1_000);

    const second = await source.sample([ofPods], NOW, NOW, signal);

    expect(first).toMatchObject([{ kind: 'error', message: expect.stringContaining('connection refused') }]);
    expect(second).toMatchObject([{ kind: 'counters' }]);
  });

  test('choose anew at each check: a preset tries several selectors under one name', async () => {
    const { source } = setUp();
    await source.check([counted({ metric: 'app', requests: 'istio_requests_total' })], signal);
    await source.check([ofPods], signal);

    expect(idsOf(await source.sample([ofPods], NOW, NOW, signal))).toEqual([['pod']]);
  });

  test('ask the store for counters every five seconds at most, and for expressions whenever they are due', async () => {
    const { source, world, store } = setUp();
    await source.check([ofPods, ofStore], signal);
    const times: unknown[] = [];
    for (let second = 0; second <= 5; second += 1) {
      world.at(NOW + second * 1_000);
      const samples = await source.sample([ofPods, ofStore, measured], NOW, NOW + second * 1_000, signal);
      times.push(samples[1]?.kind === 'counters' ? samples[1].requests[0]?.points[0]?.[0] : null);
    }

    expect(times).toEqual([NOW, NOW, NOW, NOW, NOW, NOW + 5_000]);
    const counts = store.asked.filter(({ verb }) => verb === 'sample').map(({ metrics }) => metrics.join());
    expect(counts).toEqual([
      'mesh/stable,p99/stable',
      ...Array.from({ length: 4 }, () => 'p99/stable'),
      'mesh/stable,p99/stable',
    ]);
  });

  test('have the history of the store, for all metrics', async () => {
    const { source, store } = setUp();

    expect(idsOf(await source.history([ofPods, ofStore], NOW - 900_000, NOW, signal))).toEqual([['store'], ['store']]);
    expect(store.asked).toEqual([{ verb: 'history', metrics: ['app/stable', 'mesh/stable'] }]);
  });

  test('without a store have no history, and no expressions', async () => {
    const world = worldWith();
    const source = sourceOfSeveral([createScrape({ ...world, spec: APP })], null, world.clock);

    expect(await source.history([ofPods, measured], NOW - 900_000, NOW, signal)).toMatchObject([{ kind: 'no-data' }]);
    expect(await source.sample([measured], NOW, NOW, signal)).toMatchObject([{ code: 'metric-invalid' }]);
    expect((await source.check([ofPods, measured], signal)).findings).toMatchObject([
      { code: 'metric-invalid', where: 'metric "p99"', message: expect.stringContaining('needs `prometheus`') },
    ]);
  });

  test("ask the router's pods for what the app's do not have", async () => {
    const world = podWorld([
      podNamed('s-1'),
      podNamed('web-1', { namespace: 'ingress', app: 'web' }),
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace: 'ingress' },
        spec: { selector: { app: 'web' } },
      },
    ]);
    world.pages.set('s-1', requestsTotal(1)).set('web-1', 'istio_requests_total 5\n');
    const source = createSources({ prometheus: null, scrape: APP, scrapeRouter: ROUTER }, world);
    const check = await source?.check([ofPods, ofStore], signal);

    const samples = await source?.sample([ofPods, ofStore], NOW, NOW, signal);

    expect(check).toEqual({ findings: [], scrapeIntervalMs: 1_000, counterIntervalMs: 1_000, paceMs: 1_000 });
    expect(samples).toMatchObject([{ requests: [{ pod: 's-1' }] }, { requests: [{ pod: 'web-1' }] }]);
  });
});

describe('sources by their inputs', () => {
  const sources = (given: Partial<SourcesSpec>): SourcesSpec => ({
    prometheus: null,
    scrape: null,
    scrapeRouter: null,
    ...given,
  });

  test('are none where none is named', () => {
    expect(createSources(sources({}), worldWith())).toBeNull();
    expect(sourcePermissions(sources({}))).toEqual([]);
    expect(sourceNotices(sources({ prometheus: STORE }), 'shop')).toEqual([]);
  });

  test('need the rights of those that are named, each in its namespace', () => {
    const rights = sourcePermissions(sources({ prometheus: STORE, scrape: APP, scrapeRouter: ROUTER }));

    expect(
      rights.map(({ resource, verbs, optional, namespace }) => ({ resource, verbs, optional, namespace })),
    ).toEqual([
      { resource: 'services/proxy', verbs: ['get'], optional: undefined, namespace: 'monitoring' },
      { resource: 'pods', verbs: ['list'], optional: undefined, namespace: undefined },
      { resource: 'pods/proxy', verbs: [], optional: ['get'], namespace: undefined },
      { resource: 'pods', verbs: ['list'], optional: undefined, namespace: 'ingress' },
      { resource: 'pods/proxy', verbs: [], optional: ['get'], namespace: 'ingress' },
      { resource: 'services', verbs: ['get'], optional: undefined, namespace: 'ingress' },
    ]);
    expect(rights.find(({ resource }) => resource === 'pods/proxy')?.why).toContain('every GET on every port');
  });

  test('that read pods have the plan say how far their right reaches', () => {
    const notices = sourceNotices(sources({ scrape: APP, scrapeRouter: ROUTER }), 'shop');

    expect(notices.map(({ severity, where }) => [severity, where])).toEqual([
      ['warning', 'scrape'],
      ['warning', 'scrape-router'],
    ]);
    expect(notices[0]?.message).toContain('every GET on every port of every pod in the namespace shop');
    expect(notices[1]?.message).toContain('namespace ingress');
  });

  test('have a line each', () => {
    expect(METRIC_SOURCES.map(({ name }) => name)).toEqual(['prometheus', 'scrape', 'scrape-router']);
  });
});
