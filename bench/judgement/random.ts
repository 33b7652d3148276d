/** A stream of random numbers that is the same for the same seed, everywhere. */
export interface Random {
  /** Above 0, below 1. */
  uniform(): number;
  normal(): number;
  poisson(mean: number): number;
}

/** `seed`: any text. */
export const createRandom = (seed: string): Random => {
  const uniform = createUniform(seed);
  // Box and Muller.
  const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const poisson = (mean: number): number => (mean < FEW ? countUp(mean, uniform) : transformedRejection(mean, uniform));
  return { uniform, normal, poisson };
};

/** sfc32 by Chris Doty-Humphrey, seeded by a hash of the text. */
const createUniform = (seed: string): (() => number) => {
  const next = seeds(seed);
  let [a, b, c, counter] = [next(), next(), next(), 1];
  const draw = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) + 0.5;
  };
  for (let turn = 0; turn < 15; turn += 1) draw();
  return () => draw() / 2 ** 32;
};

/** xmur3: 32 bit at a time out of a text. */
const seeds = (text: string): (() => number) => {
  let hash = 1779033703 ^ text.length;
  for (const letter of text) {
    hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 3432918353);
    hash = (hash << 13) | (hash >>> 19);
  }
  return () => {
    hash = Math.imul(hash ^ (hash >>> 16), 2246822507);
    hash = Math.imul(hash ^ (hash >>> 13), 3266489909);
    hash ^= hash >>> 16;
    return hash | 0;
  };
};

const FEW = 10;

/** By inversion: as many turns as it counts. */
const countUp = (mean: number, uniform: () => number): number => {
  if (mean <= 0) return 0;
  let chance = Math.exp(-mean);
  let left = uniform() - chance;
  let count = 0;
  while (left > 0 && count < 1000) {
    count += 1;
    chance *= mean / count;
    left -= chance;
  }
  return count;
};

/** PTRS: Hörmann, The transformed rejection method for generating Poisson random variables, 1993. */
const transformedRejection = (mean: number, uniform: () => number): number => {
  const spread = 0.931 + 2.53 * Math.sqrt(mean);
  const tail = -0.059 + 0.02483 * spread;
  const inverse = 1.1239 + 1.1328 / (spread - 3.4);
  const quick = 0.9277 - 3.6224 / (spread - 2);
  for (;;) {
    const u = uniform() - 0.5;
    const v = uniform();
    const us = 0.5 - Math.abs(u);
    const count = Math.floor(((2 * tail) / us + spread) * u + mean + 0.43);
    if (us >= 0.07 && v <= quick) return count;
    if (count < 0 || (us < 0.013 && v > us)) continue;
    const height = Math.log((v * inverse) / (tail / (us * us) + spread));
    if (height <= count * Math.log(mean) - mean - logFactorial(count)) return count;
  }
};

const KNOWN = 1024;

const FACTORIALS = ((): Float64Array => {
  const logs = new Float64Array(KNOWN);
  for (let count = 1, log = 0; count < KNOWN; count += 1) {
    log += Math.log(count);
    logs[count] = log;
  }
  return logs;
})();

/** Stirling where the table ends; off by less than 1e-12 there. */
const logFactorial = (count: number): number => {
  if (count < KNOWN) return FACTORIALS[count] ?? 0;
  return (
    (count + 0.5) * Math.log(count) - count + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * count) - 1 / (360 * count ** 3)
  );
};
