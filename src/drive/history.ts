import type { BoundQuery, BucketSeries, Sample, Series } from '../core/sample.ts';
import type { Ms } from '../core/units.ts';
import type { MetricSource } from '../ports/metric-source.ts';

/** A store that is slow to remember keeps nobody waiting for longer. */
const TIMEOUT_MS: Ms = 20_000;
/** The newest piece is asked for first, so that what there was time for is whole. */
const PIECE_MS: Ms = 30 * 60_000;

type Query = Extract<BoundQuery, { readonly kind: 'counted' | 'latency' }>;

/**
 * The past of counted and latency queries, one sample each, as far back as the source and the time allow; other queries
 * get none. Never rejects, and takes at most `timeoutMs`. A query of which nothing could be read keeps the answer that
 * says why: `no-data` of a source without a memory, else an `error`.
 */
export const readHistory = async (
  source: MetricSource,
  queries: readonly BoundQuery[],
  from: Ms,
  to: Ms,
  signal: AbortSignal,
  timeoutMs: Ms = TIMEOUT_MS,
): Promise<readonly Sample[]> => {
  const asked = queries.filter((query): query is Query => query.kind !== 'measured');
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let read: readonly Reading[] = asked.map((query) => ({ query, sample: null, isOpen: true }));
  for (let end = to; end > from && read.some(({ isOpen }) => isOpen); end -= PIECE_MS) {
    const open = read.filter(({ isOpen }) => isOpen).map(({ query }) => query);
    const answers = await orEnd(source.history(open, Math.max(from, end - PIECE_MS), end, deadline), deadline);
    if (answers === null) {
      const why = signal.aborted ? 'the run was cancelled' : `no answer within ${timeoutMs / 1000} s`;
      return read.map((one) => one.sample ?? unread(one.query, why));
    }
    read = read.map((one) => (one.isOpen ? withOlder(one, answers) : one));
  }
  return read.map(({ query, sample }) => sample ?? unread(query, 'the source gave no answer'));
};

interface Reading {
  readonly query: Query;
  /** What was read so far; null: nothing yet. */
  readonly sample: Sample | null;
  /** Older pieces are asked for: beyond one that is missing, the rest would look like silence in between. */
  readonly isOpen: boolean;
}

const orEnd = async <T>(answer: Promise<T>, signal: AbortSignal): Promise<T | null> => {
  if (signal.aborted) return null;
  const ended = Promise.withResolvers<null>();
  const end = (): void => ended.resolve(null);
  signal.addEventListener('abort', end);
  try {
    return await Promise.race([answer, ended.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
};

const unread = ({ metric, arm }: Query, message: string): Sample => ({
  metric,
  arm,
  kind: 'error',
  code: 'metrics-unreachable',
  message,
  retryAfterMs: null,
});

const withOlder = ({ query, sample }: Reading, answers: readonly Sample[]): Reading => {
  const older = answers.find(({ metric, arm }) => metric === query.metric && arm === query.arm);
  if (older === undefined) return { query, sample, isOpen: false };
  if (sample === null) return { query, sample: older, isOpen: hasPoints(older) };
  const joined = joinSamples(older, sample);
  return joined === null ? { query, sample, isOpen: false } : { query, sample: joined, isOpen: true };
};

const hasPoints = ({ kind }: Sample): boolean => kind === 'counters' || kind === 'buckets';

/** null: the older one has no points of the same kind. */
const joinSamples = (older: Sample, newer: Sample): Sample | null => {
  if (older.kind === 'counters' && newer.kind === 'counters')
    return {
      ...newer,
      requests: joinSeries(older.requests, newer.requests, idOf),
      failures: joinSeries(older.failures, newer.failures, idOf),
    };
  if (older.kind === 'buckets' && newer.kind === 'buckets')
    return { ...newer, buckets: joinSeries(older.buckets, newer.buckets, bucketOf) };
  return null;
};

const idOf = ({ id }: Series): string => id;
const bucketOf = ({ id, bound }: BucketSeries): string => `${bound} ${id}`;

const joinSeries = <T extends Series>(older: readonly T[], newer: readonly T[], key: (one: T) => string): T[] => {
  const known = new Map(older.map((one) => [key(one), one]));
  const joined = newer.map((one) => {
    const before = known.get(key(one));
    known.delete(key(one));
    const first = one.points[0]?.[0] ?? Number.POSITIVE_INFINITY;
    return before === undefined
      ? one
      : { ...one, points: [...before.points.filter(([at]) => at < first), ...one.points] };
  });
  return [...known.values(), ...joined];
};
