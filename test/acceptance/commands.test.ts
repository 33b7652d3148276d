import { describe, expect, test } from 'vitest';
import type { Shop } from './shop.ts';
import { expectClean, expectUntouched, GOOD, inShop, of, STABLE, weightsIn } from './shop.ts';
import {
  annotate,
  begin,
  entriesOf,
  expectStatus,
  give,
  HOLDING,
  imageOfStable,
  LOCK,
  stateOf,
  weightsOf,
} from './steering.ts';

const PAUSE_MS = 3_000;
const COMMAND = 'canary-rollout.github.io/command';

/** A weight that is held is looked at every second. */
const LOOKS_IN_TWO_S = 2;

const looksOf = (shop: Shop): number =>
  shop.cluster.calls.filter(({ verb, resource }) => verb === 'get' && resource === 'httproutes').length;

const annotationOf = (shop: Shop): string | undefined => shop.object('ConfigMap', LOCK).metadata.annotations?.[COMMAND];

const writersOf = (shop: Shop): ReadonlySet<string> => new Set(shop.cluster.writes().map(({ userAgent }) => userAgent));

describe.concurrent('a command from another job', () => {
  test(
    'pauses the release where it is, and resumes it',
    inShop({ rps: 20 }, async (shop) => {
      const release = begin(shop, { interval: '20s' });
      await release.said(HOLDING);
      const pause = await give(shop, 'pause');
      const paused = [stateOf(shop)?.paused?.by, weightsOf(shop)];
      const over = Date.now() + PAUSE_MS;
      await shop.until('some time', () => Date.now() > over);
      const resume = await give(shop, 'resume');
      const ended = await release.ended;

      expectStatus(pause, 'accepted', 'handed-over', 0);
      expectStatus(resume, 'accepted', 'handed-over', 0);
      expect(paused).toEqual(['mona', [50, 50]]);
      expectStatus(ended, 'promoted', 'completed', 0);
      const [step] = ended.result.steps;
      expect(Date.parse(step?.endedAt ?? '') - Date.parse(step?.startedAt ?? '')).toBeGreaterThan(20_000 + PAUSE_MS);
      expect(ended.report).toMatch(/mona/);
      expect(imageOfStable(shop)).toBe(GOOD);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'aborts the release, and the exit follows fail-on-rollback',
    inShop({ rps: 20 }, async (shop) => {
      const release = begin(shop, { interval: '60s', 'fail-on-rollback': 'false' });
      await release.said(HOLDING);
      const abort = await give(shop, 'abort');
      const ended = await release.ended;

      expectStatus(abort, 'accepted', 'handed-over', 0);
      expectStatus(ended, 'aborted', 'aborted-by-user', 0);
      expect(ended.outputs).toMatchObject({ 'final-weight': '0', reason: 'mona asked for it' });
      expect(imageOfStable(shop)).toBe(STABLE);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'promotes the release at once, every later stage verified',
    inShop({ rps: 20 }, async (shop) => {
      const release = begin(shop, { weights: '20, 60', interval: '20s' });
      await release.said(HOLDING);
      const promote = await give(shop, 'promote');
      const ended = await release.ended;

      expectStatus(promote, 'accepted', 'handed-over', 0);
      expectStatus(ended, 'promoted', 'completed', 0);
      expect(ended.result.steps.map(({ weight, verdict }) => [weight, verdict])).toEqual([[20, 'skipped']]);
      expect(ended.outputs['steps-completed']).toBe('0');
      const weights = of(shop.cluster.writes(), 'patch', 'httproutes').flatMap((call) =>
        weightsIn(call).flatMap(({ path, value }) => (path.endsWith('/backendRefs/1/weight') ? [value] : [])),
      );
      expect(weights).toEqual([20, 100, 80, 0]);
      expect(imageOfStable(shop)).toBe(GOOD);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'is rejected where nothing is open, and writes nothing',
    inShop({}, async (shop) => {
      const releases = await Promise.all(['pause', 'resume', 'promote', 'abort'].map((name) => give(shop, name)));

      for (const release of releases) expectStatus(release, 'rejected', 'no-rollout', 1);
      expectUntouched(shop);
    }),
  );

  test(
    'that asks how things stand lists what is open, and writes nothing',
    inShop({ rps: 20 }, async (shop) => {
      const none = await give(shop, 'status', { deployment: '' });
      const release = begin(shop, { interval: '60s' });
      await release.said(HOLDING);
      const statuses = await Promise.all([
        give(shop, 'status'),
        give(shop, 'status', { deployment: '' }),
        give(shop, 'status', { deployment: '', namespace: '*' }),
      ]);
      const [id, writers] = [stateOf(shop)?.plan.target.rolloutId, writersOf(shop)];
      await give(shop, 'abort');
      await release.ended;

      expectStatus(none, 'accepted', 'listed', 0);
      expect([none.outputs['reason'], entriesOf(none)]).toEqual(['no rollout is open', []]);
      for (const status of statuses) {
        expectStatus(status, 'accepted', 'listed', 0);
        expect(entriesOf(status)).toMatchObject([
          {
            namespace: 'shop',
            deployment: 'checkout',
            id,
            phase: 'progressing',
            weight: 50,
            lock: 'held',
            failed: false,
          },
        ]);
        expect(status.summary).toContain('checkout');
      }
      expect(writers.size).toBe(1);
    }),
  );
});

describe.concurrent('an annotation by kubectl', () => {
  test(
    'alone pauses the release within two seconds, and resumes and aborts it',
    inShop({ rps: 20 }, async (shop) => {
      const release = begin(shop, { interval: '60s' });
      await release.said(HOLDING);
      const before = looksOf(shop);
      expect(await annotate(shop, 'pause')).toBe(200);
      await release.said(/asked to pause/);
      const looks = looksOf(shop) - before;
      await shop.until('the annotation taken away', () => annotationOf(shop) === undefined);
      const paused = stateOf(shop);
      await annotate(shop, 'resume');
      await release.said(/asked to resume/);
      await annotate(shop, `abort@${paused?.plan.target.rolloutId}`);
      const ended = await release.ended;

      expect(looks).toBeLessThanOrEqual(LOOKS_IN_TWO_S);
      expect(paused?.asked).toMatchObject([{ name: 'pause', refused: null }]);
      expectStatus(ended, 'aborted', 'aborted-by-user', 1);
      expect(ended.outputs['reason']).toBe('somebody with access to the cluster asked for it');
      await expectClean(shop);
    }),
  );

  test(
    'that names another rollout, or is no command, does nothing',
    inShop({ rps: 20 }, async (shop) => {
      const release = begin(shop, { interval: '3s' });
      await release.said(HOLDING);
      await annotate(shop, 'abort@0000aaaa');
      await release.said(/refused: it names the rollout 0000aaaa/);
      await annotate(shop, 'explode now');
      const ended = await release.ended;

      expectStatus(ended, 'promoted', 'completed', 0);
      expect(ended.report).toMatch(/names the rollout 0000aaaa/);
      await expectClean(shop);
    }),
  );
});
