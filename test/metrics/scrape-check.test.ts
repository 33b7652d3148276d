import { describe, expect, test } from 'vitest';
import { createRouterScrape, createScrape } from '../../src/metrics/scrape/index.ts';
import { counted, latency, measured, NOW, type Page, podNamed, podWorld, requestsTotal, signal } from './pods.ts';

const SPEC = { kind: 'port', port: '9102', path: '/metrics' } as const;

const worldOf = (pages: Readonly<Record<string, Page>>) => {
  const world = podWorld(Object.keys(pages).map((name) => podNamed(name)));
  for (const [name, page] of Object.entries(pages)) world.pages.set(name, page);
  return world;
};

const checkOf = (pages: Readonly<Record<string, Page>>, queries = [counted()]) =>
  createScrape({ ...worldOf(pages), spec: SPEC }).check(queries, signal);

describe('a check', () => {
  test('of pods that have what is asked for finds nothing, and that they may be read each second', async () => {
    expect(await checkOf({ 's-1': requestsTotal(1) })).toEqual({
      findings: [],
      scrapeIntervalMs: 1_000,
      paceMs: 1_000,
    });
  });

  test('of more than ten pods says how long a turn takes', async () => {
    const pages = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`s-${index}`, requestsTotal(1)]));

    expect(await checkOf(pages)).toMatchObject({ findings: [], scrapeIntervalMs: 3_000 });
  });

  test.each<[string, ReturnType<typeof counted>, string, string | null]>([
    [
      'no such metric',
      counted({ requests: 'http_request_total{pod=~"s-.*"}' }),
      '`requests` has no data for stable. No pod that answered has a metric "http_request_total".',
      'Did you mean "http_requests_total"?',
    ],
    [
      'labels that it does not have',
      counted({ requests: 'http_requests_total{job="shop", status="200"}' }),
      '`requests` has no data for stable. http_requests_total{job="shop", status="200"} matches nothing. Labels it does not have: job, status. There is: {code="200", namespace="shop", pod="s-1", container="app"}.',
      "job and instance are labels that Prometheus adds; a pod's own series have namespace, pod and container.",
    ],
    [
      'other values',
      counted({ requests: 'http_requests_total{code="204"}' }),
      '`requests` has no data for stable. http_requests_total{code="204"} matches nothing. There is: {code="200", namespace="shop", pod="s-1", container="app"}.',
      'See that the values are right and that stable gets traffic.',
    ],
    [
      'a name that is open',
      counted({ requests: '{__name__=~"x.*"}' }),
      '`requests` has no data for stable. {__name__=~"x.*"} matches nothing.',
      'See that the name is right.',
    ],
  ])('tells %s', async (_name, query, message, advice) => {
    const { findings } = await checkOf({ 's-1': requestsTotal(1) }, [query]);

    expect(findings).toEqual([
      { severity: 'error', code: 'metric-not-found', message, where: 'metric "errors"', advice },
    ]);
  });

  test('of pods that show nothing at all advises to look at port and path', async () => {
    const { findings } = await checkOf({ 's-1': '' });

    expect(findings).toMatchObject([{ advice: 'See that the name, the port and the path are right.' }]);
  });

  test('of a histogram looks for its series', async () => {
    const source = createScrape({ ...worldOf({ 's-1': requestsTotal(1) }), spec: SPEC });

    expect((await source.check([latency()], signal)).findings).toMatchObject([
      { code: 'metric-not-found', message: expect.stringMatching(/^`histogram` has no data/), where: 'metric "slow"' },
    ]);
  });

  test('of a selector that is wrong, and of an expression, says why', async () => {
    const source = createScrape({ ...worldOf({ 's-1': requestsTotal(1) }), spec: SPEC });
    const { findings } = await source.check([counted({ failures: 'rate(r[1m])' }), measured], signal);

    expect(findings).toMatchObject([
      { code: 'metric-invalid', message: expect.stringContaining('is no plain selector'), where: 'metric "errors"' },
      { code: 'metric-invalid', message: expect.stringContaining('needs `prometheus`'), where: 'metric "p99"' },
    ]);
  });

  test('of pods that refuse is one error, however many queries there are', async () => {
    const pages = { 's-1': { kind: 'unreachable', message: 'connection refused' } } as const;
    const { findings, scrapeIntervalMs } = await checkOf(pages, [counted(), counted({ metric: 'more' })]);

    expect(scrapeIntervalMs).toBeNull();
    expect(findings).toEqual([
      {
        severity: 'error',
        code: 'metrics-unreachable',
        message: 'There are no metrics from the only pod that was asked: s-1: connection refused.',
        where: 'scrape',
        advice: 'See that port and path are those of the metrics.',
      },
    ]);
  });

  test('that may not use the pod proxy names verb and resource', async () => {
    const { findings } = await checkOf({ 's-1': { kind: 'forbidden', message: 'User "ci" cannot get "pods/proxy"' } });

    expect(findings).toEqual([
      {
        severity: 'error',
        code: 'forbidden',
        message:
          'Pod s-1 does not answer at its own address, and may not be asked through the API server: User "ci" cannot get "pods/proxy".',
        where: 'scrape',
        advice: 'Give the right to `get` `pods/proxy`, or run where the addresses of pods can be reached.',
      },
    ]);
  });

  test('that may not list pods names verb and resource', async () => {
    const world = worldOf({ 's-1': requestsTotal(1) });
    world.cluster.interfere(() => ({ kind: 'forbidden', message: 'pods: no' }));

    expect((await createScrape({ ...world, spec: SPEC }).check([counted()], signal)).findings).toMatchObject([
      {
        code: 'forbidden',
        message: "Could not find stable's pods: pods: no.",
        advice: expect.stringContaining('`list` `pods`'),
      },
    ]);
  });

  test('of pods that do not say where their metrics are is an error that says what was looked for', async () => {
    const source = createScrape({ ...worldOf({ 's-1': requestsTotal(1) }), spec: { kind: 'auto' } });

    expect((await source.check([counted()], signal)).findings).toMatchObject([
      { severity: 'error', code: 'metrics-unreachable', message: expect.stringContaining('prometheus.io/port') },
    ]);
  });

  test('warns of pods that do not answer while others do', async () => {
    const { findings } = await checkOf({ 's-1': requestsTotal(1), 's-2': { status: 404, body: '' } });

    expect(findings).toMatchObject([
      { severity: 'warning', message: 'Of 2 pods that were asked 1 did not answer: s-2: it answered 404.' },
    ]);
  });

  test('warns of pods that send so much that they are read in turn', async () => {
    const page = `${requestsTotal(1)}${'# a long comment\n'.repeat(30_000)}`;
    const { findings } = await checkOf({ 's-1': page, 's-2': page, 's-3': page, 's-4': page });

    expect(findings).toMatchObject([
      {
        severity: 'warning',
        message: 'Each pod sends about 498 KiB of metrics: 2 of 4 are read in a second, in turn.',
      },
    ]);
  });

  test('does not quote what a pod sent that is no exposition', async () => {
    const { findings } = await checkOf({ 's-1': 'secret: hunter2' });

    expect(JSON.stringify(findings)).toContain('its answer is no metrics');
    expect(JSON.stringify(findings)).not.toContain('hunter2');
  });
});

describe("the router's pods", () => {
  const ROUTER = { namespace: 'ingress', service: 'nginx', port: '10254', path: '/metrics' } as const;
  const service = (selector: object | undefined) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'nginx', namespace: 'ingress' },
    spec: { selector },
  });
  const series = (name: string, count: number): string =>
    `nginx_ingress_controller_requests{namespace="shop",service="${name}",status="200"} ${count}\n`;
  const requestsOf = (name: string): string =>
    `nginx_ingress_controller_requests{exported_namespace="shop", service="${name}"}`;
  const worldWith = (selector: object | undefined) => {
    const pod = podNamed('nginx-1', { namespace: 'ingress', app: 'nginx' });
    const other = podNamed('other-1', { namespace: 'ingress', app: 'other' });
    const world = podWorld([service(selector) as never, pod, other]);
    world.pages.set('nginx-1', `${series('checkout', 10)}${series('checkout-canary', 3)}`);
    return world;
  };

  test('are those behind its Service, read once for both arms, which the selectors tell apart', async () => {
    const world = worldWith({ app: 'nginx' });
    const source = createRouterScrape({ ...world, spec: ROUTER });
    const queries = [
      counted({ requests: requestsOf('checkout') }),
      counted({ requests: requestsOf('checkout-canary'), arm: 'canary' }),
    ];

    const samples = await source.sample(queries, NOW, NOW, signal);

    expect(samples).toMatchObject([
      { arm: 'stable', requests: [{ pod: 'nginx-1', points: [[NOW, 10]] }] },
      { arm: 'canary', requests: [{ pod: 'nginx-1', points: [[NOW, 3]] }] },
    ]);
    expect(world.asked.filter((one) => one.startsWith('proxy'))).toEqual(['proxy http:nginx-1:10254/metrics']);
  });

  test('begin with zero for a version that had no request when they were read before', async () => {
    const world = worldWith({ app: 'nginx' });
    world.pages.set('nginx-1', series('checkout', 10));
    const source = createRouterScrape({ ...world, spec: ROUTER });
    const canary = counted({ requests: requestsOf('checkout-canary'), arm: 'canary' });
    const before = await source.sample([canary], NOW, NOW, signal);
    world.at(NOW + 1_000);
    world.pages.set('nginx-1', `${series('checkout', 10)}${series('checkout-canary', 3)}`);

    const after = await source.sample([canary], NOW, NOW, signal);

    expect(before).toMatchObject([{ kind: 'no-data' }]);
    const points = [
      [NOW, 0],
      [NOW + 1_000, 3],
    ];
    expect(after).toMatchObject([{ requests: [{ points }] }]);
  });

  test.each<[string, object | undefined]>([
    ['no selector', undefined],
    ['an empty selector', {}],
  ])('of a Service with %s cannot be found', async (_name, selector) => {
    const { findings } = await createRouterScrape({ ...worldWith(selector), spec: ROUTER }).check([counted()], signal);

    expect(findings).toMatchObject([
      {
        code: 'metrics-unreachable',
        message: 'Could not find the pods behind Service ingress/nginx: Service ingress/nginx has no selector.',
        where: 'scrape-router',
      },
    ]);
  });

  test('of a Service that does not exist cannot be found', async () => {
    const source = createRouterScrape({ ...worldWith({ app: 'nginx' }), spec: { ...ROUTER, service: 'ngnix' } });

    expect((await source.check([counted()], signal)).findings).toMatchObject([
      { code: 'metrics-unreachable', message: expect.stringContaining('"ngnix" not found') },
    ]);
  });
});
