import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, Scalar } from 'yaml';
import type { Issue } from '../core/outcome.ts';
import type { Entry, Place, Tree } from './tree.ts';
import { below, quote } from './words.ts';

/** Aliases can make a small text unfold into a huge document. */
const MOST_NODES = 20_000;
const DEEPEST = 30;
const LONGEST_TEXT = 512 * 1024;

export interface Parsed {
  /** null when the text is empty or could not be read at all. */
  readonly tree: Tree | null;
  readonly issues: readonly Issue[];
}

interface Reading {
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
  readonly document: Document;
  readonly issues: Issue[];
  readonly count: { nodes: number };
}

/**
 * YAML with the place of every part. `file` is the config file, or the input that holds YAML; `root` is the path of
 * the whole text (`metrics` for the input of that name, '' for the file).
 */
export const parseYaml = (file: string, text: string, root: string): Parsed => {
  const start: Place = { file, line: 1, column: 1, path: root };
  const refuse = (message: string): Parsed => ({ tree: null, issues: [{ ...start, message }] });
  if (text.length > LONGEST_TEXT) return refuse('the text is longer than 512 KiB');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const reading: Reading = { file, text, lines, document, issues: [], count: { nodes: 0 } };
  // One slip makes the parser stumble over all that follows: its first error is the one to mend.
  const [first] = document.errors;
  if (first !== undefined) {
    return { tree: null, issues: [{ ...placeOf(reading, first.pos[0], root), message: syntaxMessage(first) }] };
  }
  const tree = document.contents === null ? null : build(reading, document.contents, root, 0);
  return { tree, issues: reading.issues };
};

/** An error of the parser in our words. */
export const syntaxMessage = (error: { readonly code: string; readonly message: string }): string => {
  if (error.code === 'MULTIPLE_DOCS') return 'invalid YAML: one document only, without a second `---`';
  if (error.code === 'TAB_AS_INDENT') return 'invalid YAML: tabs cannot indent; use spaces';
  if (error.code === 'BLOCK_AS_IMPLICIT_KEY') {
    return 'invalid YAML: a second `: ` on the line; put the value in quotes';
  }
  return `invalid YAML: ${error.message.split('\n')[0] ?? ''}`;
};

const placeOf = (reading: Reading, offset: number, path: string): Place => {
  const { line, col } = reading.lines.linePos(offset);
  return { file: reading.file, line: Math.max(1, line), column: Math.max(1, col), path };
};

const startOf = (node: Node | null): number => node?.range?.[0] ?? 0;

const build = (reading: Reading, node: Node, path: string, depth: number): Tree => {
  const place = placeOf(reading, startOf(node), path);
  reading.count.nodes += 1;
  if (depth > DEEPEST || reading.count.nodes > MOST_NODES) {
    if (reading.count.nodes <= MOST_NODES + 1)
      reading.issues.push({ ...place, message: 'nested too deeply, or too long' });
    reading.count.nodes = MOST_NODES + 1;
    return emptyAt(place);
  }
  if (isAlias(node)) {
    const target = node.resolve(reading.document);
    if (target !== undefined) return build(reading, target, path, depth + 1);
    reading.issues.push({ ...place, message: `unknown alias ${quote(`*${node.source}`)}` });
    return emptyAt(place);
  }
  if (isMap(node)) return { kind: 'map', place, entries: entriesOf(reading, node.items, path, depth) };
  if (isSeq(node)) {
    const items = node.items.map((item, index) => build(reading, item as Node, below(path, index), depth + 1));
    return { kind: 'list', place, items };
  }
  return isScalar(node) ? scalarTree(reading, node, place) : emptyAt(place);
};

const emptyAt = (place: Place): Tree => ({ kind: 'scalar', value: null, text: '', place, at: () => place });

const entriesOf = (
  reading: Reading,
  items: readonly { readonly key: unknown; readonly value: unknown }[],
  path: string,
  depth: number,
): readonly Entry[] => {
  const lineOfKey = new Map<string, number | null>();
  const entries: Entry[] = [];
  for (const item of items) {
    const key = item.key as Node | null;
    const name = isScalar(key) ? (key.source ?? String(key.value)) : null;
    const place = placeOf(reading, startOf(key), name === null ? path : below(path, name));
    const first = name === null ? undefined : lineOfKey.get(name);
    if (name === null) reading.issues.push({ ...place, message: 'a key must be a plain name' });
    else if (first !== undefined) {
      reading.issues.push({ ...place, message: `duplicate key ${quote(name)}; the first is on line ${first}` });
    } else {
      lineOfKey.set(name, place.line);
      const value = item.value as Node | null;
      const tree = value === null ? emptyAt(place) : build(reading, value, place.path, depth + 1);
      entries.push({ key: name, place, value: tree });
    }
  }
  return entries;
};

const scalarTree = (reading: Reading, node: Scalar, place: Place): Tree => {
  const { value } = node;
  if (typeof value === 'string')
    return { kind: 'scalar', value, text: value, place, at: locate(reading, node, value, place) };
  const text = typeof value === 'number' ? (node.source ?? String(value)) : value === null ? '' : String(value);
  const known = typeof value === 'number' || typeof value === 'boolean' || value === null ? value : text;
  return { kind: 'scalar', value: known, text, place, at: () => place };
};

/** From an offset in a scalar's value to its place in the file. Exact unless escapes or folding changed the text. */
const locate = (reading: Reading, node: Scalar, value: string, place: Place): ((offset: number) => Place) => {
  const [start, end] = node.range ?? [0, 0];
  const source = reading.text.slice(start, end);
  if (node.type === Scalar.BLOCK_LITERAL) {
    const [header = '', ...rest] = source.split('\n');
    const indent = /^ */.exec(rest.find((line) => line.trim() !== '') ?? '')?.[0].length ?? 0;
    return (offset) => {
      const before = value.slice(0, offset).split('\n');
      const skipped = rest.slice(0, before.length - 1).join('\n').length + (before.length > 1 ? 1 : 0);
      const column = indent + (before.at(-1)?.length ?? 0);
      return placeOf(reading, start + header.length + 1 + skipped + column, place.path);
    };
  }
  const verbatim = source.indexOf(value);
  if (verbatim < 0 || value === '') return () => place;
  return (offset) => placeOf(reading, start + verbatim + offset, place.path);
};
