import { describe, expect, test } from 'vitest';
import {
  addTick,
  ceilingOdds,
  type Evidence,
  type EvidenceSettings,
  MULTIPLES,
  NO_EVIDENCE,
  oddsOf,
  type Tick,
  upperBound,
} from '../../src/core/evidence.ts';

/**
 * What a good release can do, weighed one by one with its chance: nothing is drawn, so the guarantee is checked exactly.
 * A round is every outcome of one tick.
 */
type Round = readonly { readonly chance: number; readonly tick: Tick }[];

interface Arms {
  readonly step: number;
  readonly n: number;
  readonly rest: number;
}

const choose = (n: number, k: number): number =>
  Array.from({ length: k }, (_, index) => (n - index) / (index + 1)).reduce((product, factor) => product * factor, 1);

const binomial = (n: number, p: number): readonly number[] =>
  Array.from({ length: n + 1 }, (_, k) => choose(n, k) * p ** k * (1 - p) ** (n - k));

const tickOf = ({ step, n, rest }: Arms, k: number, m: number, frozen: number | null = null): Tick => ({
  step,
  subject: { requests: n, failures: k },
  reference: { requests: rest, failures: m },
  frozen,
});

/** So many failures (or clumps of them) split between the arms when the subject fails `ratio` times as often. */
const split = (arms: Arms, total: number, ratio: number, clump = 1): Round =>
  binomial(total, (ratio * arms.n) / (ratio * arms.n + arms.rest)).map((chance, k) => ({
    chance,
    tick: tickOf(arms, k * clump, (total - k) * clump),
  }));

/** Every request fails for itself. */
const coins = (arms: Arms, subject: number, reference: number, frozen: number | null = null): Round =>
  binomial(arms.n, subject).flatMap((chance, k) =>
    binomial(arms.rest, reference).map((other, m) => ({ chance: chance * other, tick: tickOf(arms, k, m, frozen) })),
  );

/** So many of all requests fail, all sets of them alike. */
const urn = (arms: Arms, total: number): Round =>
  Array.from({ length: Math.min(total, arms.n) + 1 }, (_, k) => k)
    .filter((k) => total - k <= arms.rest)
    .map((k) => ({
      chance: (choose(arms.n, k) * choose(arms.rest, total - k)) / choose(arms.n + arms.rest, total),
      tick: tickOf(arms, k, total - k),
    }));

/** Every node of the tree, with its children. */
const nodes = (
  rounds: readonly Round[],
  settings: EvidenceSettings,
  visit: (node: Evidence, children: readonly { readonly chance: number; readonly evidence: Evidence }[]) => void,
  node: Evidence = NO_EVIDENCE,
): void => {
  const [round, ...later] = rounds;
  if (round === undefined) return;
  const children = round.map(({ chance, tick }) => ({ chance, evidence: addTick(node, tick, settings) }));
  visit(node, children);
  for (const { evidence } of children) nodes(later, settings, visit, evidence);
};

/** The largest and the smallest step of the expectation, as a part of the value before: 0 and 0 is a martingale. */
const drift = (
  rounds: readonly Round[],
  settings: EvidenceSettings,
  odds = (evidence: Evidence): number => oddsOf(evidence, settings),
): { readonly least: number; readonly most: number } => {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  nodes(rounds, settings, (node, children) => {
    const expected = children.reduce((sum, { chance, evidence }) => sum + chance * odds(evidence), 0);
    least = Math.min(least, expected / odds(node) - 1);
    most = Math.max(most, expected / odds(node) - 1);
  });
  return { least, most };
};

/** The chance that something is ever seen, at whichever look. */
const everSeen = (
  rounds: readonly Round[],
  settings: EvidenceSettings,
  seen: (evidence: Evidence) => boolean,
  node: Evidence = NO_EVIDENCE,
): number => {
  if (seen(node)) return 1;
  const [round = [], ...later] = rounds;
  return round.reduce(
    (sum, { chance, tick }) => sum + chance * everSeen(later, settings, seen, addTick(node, tick, settings)),
    0,
  );
};

const settingsWith = (some: Partial<EvidenceSettings>): EvidenceSettings => ({
  steps: 3,
  tolerance: 1.1,
  phi: 1,
  ceiling: null,
  floor: null,
  ...some,
});

/** Weights that rise, move inside a step, and failures that come and go. */
const RAMP: readonly (readonly [Arms, number])[] = [
  [{ step: 0, n: 25, rest: 475 }, 3],
  [{ step: 0, n: 61, rest: 402 }, 1],
  [{ step: 1, n: 100, rest: 400 }, 4],
  [{ step: 1, n: 30, rest: 20 }, 2],
  [{ step: 2, n: 950, rest: 50 }, 3],
];
const ramp = (ratio: number, clump = 1): readonly Round[] =>
  RAMP.map(([arms, total]) => split(arms, total, ratio, clump));

const ROUNDING = 1e-12;

describe('evidence against a good release', () => {
  test.each([1, 1.1, 1.63])('is a martingale where it fails exactly as often as tolerated: %f times', (tolerance) => {
    const { least, most } = drift(ramp(tolerance), settingsWith({ tolerance }));

    expect(least).toBeGreaterThan(-ROUNDING);
    expect(most).toBeLessThan(ROUNDING);
  });

  test.each([0, 0.5, 1, 1.09])('is not expected to grow at any node where it fails %f times as often', (ratio) => {
    const { least, most } = drift(ramp(ratio), settingsWith({}));

    expect(least).toBeLessThan(0);
    expect(most).toBeLessThan(ROUNDING);
  });

  test('is a martingale under clumps of phi, and is not expected to grow under smaller ones', () => {
    const settings = settingsWith({ phi: 3 });
    const [clumps, single] = [drift(ramp(1.1, 3), settings), drift(ramp(1.1), settings)];

    expect(clumps.least).toBeGreaterThan(-ROUNDING);
    expect(clumps.most).toBeLessThan(ROUNDING);
    expect(single.most).toBeLessThan(ROUNDING);
    expect(single.least).toBeLessThan(-0.01);
  });

  test('would grow under clumps that phi does not know', () => {
    expect(drift(ramp(1.1, 3), settingsWith({})).most).toBeGreaterThan(1);
  });

  test.each([0.001, 0.05, 0.4])('is not expected to grow where each request fails for itself, %f of them', (base) => {
    const rounds = [
      coins({ step: 0, n: 2, rest: 9 }, 1.1 * base, base),
      // Shared trouble: both fail twice as often.
      coins({ step: 1, n: 4, rest: 4 }, 2.2 * base, 2 * base),
      coins({ step: 2, n: 6, rest: 1 }, 1.1 * base, base),
    ];

    expect(drift(rounds, settingsWith({})).most).toBeLessThan(ROUNDING);
  });

  test('is not expected to grow where a fixed number of requests fails, whichever', () => {
    const rounds = [
      urn({ step: 0, n: 3, rest: 20 }, 6),
      urn({ step: 1, n: 8, rest: 8 }, 9),
      urn({ step: 2, n: 20, rest: 3 }, 12),
    ];

    const { least, most } = drift(rounds, settingsWith({ tolerance: 1 }));

    expect(most).toBeLessThan(ROUNDING);
    expect(least).toBeLessThan(0);
  });

  test('at 100 % is a martingale where it fails at the tolerated limit, and not expected to grow below', () => {
    const alone = { step: 2, n: 9, rest: 0 };
    const rounds = (ratio: number): readonly Round[] => [
      ...ramp(1.1).slice(2, 4),
      coins(alone, ratio, 0, 0.2),
      coins(alone, ratio, 0, 0.2),
    ];

    const [at, below] = [drift(rounds(0.22), settingsWith({})), drift(rounds(0.1), settingsWith({}))];

    expect(at.least).toBeGreaterThan(-ROUNDING);
    expect(at.most).toBeLessThan(ROUNDING);
    expect(below.most).toBeLessThan(ROUNDING);
  });

  test.each([
    ['both at its ceiling', 0.3, 0.3, 0],
    ['both below its ceiling', 0.1, 0.1, 0],
    ['much worse than stable, but not above its floor', 0.02, 0, 0.02],
    ['above its floor, but as good as stable', 0.2, 0.2, 0.02],
  ])('is expected to be at most 1 in the end: %s', (_, subject, reference, floor) => {
    const settings = settingsWith({ ceiling: 0.3, floor, tolerance: 1 });
    const rounds = [0, 1, 2].map((step) => coins({ step, n: 2 + step, rest: 4 - step }, subject, reference));
    const expected = (later: readonly Round[], node: Evidence): number => {
      const [round, ...rest] = later;
      if (round === undefined) return oddsOf(node, settings);
      return round.reduce((sum, { chance, tick }) => sum + chance * expected(rest, addTick(node, tick, settings)), 0);
    };

    expect(expected(rounds, NO_EVIDENCE)).toBeLessThanOrEqual(1 + ROUNDING);
  });

  test.each(['subject', 'reference'] as const)('against the ceiling is a martingale at it, for the %s', (arm) => {
    const settings = settingsWith({ ceiling: 0.25 });
    const rounds = [0, 0, 1, 2].map((step) => coins({ step, n: 2, rest: 2 }, 0.25, 0.25));

    const { least, most } = drift(rounds, settings, (evidence) => ceilingOdds(evidence, arm, 3));

    expect(least).toBeGreaterThan(-ROUNDING);
    expect(most).toBeLessThan(ROUNDING);
  });
});

describe('looking at every tick', () => {
  const looks = (ratio: number): readonly Round[] =>
    [
      { step: 0, n: 25, rest: 475 },
      { step: 0, n: 25, rest: 475 },
      { step: 1, n: 50, rest: 450 },
      { step: 1, n: 100, rest: 400 },
      { step: 2, n: 250, rest: 250 },
      { step: 2, n: 400, rest: 100 },
    ].map((arms) => split(arms, 4, ratio));

  test.each([5, 20, 30, 100])('%i to one is reached by fewer good releases than one in so many', (limit) => {
    const settings = settingsWith({});

    const chance = everSeen(looks(1.1), settings, (evidence) => oddsOf(evidence, settings) >= limit);

    expect(chance).toBeGreaterThan(0);
    expect(chance).toBeLessThanOrEqual(1 / limit);
  });

  test.each(MULTIPLES.map((multiple) => [multiple]))(
    'a release that is %f times worse is said to be better than that in fewer than one of 20 cases',
    (multiple) => {
      const settings = settingsWith({});
      const isWrong = (evidence: Evidence): boolean => (upperBound(evidence) ?? Number.POSITIVE_INFINITY) <= multiple;

      expect(everSeen(looks(multiple), settings, isWrong)).toBeLessThanOrEqual(1 / 20);
    },
  );

  test('a release that is as good is said to be no worse than 10x in some cases', () => {
    const chance = everSeen(looks(1), settingsWith({}), (evidence) => (upperBound(evidence) ?? 1e9) <= 10);

    expect(chance).toBeGreaterThan(0.5);
  });
});
