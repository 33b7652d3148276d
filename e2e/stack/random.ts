/** Numbers in [0, 1) that depend on nothing but the words given: the same seed gives the same outcomes on every machine. */
export const randomOf = (...words: readonly (string | number)[]): (() => number) => {
  let state = 2_166_136_261;
  for (const character of words.join('\n')) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16_777_619);
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};
