import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { guardOf } from '../../src/core/marks.ts';
import type { Request } from '../../src/core/objects.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import type { BasisPoints, Json } from '../../src/core/units.ts';
import type { TrafficRouter } from '../../src/ports/traffic-router.ts';
import { driverOf, type RouterFixture, specs, unmark } from './router-fixture.ts';
import { objectAt, operationsOf, send, sendAll, type World, write } from './world.ts';

/** Where a random test fails, its seed is in the message: the runs are the same each time. */
const RUNS = { seed: 20_261_121, numRuns: 150 };

/** The suite that every router must pass; what is special about one has tests of its own. */
export const routerConformance = (fixture: RouterFixture): void => {
  const { router, target, written, world, weights, onWrite, refuse } = fixture;
  const guard = guardOf(target.namespace, target.deployment, 'token-1', target.rolloutId);
  const driver = driverOf(fixture, guard);
  const [first = 0, second = 0] = weights;
  const last = weights.at(-1) ?? 0;
  const expectNeverEmpty = (now: World): void => {
    for (const { stable, canary } of fixture.splits(now)) expect(stable + canary).toBeGreaterThan(0);
  };
  const foreign = (now: World): unknown => written.map((ref) => fixture.foreign(objectAt(now, ref)));

  describe(`router ${fixture.title}`, () => {
    describe('setting a weight', () => {
      test('finds nothing wrong with a valid world', () => {
        expect(router.check(driver.read(world), target).filter(({ severity }) => severity === 'error')).toEqual([]);
        expect(driver.share(world, router.original(driver.read(world), target))).toBe(0);
      });

      test('reads back every weight that it has set, split natively as asked', () => {
        let { world: now, original } = driver.start(world);
        for (const weight of [...weights, first]) {
          now = driver.set(now, weight, original);
          expect(driver.share(now, original)).toBe(weight);
          for (const { stable, canary } of fixture.splits(now))
            if (stable + canary > 0) expect(Math.floor((canary * 10_000) / (canary + stable))).toBe(weight);
          expectNeverEmpty(now);
        }
      });

      test('writes nothing when it is so already', () => {
        const { world: now, original } = driver.start(world);

        for (const weight of [0, ...weights]) {
          const once = driver.set(now, weight, original);
          expect(driver.planned(once, weight, original)).toEqual([]);
        }
      });

      test('sends one patch per object, with both weights in it', () => {
        const { world: now, original } = driver.start(world);

        const requests = driver.planned(now, last, original);

        expect(requests.length).toBeGreaterThan(0);
        expect(new Set(requests.map(({ ref }) => ref.name)).size).toBe(requests.length);
      });

      test('leaves everything foreign, and its order, as it was', () => {
        let { world: now, original } = driver.start(world);
        const before = foreign(now);

        for (const weight of weights) {
          now = driver.set(now, weight, original);
          expect(foreign(now)).toEqual(before);
        }
        now = driver.back(now, original);
        expect(foreign(now)).toEqual(before);
        expect(foreign(driver.restore(now, original))).toEqual(before);
      });

      test('touches only the fields that it declares for the preview', () => {
        const declared = Object.keys(router.fields(driver.read(world), target));

        expect(declared).toHaveLength(written.length);
      });

      test('reports a reverted entry, and can set it again', () => {
        const { world: now, original } = driver.start(world);
        let reverted = driver.set(now, first, original);
        for (const ref of written)
          reverted = write(reverted, ref, fixture.revert(objectAt(reverted, ref), objectAt(now, ref)), onWrite);

        expect(driver.share(reverted, original)).not.toBe(first);
        expect(driver.share(driver.set(reverted, first, original), original)).toBe(first);
      });
    });

    describe('fencing', () => {
      test('a forward patch is refused after another run has taken the rollout over', () => {
        const { world: now, original } = driver.start(world);
        const taken = driverOf(fixture, { ...guard, holder: { ...guard.holder, value: 'token-2' } }).claim(now);

        for (const request of driver.planned(now, first, original)) expect(send(taken, request, onWrite)).toBeNull();
      });

      test('restoring is refused after another run has taken the rollout over', () => {
        const { world: started, original } = driver.start(world);
        const now = driver.set(started, first, original);
        const taken = driverOf(fixture, { ...guard, holder: { ...guard.holder, value: 'token-2' } }).claim(now);

        const requests = router.restore(driver.read(now), target, original, guard);

        expect(requests.length > 0).toBe(fixture.restores);
        for (const request of requests) expect(send(taken, request, onWrite)).toBeNull();
      });

      test('the way back works after another run has taken the rollout over', () => {
        const { world: started, original } = driver.start(world);
        const now = driver.set(started, first, original);
        const taken = driverOf(fixture, { ...guard, holder: { ...guard.holder, value: 'token-2' } }).claim(now);

        const home = sendAll(taken, router.wayBack(driver.read(now), target, guard, original), onWrite);

        expect(driver.share(home, original)).toBe(0);
      });

      test('the way back is refused when its mark is gone', () => {
        const { world: started, original } = driver.start(world);
        const now = driver.set(started, first, original);
        const requests = router.wayBack(driver.read(now), target, guard, original);
        const committed = unmark(now, written, [guard.wayBack.key]);

        expect(requests.length).toBeGreaterThan(0);
        for (const request of requests) expect(send(committed, request, onWrite)).toBeNull();
      });

      test('every patch tests a mark, and only the way back does without the identity of what was read', () => {
        const { world: started, original } = driver.start(world);
        const now = driver.set(started, first, original);
        const tests = (request: Request) =>
          operationsOf(request).flatMap(({ op, path }) => (op === 'test' ? [path.replaceAll('~1', '/')] : []));

        for (const request of driver.planned(now, second, original)) {
          expect(tests(request)).toContain('/metadata/uid');
          expect(tests(request).some((path) => path.endsWith(guard.holder.key))).toBe(true);
          expect(tests(request).includes('/metadata/generation')).toBe(fixture.testsGeneration);
        }
        for (const request of router.wayBack(driver.read(now), target, guard, original)) {
          expect(tests(request)).not.toContain('/metadata/generation');
          expect(tests(request).some((path) => path.endsWith(guard.wayBack.key))).toBe(true);
          expect(tests(request).some((path) => path.endsWith(guard.holder.key))).toBe(false);
        }
      });

      if (fixture.testsGeneration)
        test('a patch from an old read is refused, and one from a fresh read works', () => {
          const { world: now, original } = driver.start(world);
          const stale = driver.planned(now, first, original);
          const moved = driver.set(now, second, original);

          for (const request of stale) expect(send(moved, request, onWrite)).toBeNull();
          expect(driver.share(driver.set(moved, first, original), original)).toBe(first);
        });
    });

    describe('the way back', () => {
      test('returns all traffic from every weight, and writes nothing when it is there', () => {
        const { world: now, original } = driver.start(world);

        for (const weight of [0, ...weights]) {
          const home = driver.back(driver.set(now, weight, original), original);
          expect(driver.share(home, original)).toBe(0);
          expectNeverEmpty(home);
          expect(router.wayBack(driver.read(home), target, guard, original)).toEqual([]);
        }
      });

      test('has nothing to do before the first weight', () => {
        const { world: now, original } = driver.start(world);

        expect(router.wayBack(driver.read(now), target, guard, original)).toEqual([]);
      });

      test('undoes a forward write that lands after it was made', () => {
        const { world: now, original } = driver.start(world);
        const low = driver.set(now, first, original);
        const requests = router.wayBack(driver.read(low), target, guard, original);
        const high = driver.set(low, second, original);

        const home = sendAll(high, requests, onWrite);

        expect(driver.share(home, original)).toBe(0);
        expectNeverEmpty(home);
      });

      for (const [index, insert] of fixture.inserts.entries())
        test(`made before foreign insertion ${index} works or is refused, and made after it works`, () => {
          const { world: started, original } = driver.start(world);
          const now = driver.set(started, first, original);
          const early = router.wayBack(driver.read(now), target, guard, original);
          const moved = written.reduce((all, ref) => write(all, ref, insert(objectAt(all, ref)), onWrite), now);
          const before = foreign(moved);

          for (const request of early) expect(foreign(send(moved, request, onWrite) ?? moved)).toEqual(before);
          const home = driver.back(moved, original);

          expect(driver.share(home, original)).toBe(0);
          expect(foreign(home)).toEqual(before);
          expect(foreign(driver.restore(moved, original))).toEqual(before);
        });
    });

    describe('the way back for somebody else', () => {
      test('made before the first weight, returns all traffic from every weight, and works again', () => {
        const { world: started, original } = driver.start(world);
        const now = driver.set(started, 0, original);
        const requests = router.returns(driver.read(now), target, guard);

        expect(requests.map(({ ref }) => ref.name)).toEqual(written.map(({ name }) => name));
        for (const weight of [0, ...weights]) {
          const home = sendAll(driver.set(now, weight, original), requests, onWrite);
          expect(driver.share(home, original)).toBe(0);
          expectNeverEmpty(home);
          expect(foreign(home)).toEqual(foreign(now));
          expect(specs(sendAll(home, requests, onWrite), written)).toEqual(specs(home, written));
        }
      });

      test('tests the way-back mark, and no other', () => {
        const { world: started, original } = driver.start(world);
        const now = driver.set(started, first, original);
        const taken = driverOf(fixture, { ...guard, holder: { ...guard.holder, value: 'token-2' } }).claim(now);

        for (const request of router.returns(driver.read(now), target, guard)) {
          expect(send(unmark(now, written, [guard.wayBack.key]), request, onWrite)).toBeNull();
          expect(send(taken, request, onWrite)).not.toBeNull();
        }
      });
    });

    describe('restoring', () => {
      test('gives back the spec that was found, absent fields absent', () => {
        const { world: now, original } = driver.start(world);

        for (const weight of [0, ...weights]) {
          const restored = driver.restore(driver.set(now, weight, original), original);
          if (fixture.restores) expect(specs(restored, written)).toEqual(specs(world, written));
          expect(router.restore(driver.read(restored), target, original, guard)).toEqual([]);
        }
      });

      test('has nothing to do before the first write', () => {
        const { world: now, original } = driver.start(world);

        expect(router.restore(driver.read(now), target, original, guard)).toEqual([]);
      });

      test('the original survives the journey through the state', () => {
        const { world: now, original } = driver.start(world);
        const saved: Json = JSON.parse(JSON.stringify(original));

        const restored = driver.restore(driver.set(now, last, saved), saved);

        if (fixture.restores) expect(specs(restored, written)).toEqual(specs(world, written));
        expect(driver.share(driver.set(now, last, saved), saved)).toBe(last);
      });

      test.each([
        ['null', null],
        ['a text', 'x'],
        ['a list', [1, 2]],
        ['an object of something else', { a: { b: [null, { index: 'x' }] } }],
      ])('a state that holds %s in place of the original breaks nothing', (_name, broken) => {
        const { world: started, original } = driver.start(world);
        const now = driver.set(started, first, original);

        const home = driver.back(now, broken);

        expect(driver.share(home, original)).toBe(0);
        expect(() => router.plan(driver.read(now), target, weightOnly(second), guard, broken)).not.toThrow();
        expectNeverEmpty(driver.restore(home, broken));
      });

      test('any valid world, any weights, then restored: the spec that was found', () => {
        fc.assert(
          fc.property(
            fixture.worlds,
            fc.array(fc.constantFrom(0, ...weights), { minLength: 1, maxLength: 6 }),
            fc.boolean(),
            (random, sequence, viaWayBack) => {
              const { world: started, original } = driver.start(random);
              let now = started;
              for (const weight of sequence) {
                now = driver.set(now, weight, original);
                expect(driver.share(now, original)).toBe(weight);
                expectNeverEmpty(now);
                expect(foreign(now)).toEqual(foreign(started));
              }
              if (viaWayBack) now = driver.back(now, original);
              const restored = driver.restore(now, original);
              if (fixture.restores) expect(specs(restored, written)).toEqual(specs(random, written));
              expect(foreign(restored)).toEqual(foreign(started));
            },
          ),
          RUNS,
        );
      });
    });

    describe('verifying', () => {
      const status = (now: World, weight: BasisPoints, original: Json) =>
        router.verify(driver.read(now), target, weightOnly(weight), original);

      test('is pending until the weight is written', () => {
        const { world: now, original } = driver.start(world);

        expect(status(now, first, original)).toMatchObject({ kind: 'pending' });
      });

      test('is pending before the status of the controller has moved, and reaches the declared rung after', () => {
        const { world: now, original } = driver.start(world);
        const set = driver.set(now, first, original);

        if (router.abilities.rung !== 'V0') expect(status(set, first, original).kind).toBe('pending');
        expect(status(fixture.settle(set), first, original)).toEqual({ kind: 'reached', rung: router.abilities.rung });
      });

      test('is reached for no traffic at all after the way back', () => {
        const { world: now, original } = driver.start(world);
        const home = fixture.settle(driver.back(driver.set(now, first, original), original));

        expect(status(home, 0, original)).toEqual({ kind: 'reached', rung: router.abilities.rung });
      });

      if (refuse !== null)
        test('says when the controller refuses the route', () => {
          const { world: now, original } = driver.start(world);
          const refused = refuse.world(fixture.settle(driver.set(now, first, original)));

          expect(status(refused, first, original)).toMatchObject({ kind: 'refused', code: refuse.code });
        });
    });

    describe('refusing', () => {
      test.each(fixture.broken)('$name is $code', ({ world: broken, code, message }) => {
        const errors = router.check(driver.read(broken), target).filter(({ severity }) => severity === 'error');

        expect(errors.map((finding) => finding.code)).toContain(code);
        expect(errors.map((finding) => finding.message).join('\n')).toMatch(message);
      });

      test.each(fixture.broken)('$name never makes a method throw', ({ world: broken }) => {
        const seen = driver.read(broken);
        const original = router.original(seen, target);

        expect(() => {
          router.current(seen, target, original);
          router.plan(seen, target, weightOnly(first), guard, original);
          router.wayBack(seen, target, guard, original);
          router.returns(seen, target, guard);
          router.restore(seen, target, original, guard);
          router.verify(seen, target, weightOnly(first), original);
          router.fields(seen, target);
          router.settleMs?.(seen, target);
        }).not.toThrow();
      });

      test('a header, a cookie or a mirror that the router cannot do is a problem, not a silence', () => {
        const { world: now, original } = driver.start(world);
        const plan = (want: Parameters<TrafficRouter['plan']>[2]) =>
          router.plan(driver.read(now), target, want, guard, original).ok;
        const { header, cookie, mirror } = router.abilities;

        expect(plan({ canary: first, cohort: { kind: 'header', name: 'x-canary', value: '1' }, mirror: 0 })).toBe(
          header,
        );
        expect(plan({ canary: first, cohort: { kind: 'cookie', name: 'canary', value: '1' }, mirror: 0 })).toBe(cookie);
        expect(plan({ canary: first, cohort: null, mirror: 1000 })).toBe(mirror);
      });

      test('all traffic on the canary is possible exactly when the router says so', () => {
        const { world: now, original } = driver.start(world);

        const result = router.plan(driver.read(now), target, weightOnly(10_000), guard, original);

        expect(result.ok).toBe(router.abilities.allTraffic);
      });
    });
  });
};
