import { expect, test } from 'vitest';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import { expectClean, GOOD, inShop } from './shop.ts';
import { begin, expectStatus, give, imageOfStable } from './steering.ts';

const IN_PLACE = { 'promote-at': 'last-step', weights: '20, 50', metrics: ERRORS_METRIC };

test(
  'promote-at: last-step leaves the traffic as it is when it is cancelled while stable is updated, and `promote` finishes it',
  inShop({ rps: 50 }, async (shop) => {
    const run = begin(shop, IN_PLACE);
    await run.said(/waiting for the updated stable/);
    const cancelled = await run.cancel();

    expect(cancelled.outputs, cancelled.stdout).toMatchObject({ status: 'halted', 'reason-code': 'cancelled' });
    expect(cancelled.report).toContain('Both serve: the canary has 50 % of the traffic');
    expectStatus(await give(shop, 'promote'), 'promoted', 'completed', 0);
    expect(imageOfStable(shop)).toBe(GOOD);
    expect(shop.traffic.report().lostBy).toEqual({});
    await expectClean(shop);
  }),
);
