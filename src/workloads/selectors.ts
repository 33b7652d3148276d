import type { KubeObject } from '../core/objects.ts';
import { fieldsOf } from '../core/shape.ts';
import { type LabelSelector, texts } from './shape.ts';

type Labels = Readonly<Record<string, string>>;

const matchesExpression = (expression: LabelSelector['matchExpressions'][number], labels: Labels): boolean => {
  const value = labels[expression.key];
  switch (expression.operator) {
    case 'In':
      return value !== undefined && expression.values.includes(value);
    case 'NotIn':
      return value === undefined || !expression.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      // An operator of a later API version: taken as a match, which can only make the rollout more careful.
      return true;
  }
};

/** As Kubernetes matches: every label and every expression. An empty selector matches everything. */
export const matches = (selector: LabelSelector, labels: Labels): boolean =>
  Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value) &&
  selector.matchExpressions.every((expression) => matchesExpression(expression, labels));

/** null for a Service that selects nothing by itself: without a selector, or an ExternalName. */
export const serviceSelector = (service: KubeObject): LabelSelector | null => {
  const spec = fieldsOf(service['spec']);
  const matchLabels = texts(spec['selector']);
  if (spec['type'] === 'ExternalName' || Object.keys(matchLabels).length === 0) return null;
  return { matchLabels, matchExpressions: [] };
};

export const selects = (service: KubeObject, labels: Labels): boolean => {
  const selector = serviceSelector(service);
  return selector !== null && matches(selector, labels);
};

/** The label keys that a selector looks at, sorted, without repeats. */
export const selectorKeys = (selector: LabelSelector): readonly string[] => [
  ...new Set(
    [...Object.keys(selector.matchLabels), ...selector.matchExpressions.map((expression) => expression.key)].sort(),
  ),
];

/** Matches nothing: the empty text would match everything. */
export const NO_PODS = 'pod-template-hash,!pod-template-hash';

const expressionText = ({ key, operator, values }: LabelSelector['matchExpressions'][number]): string | null => {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(',')})`;
    case 'NotIn':
      return `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return null;
  }
};

/** As the query parameter `labelSelector` has it. A selector without anything matches nothing here, as in a Service. */
export const selectorText = ({ matchLabels, matchExpressions }: LabelSelector): string => {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const parts = [...labels.sort(), ...matchExpressions.map(expressionText).filter((part) => part !== null)];
  return parts.length === 0 ? NO_PODS : parts.join(',');
};
