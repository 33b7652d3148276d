import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Call } from '../../sandbox/cluster/requests.ts';
import { pullRequestEvent } from '../../sandbox/github/events.ts';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Release, Shop } from './shop.ts';
import { expectClean, GOOD, HEAD, of, openShop, operationsOf, STABLE, specOf, weightsIn } from './shop.ts';

describe('a good release', () => {
  let shop: Shop;
  let release: Release;
  let before: unknown;

  beforeAll(async () => {
    shop = await openShop({ post: true, rps: 200, github: { pulls: [{ number: 7, headSha: HEAD }] } });
    before = specOf(shop.object('HTTPRoute', 'checkout'));
    release = await shop.release(
      { weights: '20, 50', metrics: ERRORS_METRIC, comment: 'auto', 'commit-status': 'auto' },
      { event: pullRequestEvent({ number: 7, headSha: HEAD }) },
    );
  });

  afterAll(() => shop.stop());

  test('is promoted, and the step of the workflow succeeds', () => {
    expect(release.outputs).toMatchObject({
      status: 'promoted',
      'reason-code': 'completed',
      'final-weight': '100',
      'steps-completed': '2',
      'failed-metric': '',
    });
    expect([release.code, release.post?.code]).toEqual([0, 0]);
  });

  test('gives the result in the form that is documented', () => {
    const metric = {
      name: 'errors',
      verdict: 'pass',
      canary: 0,
      stable: 0,
      unit: null,
      requests: { canary: expect.any(Number), stable: expect.any(Number) },
      failures: { canary: 0, stable: 0 },
      odds: expect.any(Number),
      explanation: expect.any(String),
    };
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const step = (weight: number): object => ({
      weight,
      startedAt: time,
      endedAt: time,
      verification: 'V3',
      observedShare: expect.any(Number),
      verdict: 'passed',
      metrics: [metric],
    });

    expect(release.result).toEqual({
      schemaVersion: 1,
      status: 'promoted',
      reasonCode: 'completed',
      reason: 'the new version serves all traffic',
      rollout: {
        id: expect.stringMatching(/^[0-9a-f]{24}$/),
        namespace: 'shop',
        deployment: 'checkout',
        routes: ['httproute/checkout'],
        fromImages: [STABLE],
        toImages: [GOOD],
        startedAt: time,
        finishedAt: time,
      },
      steps: [step(20), step(50)],
      harm: { canaryRequests: expect.any(Number), canaryFailures: 0 },
      warnings: [],
    });
  });

  test('loses no request of a user', () => {
    const { lost, lostBy, sent } = shop.traffic.report();

    expect(lostBy).toEqual({});
    expect(lost).toBe(0);
    expect(sent).toBeGreaterThan(500);
  });

  test('ends with all users on the new version, in pods of the stable Deployment', () => {
    expect(shop.object('Deployment', 'checkout').spec).toMatchObject({
      replicas: 3,
      template: { spec: { containers: [{ image: GOOD }] } },
    });
    expect(shop.traffic.records.slice(-50).map(({ version }) => version)).toEqual(Array(50).fill('1.4.2'));
  });

  test('leaves nothing behind, and the route as it was', async () => {
    expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
    await expectClean(shop);
  });

  test('writes nothing before its checks have ended', () => {
    const { calls } = shop.cluster;
    const firstWrite = calls.indexOf(shop.cluster.writes()[0] as (typeof calls)[number]);
    const isCheck = ({ dryRun, resource }: (typeof calls)[number]): boolean =>
      dryRun || resource === 'selfsubjectaccessreviews';

    expect(calls.slice(0, firstWrite).filter(isCheck).length).toBeGreaterThan(10);
    expect(calls.slice(firstWrite).filter(isCheck)).toEqual([]);
  });

  test('takes the lock before it writes anything else', () => {
    expect(shop.cluster.writes()[0]).toMatchObject({ verb: 'create', resource: 'leases', code: 201 });
  });

  test('asks for both weights of the route in one guarded request', () => {
    const setsOf = (call: Call): string[] => weightsIn(call).map(({ path }) => path.replace(/.*backendRefs/, ''));
    const shifts = of(shop.cluster.calls, 'patch', 'httproutes').filter((call) => setsOf(call).includes('/1/weight'));

    expect(shifts.map(setsOf)).toEqual(Array(5).fill(['/0/weight', '/1/weight']));
    for (const shift of shifts) expect(operationsOf(shift)[0]?.op).toBe('test');
  });

  test('signs what it creates with the run and the commit', () => {
    const run = `${shop.github.serverUrl}/acme/checkout/actions/runs/4711/attempts/1`;
    const created = [
      ...of(shop.cluster.calls, 'create', 'deployments'),
      ...of(shop.cluster.calls, 'create', 'services'),
    ];

    expect(created.map(({ body }) => body)).toHaveLength(2);
    for (const { body } of created)
      expect(body).toMatchObject({
        metadata: {
          labels: { 'app.kubernetes.io/managed-by': 'canary-rollout' },
          annotations: { 'canary-rollout.github.io/run': run, 'canary-rollout.github.io/commit': HEAD },
        },
      });
  });

  test('keeps one comment on the pull request and edits it', () => {
    const { comments } = shop.github;

    expect(comments).toHaveLength(1);
    expect(comments[0]?.issue).toBe(7);
    expect(comments[0]?.edits).toBeGreaterThanOrEqual(2);
    expect(comments[0]?.body).toContain('🟢 checkout: `1.4.2` serves all traffic');
    expect(release.outputs['comment-url']).toContain(`#issuecomment-${comments[0]?.id}`);
  });

  test('puts a commit status on the head, pending until it succeeds', () => {
    const { statuses } = shop.github;
    const states = statuses.map(({ state }) => state);

    expect(new Set(statuses.map(({ sha, context }) => `${sha} ${context}`)).size).toBe(1);
    expect(statuses[0]?.sha).toBe(HEAD);
    expect(new Set(states.slice(0, -1))).toEqual(new Set(['pending']));
    expect(states.at(-1)).toBe('success');
  });

  test('tells the same in the summary and in the report file', () => {
    for (const text of [release.summary, release.report]) {
      expect(text).toContain('🟢 checkout: `1.4.2` serves all traffic');
      expect(text).toMatch(/\| ✅ \| 20\s% \|/);
      expect(text).toMatch(/\| ✅ \| 50\s% \|/);
    }
  });

  test('says in the log what it does, a group for each step', () => {
    const groups = release.shown.filter((line) => line.startsWith('▼ '));

    expect(groups.map((line) => line.slice(2))).toEqual([
      'prepare',
      'step 1 of 2: 20 %',
      'step 2 of 2: 50 %',
      'promote',
    ]);
  });
});
