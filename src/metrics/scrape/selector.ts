import { parser } from '@prometheus-io/lezer-promql';
import { RE2JS } from 're2js';
import { ok, problem, type Result } from '../../core/units.ts';

/** A vector selector, ready to be held against scraped series. */
export interface Selector {
  /** The one metric it names; null: it chooses names in other ways. */
  readonly metric: string | null;
  readonly matchesName: (name: string) => boolean;
  /** A label that is not there has the value ''. */
  readonly matchesLabels: (labels: ReadonlyMap<string, string>) => boolean;
}

interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
  readonly matches: (value: string) => boolean;
}

type Node = ReturnType<typeof parser.parse>['topNode'];

const NAME = '__name__';

/** Reads a selector as Prometheus would. Parentheses and comments around it are left out; a problem is a clause. */
export const readSelector = (text: string): Result<Selector, string> => {
  const node = selectorNode(text);
  if (node === null) return problem('it is no plain selector such as `http_requests_total{…}`');
  const textOf = (part: Node | null): string => (part === null ? '' : text.slice(part.from, part.to));
  const block = node.getChild('LabelMatchers');
  const identifier = textOf(node.getChild('Identifier'));
  const quoted = unquote(textOf(block?.getChild('QuotedLabelName') ?? null));
  const parts = ['UnquotedLabelMatcher', 'QuotedLabelMatcher'].flatMap((type) => block?.getChildren(type) ?? []);
  try {
    const matchers = parts.map((part) => {
      const label = textOf(part.getChild('LabelName')) || unquote(textOf(part.getChild('QuotedLabelName')));
      return matcherOf(label, textOf(part.getChild('MatchOp')), unquote(textOf(part.getChild('StringLiteral'))));
    });
    return ok(selectorOf(identifier || quoted, matchers));
  } catch (error) {
    return problem(error instanceof Error ? error.message : 'it cannot be read');
  }
};

/** The only selector; null where the expression is wrong, or is more than a selector. */
const selectorNode = (text: string): Node | null => {
  const top = parser.parse(text).topNode;
  let isWrong = false;
  top.cursor().iterate(({ type }) => {
    if (type.isError) isWrong = true;
  });
  const withoutComments = (node: Node | null): Node | null =>
    node?.name === 'LineComment' ? withoutComments(node.nextSibling) : node;
  let node = withoutComments(top.firstChild);
  while (node?.name === 'ParenExpr') node = withoutComments(node.firstChild);
  return !isWrong && node?.name === 'VectorSelector' ? node : null;
};

const selectorOf = (name: string, matchers: readonly Matcher[]): Selector => {
  const onName = matchers.filter(({ label }) => label === NAME);
  const onLabels = matchers.filter(({ label }) => label !== NAME);
  const metric = name || onName.find(({ operator }) => operator === '=')?.value || null;
  return {
    metric,
    matchesName: (one) => (name === '' || one === name) && onName.every(({ matches }) => matches(one)),
    matchesLabels: (labels) => onLabels.every(({ label, matches }) => matches(labels.get(label) ?? '')),
  };
};

const matcherOf = (label: string, operator: string, value: string): Matcher => {
  const isSame = operator === '=' || operator === '!=' ? (one: string) => one === value : expression(value);
  const isNegative = operator.startsWith('!');
  return { label, operator, value, matches: (one) => isSame(one) !== isNegative };
};

/**
 * RE2 itself, in linear time whatever the expression: JavaScript's own engine reads some of them in another way and can be
 * kept busy for ever. Anchored on both sides, and a dot is any character, as in Prometheus. Throws where it is wrong.
 */
const expression = (source: string): ((value: string) => boolean) => {
  const compiled = RE2JS.compile(source, RE2JS.DOTALL);
  // Series follow each other with the same pod, path or code.
  let last: { readonly value: string; readonly matches: boolean } | null = null;
  return (value) => {
    if (last?.value !== value) last = { value, matches: compiled.matches(value) };
    return last.matches;
  };
};

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** A string of PromQL, which follows Go: in backticks it is what it says. */
const unquote = (literal: string): string => {
  const inside = literal.slice(1, -1);
  if (literal.startsWith('`')) return inside;
  return inside.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/gs,
    (all: string, byte?: string, short?: string, long?: string, octal?: string, char?: string) => {
      const hex = byte ?? short ?? long;
      if (char !== undefined) return ESCAPES[char] ?? char;
      const code = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : all;
    },
  );
};
