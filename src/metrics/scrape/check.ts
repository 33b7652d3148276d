import { closest } from 'fastest-levenshtein';
import type { Finding } from '../../core/reason.ts';
import { selectorsIn } from '../promql.ts';
import { type CounterQuery, type Found, matchesIn, type Selectors } from './counters.ts';
import type { Reading, Round } from './rounds.ts';
import type { Selector } from './selector.ts';

const MOST_EXAMPLES = 3;
const LONGEST_EXAMPLE = 200;
const MOST_NAMES = 2_000;

/** What Prometheus adds to the series of every target, and a pod itself does not have. */
const OF_PROMETHEUS: readonly string[] = ['job', 'instance'];

/** The selectors of a query that must have series for stable. Failures may have none: there may have been none yet. */
const neededBy = (query: CounterQuery): { readonly key: string; readonly text: string } =>
  query.kind === 'latency' ? { key: 'histogram', text: query.histogram } : { key: 'requests', text: query.requests };

/** What is to be said about one query after the pods were read, and whether they have it. */
export const surveyOne = (
  query: CounterQuery,
  round: Round | null,
  selectors: Selectors,
): { readonly metric: string; readonly has: boolean; readonly findings: readonly Finding[] } => {
  const { metric } = query;
  const all = query.kind === 'latency' ? [query.histogram] : [query.requests, query.failures];
  const wrong = all.map(selectors).flatMap((selector) => (selector.ok ? [] : [selector.problem]));
  if (wrong[0] !== undefined) return { metric, has: false, findings: [invalid(query, wrong[0])] };
  // Why there are no readings is said about the pods, once.
  if (round?.kind !== 'read' || round.readings.length === 0) return { metric, has: false, findings: [] };
  const selector = selectors(neededBy(query).text);
  if (!selector.ok) return { metric, has: false, findings: [] };
  const has = round.readings.some((reading) => matchesIn(selector.value, reading).length > 0);
  return { metric, has, findings: has ? [] : [notFound(query, selector.value, round.readings)] };
};

const invalid = ({ metric }: CounterQuery, why: string): Finding => ({
  severity: 'error',
  code: 'metric-invalid',
  message: `The query cannot be used: ${why}.`,
  where: `metric "${metric}"`,
  advice: null,
});

/** Why a selector has no series on the pods that answered: no such metric, one without such a label, or other values of it. */
const notFound = (query: CounterQuery, selector: Selector, readings: readonly Reading[]): Finding => {
  const { key, text } = neededBy(query);
  const missing = explain(text, selector, readings);
  return {
    severity: 'error',
    code: 'metric-not-found',
    message: `\`${key}\` has no data for stable. ${missing.text}`,
    where: `metric "${query.metric}"`,
    advice: missing.advice,
  };
};

const explain = (text: string, selector: Selector, readings: readonly Reading[]) => {
  const { metric } = selector;
  if (metric === null) return { text: `${text} matches nothing.`, advice: 'See that the name is right.' };
  const found = readings.flatMap((reading) => matchesIn({ ...selector, matchesLabels: () => true }, reading));
  if (found.length === 0) {
    const near = nearest(metric, readings);
    return {
      text: `No pod that answered has a metric ${JSON.stringify(metric)}.`,
      advice:
        near === null ? 'See that the name, the port and the path are right.' : `Did you mean ${JSON.stringify(near)}?`,
    };
  }
  const asked = selectorsIn(text)[0]?.labels ?? [];
  const unknown = asked.filter((label) => found.every(({ labels }) => !labels.has(label)));
  const without = unknown.length === 0 ? '' : ` Labels it does not have: ${unknown.join(', ')}.`;
  return {
    text: `${text} matches nothing.${without} There is: ${found.slice(0, MOST_EXAMPLES).map(exampleText).join(', ')}.`,
    advice: unknown.some((label) => OF_PROMETHEUS.includes(label))
      ? `${OF_PROMETHEUS.join(' and ')} are labels that Prometheus adds; a pod's own series have namespace, pod and container.`
      : 'See that the values are right and that stable gets traffic.',
  };
};

/** Only a name that is much like it: names of metrics share their first words. */
const nearest = (metric: string, readings: readonly Reading[]): string | null => {
  const names = [...new Set(readings.flatMap(({ series }) => series.map(({ name }) => name)))];
  return names.length === 0 ? null : closest(metric, names.slice(0, MOST_NAMES)).slice(0, LONGEST_EXAMPLE);
};

const exampleText = ({ labels }: Found): string => {
  const text = `{${[...labels].map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`;
  return text.length <= LONGEST_EXAMPLE ? text : `${text.slice(0, LONGEST_EXAMPLE - 1)}…`;
};
