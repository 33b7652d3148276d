import { describe, expect, test } from 'vitest';
import { pullRequestEvent } from '../../sandbox/github/events.ts';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Release, Shop } from './shop.ts';
import { BAD, expectClean, HEAD, inShop, of, STABLE, specOf, weightsIn } from './shop.ts';

const SLOW = 'registry.example/checkout:1.5.0-slow80';
const MEAN = (part: string): string => `sum(rate(http_request_duration_seconds_${part}{pod=~"{{pods}}"}[{{window}}]))`;

const latency = (limits: string): string => `- name: mean latency
  query: ${MEAN('sum')} / ${MEAN('count')}
  every: 1s
  unit: s
${limits}`;

/** Whatever the reason was: stable has it all again, and nobody was lost on the way. */
const expectRolledBack = async (shop: Shop, release: Release, before: unknown): Promise<void> => {
  expect(release.outputs, release.stdout).toMatchObject({ status: 'rolled-back', 'final-weight': '0' });
  expect(shop.object('Deployment', 'checkout').spec).toMatchObject({
    template: { spec: { containers: [{ image: STABLE }] } },
  });
  expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
  expect(shop.traffic.report().lostBy).toEqual({});
  await expectClean(shop);
};

describe.concurrent('a release that fails requests', () => {
  test(
    'is rolled back, fails the step and says what failed',
    inShop({ post: true, rps: 200, github: { pulls: [{ number: 7, headSha: HEAD }] } }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      const release = await shop.release(
        { image: BAD, weights: '20, 50', metrics: ERRORS_METRIC, comment: 'auto', 'commit-status': 'auto' },
        { event: pullRequestEvent({ number: 7, headSha: HEAD }) },
      );

      await expectRolledBack(shop, release, before);
      expect(release.code).toBe(1);
      expect(release.outputs).toMatchObject({
        'reason-code': 'metric-failed',
        'failed-metric': 'errors',
        'steps-completed': '0',
      });
      expect(release.result.steps).toMatchObject([
        { weight: 20, verdict: 'failed', metrics: [{ name: 'errors', verdict: 'failed' }] },
      ]);
      const failures = shop.traffic.report().versions['1.5.0-bad50']?.failures ?? 0;
      expect(failures).toBeGreaterThan(0);
      expect(release.result.harm.canaryFailures).toBe(failures);
      const [comment] = shop.github.comments;
      expect(comment?.body).toMatch(/🔴 checkout: `1\.5\.0-bad50` rolled back at 20\s%/);
      expect(comment?.body).toContain('**errors**: the canary failed');
      expect(comment?.body).toContain('All traffic is on `1.4.1` again');
      expect(shop.github.statuses.at(-1)).toMatchObject({ sha: HEAD, state: 'failure' });
    }),
  );

  test(
    'sends the request that returns the traffic before anything else',
    inShop({ post: true, rps: 200 }, async (shop) => {
      const release = await shop.release({ image: BAD, metrics: ERRORS_METRIC });
      const writes = shop.cluster.writes().filter(({ resource }) => !['configmaps', 'leases'].includes(resource));
      const shifted = writes.findIndex((call) =>
        weightsIn(call).some(({ path, value }) => path.endsWith('/1/weight') && value !== 0),
      );

      expect(release.outputs['status']).toBe('rolled-back');
      expect(shifted).toBeGreaterThan(0);
      expect(weightsIn(writes[shifted + 1] as (typeof writes)[number])).toMatchObject([
        { path: '/spec/rules/0/backendRefs/0/weight' },
        { path: '/spec/rules/0/backendRefs/1/weight', value: 0 },
      ]);
      const [deleted] = of(writes, 'delete', 'deployments');
      expect(deleted?.name).toBe('checkout-canary');
    }),
  );

  test(
    'does not fail the step where the workflow says so',
    inShop({ post: true, rps: 200 }, async (shop) => {
      const release = await shop.release({ image: BAD, metrics: ERRORS_METRIC, 'fail-on-rollback': 'false' });

      expect(release.outputs).toMatchObject({ status: 'rolled-back', 'failed-metric': 'errors' });
      expect([release.code, release.post?.code]).toEqual([0, 0]);
    }),
  );
});

describe.concurrent('a measured metric', () => {
  test(
    'above its limit rolls the release back',
    inShop({ rps: 100 }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      const release = await shop.release({ image: SLOW, interval: '4s', metrics: latency('  max: 0.05\n') });

      await expectRolledBack(shop, release, before);
      expect(release.outputs).toMatchObject({ 'reason-code': 'metric-failed', 'failed-metric': 'mean latency' });
      expect(release.outputs['reason']).toMatch(/above the limit of 50\s?ms/);
    }),
  );

  test(
    'that grows too far above stable rolls the release back',
    inShop({ rps: 100 }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      const release = await shop.release({ image: SLOW, interval: '4s', metrics: latency('  max-increase: 50%\n') });

      await expectRolledBack(shop, release, before);
      expect(release.outputs).toMatchObject({ 'reason-code': 'metric-failed', 'failed-metric': 'mean latency' });
      expect(release.outputs['reason']).toMatch(/of stable and 50\s?%/);
    }),
  );

  test(
    'may fail as often as its failure limit says, and no more',
    inShop({ rps: 100 }, async (shop) => {
      const metrics = latency('  max: 0.05\n  failure-limit: 1\n');
      const release = await shop.release({ image: SLOW, interval: '20s', metrics });

      expect(release.outputs).toMatchObject({ status: 'rolled-back', 'failed-metric': 'mean latency' });
      expect(release.outputs['reason']).toContain('(2 failed measurements, 1 tolerated)');
    }),
  );

  test(
    'within its limits lets the release pass',
    inShop({ rps: 100 }, async (shop) => {
      const release = await shop.release({ metrics: latency('  max: 0.05\n  max-increase: 400%\n'), interval: '2s' });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted' });
      expect(release.result.steps[0]?.metrics).toMatchObject([{ name: 'mean latency', verdict: 'pass' }]);
    }),
  );
});
