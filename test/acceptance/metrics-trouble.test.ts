import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Shop, ShopOptions } from './shop.ts';
import { expectRejected, inShop } from './shop.ts';

const measured = (query: string): string => `- name: load\n  query: ${JSON.stringify(query)}\n  max: 1000\n`;

const BUSY: ShopOptions = { rps: 100 };

const rejectsMetric = async (shop: Shop, metrics: string, code: string): Promise<string> => {
  const release = await shop.release({ metrics });
  expectRejected(shop, release, code);
  return release.everything;
};

describe.concurrent('a metric', () => {
  test(
    'that gives several series is refused, with the labels that differ',
    inShop(BUSY, async (shop) => {
      const text = await rejectsMetric(shop, measured('http_requests_total{pod=~"{{pods}}"}'), 'metric-invalid');

      expect(text).toContain('gives 3 series for stable where one number is needed');
      expect(text).toMatch(/They differ in: .*pod/);
    }),
  );

  test(
    'that does not exist is refused',
    inShop(BUSY, async (shop) => {
      const text = await rejectsMetric(shop, measured('sum(no_such_total{pod=~"{{pods}}"})'), 'metric-not-found');

      expect(text).toContain('There is no metric "no_such_total"');
    }),
  );

  test(
    'that exists without the label asked for is refused with what there is',
    inShop(BUSY, async (shop) => {
      const query = 'sum(http_requests_total{podd=~"{{pods}}"})';
      const text = await rejectsMetric(shop, measured(query), 'metric-not-found');

      expect(text).toContain('Labels it does not have: podd');
    }),
  );

  test(
    'with an error in its PromQL is refused with the position before anything is asked',
    inShop({}, async (shop) => {
      const release = await shop.release({ metrics: measured('sum(rate(http_requests_total[1m])') });

      expectRejected(shop, release, 'invalid-config');
      expect(release.summary).toMatch(/`metrics:2:\d+`/);
      expect(shop.prometheus.requests).toEqual([]);
      expect(shop.cluster.calls).toEqual([]);
    }),
  );

  test(
    'that the store itself refuses is told in its words',
    inShop(BUSY, async (shop) => {
      const query = 'sum(http_requests_total{pod=~"{{pods}}"} / on(namespace) http_requests_total{pod=~"{{pods}}"})';
      const text = await rejectsMetric(shop, measured(query), 'metric-invalid');

      expect(text).toContain('many-to-many matching not allowed');
    }),
  );

  test(
    'that is not a number for stable now is a warning of the plan',
    inShop(BUSY, async (shop) => {
      const query = 'sum(http_requests_total{pod=~"{{pods}}"}) * 0 / 0';
      const release = await shop.release({ command: 'plan', metrics: measured(query) });

      expect(release.outputs['status']).toBe('planned');
      expect(release.summary).toContain('gives NaN for stable now, which counts as no data');
    }),
  );

  test(
    'that is not a number for the canary rolls the release back when nobody can wait longer',
    inShop(BUSY, async (shop) => {
      const nan = { resultType: 'vector', result: [{ metric: {}, value: [Date.now() / 1000, 'NaN'] }] };
      shop.prometheus.faults.push({
        matches: (query) => /sum\(.*canary/.test(query),
        answer: { kind: 'result', data: nan },
      });
      const metrics = measured('sum(http_requests_total{pod=~"{{pods}}"})');
      const release = await shop.release({ metrics, 'no-data-timeout': '2s' });

      expect(release.outputs).toMatchObject({
        status: 'rolled-back',
        'reason-code': 'metric-no-data',
        'failed-metric': 'load',
        'final-weight': '0',
      });
      expect(release.outputs['reason']).toContain('could not be judged');
    }),
  );

  test(
    'that is empty for the canary rolls the release back when nobody can wait longer',
    inShop(BUSY, async (shop) => {
      const nothing = { resultType: 'vector', result: [] };
      shop.prometheus.faults.push({
        matches: (query) => /canary/.test(query),
        answer: { kind: 'result', data: nothing },
      });
      const release = await shop.release({ metrics: ERRORS_METRIC, 'no-data-timeout': '2s' });

      expect(release.outputs).toMatchObject({
        status: 'rolled-back',
        'reason-code': 'metric-no-data',
        'failed-metric': 'errors',
      });
    }),
  );
});

describe.concurrent('the metrics store', () => {
  test(
    'that does not answer is told apart from a metric that does not exist',
    inShop({}, async (shop) => {
      await shop.prometheus.stop();
      const release = await shop.release({ metrics: ERRORS_METRIC });

      expectRejected(shop, release, 'metrics-unreachable');
      expect(release.outputs['reason']).toContain(new URL(shop.prometheus.url).host);
    }),
  );

  test(
    'that wants credentials is told apart',
    inShop({ prometheus: { authorization: 'Bearer right-token' } }, async (shop) => {
      const release = await shop.release({
        metrics: ERRORS_METRIC,
        'prometheus-headers': 'Authorization: Bearer wrong-token',
      });

      expectRejected(shop, release, 'metrics-unreachable');
      expect(release.outputs['reason']).toContain('401');
      expect(release.everything).not.toContain('wrong-token');
    }),
  );

  test(
    'that wants credentials gets them',
    inShop({ ...BUSY, prometheus: { authorization: 'Bearer right-token' } }, async (shop) => {
      const release = await shop.release({
        command: 'plan',
        metrics: ERRORS_METRIC,
        'prometheus-headers': 'Authorization: Bearer right-token',
      });

      expect(release.outputs['status']).toBe('planned');
      expect(release.everything).not.toContain('right-token');
    }),
  );

  test(
    'that sends the request elsewhere is not followed, so that the header goes nowhere else',
    inShop({}, async (shop) => {
      await inShop({}, async (elsewhere) => {
        const location = `${elsewhere.prometheus.url}/api/v1/query?query=up`;
        shop.prometheus.faults.push({ answer: { kind: 'redirect', location } });
        const release = await shop.release({
          metrics: ERRORS_METRIC,
          'prometheus-headers': 'Authorization: Bearer travelling-token',
        });

        expectRejected(shop, release, 'metrics-unreachable');
        expect(shop.prometheus.requests.map(({ headers }) => headers.authorization)).toContain(
          'Bearer travelling-token',
        );
        expect(elsewhere.prometheus.requests).toEqual([]);
        expect(release.everything).not.toContain('travelling-token');
      })();
    }),
  );

  test(
    'is reached through the API server too',
    inShop(BUSY, async (shop) => {
      const release = await shop.release({
        command: 'plan',
        metrics: ERRORS_METRIC,
        prometheus: 'service://monitoring/prometheus:9090',
      });

      expect(release.outputs['status']).toBe('planned');
      expect(shop.cluster.calls.some(({ resource }) => resource === 'services/proxy')).toBe(true);
    }),
  );

  test.each(['http://169.254.169.254/latest', 'http://metadata.google.internal/'])(
    'is never a place where machines keep their credentials: %s',
    async (prometheus) => {
      await inShop({}, async (shop) => {
        const release = await shop.release({ metrics: ERRORS_METRIC, prometheus });

        expect(release.outputs['status']).toBe('rejected');
        expect(release.everything).toMatch(/link-local or metadata address/);
        expect(shop.cluster.writes()).toEqual([]);
      })();
    },
  );
});
