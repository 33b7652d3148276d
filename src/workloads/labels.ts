import { fitName } from '../core/marks.ts';
import { matches, selectorKeys } from './selectors.ts';
import type { LabelSelector } from './shape.ts';
import { INSTANCE } from './tracking.ts';

type Labels = Readonly<Record<string, string>>;

/** Names and label values: `metadata.name` of a Service, a label value. */
export const LABEL_LIMIT = 63;

/**
 * Pods are named `<deployment>-<hash of 10>-<5 random>`, and the API server cuts all before the random part to 58
 * characters (k8s.io/apiserver/pkg/storage/names). 46 keeps a canary's pod names whole, and so tells them from stable's.
 */
export const CANARY_DEPLOYMENT_LIMIT = 46;

export const canaryDeploymentName = (deployment: string): string =>
  fitName(`${deployment}-canary`, CANARY_DEPLOYMENT_LIMIT);
export const canaryServiceName = (service: string): string => fitName(`${service}-canary`, LABEL_LIMIT);
export const canaryValue = (value: string): string =>
  value === '' ? 'canary' : fitName(`${value}-canary`, LABEL_LIMIT);

export interface LabelRules {
  /** Labels of stable's pods that the canary's will have too, but for the ones changed here. */
  readonly labels: Labels;
  /** Must not match the canary's pods. `what` names it in messages. */
  readonly avoid: readonly { readonly what: string; readonly selector: LabelSelector }[];
  /** Must match them. */
  readonly keep: readonly LabelSelector[];
  /** Keys to change rather than others. */
  readonly prefer: readonly string[];
}

export type Relabelling =
  | { readonly kind: 'found'; readonly relabel: Labels }
  /** No change of values gets around this one. */
  | { readonly kind: 'impossible'; readonly what: string };

/** Deeper searches are greedy: four labels by exact search are at most a few thousand tries in any real namespace. */
const EXACT_DEPTH = 4;

const inOrder = (rules: LabelRules): readonly string[] => {
  const kept = new Set(rules.keep.flatMap(selectorKeys));
  // `app.kubernetes.io/instance` says to which release a pod belongs, for people and dashboards: changed last.
  const rank = (key: string): number => (key === INSTANCE ? 2 : rules.prefer.includes(key) ? 0 : 1);
  return Object.keys(rules.labels)
    .filter((key) => !kept.has(key))
    .sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1));
};

const change = (labels: Labels, changed: Labels, key: string): Labels => ({
  ...changed,
  [key]: canaryValue(labels[key] ?? ''),
});

const stillMatching = (rules: LabelRules, changed: Labels): LabelRules['avoid'] =>
  rules.avoid.filter(({ selector }) => matches(selector, { ...rules.labels, ...changed }));

const breaking = (selector: LabelSelector, rules: LabelRules, keys: readonly string[], changed: Labels): Labels[] =>
  keys
    .filter((key) => !(key in changed))
    .map((key) => change(rules.labels, changed, key))
    .filter((next) => !matches(selector, { ...rules.labels, ...next }));

const search = (rules: LabelRules, keys: readonly string[], changed: Labels, depth: number): Labels | null => {
  const [first] = stillMatching(rules, changed);
  if (first === undefined) return changed;
  if (depth === 0) return null;
  for (const next of breaking(first.selector, rules, keys, changed)) {
    const found = search(rules, keys, next, depth - 1);
    if (found !== null) return found;
  }
  return null;
};

const greedy = (rules: LabelRules, keys: readonly string[], changed: Labels): Relabelling => {
  const left = stillMatching(rules, changed);
  const [first] = left;
  if (first === undefined) return { kind: 'found', relabel: changed };
  const choices = breaking(first.selector, rules, keys, changed);
  const best = choices
    .map((next) => ({ next, left: stillMatching(rules, next).length }))
    .reduce<{ next: Labels; left: number } | null>(
      (least, one) => (least === null || one.left < least.left ? one : least),
      null,
    );
  return best === null ? { kind: 'impossible', what: first.what } : greedy(rules, keys, best.next);
};

/**
 * The fewest labels whose values must change so that the canary's pods match nothing that they must avoid and everything
 * that they must keep. Deterministic. A changed value is `<value>-canary`, fitted to 63 characters.
 */
export const findRelabel = (rules: LabelRules): Relabelling => {
  const keys = inOrder(rules);
  for (let depth = 1; depth <= Math.min(EXACT_DEPTH, keys.length); depth += 1) {
    const relabel = search(rules, keys, {}, depth);
    if (relabel !== null) return { kind: 'found', relabel };
  }
  return greedy(rules, keys, {});
};

/**
 * The canary Deployment's selector: stable's with the changed values, and every changed label besides, so that it cannot
 * select stable's pods even where stable selects by expressions alone. Expressions that the canary's pods do not fulfil
 * are the ones that the change broke; the changed labels stand in for them.
 */
export const canarySelector = (selector: LabelSelector, labels: Labels, relabel: Labels): LabelSelector => ({
  matchLabels: { ...selector.matchLabels, ...relabel },
  matchExpressions: selector.matchExpressions.filter((expression) =>
    matches({ matchLabels: {}, matchExpressions: [expression] }, { ...labels, ...relabel }),
  ),
});
