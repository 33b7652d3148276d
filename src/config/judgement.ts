import { MULTIPLES } from '../core/evidence.ts';
import type { JudgementSpec } from '../core/spec.ts';
import { choiceOf, durationOf, type Reading, scalarOf } from './fields.ts';
import { quote } from './words.ts';

export const ODDS = ['strict', 'balanced', 'fast'] as const satisfies readonly JudgementSpec['odds'][];
export const MODES = ['decide', 'dry-run'] as const satisfies readonly JudgementSpec['mode'][];

const MIN_REQUESTS_DEFAULT = 20;
const [SMALLEST_MULTIPLE] = MULTIPLES;
const LARGEST_MULTIPLE = 100;

/** How evidence becomes a verdict. What is wrong is reported and has its default here. */
export const readJudgement = (reading: Reading): JudgementSpec => ({
  odds: choiceOf(reading, 'odds', ODDS, 'balanced'),
  requireEvidence: multipleOf(reading, 'require-evidence'),
  ignoreFirstMs: durationOf(reading, 'ignore-first', 0, 0),
  minRequests: countOf(reading, 'min-requests', MIN_REQUESTS_DEFAULT),
  mode: choiceOf(reading, 'mode', MODES, 'decide'),
});

/** `3` or `3x`. What cannot be shown by any evidence would hold every release to its end. */
const multipleOf = (reading: Reading, name: string): number | null => {
  const tree = scalarOf(reading, name);
  if (tree === null) return null;
  const text = tree.text.trim();
  const found = /^(\d{1,6}(?:\.\d{1,6})?)x?$/.exec(text);
  const multiple = Number(found?.[1] ?? Number.NaN);
  if (multiple >= SMALLEST_MULTIPLE && multiple <= LARGEST_MULTIPLE) return multiple;
  const range = `from \`${SMALLEST_MULTIPLE}x\` to \`${LARGEST_MULTIPLE}x\``;
  reading.report(
    tree.place,
    found === null
      ? `${quote(text)} is not a multiple; write it like \`3x\`, ${range}: the canary must be shown not to fail 3 times as often as stable`
      : `${quote(text)}: the multiple is ${range}`,
  );
  return null;
};

const countOf = (reading: Reading, name: string, fallback: number): number => {
  const tree = scalarOf(reading, name);
  if (tree === null) return fallback;
  const text = tree.text.trim();
  const count = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (count < 1) reading.report(tree.place, `${quote(text)} is not a whole number, 1 or more`);
  return count < 1 ? fallback : count;
};
