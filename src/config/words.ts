import { distance } from 'fastest-levenshtein';

const LONGEST = 80;
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** A value of the user's in a message: one line, cut, in backticks. Reports escape it for where they show it. */
export const quote = (text: string): string => {
  const line = text.trim().replace(CONTROL, ' ');
  return `\`${line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line}\``;
};

/** `` `a`, `b` `` */
export const listed = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

/** The known name that was probably meant; null when none is near enough for a typo. */
export const nearest = (name: string, known: readonly string[]): string | null => {
  if (name.length > LONGEST) return null;
  const lower = name.toLowerCase();
  const byDistance = known
    .map((candidate) => ({ candidate, steps: distance(lower, candidate.toLowerCase()) }))
    .sort((one, other) => one.steps - other.steps);
  const best = byDistance[0];
  if (best === undefined) return null;
  const swapped = best.steps === 2 && lettersOf(lower) === lettersOf(best.candidate);
  return swapped || best.steps <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : null;
};

const lettersOf = (word: string): string => [...word.toLowerCase()].sort().join('');

/** `; did you mean `x`?`, or else the names that are known. */
export const suggestion = (name: string, known: readonly string[]): string => {
  const best = nearest(name, known);
  return best === null ? `; known: ${listed(known)}` : `; did you mean \`${best}\`?`;
};

/** A path below another: `metrics[1]` and `max` give `metrics[1].max`. */
export const below = (path: string, key: string | number): string => {
  if (typeof key === 'number') return `${path}[${key}]`;
  const name = key.replace(CONTROL, ' ').slice(0, LONGEST);
  return path === '' ? name : `${path}.${name}`;
};
