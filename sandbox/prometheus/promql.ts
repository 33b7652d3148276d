import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import type { PromFunction } from './functions.ts';
import { FUNCTIONS } from './functions.ts';
import type { Matching } from './operators.ts';
import { aggregate, isComparison, isSetOperator, operate } from './operators.ts';
import type { Matcher, Samples } from './samples.ts';
import { pointsIn, select, valueAt } from './samples.ts';
import type { Value } from './values.ts';
import { ExecutionError, ParseError, TYPE_NAMES } from './values.ts';

interface Query {
  readonly text: string;
  readonly samples: Samples;
  readonly atMs: number;
}

const EXPRESSIONS = new Set([
  'AggregateExpr',
  'BinaryExpr',
  'FunctionCall',
  'MatrixSelector',
  'NumberDurationLiteral',
  'OffsetExpr',
  'ParenExpr',
  'StringLiteral',
  'SubqueryExpr',
  'StepInvariantExpr',
  'UnaryExpr',
  'VectorSelector',
]);

const textOf = ({ text }: Query, node: SyntaxNode): string => text.slice(node.from, node.to);

const children = (node: SyntaxNode): SyntaxNode[] => {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(child);
  return found;
};

const descendants = (node: SyntaxNode, name: string): SyntaxNode[] =>
  children(node).flatMap((child) => (child.name === name ? [child] : descendants(child, name)));

const expressionsIn = (node: SyntaxNode | null): SyntaxNode[] =>
  node === null ? [] : children(node).filter(({ name }) => EXPRESSIONS.has(name));

const unquote = (literal: string): string => {
  const body = literal.slice(1, -1);
  if (literal.startsWith('`')) return body;
  return body.replaceAll(/\\(.)/g, (_match, letter: string) =>
    letter === 'n' ? '\n' : letter === 't' ? '\t' : letter,
  );
};

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

const durationOf = (text: string): number =>
  /^[\d.]+$/.test(text)
    ? Number(text) * 1000
    : [...text.matchAll(/([\d.]+)(ms|[smhdwy])/g)].reduce(
        (sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ''] ?? 0),
        0,
      );

const numberLiteral = (text: string): number => {
  if (/^[+-]?inf$/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  return /[smhdwy]$/.test(text) ? durationOf(text) / 1000 : Number(text);
};

const checkRegexes = (query: Query, node: SyntaxNode): void => {
  for (const matcher of descendants(node, 'UnquotedLabelMatcher')) {
    const [, op, literal] = children(matcher);
    if (op === undefined || literal === undefined || !textOf(query, op).endsWith('~')) continue;
    const pattern = `^(?:${unquote(textOf(query, literal))})$`;
    try {
      new RegExp(pattern);
    } catch {
      const why = depth(pattern, '(', ')') > 0 ? 'missing closing )' : 'invalid pattern';
      throw new ParseError(matcher.from + 1, `error parsing regexp: ${why}: \`${pattern}\``);
    }
  }
};

const matchersOf = (query: Query, node: SyntaxNode): Matcher[] => {
  checkRegexes(query, node);
  const name = node.getChild('Identifier');
  const matchers = descendants(node, 'UnquotedLabelMatcher').map((matcher): Matcher => {
    const [label, op, value] = children(matcher);
    return {
      name: label ? textOf(query, label) : '',
      op: (op ? textOf(query, op) : '=') as Matcher['op'],
      value: unquote(value ? textOf(query, value) : '""'),
    };
  });
  return name === null ? matchers : [{ name: '__name__', op: '=', value: textOf(query, name) }, ...matchers];
};

const vectorSelector = (query: Query, node: SyntaxNode, atMs: number): Value => {
  const matchers = matchersOf(query, node);
  if (matchers.every(({ op, value }) => value === '' || (op.startsWith('!') && value !== '')))
    throw new ParseError(node.from + 1, 'vector selector must contain at least one non-empty matcher');
  const samples = select(query.samples, matchers).flatMap((series) => {
    const value = valueAt(series, atMs);
    return value === null ? [] : [{ labels: series.labels, value }];
  });
  return { kind: 'vector', samples };
};

const matrixSelector = (query: Query, node: SyntaxNode, toMs: number): Value => {
  const selector = node.getChild('VectorSelector');
  const [duration] = descendants(node, 'NumberDurationLiteralInDurationContext');
  if (selector === null || duration === undefined)
    throw new ParseError(node.from + 1, 'ranges only allowed for vector selectors');
  const fromMs = toMs - durationOf(textOf(query, duration));
  const series = select(query.samples, matchersOf(query, selector)).flatMap((entry) => {
    const points = pointsIn(entry, fromMs, toMs);
    return points.length === 0 ? [] : [{ labels: entry.labels, points, fromMs, toMs }];
  });
  return { kind: 'matrix', series };
};

const offsetExpression = (query: Query, node: SyntaxNode): Value => {
  const [inner] = expressionsIn(node);
  const [duration] = descendants(node, 'NumberDurationLiteralInDurationContext');
  if (inner === undefined) throw new ParseError(node.from + 1, 'offset modifier must be preceded by a selector');
  return evaluateNode({ ...query, atMs: query.atMs - durationOf(duration ? textOf(query, duration) : '0') }, inner);
};

const functionCall = (query: Query, node: SyntaxNode): Value => {
  const [identifier] = children(node);
  const name = identifier ? textOf(query, identifier) : '';
  const definition: PromFunction | undefined = FUNCTIONS[name];
  if (definition === undefined) throw new ExecutionError(`the sandbox does not play the function ${name}`);
  const nodes = expressionsIn(node.getChild('FunctionCallBody'));
  const { takes } = definition;
  if (nodes.length !== takes.length)
    throw new ParseError(
      node.from + 1,
      `expected ${takes.length} argument(s) in call to "${name}", got ${nodes.length}`,
    );
  const args = nodes.map((argument, index) => {
    const value = evaluateNode(query, argument);
    const wanted = takes[index] ?? 'vector';
    if (value.kind !== wanted)
      throw new ParseError(
        argument.from + 1,
        `expected type ${TYPE_NAMES[wanted]} in call to function "${name}", got ${TYPE_NAMES[value.kind]}`,
      );
    return value;
  });
  const selector = nodes[0]?.name === 'VectorSelector' ? matchersOf(query, nodes[0]) : [];
  const absent = selector.filter(({ name: label, op }) => op === '=' && label !== '__name__');
  return definition.call(args, query.atMs, Object.fromEntries(absent.map(({ name: label, value }) => [label, value])));
};

const labelNames = (query: Query, node: SyntaxNode | null): string[] =>
  node === null ? [] : descendants(node, 'LabelName').map((label) => textOf(query, label));

const aggregation = (query: Query, node: SyntaxNode): Value => {
  const [op] = children(node);
  const name = op ? textOf(query, op) : '';
  const modifier = node.getChild('AggregateModifier');
  const given = expressionsIn(node.getChild('FunctionCallBody'));
  const [argument] = given.slice(-1);
  if (argument === undefined) throw new ParseError(node.from + 1, 'no arguments for aggregate expression provided');
  const value = evaluateNode(query, argument);
  if (value.kind !== 'vector')
    throw new ParseError(
      argument.from + 1,
      `expected type instant vector in aggregation expression, got ${TYPE_NAMES[value.kind]}`,
    );
  const kind = modifier?.getChild('Without') ? 'without' : 'by';
  const parameter = given.length > 1 && given[0] ? evaluateNode(query, given[0]) : null;
  const count = parameter?.kind === 'scalar' ? parameter.value : 0;
  return {
    kind: 'vector',
    samples: aggregate(name, value.samples, { kind, labels: labelNames(query, modifier) }, count),
  };
};

const matchingOf = (query: Query, node: SyntaxNode): Matching => {
  const clause = node.getChild('MatchingModifierClause');
  if (clause?.getChild('GroupLeft') || clause?.getChild('GroupRight'))
    throw new ExecutionError('the sandbox does not play group_left and group_right');
  return { kind: clause?.getChild('On') ? 'on' : 'ignoring', labels: labelNames(query, clause) };
};

const binary = (query: Query, node: SyntaxNode): Value => {
  const [leftNode, rightNode] = expressionsIn(node);
  if (leftNode === undefined || rightNode === undefined)
    throw new ParseError(node.from + 1, 'incomplete binary expression');
  const op = query.text.slice(leftNode.to, rightNode.from).trim().split(/[\s(]/)[0]?.toLowerCase() ?? '';
  const [left, right] = [evaluateNode(query, leftNode), evaluateNode(query, rightNode)];
  const bool = node.getChild('BoolModifier') !== null;
  for (const [side, at] of [
    [left, leftNode],
    [right, rightNode],
  ] as const) {
    if (side.kind === 'matrix' || side.kind === 'string')
      throw new ParseError(at.from + 1, 'binary expression must contain only scalar and instant vector types');
    if (side.kind === 'scalar' && isSetOperator(op))
      throw new ParseError(at.from + 1, `set operator "${op}" not allowed in binary scalar expression`);
  }
  if (isComparison(op) && left.kind === 'scalar' && right.kind === 'scalar' && !bool)
    throw new ParseError(leftNode.to + 2, 'comparisons between scalars must use BOOL modifier');
  return operate({ op, bool, matching: matchingOf(query, node) }, left, right);
};

const unary = (query: Query, node: SyntaxNode): Value => {
  const [inner] = expressionsIn(node);
  if (inner === undefined) throw new ParseError(node.from + 1, 'incomplete unary expression');
  const value = evaluateNode(query, inner);
  if (query.text[node.from] !== '-') return value;
  const matching: Matching = { kind: 'ignoring', labels: [] };
  return operate({ op: '*', bool: false, matching }, { kind: 'scalar', value: -1 }, value);
};

const evaluateNode = (query: Query, node: SyntaxNode): Value => {
  switch (node.name) {
    case 'NumberDurationLiteral':
      return { kind: 'scalar', value: numberLiteral(textOf(query, node)) };
    case 'StringLiteral':
      return { kind: 'string', value: unquote(textOf(query, node)) };
    case 'VectorSelector':
      return vectorSelector(query, node, query.atMs);
    case 'MatrixSelector':
      return matrixSelector(query, node, query.atMs);
    case 'OffsetExpr':
      return offsetExpression(query, node);
    case 'FunctionCall':
      return functionCall(query, node);
    case 'AggregateExpr':
      return aggregation(query, node);
    case 'BinaryExpr':
      return binary(query, node);
    case 'UnaryExpr':
      return unary(query, node);
    case 'ParenExpr': {
      const [inner] = expressionsIn(node);
      if (inner !== undefined) return evaluateNode(query, inner);
      throw new ParseError(node.from + 1, 'empty parentheses');
    }
    default:
      throw new ExecutionError(`the sandbox does not play ${node.name}`);
  }
};

const firstError = (node: SyntaxNode): SyntaxNode | null => {
  if (node.type.isError) return node;
  for (const child of children(node)) {
    const found = firstError(child);
    if (found !== null) return found;
  }
  return null;
};

const depth = (text: string, open: string, close: string): number =>
  [...text].reduce((sum, letter) => sum + (letter === open ? 1 : letter === close ? -1 : 0), 0);

/** The words of Prometheus' own parser for the commonest mistakes, with its position. */
const describeError = (text: string, error: SyntaxNode): ParseError => {
  const called = /([a-zA-Z_]\w*)\s*\($/.exec(text.slice(0, text.indexOf('(', error.from) + 1))?.[1];
  if (
    called !== undefined &&
    FUNCTIONS[called] === undefined &&
    error.from <= text.indexOf(`${called}`) + called.length
  )
    return new ParseError(text.indexOf(called) + 1, `unknown function with name "${called}"`);
  const [token] = text.slice(error.from).trim().split(/\s/);
  if (token !== undefined && token !== '') {
    const what = /^[a-zA-Z_]\w*$/.test(token) ? 'identifier ' : '';
    return new ParseError(error.from + 1, `unexpected ${what}${JSON.stringify(token)}`);
  }
  if (depth(text, '{', '}') > 0) return new ParseError(text.length + 1, 'unexpected end of input inside braces');
  if (depth(text, '(', ')') > 0) return new ParseError(text.length + 1, 'unclosed left parenthesis');
  return new ParseError(text.length + 1, 'unexpected end of input');
};

/** The value of a query at one instant. Throws ParseError and ExecutionError. */
export const evaluate = (text: string, samples: Samples, atMs: number): Value => {
  if (text.trim() === '') throw new ParseError(null, 'no expression found in input');
  const tree = parser.parse(text).topNode;
  const error = firstError(tree);
  if (error !== null) throw describeError(text, error);
  const [root] = expressionsIn(tree);
  if (root === undefined) throw new ParseError(null, 'no expression found in input');
  return evaluateNode({ text, samples, atMs }, root);
};
