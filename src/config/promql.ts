import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { isPlaceholder, placeholdersIn, unclosedPlaceholders } from '../core/placeholders.ts';
import { PLACEHOLDERS } from '../core/spec.ts';
import { nearest, quote } from './words.ts';

export interface PromqlProblem {
  /** Offset in the text as the user wrote it. */
  readonly offset: number;
  readonly message: string;
}

const KNOWN = PLACEHOLDERS.map((name) => `\`{{${name}}}\``).join(' ');
const LONGEST_QUERY = 10_000;

/** What is counted is read by a selector; a measured metric takes any expression that gives one number. */
export type PromqlUse = 'counter' | 'histogram' | 'expression';

/** All that can be said against a query without a metrics store: placeholders, syntax, the kind of its value. */
export const promqlProblems = (query: string, use: PromqlUse): readonly PromqlProblem[] => {
  if (query.trim() === '') return [{ offset: 0, message: 'the query is empty' }];
  if (query.length > LONGEST_QUERY)
    return [{ offset: 0, message: `the query is longer than ${LONGEST_QUERY} characters` }];
  const wrong = placeholderProblems(query);
  if (wrong.length > 0) return wrong;
  const bound = standIns(query);
  const top = parser.parse(bound).topNode;
  const syntax = syntaxProblem(top, query, bound);
  if (syntax !== null) return [syntax];
  return [
    ...placementProblems(top, query),
    ...kindProblems(top, use),
    ...(use === 'histogram' ? bucketProblems(top, bound) : []),
  ];
};

const placeholderProblems = (query: string): readonly PromqlProblem[] => [
  ...unclosedPlaceholders(query).map((offset) => ({
    offset,
    message: 'the placeholder that starts here is not closed: `}}` is missing',
  })),
  ...placeholdersIn(query)
    .filter((use) => !isPlaceholder(use.name))
    .map((use) => {
      const best = nearest(use.name, PLACEHOLDERS);
      const known = best === null ? `; known: ${KNOWN}` : `; did you mean \`{{${best}}}\`? Known: ${KNOWN}`;
      return { offset: use.from, message: `unknown placeholder ${quote(`{{${use.name}}}`)}${known}` };
    }),
];

/** Every placeholder replaced by something of its own length and kind, so that offsets stay the user's. */
const standIns = (query: string): string => {
  let text = query;
  for (const use of placeholdersIn(query)) {
    const length = use.to - use.from;
    const standIn = use.name === 'window' ? '5m'.padEnd(length) : 'x'.repeat(length);
    text = text.slice(0, use.from) + standIn + text.slice(use.to);
  }
  return text;
};

const nodesOf = (top: SyntaxNode): readonly SyntaxNode[] => {
  const nodes: SyntaxNode[] = [];
  top.cursor().iterate((node) => {
    nodes.push(node.node);
  });
  return nodes;
};

const syntaxProblem = (top: SyntaxNode, query: string, bound: string): PromqlProblem | null => {
  const broken = nodesOf(top).find((node) => node.type.isError);
  if (broken === undefined) return null;
  const offset = broken.from;
  const rest = bound.slice(offset);
  if (rest.trim() === '') return { offset, message: 'invalid PromQL: the expression ends too early' };
  const call = /([A-Za-z_][A-Za-z0-9_]*)\s*$/.exec(bound.slice(0, offset));
  if (call !== null && rest.trimStart().startsWith('(')) {
    return { offset: call.index, message: `invalid PromQL: unknown function ${quote(call[1] ?? '')}` };
  }
  const inserted = placeholdersIn(query).find((use) => use.from <= offset && offset < use.to);
  const found = inserted === undefined ? (/^\s*([A-Za-z0-9_:.]+|.)/su.exec(rest)?.[1] ?? '') : `{{${inserted.name}}}`;
  const hint = inserted === undefined || inserted.name === 'window' ? '' : '; put the placeholder in quotes';
  return { offset, message: `invalid PromQL: unexpected ${quote(found)}${hint}` };
};

/** A name outside of quotes would be syntax, and the pods' expression matches nothing when compared by `=`. */
const placementProblems = (top: SyntaxNode, query: string): readonly PromqlProblem[] =>
  placeholdersIn(query).flatMap((use) => {
    const node = top.resolveInner(use.from + 1, 0);
    const quoted = node.name === 'StringLiteral';
    const shown = `\`{{${use.name}}}\``;
    if (use.name === 'window') {
      return quoted
        ? [{ offset: use.from, message: `${shown} is a duration; it belongs in \`[…]\`, not in quotes` }]
        : [];
    }
    if (!quoted) return [{ offset: use.from, message: `${shown} must stand inside the quotes of a label's value` }];
    const operator = node.parent?.getChild('MatchOp')?.firstChild?.name;
    const exact = operator === 'EqlSingle' || operator === 'Neq';
    if (use.name !== 'pods' || !exact) return [];
    return [{ offset: use.from, message: `${shown} is a regular expression; compare it with \`=~\` (or \`!~\`)` }];
  });

const WRAPPERS = ['ParenExpr', 'OffsetExpr', 'StepInvariantExpr', 'UnaryExpr'];

const innermost = (node: SyntaxNode | null): SyntaxNode | null => {
  if (node === null || !WRAPPERS.includes(node.name)) return node;
  const inner = node.name === 'UnaryExpr' ? node.lastChild : node.firstChild;
  return innermost(inner);
};

const kindProblems = (top: SyntaxNode, use: PromqlUse): readonly PromqlProblem[] => {
  const whole = top.firstChild;
  if (whole === null) return [];
  if (use !== 'expression') {
    if (whole.name === 'VectorSelector') return [];
    const example = use === 'counter' ? 'http_requests_total' : 'http_request_duration_seconds_bucket';
    const message = `must be a plain selector such as \`${example}{…}\`: the raw counters are read and their increase is taken here, so no function, operator, range or offset`;
    return [{ offset: whole.from, message }];
  }
  const kind = innermost(whole)?.name;
  if (kind === 'MatrixSelector' || kind === 'SubqueryExpr') {
    return [
      {
        offset: whole.from,
        message: 'must give one number; this is a range of samples: wrap it in a function such as `rate(…)`',
      },
    ];
  }
  return kind === 'StringLiteral' ? [{ offset: whole.from, message: 'must give one number; this is a text' }] : [];
};

const LABEL_NAMES = ['LabelName', 'QuotedLabelName'];

/** The matchers of a selector by their label's name, which may be in quotes of any kind. */
const matchersOf = (top: SyntaxNode, text: string): readonly { readonly label: string; readonly node: SyntaxNode }[] =>
  nodesOf(top)
    .filter((node) => LABEL_NAMES.includes(node.name) && node.nextSibling?.name === 'MatchOp')
    .map((node) => ({ label: unquoted(text.slice(node.from, node.to)), node }));

const unquoted = (text: string): string => text.replace(/^(["'`])(.*)\1$/s, '$2');

const bucketProblems = (top: SyntaxNode, text: string): readonly PromqlProblem[] =>
  matchersOf(top, text)
    .filter(({ label }) => label === 'le')
    .map(({ node }) => ({
      offset: node.from,
      message: 'no matcher on `le`: all buckets are read, and `bound` names the one that is judged',
    }));

/** The name of the metric that a sound selector reads; null where an expression or nothing names it. */
export const metricNameOf = (selector: string): string | null => {
  const text = standIns(selector);
  const { topNode } = parser.parse(text);
  const vector = topNode.getChild('VectorSelector');
  // `{"name", …}` has no operator: https://prometheus.io/docs/guides/utf8/#querying
  const bare = vector?.getChild('Identifier') ?? vector?.getChild('LabelMatchers')?.getChild('QuotedLabelName');
  if (bare !== null && bare !== undefined) return unquoted(text.slice(bare.from, bare.to));
  const named = matchersOf(topNode, text).find(({ label }) => label === '__name__')?.node.parent;
  const value = named?.getChild('StringLiteral');
  const isExact = named?.getChild('MatchOp')?.firstChild?.name === 'EqlSingle';
  return isExact && value !== null && value !== undefined ? unquoted(text.slice(value.from, value.to)) : null;
};

/** Whether a query can tell the arms apart: one of its placeholders has another value for each. */
export const tellsArmsApart = (query: string): boolean =>
  placeholdersIn(query).some((use) => ['pods', 'deployment', 'service', 'arm'].includes(use.name));
