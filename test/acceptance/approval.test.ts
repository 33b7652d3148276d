import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import { expectClean, GOOD, inShop, STABLE } from './shop.ts';
import { annotate, as, begin, expectStatus, give, imageOfStable, spoilCanary, stateOf, weightsOf } from './steering.ts';

/** The first step needs somebody's word. */
const STEPS = {
  weights: '',
  interval: '',
  steps: '- { weight: 20, interval: 1s, approval: true }\n- { weight: 60, interval: 1s }\n',
} as const;
const WAITING = /waiting for approval by/;

describe.concurrent('a step that must be approved', () => {
  test(
    'waits with its weight, is judged meanwhile, and goes on when somebody approves',
    inShop({ rps: 100 }, async (shop) => {
      const release = begin(shop, { ...STEPS, metrics: ERRORS_METRIC });
      await release.said(WAITING);
      const asked = shop.prometheus.requests.length;
      await shop.until('more samples', () => shop.prometheus.requests.length > asked);
      const [weights, status] = [weightsOf(shop), await give(shop, 'status')];
      const approval = await give(shop, 'resume');
      const ended = await release.ended;

      expect(weights).toEqual([80, 20]);
      expect(status.result).toMatchObject({ rollouts: [{ waits: ['approval'], weight: 20 }] });
      expectStatus(approval, 'accepted', 'handed-over', 0);
      expectStatus(ended, 'promoted', 'completed', 0);
      expect(ended.stdout).toMatch(/mona asked to resume: that approves this step/);
      expect(ended.report).toMatch(/mona/);
      expect(imageOfStable(shop)).toBe(GOOD);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'takes the word of its approvers, and of nobody else',
    inShop({ rps: 20 }, async (shop) => {
      const release = begin(shop, { ...STEPS, approvers: 'hubot, Mona' });
      await release.said(/waiting for approval by hubot, mona/);
      const [stranger, promotion] = [await give(shop, 'resume', {}, 'tessa'), await give(shop, 'promote', {}, 'tessa')];
      const [phase, weights] = [stateOf(shop)?.phase, weightsOf(shop)];
      const approver = await give(shop, 'resume', {}, 'MONA');
      const ended = await release.ended;

      for (const refused of [stranger, promotion]) {
        expectStatus(refused, 'rejected', 'command-refused', 1);
        expect(refused.outputs['reason']).toMatch(/tessa is not one of the approvers \(hubot, mona\)/);
      }
      expect([phase, weights]).toEqual(['progressing', [80, 20]]);
      expectStatus(approver, 'accepted', 'handed-over', 0);
      expectStatus(ended, 'promoted', 'completed', 0);
      await expectClean(shop);
    }),
  );

  test(
    'is not approved by who started the rollout where that is not allowed, nor by somebody without a name',
    inShop({ rps: 20 }, async (shop) => {
      const release = begin(shop, { ...STEPS, 'self-approval': 'false' }, as('tessa'));
      await release.said(WAITING);
      const own = await give(shop, 'resume', {}, 'Tessa');
      await annotate(shop, 'resume');
      await release.said(/refused: a sender without a name/);
      const waits = weightsOf(shop);
      await give(shop, 'resume', {}, 'mona');
      const ended = await release.ended;

      expectStatus(own, 'rejected', 'command-refused', 1);
      expect(own.outputs['reason']).toMatch(/started the rollout and may not approve it/);
      expect(waits).toEqual([80, 20]);
      expectStatus(ended, 'promoted', 'completed', 0);
      await expectClean(shop);
    }),
  );

  test(
    'is rolled back when nobody approves in time',
    inShop({ rps: 20 }, async (shop) => {
      const release = await shop.release({ ...STEPS, 'approval-timeout': '2s' });

      expectStatus(release, 'rolled-back', 'approval-timeout', 1);
      expect(release.result.steps.map(({ weight }) => weight)).toEqual([20]);
      expect(imageOfStable(shop)).toBe(STABLE);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'is rolled back when the canary turns bad while it waits',
    inShop({ rps: 200 }, async (shop) => {
      const release = begin(shop, { ...STEPS, metrics: ERRORS_METRIC });
      await release.said(WAITING);
      spoilCanary(shop);
      const ended = await release.ended;

      expectStatus(ended, 'rolled-back', 'metric-failed', 1);
      expect(ended.outputs['failed-metric']).toBe('errors');
      expect(imageOfStable(shop)).toBe(STABLE);
      await expectClean(shop);
    }),
  );
});
