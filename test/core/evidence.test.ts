import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addTick,
  ceilingOdds,
  divergence,
  type Evidence,
  type EvidenceSettings,
  failuresBelow,
  frozenLimit,
  MULTIPLES,
  NO_EVIDENCE,
  oddsOf,
  type Tick,
  upperBound,
} from '../../src/core/evidence.ts';
import type { Tally } from '../../src/core/rollout.ts';
import { exactOdds, referenceOdds, referenceSafe } from './evidence-reference.ts';

/** Where a random test fails, its seed is in the message: the runs are the same each time. */
const SEEDED = { seed: 20_261_121, numRuns: 1_000 };

const PLAIN: EvidenceSettings = { steps: 5, tolerance: 1.1, phi: 1, ceiling: null, floor: null };

const tally = (requests: number, failures: number): Tally => ({ requests, failures });
const tick = (subject: Tally, reference: Tally, step = 0, frozen: number | null = null): Tick => ({
  step,
  subject,
  reference,
  frozen,
});

const fold = (ticks: readonly Tick[], settings: EvidenceSettings): Evidence =>
  ticks.reduce((evidence, one) => addTick(evidence, one, settings), NO_EVIDENCE);

const odds = (ticks: readonly Tick[], settings = PLAIN): number => oddsOf(fold(ticks, settings), settings);

const closeTo = (got: number, wanted: number, relative = 1e-9): void => {
  expect(Math.abs(got - wanted), `${got} against ${wanted}`).toBeLessThanOrEqual(
    relative * Math.max(1, Math.abs(wanted)),
  );
};

// --- what may come ---------------------------------------------------------------

const tallyUpTo = (requests: number, failures: number): fc.Arbitrary<Tally> =>
  fc.nat(requests).chain((all) => fc.record({ requests: fc.constant(all), failures: fc.nat(Math.min(all, failures)) }));

const anyRatio = fc.integer({ min: 1, max: 5_000 }).map((part) => part / 10_000);

const anySettings: fc.Arbitrary<EvidenceSettings> = fc.record({
  steps: fc.integer({ min: 1, max: 5 }),
  tolerance: fc.constantFrom(1, 1.1, 1.25, 1.7),
  phi: fc.constantFrom(1, 1.4, 3, 20),
  ceiling: fc.option(anyRatio),
  floor: fc.option(anyRatio),
});

const ticksOf = (counts: fc.Arbitrary<Tally>, stable = counts): fc.Arbitrary<readonly Tick[]> =>
  fc
    .array(
      fc.array(fc.record({ subject: counts, reference: stable, frozen: fc.option(anyRatio, { freq: 4 }) }), {
        maxLength: 4,
      }),
      { maxLength: 6 },
    )
    .map((steps) => steps.flatMap((ticks, step) => ticks.map((one) => ({ ...one, step }))));

const anyTicks = ticksOf(tallyUpTo(2_000, 20), tallyUpTo(100_000, 100));

// --- properties --------------------------------------------------------------------

describe('evidence', () => {
  test('agrees with its definition, computed another way', () => {
    fc.assert(
      fc.property(anyTicks, anySettings, (ticks, settings) => {
        closeTo(odds(ticks, settings), referenceOdds(ticks, settings));
      }),
      SEEDED,
    );
  });

  test('agrees with exact fractions', () => {
    const few = fc.array(
      fc.record({
        subject: tallyUpTo(20, 4).filter(({ requests }) => requests > 0),
        reference: tallyUpTo(90, 6).filter(({ requests }) => requests > 0),
      }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(few, (some) => {
        const ticks = some.map(({ subject, reference }) => tick(subject, reference));

        closeTo(odds(ticks, { ...PLAIN, steps: 1 }), exactOdds(ticks), 1e-12);
      }),
      SEEDED,
    );
  });

  test('agrees with its definition on how much worse can be excluded', () => {
    fc.assert(
      fc.property(anyTicks, anySettings, (ticks, settings) => {
        const { safe } = fold(ticks, settings);

        MULTIPLES.forEach((multiple, index) => {
          closeTo(Math.exp(safe[index] ?? 0), referenceSafe(ticks, multiple, settings.phi));
        });
      }),
      SEEDED,
    );
  });

  test('never falls when one more of the subject fails, never rises when one more of the reference does', () => {
    const change = (ticks: readonly Tick[], at: number, arm: 'subject' | 'reference'): readonly Tick[] =>
      ticks.map((one, index) =>
        index === at && one[arm].failures < one[arm].requests
          ? { ...one, [arm]: { ...one[arm], failures: one[arm].failures + 1 } }
          : one,
      );
    fc.assert(
      fc.property(anyTicks, fc.nat(20), anySettings, (ticks, at, settings) => {
        const before = odds(ticks, settings);

        expect(odds(change(ticks, at, 'subject'), settings)).toBeGreaterThanOrEqual(before * (1 - 1e-12));
        expect(odds(change(ticks, at, 'reference'), settings)).toBeLessThanOrEqual(before * (1 + 1e-12));
      }),
      SEEDED,
    );
  });

  test('is the same however a tick of one weight is split, and in whatever order a step brings its ticks', () => {
    const parts = fc.array(fc.record({ size: fc.integer({ min: 1, max: 9 }), k: fc.nat(9), m: fc.nat(9) }), {
      minLength: 1,
      maxLength: 6,
    });
    const each = fc.record({ n: fc.integer({ min: 1, max: 50 }), rest: fc.integer({ min: 1, max: 900 }) });
    fc.assert(
      fc.property(each, parts, anySettings, ({ n, rest }, some, settings) => {
        const split = some.map(({ size, k, m }) =>
          tick(tally(n * size, Math.min(k, n * size)), tally(rest * size, Math.min(m, rest * size))),
        );
        const total = (arm: 'subject' | 'reference'): Tally =>
          split.reduce(
            (sum, one) => tally(sum.requests + one[arm].requests, sum.failures + one[arm].failures),
            tally(0, 0),
          );

        const joined = odds([tick(total('subject'), total('reference'))], settings);

        closeTo(odds(split, settings), joined);
        closeTo(odds(split.toReversed(), settings), joined);
      }),
      SEEDED,
    );
  });

  test('is finite and survives JSON, whatever counters say', () => {
    const wild = fc.oneof(
      fc.constantFrom(0, -1, 1e308, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53),
      fc.nat(),
      fc.double(),
    );
    const wildTally = fc.record({ requests: wild, failures: wild });
    fc.assert(
      fc.property(ticksOf(wildTally), anySettings, (ticks, settings) => {
        const evidence = fold(ticks, settings);
        const { starts, ceiling, floor, safe, subject, reference } = evidence;
        const numbers = [
          ...[...starts.flatMap(({ logs }) => logs), ...ceiling.subject, ...ceiling.reference, ...floor, ...safe],
          ...[subject, reference].flatMap(({ requests, failures }) => [requests, failures]),
          ...[oddsOf(evidence, settings), ceilingOdds(evidence, 'subject'), ceilingOdds(evidence, 'reference')],
        ];

        expect(numbers.every(Number.isFinite)).toBe(true);
        expect(oddsOf(JSON.parse(JSON.stringify(evidence)), settings)).toBe(oddsOf(evidence, settings));
      }),
      SEEDED,
    );
  });
});

// --- rules ----------------------------------------------------------------------------

describe('odds', () => {
  test('are 1 before anything was seen, and after ticks without failures or without an arm', () => {
    const ticks = [
      tick(tally(50, 0), tally(950, 0)),
      tick(tally(0, 0), tally(900, 9)),
      tick(tally(80, 7), tally(0, 0)),
    ];

    expect(odds([])).toBe(1);
    expect(odds(ticks)).toBeCloseTo(1, 12);
  });

  test.each<[string, readonly (readonly [number, number])[], number]>([
    [
      '31 for 3 of 125 against 2 of 2 375',
      [
        [1, 1],
        [1, 1],
        [1, 0],
        [0, 0],
        [0, 0],
      ],
      31,
    ],
    [
      '5.5 for 2 of 100 against 2 of 1 900',
      [
        [1, 1],
        [1, 1],
        [0, 0],
        [0, 0],
      ],
      5.5,
    ],
  ])('are %s, as the documentation says', (_, failures, expected) => {
    const ticks = failures.map(([k, m]) => tick(tally(25, k), tally(475, m)));

    expect(Number(odds(ticks).toPrecision(2))).toBe(expected);
  });

  test('of a fault that begins in the last step are what that step alone shows, by its part', () => {
    const calm = [0, 1, 2, 3].map((step) => tick(tally(20_000, 20), tally(20_000, 20), step));
    const bad = tick(tally(4_000, 40), tally(1_000, 1), 4);

    const alone = odds([bad], { ...PLAIN, steps: 1 });

    expect(odds([...calm, bad])).toBeGreaterThan((0.3 / 4) * alone);
    expect(odds([...calm, bad])).toBeLessThan(0.2 * alone);
  });

  test('fall to a root of themselves when failures come in clumps', () => {
    const ticks = [tick(tally(50, 6), tally(950, 3))];
    const mixture = (phi: number): Evidence['starts'][number]['logs'] =>
      fold(ticks, { ...PLAIN, phi }).starts[0]?.logs ?? [];

    expect(mixture(3)).toEqual(mixture(1).map((log) => log / 3));
  });

  test('stay those of the floor where these are smaller', () => {
    const ticks = [tick(tally(1_000, 9), tally(9_000, 9))];
    const [plain, gated] = [odds(ticks), odds(ticks, { ...PLAIN, floor: 0.01 })];

    expect(plain).toBeGreaterThan(100);
    expect(gated).toBeLessThan(1);
    expect(odds(ticks, { ...PLAIN, floor: 0.000_1 })).toBe(plain);
  });

  test('with a ceiling are nine tenths their own and one tenth the ceiling’s', () => {
    const settings = { ...PLAIN, ceiling: 0.02 };
    const evidence = fold([tick(tally(1_000, 60), tally(9_000, 540))], settings);

    const above = ceilingOdds(evidence, 'subject', 5);

    expect(above).toBeGreaterThan(1e6);
    closeTo(oddsOf(evidence, settings), 0.9 * oddsOf(evidence, PLAIN) + 0.1 * above);
    expect(oddsOf(evidence, PLAIN)).toBeLessThan(1);
  });

  test('of ceiling and floor see what begins in a later step, too', () => {
    const calm = [0, 1, 2, 3].map((step) => tick(tally(50_000, 5), tally(50_000, 5), step));
    const settings = { ...PLAIN, ceiling: 0.01, floor: 0.005 };
    const evidence = fold([...calm, tick(tally(8_000, 240), tally(2_000, 0), 4)], settings);

    expect(ceilingOdds(evidence, 'subject', 5)).toBeGreaterThan(1_000);
    expect(oddsOf(evidence, settings)).toBeGreaterThan(1_000);
  });

  test('against the ceiling are known for both arms, and are 1 without one', () => {
    const both = fold([tick(tally(1_000, 60), tally(9_000, 540))], { ...PLAIN, ceiling: 0.02 });
    const none = fold([tick(tally(1_000, 60), tally(9_000, 540))], PLAIN);

    expect(ceilingOdds(both, 'reference')).toBeGreaterThan(1e6);
    expect([ceilingOdds(none, 'subject'), ceilingOdds(none, 'reference')]).toEqual([1, 1]);
  });

  test('do not rise above what can be saved and read', () => {
    expect(odds([tick(tally(1e6, 1e6), tally(1e6, 0))], { ...PLAIN, ceiling: 0.01, floor: 0.001 })).toBe(1e12);
  });

  test('at 100 % grow by the limit that the past of the reference allows', () => {
    const before = [tick(tally(2_000, 2), tally(8_000, 8), 0)];
    const failing = tick(tally(5_000, 60), tally(0, 0), 1, 0.003);

    expect(odds([...before, failing])).toBeGreaterThan(1_000);
    expect(odds([...before, { ...failing, frozen: 0.012 }])).toBeLessThan(1);
  });

  test('at 100 % stay where nothing is known of the reference', () => {
    expect(odds([tick(tally(5_000, 5_000), tally(0, 0), 0, 1)])).toBe(1);
  });

  test('of a step beyond the plan begin no count of their own', () => {
    const ticks = [0, 1, 2].map((step) => tick(tally(100, 1), tally(900, 3), step));

    const { starts } = fold(ticks, { ...PLAIN, steps: 2 });

    expect(starts.map(({ step }) => step)).toEqual([0, 1]);
  });
});

describe('what can be excluded', () => {
  test('is 3x for 10 of 9 900 against 20 of 20 100, as the documentation says', () => {
    const ticks = Array.from({ length: 10 }, () => tick(tally(990, 1), tally(2_010, 2)));

    expect(upperBound(fold(ticks, PLAIN))).toBe(3);
  });

  test('is nothing before anything was seen, or with a handful of failures', () => {
    expect(upperBound(NO_EVIDENCE)).toBeNull();
    expect(upperBound(fold([tick(tally(20, 0), tally(980, 1))], PLAIN))).toBeNull();
  });

  test('is less when failures come in clumps', () => {
    const ticks = [tick(tally(9_900, 10), tally(20_100, 20))];

    expect(upperBound(fold(ticks, { ...PLAIN, phi: 2 }))).toBe(4);
  });

  test('is the failure ratio where nothing failed: ln 20 by the requests, more with clumps, 1 without any', () => {
    const evidence = fold([tick(tally(99, 0), tally(901, 0))], PLAIN);

    expect(failuresBelow(evidence)).toBeCloseTo(0.0303, 4);
    expect(failuresBelow(evidence, 3)).toBeCloseTo(0.0908, 4);
    expect(failuresBelow(NO_EVIDENCE)).toBe(1);
  });
});

describe('the frozen limit', () => {
  test('is the failure ratio whose divergence from what was seen is worth 0.003', () => {
    fc.assert(
      fc.property(
        tallyUpTo(1_000_000, 5_000).filter(({ requests }) => requests > 0),
        fc.constantFrom(1, 2.5, 10),
        (seen, phi) => {
          const limit = frozenLimit(seen, phi);
          const ratio = seen.failures / seen.requests;
          const worth = (at: number): number => (seen.requests * divergence(ratio, at)) / phi;

          expect(limit).toBeGreaterThanOrEqual(ratio);
          expect(limit).toBeLessThanOrEqual(1);
          if (ratio === 1) return;
          expect(worth(limit)).toBeLessThanOrEqual(Math.log(1 / 0.003) + 1e-6);
          expect(worth(Math.min(1, limit + 1e-6 + limit * 1e-6))).toBeGreaterThan(Math.log(1 / 0.003) - 1e-6);
        },
      ),
      SEEDED,
    );
  });

  test('is 1 where nothing was seen, and 1 - 0.003^(1/N) where nothing failed', () => {
    expect(frozenLimit(tally(0, 0), 1)).toBe(1);
    expect(frozenLimit(tally(1_000, 0), 1)).toBeCloseTo(1 - 0.003 ** (1 / 1_000), 12);
  });
});
