import { describe, expect, test } from 'vitest';
import type { Call } from '../../sandbox/cluster/requests.ts';
import type { Shop } from './shop.ts';
import { expectClean, GOOD, inShop, STABLE, specOf, weightsIn, when } from './shop.ts';
import { expectStatus, give } from './steering.ts';

const HOLDING = /holding it for/;

const canaryWeight = (call: Call): unknown => weightsIn(call).find(({ path }) => path.endsWith('/1/weight'))?.value;

/** What was written once this happened, without the rollout's own record. */
const writesSince = (shop: Shop, from: number): Call[] =>
  shop.cluster
    .writes()
    .slice(from)
    .filter(({ resource }) => resource !== 'configmaps' && resource !== 'leases');

const imageOfStable = (shop: Shop, image: string): void =>
  expect(shop.object('Deployment', 'checkout').spec).toMatchObject({
    template: { spec: { containers: [{ image }] } },
  });

describe.concurrent('a run that is cancelled', () => {
  test(
    'during a step returns the traffic before anything else and ends as aborted',
    inShop({ post: true, rps: 100 }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      const cancel = new AbortController();
      const at = { writes: 0, time: 0 };
      const onLine = when(HOLDING, () => {
        at.writes = shop.cluster.writes().length;
        at.time = Date.now();
        cancel.abort();
      });
      const release = await shop.release({ interval: '60s' }, { onLine, cancel: cancel.signal });
      const [wayBack, ...rest] = writesSince(shop, at.writes);

      expect(release.outputs, release.stdout).toMatchObject({
        status: 'aborted',
        'reason-code': 'cancelled',
        'final-weight': '0',
        'steps-completed': '0',
      });
      expect([release.code, release.signal, release.post?.code]).toEqual([1, null, 0]);
      expect([wayBack?.resource, wayBack && canaryWeight(wayBack)]).toEqual(['httproutes', 0]);
      expect(rest.filter((call) => Number(canaryWeight(call) ?? 0) > 0)).toEqual([]);
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
      imageOfStable(shop, STABLE);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
      console.log(`SIGINT to the request that returns the traffic: ${(wayBack?.at ?? 0) - at.time} ms`);
    }),
  );

  test(
    'before anything was written is rejected, with nothing touched',
    inShop({ post: true }, async (shop) => {
      const cancel = new AbortController();
      shop.cluster.faults.push({
        matches: ({ dryRun }) => {
          if (dryRun) cancel.abort();
          return dryRun;
        },
        // No answer: the checks cannot be over before the signal is there.
        answer: { kind: 'silence' },
      });
      const release = await shop.release({}, { cancel: cancel.signal });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'rejected', 'reason-code': 'cancelled' });
      expect(shop.cluster.writes()).toEqual([]);
      expect(shop.remains()).toEqual([]);
    }),
  );

  test(
    'and killed while it still drains is finished by the post step',
    inShop({ post: true, rps: 100 }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      const cancel = new AbortController();
      const onLine = when(HOLDING, () => cancel.abort());
      const release = await shop.release({ interval: '60s', drain: '12s' }, { onLine, cancel: cancel.signal });

      expect([release.signal, release.outputs['status']]).toEqual(['SIGKILL', undefined]);
      expect(release.post?.outputs, release.post?.stdout).toMatchObject({
        status: 'aborted',
        'reason-code': 'cancelled',
        'final-weight': '0',
      });
      expect(release.post?.code).toBe(1);
      expect(release.post?.summary).toMatch(/`1\.4\.2` aborted at 50\s%/);
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
      imageOfStable(shop, STABLE);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'past the point of no return halts with the canary serving, and is finished by `promote`',
    inShop({ post: true, rps: 100 }, async (shop) => {
      const cancel = new AbortController();
      const onLine = when(/waiting for the updated stable/, () => cancel.abort());
      shop.cluster.pace.startDelayMs = 1500;
      const release = await shop.release({}, { onLine, cancel: cancel.signal });

      expect(release.outputs, release.stdout).toMatchObject({
        status: 'halted',
        'reason-code': 'cancelled',
        'final-weight': '100',
      });
      expect([release.code, release.post?.code]).toEqual([1, 0]);
      expect(shop.object('Deployment', 'checkout-canary').spec).toMatchObject({ replicas: 3 });
      expect(shop.object('HTTPRoute', 'checkout').spec).toMatchObject({
        rules: [{ backendRefs: [{ weight: 0 }, { name: 'checkout-canary', weight: 100 }] }],
      });
      expect(release.summary).toContain('**What to do.**');
      expect(shop.traffic.records.slice(-20).map(({ version }) => version)).toEqual(Array(20).fill('1.4.2'));

      const promote = await give(shop, 'promote');
      expectStatus(promote, 'promoted', 'completed', 0);
      imageOfStable(shop, GOOD);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );
});

describe.concurrent('a runner that dies', () => {
  test(
    'during a step harms nobody: the next run rolls its release back first, then releases its own',
    inShop({ rps: 100 }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      const die = new AbortController();
      const onLine = when(HOLDING, () => die.abort());
      const dead = await shop.release(
        { image: 'registry.example/checkout:1.4.9', interval: '60s' },
        { onLine, die: die.signal },
      );
      const at = shop.cluster.writes().length;
      const release = await shop.release();

      expect(dead.signal).toBe('SIGKILL');
      expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted' });
      const shifts = writesSince(shop, at)
        .map(canaryWeight)
        .filter((weight) => weight !== undefined);
      expect(shifts.slice(0, 2)).toEqual([0, 50]);
      imageOfStable(shop, GOOD);
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
    120_000,
  );
});
