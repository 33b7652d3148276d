/** A seeded stream of numbers in [0, 1): mulberry32. */
export const randomStream = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** A stream of its own for each name, so that one version's luck does not depend on another's traffic. */
export const namedStreams = (seed: number): ((name: string) => () => number) => {
  const streams = new Map<string, () => number>();
  return (name) => {
    const known = streams.get(name);
    if (known !== undefined) return known;
    let hash = 2_166_136_261 ^ seed;
    for (const letter of name) hash = Math.imul(hash ^ letter.charCodeAt(0), 16_777_619);
    const stream = randomStream(hash);
    streams.set(name, stream);
    return stream;
  };
};
