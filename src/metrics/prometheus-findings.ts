import type { Finding } from '../core/reason.ts';
import type { BoundQuery } from '../core/sample.ts';
import type { Ask, LabelledSeries, QueryProblem } from './prometheus-answer.ts';
import type { Selector } from './promql.ts';

/** Long enough for a few scrapes at the usual intervals. */
export const RAW_RANGE = '5m';
const MOST_EXAMPLES = 3;
const LONGEST_EXAMPLE = 200;

export interface Checked {
  readonly findings: readonly Finding[];
  /** Raw series of stable, for the scrape interval. */
  readonly raw: readonly LabelledSeries[];
}

export const whereOf = (query: BoundQuery): string => `metric "${query.metric}"`;

export const errorOf = (query: BoundQuery, { code, message }: QueryProblem): Finding =>
  code === 'metrics-unreachable'
    ? {
        severity: 'error',
        code,
        message: `The metrics store did not answer: ${message}.`,
        where: 'prometheus',
        advice: null,
      }
    : {
        severity: 'error',
        code,
        message: `The query cannot be used: ${message}.`,
        where: whereOf(query),
        advice: null,
      };

export const failed = (query: BoundQuery, problem: QueryProblem): Checked => ({
  findings: [errorOf(query, problem)],
  raw: [],
});

export interface Missing {
  readonly text: string;
  readonly advice: string;
}

export const notFound = (query: BoundQuery, message: string, missing: readonly Missing[]): Finding => ({
  severity: 'error',
  code: 'metric-not-found',
  message: [message, ...missing.map(({ text }) => text)].join(' '),
  where: whereOf(query),
  advice: [...new Set(missing.map(({ advice }) => advice))].join(' ') || null,
});

/** Why a selector matches nothing: no such metric, one without such a label, or other values of it; and what there is. */
export const explain = async (
  ask: Ask,
  query: BoundQuery,
  { text, metric, labels }: Selector,
  signal: AbortSignal,
): Promise<Missing> => {
  const unknownMetric = 'See that the name is right and that the pods are scraped.';
  const nothing = { text: `${text} matches nothing.`, advice: unknownMetric };
  if (metric === null) return nothing;
  const name = JSON.stringify(metric);
  const answer = await ask(`topk(${MOST_EXAMPLES}, {__name__=${name}})`, null, signal);
  if (!answer.ok) return nothing;
  const examples = answer.value.series.map((series) => series.labels);
  if (examples.length === 0) return { text: `There is no metric ${name}.`, advice: unknownMetric };
  const unknown = labels.filter((label) => examples.every((example) => !Object.hasOwn(example, label)));
  const without = unknown.length === 0 ? '' : ` Labels it does not have: ${unknown.join(', ')}.`;
  return {
    text: `${text} matches nothing, but the metric exists.${without} It has, for example: ${examples.map(labelText).join('; ')}.`,
    advice: unknown.length > 0 ? 'Use the labels that the metric has.' : adviceOnValues(query),
  };
};

const adviceOnValues = (query: BoundQuery): string =>
  query.kind === 'measured'
    ? 'See that the values are right. A series that only appears with the first error can be filled in: `… or vector(0)`.'
    : 'See that the values are right and that stable gets traffic.';

const labelText = (labels: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(labels).filter(([name]) => name !== '__name__');
  const text = `{${pairs.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`;
  return text.length <= LONGEST_EXAMPLE ? text : `${text.slice(0, LONGEST_EXAMPLE - 1)}…`;
};
