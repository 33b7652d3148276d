import type { EvidenceSettings, Tick } from '../../src/core/evidence.ts';

/**
 * The evidence a second time, straight from its definition and from all ticks at once: products of theta^k (1 - theta)^m,
 * in logarithms or as exact fractions. Shares nothing with the code under test.
 */
const ALTERNATIVES = [
  { ratio: 1.5, hundredths: 20 },
  { ratio: 2, hundredths: 22 },
  { ratio: 3, hundredths: 20 },
  { ratio: 5, hundredths: 14 },
  { ratio: 10, hundredths: 10 },
  { ratio: 30, hundredths: 6 },
  { ratio: 100, hundredths: 5 },
  { ratio: 1000, hundredths: 3 },
] as const;

/** Ticks from the first of each step on; only as many starts as there are steps. */
const byStart = (ticks: readonly Tick[], steps: number): readonly (readonly Tick[])[] =>
  [...new Set(ticks.map(({ step }) => step))]
    .slice(0, Math.max(1, steps))
    .map((step) => ticks.slice(ticks.findIndex((tick) => tick.step === step)));

/** 0.7 for all there is and 0.3 shared by the later steps; a step that did not come stands at 1. */
const overStarts = (ticks: readonly Tick[], steps: number, odds: (some: readonly Tick[]) => number): number => {
  const parts = steps <= 1 ? [1] : [0.7, ...Array.from({ length: steps - 1 }, () => 0.3 / (steps - 1))];
  const starts = byStart(ticks, steps);
  return parts.reduce((sum, part, index) => sum + part * odds(starts[index] ?? []), 0);
};

/** The part of the failures that a subject with `times` the failure ratio has. */
const theta = (times: number, { subject, reference }: Tick): number =>
  (times * subject.requests) / (times * subject.requests + reference.requests);

const oneSample = ({ subject }: Tick, arm: Tick['subject'], limit: number, ratio: number): number => {
  if (limit >= 1) return 0;
  const worse = Math.min(ratio * limit, (1 + limit) / 2);
  const failures = arm === subject ? subject.failures : arm.failures;
  return failures * Math.log(worse / limit) + (arm.requests - failures) * Math.log((1 - worse) / (1 - limit));
};

const relative = (tick: Tick, ratio: number, d: number): number => {
  const { subject, reference, frozen } = tick;
  if (frozen !== null) return oneSample(tick, subject, d * frozen, ratio);
  if (subject.requests === 0 || reference.requests === 0) return 0;
  return (
    subject.failures * Math.log(theta(d * ratio, tick) / theta(d, tick)) +
    reference.failures * Math.log((1 - theta(d * ratio, tick)) / (1 - theta(d, tick)))
  );
};

const mixture = (ticks: readonly Tick[], phi: number, log: (tick: Tick, ratio: number) => number): number =>
  ALTERNATIVES.reduce(
    (sum, { ratio, hundredths }) =>
      sum + (hundredths / 100) * Math.exp(ticks.reduce((all, tick) => all + log(tick, ratio), 0) / phi),
    0,
  );

export const referenceOdds = (ticks: readonly Tick[], settings: EvidenceSettings): number => {
  const { steps, tolerance, phi, ceiling, floor } = settings;
  const against = (limit: number): number =>
    overStarts(ticks, steps, (some) =>
      mixture(some, phi, (tick, ratio) => oneSample(tick, tick.subject, limit, ratio)),
    );
  const worse = overStarts(ticks, steps, (some) =>
    mixture(some, phi, (tick, ratio) => relative(tick, ratio, tolerance)),
  );
  const gated = floor === null ? worse : Math.min(worse, against(floor));
  return Math.min(1e12, ceiling === null ? gated : 0.9 * gated + 0.1 * Math.min(1e12, against(ceiling)));
};

/** Evidence against "at least `multiple` times worse": the likelihood of "as good" by that of "so much worse". */
export const referenceSafe = (ticks: readonly Tick[], multiple: number, phi: number): number => {
  const log = ticks
    .filter(({ frozen, subject, reference }) => frozen === null && subject.requests > 0 && reference.requests > 0)
    .reduce(
      (sum, tick) =>
        sum +
        tick.subject.failures * Math.log(theta(1, tick) / theta(multiple, tick)) +
        tick.reference.failures * Math.log((1 - theta(1, tick)) / (1 - theta(multiple, tick))),
      0,
    );
  return Math.exp(log / phi);
};

// --- without any rounding ------------------------------------------------------

interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

const fraction = (over: bigint, under: bigint): Fraction => ({ over, under });
const times = (a: Fraction, b: Fraction): Fraction => fraction(a.over * b.over, a.under * b.under);
const sum = (a: Fraction, b: Fraction): Fraction => fraction(a.over * b.under + b.over * a.under, a.under * b.under);
const power = (a: Fraction, exponent: number): Fraction =>
  fraction(a.over ** BigInt(exponent), a.under ** BigInt(exponent));
const ONE = fraction(1n, 1n);
const DIGITS = 10n ** 20n;
const asNumber = ({ over, under }: Fraction): number => Number((over * DIGITS) / under) / Number(DIGITS);

/** For one step, tolerance 1.1 and phi 1. */
export const exactOdds = (ticks: readonly Tick[]): number => {
  const products = ALTERNATIVES.map(({ ratio, hundredths }) => {
    const [rate, allowed] = [fraction(BigInt(ratio * 10) * 11n, 100n), fraction(11n, 10n)];
    return ticks.reduce(
      (product, { subject, reference }) => {
        const [n, rest] = [BigInt(subject.requests), BigInt(reference.requests)];
        // theta_r = r n / (r n + N), as a fraction of whole numbers.
        const all = (r: Fraction): bigint => r.over * n + r.under * rest;
        const failed = fraction(rate.over * all(allowed), all(rate) * allowed.over);
        const passed = fraction(rate.under * all(allowed), all(rate) * allowed.under);
        return times(product, times(power(failed, subject.failures), power(passed, reference.failures)));
      },
      fraction(BigInt(hundredths), 100n),
    );
  });
  return asNumber(products.reduce(sum, fraction(0n, ONE.under)));
};
