import type { Finding } from '../core/reason.ts';
import type { BoundQuery } from '../core/sample.ts';
import type { Ask, LabelledSeries } from './prometheus-answer.ts';
import { type Checked, explain, failed, type Missing, notFound, RAW_RANGE, whereOf } from './prometheus-findings.ts';
import { NO_BOUNDS_MESSAGE } from './prometheus-sample.ts';
import { boundOf, toBuckets } from './prometheus-series.ts';
import { rangeOf, type Selector, selectorsIn } from './promql.ts';

type Latency = BoundQuery & { readonly kind: 'latency' };

/** A classic histogram of stable: it has data, all its requests are counted (`+Inf`), and it has the bound that is asked for. */
export const checkLatency = async (ask: Ask, query: Latency, signal: AbortSignal): Promise<Checked> => {
  const answer = await ask(rangeOf(query.histogram, RAW_RANGE), null, signal);
  if (!answer.ok) return failed(query, answer.problem);
  const { series } = answer.value;
  if (series.length > 0) return { findings: checkBounds(query, series), raw: series };
  const missing = await Promise.all(
    selectorsIn(query.histogram).map((selector) => explainHistogram(ask, query, selector, signal)),
  );
  return { findings: [notFound(query, '`histogram` has no data for stable.', missing)], raw: [] };
};

const invalid = (query: Latency, message: string, advice: string): Finding => ({
  severity: 'error',
  code: 'metric-invalid',
  message,
  where: whereOf(query),
  advice,
});

const checkBounds = (query: Latency, series: readonly LabelledSeries[]): readonly Finding[] => {
  if (series.some(({ labels }) => boundOf(labels) === null)) {
    return [invalid(query, `The query cannot be used: ${NO_BOUNDS_MESSAGE}.`, 'Select `NAME_bucket` series only.')];
  }
  const bounds = boundsOf(query, series);
  if (bounds.some((all) => !all.has(Number.POSITIVE_INFINITY))) {
    return [
      invalid(
        query,
        'The histogram has no bucket le="+Inf", so nobody knows how many requests there were.',
        'See that neither the selector nor relabelling leaves it out.',
      ),
    ];
  }
  const { bound = null } = query;
  if (bound === null || bounds.every((all) => all.has(bound))) return [];
  const message = `The histogram has no bound ${bound}, so nobody knows how many requests took longer.`;
  return [invalid(query, message, nearestTo(bound, bounds))];
};

/** The bounds of each histogram that the selector matches: one for each pod, code, … */
const boundsOf = (query: Latency, series: readonly LabelledSeries[]): readonly ReadonlySet<number>[] => {
  const found = new Map<string, Set<number>>();
  for (const { id, bound } of toBuckets(series, query.replicaLabels)) {
    found.set(id, (found.get(id) ?? new Set<number>()).add(bound));
  }
  return [...found.values()];
};

/** Those that all have: the next below and the next above. */
const nearestTo = (bound: number, bounds: readonly ReadonlySet<number>[]): string => {
  const common = [...(bounds[0] ?? [])].filter((one) => bounds.every((all) => all.has(one)) && Number.isFinite(one));
  const below = common
    .filter((one) => one < bound)
    .reduce<number | null>((best, one) => Math.max(best ?? one, one), null);
  const above = common
    .filter((one) => one > bound)
    .reduce<number | null>((best, one) => Math.min(best ?? one, one), null);
  const nearest = [below, above].filter((one) => one !== null);
  return nearest.length === 0
    ? 'It has none that all its series share.'
    : `Write one that it has. The nearest: ${nearest.join(' and ')}.`;
};

const BUCKET = '_bucket';

/** Beside why any selector matches nothing: a native histogram has no `_bucket` series, and the base name is easily written. */
const explainHistogram = async (
  ask: Ask,
  query: Latency,
  selector: Selector,
  signal: AbortSignal,
): Promise<Missing> => {
  const { text, metric } = selector;
  const isAny = async (expression: string): Promise<boolean> => {
    const answer = await ask(`count(${expression})`, null, signal);
    return answer.ok && answer.value.series.length > 0;
  };
  const named = (name: string): string => `{__name__=${JSON.stringify(name)}}`;
  if (metric?.endsWith(BUCKET) === true) {
    const base = metric.slice(0, -BUCKET.length);
    // The function gives nothing for numbers, and is an error where the store knows no native histograms.
    if (!(await isAny(named(metric))) && (await isAny(`histogram_count(${named(base)})`))) {
      return {
        text: `${text} matches nothing: ${base} is a native histogram, which has no \`${BUCKET}\` series.`,
        advice: 'Let the store keep the classic buckets too, or judge a quantile by `query`.',
      };
    }
  } else if (metric !== null && (await isAny(named(`${metric}${BUCKET}`)))) {
    return { text: `${text} matches nothing.`, advice: `Select the buckets: ${metric}${BUCKET}.` };
  }
  return explain(ask, query, selector, signal);
};
