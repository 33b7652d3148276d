import type { BoundQuery, Sample } from '../core/sample.ts';
import type { Ms } from '../core/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { MetricSource } from '../ports/metric-source.ts';

/** As Prometheus is asked when it is alone. */
const EVERY_MS: Ms = 5_000;
/** Timers may come early. */
const SLACK_MS: Ms = 250;

/**
 * A store beside sources that are asked every second: what it said about counters is its answer until it may be asked
 * again. Points that were counted already are not counted twice. Expressions have their own pace.
 */
export const seldom = (source: MetricSource, clock: Pick<Clock, 'now'>): MetricSource => {
  const known = new Map<
    string,
    { readonly askedAt: Ms; readonly query: string; readonly sample: Sample | undefined }
  >();
  const keyOf = ({ metric, arm }: BoundQuery): string => JSON.stringify([metric, arm]);
  return {
    ...source,
    sample: async (queries, from, to, signal) => {
      const now = clock.now();
      const isKnown = (query: BoundQuery): boolean => {
        const last = known.get(keyOf(query));
        const isSame = last?.query === JSON.stringify(query);
        return isSame && now >= last.askedAt && now - last.askedAt < EVERY_MS - SLACK_MS;
      };
      const asked = queries.filter((query) => !isKnown(query));
      const samples = asked.length === 0 ? [] : await source.sample(asked, from, to, signal);
      const fresh = new Map(asked.map((query, index) => [query, samples[index]]));
      for (const [query, sample] of fresh)
        if (query.kind !== 'measured') known.set(keyOf(query), { askedAt: now, query: JSON.stringify(query), sample });
      return queries.flatMap((query) => (fresh.has(query) ? fresh.get(query) : known.get(keyOf(query))?.sample) ?? []);
    },
  };
};
