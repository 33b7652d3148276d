import { formatCount, formatRatio } from './format.ts';
import type { MetricVerdict, Tally } from './rollout.ts';

/**
 * The first, simple form of the test on counted metrics: the subject fails when its failure ratio is above 1.5 times the
 * reference's plus one point, seen over at least 20 of its requests. Callers rely on the verdict only.
 */
const RATIO_LIMIT = 1.5;
const POINTS_LIMIT = 0.01;
export const MIN_REQUESTS = 20;

const ratioOf = ({ requests, failures }: Tally): number => (requests === 0 ? 0 : failures / requests);

const words = ({ requests, failures }: Tally): string =>
  `${formatCount(failures)} of ${formatCount(requests)} requests (${formatRatio(failures / requests)})`;

/**
 * `subject` is the arm under suspicion in this step, `reference` the other one over the same time. `fallback` is the
 * reference over the whole rollout, for when it gets too little traffic or none any more (weight 100 %).
 */
export const judgeCounted = (
  subject: Tally,
  reference: Tally,
  fallback: Tally,
  names: { readonly subject: string; readonly reference: string },
): MetricVerdict => {
  if (subject.requests < MIN_REQUESTS) {
    const seen = `${formatCount(subject.requests)} of the ${MIN_REQUESTS} requests that a judgement needs`;
    return { kind: 'pending', odds: null, explanation: `the ${names.subject} had ${seen}` };
  }
  const compared = reference.requests >= MIN_REQUESTS ? reference : fallback;
  if (compared.requests === 0) {
    return { kind: 'pending', odds: null, explanation: `the ${names.reference} had no requests to compare with` };
  }
  const limit = ratioOf(compared) * RATIO_LIMIT + POINTS_LIMIT;
  const failed = ratioOf(subject) > limit;
  const comparison = `the ${names.subject} failed ${words(subject)}, ${names.reference} ${words(compared)}`;
  return failed
    ? { kind: 'failed', odds: null, explanation: `${comparison}; the limit is ${formatRatio(limit)}` }
    : { kind: 'pass', odds: null, explanation: comparison };
};
