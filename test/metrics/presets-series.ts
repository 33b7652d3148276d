import { bindPlaceholders } from '../../src/core/placeholders.ts';
import type { Arm } from '../../src/core/units.ts';

type Labels = Readonly<Record<string, string>>;

/** A rollout of Deployment shop/checkout, as queries see its arms. */
const VALUES = {
  stable: { deployment: 'checkout', service: 'checkout', pods: 'checkout-5d9c7b6f4-[a-z0-9]{5}' },
  canary: { deployment: 'checkout-canary', service: 'checkout-canary', pods: 'checkout-canary-7f6d5c4b8-[a-z0-9]{5}' },
} as const;

export const bound = (selector: string, arm: Arm, route = 'checkout'): string =>
  bindPlaceholders(selector, { namespace: 'shop', route, arm, window: '60s', ...VALUES[arm] });

interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

const matchersOf = (selector: string): readonly Matcher[] => {
  const inside = selector.slice(selector.indexOf('{') + 1, selector.lastIndexOf('}'));
  return [...inside.matchAll(/([a-z][a-z0-9_]*)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"/g)].map(
    ([, label = '', operator = '', value = '']) => ({ label, operator, value: value.replaceAll('\\\\', '\\') }),
  );
};

const holds = ({ label, operator, value }: Matcher, labels: Labels): boolean => {
  // A label that is not there is empty, and an expression has to match all of it (prometheus.io, querying basics).
  const is = labels[label] ?? '';
  const matches = new RegExp(`^(?:${value})$`, 'u').test(is);
  return { '=': is === value, '!=': is !== value, '=~': matches, '!~': !matches }[operator] ?? false;
};

/** Whether Prometheus would give this series for a bound selector. */
export const selects = (selector: string, metric: string, labels: Labels): boolean =>
  selector.slice(0, selector.indexOf('{')) === metric &&
  matchersOf(selector).every((matcher) => holds(matcher, labels));
