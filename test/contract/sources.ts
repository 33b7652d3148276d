import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** Repository paths with forward slashes on every system, sorted. */
export const files = (...patterns: readonly string[]): readonly string[] =>
  patterns
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !file.includes('node_modules/'))
    .sort();

export const textOf = (file: string): string => readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n');

// Comments, strings, templates and regular expressions, in the order in which the first character decides. A slash
// begins a regular expression only after a character that cannot end a value.
const TOKENS =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=[(,=:[!&|?{};>]\s*|return\s+)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/[a-z]*/g;

const isComment = (token: string): boolean => token.startsWith('//') || token.startsWith('/*');

// What stands inside `${}` of a template is code and stays.
const holes = (template: string): string =>
  [...template.matchAll(/\$\{([^}]*)\}/g)].map((match) => match[1]).join(' ; ');

/** The text without comments; strings stay, so that import lines can be read. */
export const withoutComments = (text: string): string =>
  text.replace(TOKENS, (token) => (isComment(token) ? ' ' : token));

/** Code only: words in comments, strings and regular expressions say nothing about what it does. */
export const codeOf = (text: string): string =>
  text.replace(TOKENS, (token) => {
    if (isComment(token)) return ' ';
    return token.startsWith('`') ? ` ${holes(token)} ` : "''";
  });

/** Every module a file names: static (types too), re-exported, for its effects, dynamic. */
export const importsOf = (text: string): readonly string[] => {
  const source = withoutComments(text);
  const patterns = [
    /\b(?:import|export)\s(?:[^'"`;=()]*?\sfrom\s*)?['"]([^'"]+)['"]/g,
    /\bimport\s*\(\s*['"]([^'"]+)['"]/g,
  ];
  return patterns.flatMap((pattern) => [...source.matchAll(pattern)].flatMap((match) => match[1] ?? []));
};
