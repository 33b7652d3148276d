import type { Ms } from '../core/units.ts';
import { parseDuration } from './durations.ts';
import { inputNamed } from './inputs.ts';
import type { Reports } from './metrics.ts';
import type { ScalarTree, Tree } from './tree.ts';
import { quote, suggestion } from './words.ts';

/** The value of an input, and whether it came from the workflow or from the config file. */
export interface Given {
  readonly tree: Tree;
  readonly source: 'input' | 'file';
}

export interface Reading extends Reports {
  /** null when it was not given anywhere. */
  readonly given: (name: string) => Given | null;
  /** It may have been given in a text that could not be read: do not call it missing. */
  readonly unread: (name: string) => boolean;
}

/** The scalar of an input whose shape is right; null when it is not given or already reported. */
export const scalarOf = (reading: Reading, name: string): ScalarTree | null => {
  const tree = reading.given(name)?.tree;
  return tree?.kind === 'scalar' && !reading.broken(tree.place.path) ? tree : null;
};

export const textOf = (reading: Reading, name: string): string | null => {
  const text = scalarOf(reading, name)?.text.trim() ?? '';
  return text === '' ? null : text;
};

export const durationOf = (reading: Reading, name: string, fallback: Ms, shortest: Ms): Ms => {
  const tree = scalarOf(reading, name);
  if (tree === null) return fallback;
  const duration = parseDuration(tree.text.trim(), shortest);
  if (!duration.ok) reading.report(tree.place, duration.problem);
  return duration.ok ? duration.value : fallback;
};

/** A value of a closed list, as text. What another issue brings is known, and refused by its name. */
export const choiceOf = <const Choice extends string, const Fallback extends string>(
  reading: Reading,
  name: string,
  choices: readonly Choice[],
  fallback: Fallback,
): Choice | Fallback => {
  const tree = scalarOf(reading, name);
  if (tree === null) return fallback;
  const text = tree.text.trim();
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  const known = inputNamed(name)?.allowed?.includes(text) === true;
  if (known)
    reading.report(
      tree.place,
      `${quote(text)} is not in this version; here: ${choices.map((one) => `\`${one}\``).join(', ')}`,
    );
  else reading.report(tree.place, `unknown value ${quote(text)}${suggestion(text, choices)}`);
  return fallback;
};
