import type { Labels } from '../counters.ts';

export interface VectorSample {
  readonly labels: Labels;
  readonly value: number;
}

export interface RangeSeries {
  readonly labels: Labels;
  readonly points: readonly (readonly [atMs: number, value: number])[];
  readonly fromMs: number;
  readonly toMs: number;
}

export type Value =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'vector'; readonly samples: readonly VectorSample[] }
  | { readonly kind: 'matrix'; readonly series: readonly RangeSeries[] };

/** The query is wrong: 400 `bad_data`. The position is 1-based. */
export class ParseError extends Error {
  constructor(position: number | null, message: string) {
    super(`${position === null ? 'unknown position' : `1:${position}`}: parse error: ${message}`);
  }
}

/** The query is right and cannot be answered: 422 `execution`. */
export class ExecutionError extends Error {}

export const withoutName = (labels: Labels): Labels => {
  const { __name__: _name, ...rest } = labels;
  return rest;
};

export const pickLabels = (labels: Labels, names: readonly string[]): Labels =>
  Object.fromEntries(names.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])));

export const dropLabels = (labels: Labels, names: readonly string[]): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => name !== '__name__' && !names.includes(name)));

export const TYPE_NAMES: Readonly<Record<Value['kind'], string>> = {
  scalar: 'scalar',
  string: 'string',
  vector: 'instant vector',
  matrix: 'range vector',
};
