import type { Issue } from '../core/outcome.ts';

/** Where a piece of what the user wrote stands. Lines and columns start at 1. */
export type Place = Omit<Issue, 'message'>;

/** A document whose every part knows its place. A single input is a scalar; the config file is a map. */
export type Tree = ScalarTree | ListTree | MapTree;

export interface ScalarTree {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As written for numbers (`0x10`, `5.50`), the value for texts, `true` or `false`, '' for null. */
  readonly text: string;
  readonly place: Place;
  /** The place of a character of `text`; the start of the scalar where escapes or folding hide it. */
  readonly at: (offset: number) => Place;
}

export interface ListTree {
  readonly kind: 'list';
  readonly items: readonly Tree[];
  readonly place: Place;
}

export interface MapTree {
  readonly kind: 'map';
  readonly entries: readonly Entry[];
  readonly place: Place;
}

export interface Entry {
  readonly key: string;
  readonly place: Place;
  readonly value: Tree;
}

/** Takes one mistake. Readers report all they find and go on. */
export type Report = (place: Place, message: string) => void;

export interface Reports {
  readonly report: Report;
  readonly warn: (message: string) => void;
  /** Whether the shape of what stands at a path is wrong, which is reported already. */
  readonly broken: (path: string) => boolean;
}

/** A text that stands on its own within a value: a line, or what a comma separates. */
export interface Part {
  readonly text: string;
  readonly place: Place;
}

/** An input's text: one line has no position worth telling, several lines have. */
export const inputTree = (name: string, text: string): ScalarTree => {
  const place: Place = { file: name, line: null, column: null, path: '' };
  const at = (offset: number): Place => {
    const before = text.slice(0, offset).split('\n');
    return { ...place, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  };
  return { kind: 'scalar', value: text, text, place, at: text.trim().includes('\n') ? at : () => place };
};

export const entryOf = (tree: MapTree, key: string): Entry | null =>
  tree.entries.find((one) => one.key === key) ?? null;

/** The tree as plain data, for a schema. A repeated key has its last value here; it is reported elsewhere. */
export const plain = (tree: Tree): unknown => {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plain);
  return Object.fromEntries(tree.entries.map((entry) => [entry.key, plain(entry.value)]));
};

/** What stands at a path of keys and indexes; the last part that exists when the path leads nowhere. */
export const treeAt = (tree: Tree, path: readonly PropertyKey[]): Tree => {
  const [head, ...rest] = path;
  if (head === undefined || tree.kind === 'scalar') return tree;
  const next = tree.kind === 'list' ? tree.items[Number(head)] : entryOf(tree, String(head))?.value;
  return next === undefined ? tree : treeAt(next, rest);
};

const split = (tree: ScalarTree, separator: RegExp): readonly Part[] => {
  const parts: Part[] = [];
  let offset = 0;
  for (const piece of tree.text.split(separator)) {
    const start = offset + (piece.length - piece.trimStart().length);
    parts.push({ text: piece.trim(), place: tree.at(start) });
    offset += piece.length + 1;
  }
  return parts;
};

/** The non-empty lines of a text, or the items of a list. */
export const linesOf = (tree: Tree): readonly Part[] => {
  if (tree.kind === 'map') return [];
  const parts =
    tree.kind === 'scalar'
      ? split(tree, /\n/)
      : tree.items.flatMap((item) => (item.kind === 'scalar' ? [{ text: item.text.trim(), place: item.place }] : []));
  return parts.filter((part) => part.text !== '');
};

/**
 * What commas and newlines separate, or the items of a list. An empty piece between two commas stays, so that it can
 * be reported; empty lines and a comma at the end of a line do not count.
 */
export const piecesOf = (tree: Tree): readonly Part[] => {
  if (tree.kind !== 'scalar') return linesOf(tree);
  const pieces = split(tree, /[,\n]/);
  const marks = tree.text.match(/[,\n]/g) ?? [];
  return pieces.filter((piece, index) => {
    const before = index === 0 ? '\n' : marks[index - 1];
    const after = marks[index] ?? '\n';
    return piece.text !== '' || (before === ',' && after === ',') || (before === '\n' && after === ',');
  });
};
