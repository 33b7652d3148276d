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

/** A counted metric reads a selector; a measured one any expression that gives one number. */
export type PromqlUse = 'selector' | 'expression';

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
  return [...placementProblems(top, query), ...kindProblems(top, use)];
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
  if (use === 'selector') {
    if (whole.name === 'VectorSelector') return [];
    const message =
      'must be a plain selector such as `http_requests_total{…}`: the raw counters are read and their increase is taken here, so no function, operator, range or offset';
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

/** Whether a query can tell the arms apart: one of its placeholders has another value for each. */
export const tellsArmsApart = (query: string): boolean =>
  placeholdersIn(query).some((use) => ['pods', 'deployment', 'service', 'arm'].includes(use.name));
