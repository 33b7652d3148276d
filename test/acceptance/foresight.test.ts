import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pullRequestEvent } from '../../sandbox/github/events.ts';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Release, Shop } from './shop.ts';
import { expectUntouched, HEAD, openShop } from './shop.ts';

interface Foretold {
  readonly placebo: { readonly releases: number; readonly rolledBack: number } | null;
  readonly metrics: readonly {
    readonly name: string;
    readonly requestsPerSecond: number;
    readonly failureRatio: number;
    readonly totalFailure: { readonly requests: number; readonly seconds: number } | null;
  }[];
}

const foretoldIn = ({ result }: Release): Foretold => (result as unknown as { readonly foresight: Foretold }).foresight;

describe('a plan with a past', () => {
  let shop: Shop;
  let release: Release;

  beforeAll(async () => {
    shop = await openShop({
      rps: 100,
      app: { templateAnnotations: { 'farm/error-rate': '0.01' } },
      prometheus: { scrapeIntervalMs: 1_000 },
      github: { pulls: [{ number: 7, headSha: HEAD }] },
    });
    shop.past({ app: 'checkout', ms: 20 * 60_000, rps: 100 });
    release = await shop.release(
      { command: 'plan', weights: '5, 20, 50', interval: '60s', metrics: ERRORS_METRIC, comment: 'true' },
      { event: pullRequestEvent({ number: 7, headSha: HEAD }) },
    );
  });

  afterAll(() => shop.stop());

  test('tells in the pull request what the past foretells', () => {
    const [comment] = shop.github.comments.map(({ body }) => body);

    expect(release.code).toBe(0);
    expect(comment).toContain("**What stable's last 20 min tell about this plan**");
    expect(comment).toMatch(/Of 18 pretended releases of nothing new, \d would have been rolled back/);
    expect(comment).toMatch(/\| 1 \| 5\s% \| 1 min \| 10x in \d+ s/);
    expect(comment).toMatch(/would cost about 2\d requests in 5 s/);
  });

  test('tells it in the summary, on the console and in the result too', () => {
    expect(release.summary).toContain('pretended releases of nothing new');
    expect(release.stdout).toContain('pretended releases of nothing new');
    expect(foretoldIn(release).placebo?.releases).toBe(18);
  });

  test('measured traffic and failures as they were', () => {
    const [errors] = foretoldIn(release).metrics;

    expect(errors?.name).toBe('errors');
    expect(errors?.requestsPerSecond).toBeCloseTo(100, -1);
    expect(errors?.failureRatio).toBeCloseTo(0.01, 2);
  });

  test('writes nothing', () => {
    expectUntouched(shop);
  });
});
