import type { Issue } from '../core/outcome.ts';
import { parseYaml } from './document.ts';
import { INPUTS, inputNamed } from './inputs.ts';
import { holdsCredentials } from './prometheus.ts';
import { FILE_KEY_NAMES } from './shape.ts';
import type { Entry, MapTree, Place } from './tree.ts';
import { quote, suggestion } from './words.ts';

export interface ConfigFile {
  /** Relative to the workspace, as annotations need it. */
  readonly path: string;
  readonly text: string;
}

export interface FileRead {
  /** null when the file cannot be read as YAML. */
  readonly tree: MapTree | null;
  readonly issues: readonly Issue[];
}

const CREDENTIAL = /token|password|passwd|secret|credential|authorization|bearer|api-?key|private-?key|headers?$/i;
const INPUT_NAMES = INPUTS.map((one) => one.name);

/** The config file as a map of the keys that it may hold; every other key is a mistake. */
export const readFile = (file: ConfigFile): FileRead => {
  const { tree, issues } = parseYaml(file.path, file.text, '');
  const start: Place = { file: file.path, line: 1, column: 1, path: '' };
  const empty: MapTree = { kind: 'map', entries: [], place: start };
  if (tree === null) return { tree: issues.length > 0 ? null : empty, issues };
  if (tree.kind !== 'map') {
    const blank = tree.kind === 'scalar' && tree.text.trim() === '';
    if (blank) return { tree: empty, issues };
    const message =
      'the config file must be a map with the names of the inputs as keys, such as `deployment: checkout`';
    return { tree: null, issues: [...issues, { ...tree.place, message }] };
  }
  const wrong = tree.entries.flatMap((entry) => {
    const message = keyProblem(entry);
    return message === null ? [] : [{ ...entry.place, message }];
  });
  const entries = tree.entries.filter((entry) => FILE_KEY_NAMES.includes(entry.key));
  return { tree: { ...tree, entries }, issues: [...issues, ...wrong, ...credentialIssues(entries)] };
};

/** Reported also where an input wins over the file: what stands there is committed. */
const credentialIssues = (entries: readonly Entry[]): readonly Issue[] =>
  entries.flatMap(({ key, value }) => {
    if (key !== 'prometheus' || value.kind !== 'scalar' || !holdsCredentials(value.text)) return [];
    const message =
      'a URL in the config file must not hold a user or password; give `prometheus-headers` as an input, from a secret';
    return [{ ...value.place, message }];
  });

const keyProblem = (entry: Entry): string | null => {
  const definition = inputNamed(entry.key);
  if (definition === null) {
    if (CREDENTIAL.test(entry.key))
      return `${quote(entry.key)} is not allowed in the config file: credentials are given as inputs, from secrets`;
    return `unknown key ${quote(entry.key)}${suggestion(entry.key, suggestible(entry.key))}`;
  }
  if (!definition.inConfigFile) {
    const why = definition.secret ? ': credentials are given as inputs, from secrets' : '; give it as an input';
    return `\`${entry.key}\` is not allowed in the config file${why}`;
  }
  return null;
};

/** A typo of a forbidden key should name that key too, so that its own message follows. */
const suggestible = (key: string): readonly string[] =>
  INPUT_NAMES.some((name) => name.toLowerCase() === key.toLowerCase().replaceAll('_', '-'))
    ? INPUT_NAMES
    : FILE_KEY_NAMES;
