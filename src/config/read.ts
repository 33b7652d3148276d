import type { Issue } from '../core/outcome.ts';
import type { ControlSpec, Spec } from '../core/spec.ts';
import { COMMANDS, type CommandWord, isControl, isUrgent } from './commands.ts';
import { controlSpec, isEverywhere } from './control-spec.ts';
import { parseYaml } from './document.ts';
import { choiceOf, type Given, type Reading } from './fields.ts';
import { type ConfigFile, readFile } from './file.ts';
import { INPUTS, inputNamed } from './inputs.ts';
import { concernsTarget } from './needed.ts';
import { readParts } from './parts.ts';
import type { WorkspaceText } from './path.ts';
import { releaseSpec } from './release-spec.ts';
import { renderIssue } from './render.ts';
import type { Catalogue } from './routes.ts';
import { readSettings, type Settings } from './settings.ts';
import { shapeIssues } from './shape.ts';
import { inputTree, type MapTree, type Place, type Tree } from './tree.ts';
import { quote, suggestion } from './words.ts';

/** What the user wrote, as texts. */
export interface ConfigText {
  /** Only those that were given, by their kebab-case name. An empty text counts as not given. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Names given in the workflow that action.yml does not have. */
  readonly unknownInputs: readonly string[];
  /** null when there is none. */
  readonly file: ConfigFile | null;
  /** Why a file that should be there could not be had: `file` is null then. */
  readonly fileIssue?: Issue | null;
  /** Reads a file that an input names; absent: there are none. */
  readonly workspaceFile?: (path: string) => WorkspaceText;
}

/** The settings are there in every case, with defaults for what is wrong: a rejection is reported too. */
export type ConfigRead = (
  | { readonly spec: Spec }
  | { readonly control: ControlSpec }
  | { readonly issues: readonly Issue[] }
) & { readonly settings: Settings; readonly warnings: readonly string[] };

/** YAML inside an input has positions of its own. */
const YAML_INPUTS = ['metrics', 'steps'];

/**
 * Inputs and config file to what is asked for, or every mistake in them at once, in the order of file, line and column.
 * What an urgent command does not need is only warned of. Never throws.
 */
export const readSpec = (text: ConfigText, catalogue: Catalogue): ConfigRead => {
  const issues: Issue[] = [];
  const warnings: string[] = [];
  const reading = readTexts(text, issues, (message) => warnings.push(message));
  const command = choiceOf(reading, 'command', COMMANDS, reading.given('command') === null ? 'run' : null);
  const isRelease = command !== null && !isControl(command);
  // What is worth a warning for a release says nothing to a command on one that is under way.
  const parts = readParts(isRelease ? reading : { ...reading, warn: () => undefined }, catalogue);
  const settings = readSettings(reading);
  if (isRelease) {
    const spec = releaseSpec(reading, parts, command);
    return spec === null || issues.length > 0
      ? { issues: inOrder(issues), settings, warnings }
      : { spec, settings, warnings };
  }
  // Of a command that nobody knows, `status` asks for the least: what is wrong in its form is told at once.
  const control = controlSpec(reading, parts, command ?? 'status');
  const { fatal, harmless } = sorted(inOrder(issues), text, reading, command);
  if (control === null || command === null || fatal.length > 0)
    return { issues: fatal.length > 0 ? fatal : harmless, settings, warnings };
  const ignored = harmless.map((issue) => `${renderIssue(issue)} (\`${command}\` does without it)`);
  return { control, settings, warnings: [...warnings, ...ignored] };
};

const sorted = (issues: readonly Issue[], text: ConfigText, reading: Reading, command: CommandWord | null) => {
  if (command === null || !isControl(command) || !isUrgent(command)) return { fatal: issues, harmless: [] };
  const inputs = Object.keys(text.inputs).filter((name) => !isBlank(text.inputs[name]));
  const reach = isEverywhere(reading, command) ? 'everywhere' : command === 'status' ? 'all' : 'one';
  const isFatal = (issue: Issue): boolean => concernsTarget(issue, { inputs, file: text.file?.path ?? null }, reach);
  return { fatal: issues.filter(isFatal), harmless: issues.filter((issue) => !isFatal(issue)) };
};

/** Both texts as trees, with what is wrong in their form reported. */
const readTexts = (text: ConfigText, issues: Issue[], warn: Reading['warn']): Reading => {
  const file = text.file === null ? null : readFile(text.file);
  const fileIssue = text.fileIssue ?? null;
  if (fileIssue !== null) issues.push(fileIssue);
  issues.push(...(file?.issues ?? []), ...inputNameIssues(text));
  const inputs = inputTrees(text.inputs, issues);
  const values = merge(inputs, file?.tree ?? null);
  const broken = new Set<string>();
  for (const [name, { tree, source }] of values) {
    const wrong = source === 'file' || YAML_INPUTS.includes(name) ? shapeIssues(name, tree) : [];
    issues.push(...wrong.filter((issue) => !issues.some((other) => isSamePlace(issue, other))));
    for (const issue of wrong) broken.add(issue.path);
  }
  return {
    given: (name) => values.get(name) ?? null,
    unread: (name) => fileIssue !== null || (file !== null && file.tree === null) || inputs.get(name) === null,
    report: (place, message) => {
      issues.push({ ...place, message });
    },
    warn,
    workspaceFile: text.workspaceFile ?? (() => ({ kind: 'missing' })),
    broken: (path) => broken.has(path),
  };
};

const isSamePlace = (one: Issue, other: Issue): boolean =>
  one.path === other.path && one.line === other.line && one.column === other.column && one.file === other.file;

const inputNameIssues = (text: ConfigText): readonly Issue[] => {
  const place = (file: string): Place => ({ file, line: null, column: null, path: '' });
  const given = Object.keys(text.inputs).filter((name) => !isBlank(text.inputs[name]));
  const names = INPUTS.map((one) => one.name);
  const unknown = [...text.unknownInputs, ...given.filter((name) => inputNamed(name) === null)];
  return unknown.map((name) => ({
    ...place(name),
    message: `unknown input ${quote(name)}${suggestion(name, names)}`,
  }));
};

const isBlank = (text: string | undefined): boolean => text === undefined || text.trim() === '';

const inputTrees = (inputs: ConfigText['inputs'], issues: Issue[]): ReadonlyMap<string, Tree | null> => {
  const trees = new Map<string, Tree | null>();
  for (const [name, text] of Object.entries(inputs)) {
    const definition = inputNamed(name);
    if (definition === null || isBlank(text)) continue;
    if (!YAML_INPUTS.includes(name)) trees.set(name, inputTree(name, text));
    else {
      const parsed = parseYaml(name, text, name);
      issues.push(...parsed.issues);
      const bare = inputTree(name, '');
      const empty = { ...bare, value: null, place: { ...bare.place, path: name } };
      trees.set(name, parsed.tree ?? (parsed.issues.length > 0 ? null : empty));
    }
  }
  return trees;
};

/** An input wins over the file; `weights` as an input also over the `steps` of the file, and the other way round. */
const merge = (inputs: ReadonlyMap<string, Tree | null>, file: MapTree | null): ReadonlyMap<string, Given> => {
  const values = new Map<string, Given>();
  for (const entry of file?.entries ?? []) {
    const beaten =
      inputs.has(entry.key) ||
      (entry.key === 'steps' && inputs.has('weights')) ||
      (['weights', 'interval'].includes(entry.key) && inputs.has('steps'));
    if (!beaten) values.set(entry.key, { tree: entry.value, source: 'file' });
  }
  for (const [name, tree] of inputs) if (tree !== null) values.set(name, { tree, source: 'input' });
  return values;
};

const inOrder = (issues: readonly Issue[]): readonly Issue[] =>
  [...issues].sort(
    (one, other) =>
      (one.file < other.file ? -1 : one.file > other.file ? 1 : 0) ||
      (one.line ?? 0) - (other.line ?? 0) ||
      (one.column ?? 0) - (other.column ?? 0),
  );
