import type { Labels } from '../counters.ts';
import { seriesKey } from './samples.ts';
import type { Value, VectorSample } from './values.ts';
import { dropLabels, ExecutionError, pickLabels, withoutName } from './values.ts';

export interface Matching {
  readonly kind: 'on' | 'ignoring';
  readonly labels: readonly string[];
}

export interface Operation {
  readonly op: string;
  readonly bool: boolean;
  readonly matching: Matching;
}

const ARITHMETIC: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '^': (left, right) => left ** right,
};

const COMPARISON: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '>': (left, right) => left > right,
  '<': (left, right) => left < right,
  '>=': (left, right) => left >= right,
  '<=': (left, right) => left <= right,
};

/** What one pair of numbers gives; null where a comparison filters it out. */
const combine = ({ op, bool }: Operation, left: number, right: number, kept: number): number | null => {
  const compare = COMPARISON[op];
  if (compare === undefined) return (ARITHMETIC[op] ?? (() => Number.NaN))(left, right);
  if (bool) return compare(left, right) ? 1 : 0;
  return compare(left, right) ? kept : null;
};

const keepsName = ({ op, bool }: Operation): boolean => COMPARISON[op] !== undefined && !bool;

const groupKey = (labels: Labels, { kind, labels: names }: Matching): string =>
  seriesKey(kind === 'on' ? pickLabels(labels, names) : dropLabels(labels, names));

const resultLabels = (labels: Labels, operation: Operation): Labels => {
  if (keepsName(operation)) return labels;
  const { kind, labels: names } = operation.matching;
  return kind === 'on' ? pickLabels(labels, names) : dropLabels(labels, names);
};

const oneSide = (samples: readonly VectorSample[], matching: Matching, side: string): Map<string, VectorSample> => {
  const groups = new Map<string, VectorSample>();
  for (const sample of samples) {
    const key = groupKey(sample.labels, matching);
    if (groups.has(key))
      throw new ExecutionError(
        `found duplicate series for the match group {${key}} on the ${side} hand-side of the operation;many-to-many matching not allowed: matching labels must be unique on one side`,
      );
    groups.set(key, sample);
  }
  return groups;
};

const vectors = (
  operation: Operation,
  left: readonly VectorSample[],
  right: readonly VectorSample[],
): VectorSample[] => {
  const { matching } = operation;
  const others = oneSide(right, matching, 'right');
  oneSide(left, matching, 'left');
  return left.flatMap(({ labels, value }) => {
    const other = others.get(groupKey(labels, matching));
    const result = other === undefined ? null : combine(operation, value, other.value, value);
    return result === null ? [] : [{ labels: resultLabels(labels, operation), value: result }];
  });
};

const setOperation = (
  { op, matching }: Operation,
  left: readonly VectorSample[],
  right: readonly VectorSample[],
): VectorSample[] => {
  const keys = (samples: readonly VectorSample[]): Set<string> =>
    new Set(samples.map(({ labels }) => groupKey(labels, matching)));
  if (op === 'or') {
    const known = keys(left);
    return [...left, ...right.filter(({ labels }) => !known.has(groupKey(labels, matching)))];
  }
  const others = keys(right);
  return left.filter(({ labels }) => others.has(groupKey(labels, matching)) === (op === 'and'));
};

const withScalar = (
  operation: Operation,
  samples: readonly VectorSample[],
  scalar: number,
  scalarIsLeft: boolean,
): VectorSample[] =>
  samples.flatMap(({ labels, value }) => {
    const [left, right] = scalarIsLeft ? [scalar, value] : [value, scalar];
    const result = combine(operation, left, right, value);
    return result === null ? [] : [{ labels: keepsName(operation) ? labels : withoutName(labels), value: result }];
  });

export const isSetOperator = (op: string): boolean => ['and', 'or', 'unless'].includes(op);
export const isComparison = (op: string): boolean => COMPARISON[op] !== undefined;

/** Types were checked by the caller: scalars and instant vectors only. */
export const operate = (operation: Operation, left: Value, right: Value): Value => {
  if (left.kind === 'vector' && right.kind === 'vector') {
    const compute = isSetOperator(operation.op) ? setOperation : vectors;
    return { kind: 'vector', samples: compute(operation, left.samples, right.samples) };
  }
  if (left.kind === 'vector' && right.kind === 'scalar')
    return { kind: 'vector', samples: withScalar(operation, left.samples, right.value, false) };
  if (left.kind === 'scalar' && right.kind === 'vector')
    return { kind: 'vector', samples: withScalar(operation, right.samples, left.value, true) };
  const [a, b] = [left.kind === 'scalar' ? left.value : 0, right.kind === 'scalar' ? right.value : 0];
  return { kind: 'scalar', value: combine(operation, a, b, a) ?? 0 };
};

const AGGREGATES: Readonly<Record<string, (values: readonly number[]) => number>> = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  avg: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
  count: (values) => values.length,
  group: () => 1,
};

export interface Grouping {
  readonly kind: 'by' | 'without';
  readonly labels: readonly string[];
}

const grouped = (samples: readonly VectorSample[], { kind, labels: names }: Grouping) => {
  const groups = new Map<string, { readonly labels: Labels; readonly samples: VectorSample[] }>();
  for (const sample of samples) {
    const labels = kind === 'by' ? pickLabels(sample.labels, names) : dropLabels(sample.labels, names);
    const group = groups.get(seriesKey(labels)) ?? { labels, samples: [] };
    groups.set(seriesKey(labels), group);
    group.samples.push(sample);
  }
  return [...groups.values()];
};

/** `topk` and `bottomk` keep samples as they are; `count` is their parameter, which the others do not take. */
export const aggregate = (
  name: string,
  samples: readonly VectorSample[],
  grouping: Grouping,
  count: number,
): VectorSample[] => {
  const groups = grouped(samples, grouping);
  if (name === 'topk' || name === 'bottomk') {
    const sign = name === 'topk' ? -1 : 1;
    return groups.flatMap((group) => group.samples.sort((a, b) => sign * (a.value - b.value)).slice(0, count));
  }
  const compute = AGGREGATES[name];
  if (compute === undefined) throw new ExecutionError(`the sandbox does not play the aggregation ${name}`);
  return groups.map((group) => ({ labels: group.labels, value: compute(group.samples.map(({ value }) => value)) }));
};
