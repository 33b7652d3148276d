import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC, shopObjects } from '../../sandbox/shop.ts';
import { BAD, expectClean, expectRejected, expectUntouched, GOOD, type Inputs, inShop, type Shop } from './shop.ts';

const PODS: Inputs = { prometheus: '', scrape: ':9102/metrics', metrics: ERRORS_METRIC };

/** Addresses of the sandbox's pods are nobody's: a proxy that nobody runs keeps requests to them on this machine. */
const FAR = { env: { http_proxy: 'http://127.0.0.1:9' } } as const;

const readsOf = ({ cluster }: Shop) => cluster.calls.filter(({ resource }) => resource === 'pods/proxy');

const annotated = (annotations: Readonly<Record<string, string>>) => ({
  rps: 100,
  app: { templateAnnotations: annotations },
});

describe.concurrent('the pods themselves', () => {
  test(
    'judge a bad release without any metrics store, by GET of their port and path alone',
    inShop({ rps: 200 }, async (shop) => {
      const release = await shop.release({ ...PODS, image: BAD, interval: '20s' }, FAR);

      expect(release.outputs, release.stdout).toMatchObject({ status: 'rolled-back', 'reason-code': 'metric-failed' });
      expect(release.result.harm.canaryFailures).toBeGreaterThan(0);
      expect(shop.prometheus.requests).toEqual([]);
      const paths = readsOf(shop).map(({ method, path }) => `${method} ${path.replace(/pods\/[^/:]+/, 'pods/POD')}`);
      expect(new Set(paths)).toEqual(new Set(['GET /api/v1/namespaces/shop/pods/POD:9102/proxy/metrics']));
      await expectClean(shop);
    }),
  );

  test(
    'judge a good release together with a store, which answers expressions',
    inShop({ rps: 200 }, async (shop) => {
      const query = '- name: load\n  query: sum(rate(http_requests_total{pod=~"{{pods}}"}[{{window}}]))\n  max: 1000\n';
      const release = await shop.release(
        { ...PODS, prometheus: shop.prometheus.url, metrics: `${ERRORS_METRIC}${query}`, interval: '3s' },
        FAR,
      );

      expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted' });
      expect(readsOf(shop).length).toBeGreaterThan(0);
      const queries = shop.prometheus.requests.map((request) => request.query);
      expect(queries.some((text) => text.startsWith('sum(rate('))).toBe(true);
      expect(shop.object('Deployment', 'checkout').spec).toMatchObject({
        template: { spec: { containers: [{ image: GOOD }] } },
      });
    }),
  );

  test(
    'cannot be read without the right, which is named before anything is touched',
    inShop({ rps: 100 }, async (shop) => {
      const verbs = ['get', 'list', 'watch', 'create', 'patch', 'delete'];
      const resources = ['pods', 'pods/log', 'services', 'configmaps', 'deployments', 'replicasets', 'leases'];
      const others = ['httproutes', 'gateways', 'horizontalpodautoscalers', 'endpointslices', 'scaledobjects'];
      const rules = [{ apiGroups: ['*'], resources: [...resources, ...others, 'selfsubjectaccessreviews'], verbs }];
      const kubeconfig = shop.cluster.kubeconfig(shop.cluster.token('deployer', rules));
      const release = await shop.release({ ...PODS, kubeconfig }, FAR);

      expectRejected(shop, release, 'forbidden');
      expect(release.everything).toMatch(/cannot get resource .?"pods\/proxy/);
      expect(release.everything).toMatch(/Give the right to `get` `pods\/proxy`/);
    }),
  );

  test(
    'have the plan say how far the right to read them reaches',
    inShop({ rps: 100 }, async (shop) => {
      const release = await shop.release({ ...PODS, command: 'plan' }, FAR);

      expect(release.outputs, release.stdout).toMatchObject({ status: 'planned' });
      expect(release.summary).toContain('every GET on every port of every pod in the namespace shop');
      expectUntouched(shop);
    }),
  );

  test(
    'say by the usual annotations where their metrics are',
    inShop(annotated({ 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9102' }), async (shop) => {
      const release = await shop.release({ ...PODS, scrape: 'auto', command: 'plan' }, FAR);

      expect(release.outputs, release.stdout).toMatchObject({ status: 'planned' });
    }),
  );

  test(
    'that do not say it are refused, with what was looked for',
    inShop({ rps: 100 }, async (shop) => {
      const release = await shop.release({ ...PODS, scrape: 'auto' }, FAR);

      expectRejected(shop, release, 'metrics-unreachable');
      expect(release.everything).toMatch(/Pod checkout-\S+ does not say where its metrics are.*prometheus\.io\/port/);
    }),
  );

  test(
    'cannot lead a read out of the pod',
    inShop(
      annotated({ 'prometheus.io/port': '9102', 'prometheus.io/path': '/../../../configmaps/secret' }),
      async (shop) => {
        const release = await shop.release({ ...PODS, scrape: 'auto' }, FAR);

        expectRejected(shop, release, 'metrics-unreachable');
        expect(release.everything).toContain('is no path to read metrics from');
        expect(readsOf(shop)).toEqual([]);
        expect(shop.cluster.calls.filter(({ path }) => path.includes('configmaps/secret'))).toEqual([]);
      },
    ),
  );

  test(
    'cannot write into the report',
    inShop({ objects: shopObjects() }, async (shop) => {
      await shop.ready('shop', 'checkout');
      const label = '<img src=x onerror=alert(1)>\\n::set-output name=a::b @octocat [x](http://evil.example)';
      shop.cluster.podPages.unshift(() => `http_requests_total{code="${label}"} 1\n`);
      const metrics =
        '- name: errors\n  requests: http_requests_total{job="x"}\n  failures: http_requests_total{job="y"}\n';
      const release = await shop.release({ ...PODS, metrics }, FAR);

      expectRejected(shop, release, 'metric-not-found');
      expect(release.everything).toContain('Labels it does not have: job');
      expect(release.summary).not.toContain('<img');
      expect(release.summary).not.toMatch(/\]\(http:\/\/evil/);
      expect(release.stdout).not.toMatch(/^::set-output/m);
    }),
  );
});
