import { ALL_TRAFFIC, type BasisPoints, ok, problem, type Result } from '../core/units.ts';
import type { Part, Report } from './tree.ts';
import { quote } from './words.ts';

const FORM = /^(\d{1,6})(?:\.(\d+))?$/;

/** `5`, `12.5`: a weight as users write it. */
export const formatPercent = (weight: BasisPoints): string => String(weight / 100);

/** A percentage with one decimal at most, above 0 and at most 100. The problem is a sentence. */
export const parseWeight = (text: string): Result<BasisPoints, string> => {
  if (text === '') return problem('a weight is missing between two commas');
  const bare = text.replace(/\s*%$/, '');
  const found = FORM.exec(bare);
  if (found !== null && bare !== text)
    return problem(`${quote(text)}: weights are percentages; did you mean \`${bare}\`?`);
  if (/^-\d/.test(text)) return problem(`${quote(text)}: a weight is above 0 and at most 100`);
  if (found === null) return problem(`${quote(text)} is not a weight; write percentages such as \`5, 10, 20, 50, 80\``);
  const decimals = (found[2] ?? '').replace(/0+$/, '');
  const weight = Math.round(Number(text) * 100);
  if (decimals.length > 1) return problem(`${quote(text)}: a weight has one decimal at most`);
  if (weight <= 0 || weight > ALL_TRAFFIC) return problem(`${quote(text)}: a weight is above 0 and at most 100`);
  return ok(weight);
};

/** Weights must rise: a step that takes traffic away again, or stands still, is a mistake. The problem is a sentence. */
export const risingProblem = (weights: readonly BasisPoints[]): string | null => {
  const rises = weights.every((weight, index) => weight > (weights[index - 1] ?? 0));
  if (rises) return null;
  const given = weights.map(formatPercent).join(', ');
  const sorted = [...new Set(weights)].sort((one, other) => one - other);
  return `${quote(given)}: weights must rise; did you mean ${quote(sorted.map(formatPercent).join(', '))}?`;
};

/** All weights of a list, or null after reporting every mistake in it. */
export const readWeights = (
  parts: readonly Part[],
  place: Part['place'],
  report: Report,
): readonly BasisPoints[] | null => {
  if (parts.length === 0) {
    report(place, 'at least one weight is needed, such as `5, 10, 20, 50, 80`');
    return null;
  }
  const weights: BasisPoints[] = [];
  for (const part of parts) {
    const weight = parseWeight(part.text);
    if (weight.ok) weights.push(weight.value);
    else report(part.place, weight.problem);
  }
  const falling = risingProblem(weights);
  if (falling !== null) report(place, falling);
  return falling === null && weights.length === parts.length ? weights : null;
};
