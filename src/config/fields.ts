import type { Ms } from '../core/units.ts';
import { LONGEST_DURATION, parseDuration } from './durations.ts';
import { type NameForm, readName } from './names.ts';
import type { WorkspaceText } from './path.ts';
import type { Place, Reports, ScalarTree, Tree } from './tree.ts';
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
  readonly workspaceFile: (path: string) => WorkspaceText;
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

/** The tree of an input when it is given and its shape is right; null when it is not given or already reported. */
export const soundOf = (reading: Reading, name: string): Tree | null => {
  const tree = reading.given(name)?.tree ?? null;
  return tree === null || reading.broken(tree.place.path) ? null : tree;
};

export const durationOf = (
  reading: Reading,
  name: string,
  fallback: Ms,
  shortest: Ms,
  longest: Ms = LONGEST_DURATION,
): Ms => {
  const tree = scalarOf(reading, name);
  if (tree === null) return fallback;
  const duration = parseDuration(tree.text.trim(), shortest, longest);
  if (!duration.ok) reading.report(tree.place, duration.problem);
  return duration.ok ? duration.value : fallback;
};

/** A value of a closed list, as text. */
export const choiceOf = <const Choice extends string, const Fallback extends string | null>(
  reading: Reading,
  name: string,
  choices: readonly Choice[],
  fallback: Fallback,
): Choice | Fallback => {
  const tree = scalarOf(reading, name);
  if (tree === null) return fallback;
  const text = tree.text.trim();
  const found = choices.find((choice) => choice === text);
  if (found === undefined) reading.report(tree.place, `unknown value ${quote(text)}${suggestion(text, choices)}`);
  return found ?? fallback;
};

export const flagOf = (reading: Reading, name: string): boolean =>
  choiceOf(reading, name, ['true', 'false'], 'true') === 'true';

/** Where something that is not there is missed. */
export const missing = (name: string): Place => ({ file: name, line: null, column: null, path: '' });

export const nameOf = (reading: Reading, name: string, form: NameForm): string | null => {
  const tree = soundOf(reading, name);
  return tree === null ? null : readName(tree, form, reading.report);
};

/** Says that an input is missing, unless it may stand in a text that could not be read. */
export const requireInput = (reading: Reading, name: string): void => {
  if (reading.given(name) === null && !reading.unread(name))
    reading.report(missing(name), `\`${name}\` is missing; give it as an input or in the config file`);
};
