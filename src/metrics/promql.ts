import { parser } from '@prometheus-io/lezer-promql';

/** A vector selector of an expression, without range, offset or @. */
export interface Selector {
  /** As written: `http_requests_total{code=~"5.."}`. */
  readonly text: string;
  /** null when the selector names no single metric. */
  readonly metric: string | null;
  /** Names of the labels it matches on, `__name__` left out. */
  readonly labels: readonly string[];
}

/** The raw points of a selector over a duration. A comment or a parenthesis around the selector is left out. */
export const rangeOf = (selector: string, duration: string): string =>
  `${selectorsIn(selector)[0]?.text ?? selector}[${duration}]`;

type Node = ReturnType<typeof parser.parse>['topNode'];

/** Every vector selector of a PromQL expression, in order, each once. An expression that is wrong gives what can be read of it. */
export const selectorsIn = (expression: string): readonly Selector[] => {
  const found = new Map<string, Selector>();
  parser.parse(expression).iterate({
    enter: ({ name, node }) => {
      if (name !== 'VectorSelector') return true;
      const selector = toSelector(node, expression);
      found.set(selector.text, selector);
      return false;
    },
  });
  return [...found.values()];
};

const toSelector = (node: Node, expression: string): Selector => {
  const textOf = (part: Node | null): string | null => (part === null ? null : expression.slice(part.from, part.to));
  const matchers = node.getChild('LabelMatchers');
  const pairs = (matchers?.getChildren('UnquotedLabelMatcher') ?? []).map((matcher) => ({
    label: textOf(matcher.getChild('LabelName')) ?? '',
    isEqual: textOf(matcher.getChild('MatchOp')) === '=',
    value: unquote(textOf(matcher.getChild('StringLiteral')) ?? ''),
  }));
  const named = pairs.find((pair) => pair.label === '__name__' && pair.isEqual);
  return {
    text: expression.slice(node.from, node.to),
    metric: textOf(node.getChild('Identifier')) ?? named?.value ?? null,
    labels: pairs.map((pair) => pair.label).filter((label) => label !== '__name__'),
  };
};

const unquote = (literal: string): string => literal.slice(1, -1);
