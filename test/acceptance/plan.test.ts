import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pullRequestEvent } from '../../sandbox/github/events.ts';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Release, Shop } from './shop.ts';
import { expectUntouched, GOOD, HEAD, openShop, STABLE, specOf } from './shop.ts';

describe('a plan', () => {
  let shop: Shop;
  let release: Release;
  let before: readonly unknown[];

  const objects = (): readonly unknown[] => [
    shop.object('Deployment', 'checkout').metadata.resourceVersion,
    specOf(shop.object('Deployment', 'checkout')),
    specOf(shop.object('HTTPRoute', 'checkout')),
  ];

  beforeAll(async () => {
    shop = await openShop({ rps: 100, github: { pulls: [{ number: 7, headSha: HEAD }] } });
    before = objects();
    release = await shop.release(
      { command: 'plan', weights: '5, 20, 50', interval: '30s', metrics: ERRORS_METRIC, 'commit-status': 'auto' },
      { event: pullRequestEvent({ number: 7, headSha: HEAD }) },
    );
  });

  afterAll(() => shop.stop());

  test('writes nothing and succeeds', () => {
    expect(release.outputs).toMatchObject({ status: 'planned', 'reason-code': 'planned', 'steps-completed': '0' });
    expect(release.code).toBe(0);
    expectUntouched(shop);
    expect(objects()).toEqual(before);
  });

  test('sends every write that a run would make, dry', () => {
    const dry = shop.cluster.calls.filter(({ dryRun }) => dryRun);

    expect(new Set(dry.map(({ verb, resource }) => `${verb} ${resource}`))).toEqual(
      new Set(['create services', 'create deployments', 'create pods', 'patch httproutes', 'patch deployments']),
    );
    expect(dry.filter(({ code }) => code >= 300)).toEqual([]);
  });

  test('tells the steps, the time they take and the most pods at a time', () => {
    expect(release.summary).toMatch(/\| 1 \| 5\s% \| 30 s \| 1 \|/);
    expect(release.summary).toMatch(/\| 3 \| 50\s% \| 30 s \| 2 \|/);
    expect(release.summary).toMatch(/At least 1 min \d+ s/);
    expect(release.summary).toMatch(/up to \d pods of stable and canary at a time/);
  });

  test('tells every object and field that it would touch', () => {
    for (const text of [
      '`Deployment shop/checkout-canary` | create',
      '`Service shop/checkout-canary` | create',
      '`HTTPRoute shop/checkout` | patch',
      '`Deployment shop/checkout` | patch',
      '`spec.rules[0].backendRefs[checkout].weight`',
      '`spec.template.spec.containers[0].image`',
    ])
      expect(release.summary).toContain(text);
  });

  test('prints the Role that a run needs', () => {
    expect(release.summary).toContain('kind: Role');
    expect(release.summary).toContain('["leases"], verbs: [get, create, patch, delete]');
  });

  test('gives a result with images and route and without steps', () => {
    expect(release.result).toMatchObject({
      schemaVersion: 1,
      status: 'planned',
      rollout: { routes: ['httproute/checkout'], fromImages: [STABLE], toImages: [GOOD], startedAt: null },
      steps: [],
    });
  });

  test('says nothing about the commit: it released nothing', () => {
    expect(shop.github.statuses).toEqual([]);
  });
});
