import { describe, expect, test } from 'vitest';
import { expectClean, GOOD, inShop } from './shop.ts';
import { begin, expectStatus, give, HOLDING, holderOf, imageOfStable, stateOf, weightsOf } from './steering.ts';

describe.concurrent('a cancelled run that is to keep what it has', () => {
  test(
    'leaves the rollout paused at its weight, and a later job resumes it',
    inShop({ rps: 20, post: true }, async (shop) => {
      const run = begin(shop, { interval: '3s', 'on-cancel': 'keep' });
      await run.said(HOLDING);
      const cancelled = await run.cancel();

      expectStatus(cancelled, 'paused', 'cancelled', 0);
      expect([weightsOf(shop), holderOf(shop), stateOf(shop)?.phase]).toEqual([[50, 50], '', 'left']);
      expect(cancelled.post?.code).toBe(0);
      const resume = await give(shop, 'resume');
      expectStatus(resume, 'promoted', 'completed', 0);
      expect(imageOfStable(shop)).toBe(GOOD);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );
});
