import type { KubeObject } from '../../core/objects.ts';
import type { Finding } from '../../core/reason.ts';
import type { BoundQuery, Sample } from '../../core/sample.ts';
import type { ScrapeSpec } from '../../core/spec.ts';
import type { Ms } from '../../core/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CallResult, Cluster } from '../../ports/cluster.ts';
import type { Http } from '../../ports/http.ts';
import type { MetricSource, SourceCheck } from '../../ports/metric-source.ts';
import { createBudget } from './budget.ts';
import { surveyOne } from './check.ts';
import { type CounterQuery, type Counters, createCounters, createSelectors, noData } from './counters.ts';
import { findingsOf, intervalOf, ROUND_EVERY_MS, silenceText } from './pods-check.ts';
import { createPodReader } from './read-pod.ts';
import { createRounds, type Round, type Rounds } from './rounds.ts';

export interface PodSourceOptions {
  /** The input it comes from, for findings. */
  readonly name: 'scrape' | 'scrape-router';
  /** Whose pods they are, for messages: `stable's pods`. */
  readonly whose: string;
  readonly spec: ScrapeSpec;
  /** Sets of pods: a query's own. Queries with the same key share one list and one round. */
  readonly podsOf: (query: BoundQuery) => PodSet;
  /** Of each set of pods. */
  readonly bytesPerSecond: number;
  readonly http: Http;
  readonly cluster: Pick<Cluster, 'podProxy'>;
  readonly clock: Pick<Clock, 'now'>;
}

export interface PodSet {
  readonly key: string;
  readonly list: (signal: AbortSignal) => Promise<CallResult<readonly KubeObject[]>>;
}

/** A source that reads pods, and can tell which metrics they have. */
export interface PodSource extends MetricSource {
  /** As `check`, told apart: what stable's pods have, and what is to be said of them. */
  survey(queries: readonly BoundQuery[], signal: AbortSignal): Promise<Survey>;
}

export interface Survey extends Pick<SourceCheck, 'scrapeIntervalMs'> {
  /** About the pods, whatever is asked. */
  readonly about: readonly Finding[];
  /** About each metric that was asked for; none where it is there. */
  readonly metrics: readonly {
    readonly metric: string;
    readonly has: boolean;
    readonly findings: readonly Finding[];
  }[];
}

/**
 * Reads pods themselves: what a metrics store would see seconds later. It has no memory before its first reading. Each
 * reading has the time at which it came in; timestamps that pods write are left out.
 */
export const createPodSource = (options: PodSourceOptions): PodSource => {
  const { spec, clock, bytesPerSecond } = options;
  const reader = createPodReader(options);
  const selectors = createSelectors();
  const counters = createCounters(selectors);
  const sets = new Map<string, Rounds>();
  const roundOf = (query: BoundQuery, signal: AbortSignal): Promise<Round> => {
    const { key, list } = options.podsOf(query);
    const rounds =
      sets.get(key) ?? createRounds({ list, spec, reader, clock, budget: createBudget(clock, bytesPerSecond) });
    sets.set(key, rounds);
    return rounds.next(signal);
  };
  const survey: PodSource['survey'] = async (queries, signal) => {
    const rounds = await Promise.all(queries.map((query) => (isOfCounters(query) ? roundOf(query, signal) : null)));
    const asked = [...new Set(rounds)].filter((round) => round !== null);
    return {
      about: asked.flatMap((round) => findingsOf(options, round)),
      metrics: queries.map((query, index) =>
        isOfCounters(query)
          ? surveyOne(query, rounds[index] ?? null, selectors)
          : { metric: query.metric, has: false, findings: [needsPrometheus(query)] },
      ),
      scrapeIntervalMs: intervalOf(asked),
    };
  };
  return {
    survey,
    check: async (queries, signal) => {
      const { about, metrics, scrapeIntervalMs } = await survey(queries, signal);
      const findings = [...about, ...metrics.flatMap((one) => one.findings)];
      return { findings, scrapeIntervalMs, paceMs: ROUND_EVERY_MS };
    },
    sample: (queries, _from, _to, signal) =>
      Promise.all(
        queries.map(async (query) =>
          isOfCounters(query) ? sampleOne(counters, query, await roundOf(query, signal)) : needsPrometheusSample(query),
        ),
      ),
    history: async (queries) => queries.filter(isOfCounters).map(noData),
  };
};

export const isOfCounters = (query: BoundQuery): query is CounterQuery => query.kind !== 'measured';

const sampleOne = (counters: Counters, query: CounterQuery, round: Round): Sample => {
  const { metric, arm } = query;
  const error = (message: string, retryAfterMs: Ms | null = null): Sample => ({
    metric,
    arm,
    kind: 'error',
    code: 'metrics-unreachable',
    message,
    retryAfterMs,
  });
  if (round.kind === 'unlisted') return error(`the pods could not be listed: ${round.problem.message}`);
  if (round.readings.length > 0) return counters.sample(query, round.readings);
  const { silent, unknown, postponed } = round;
  const waits = silent.flatMap(({ problem }) => problem.retryAfterMs ?? []);
  if (silent.length > 0) return error(silenceText(silent), waits.length === 0 ? null : Math.max(...waits));
  if (postponed > 0) return { metric, arm, kind: 'no-data', why: 'stale' };
  return unknown[0] === undefined ? noData(query) : error(unknown[0]);
};

const needsPrometheusSample = ({ metric, arm }: BoundQuery): Sample => ({
  metric,
  arm,
  kind: 'error',
  code: 'metric-invalid',
  message: 'the query is an expression, which needs `prometheus`: pods are asked for counters only',
  retryAfterMs: null,
});

export const needsPrometheus = ({ metric }: BoundQuery): Finding => ({
  severity: 'error',
  code: 'metric-invalid',
  message: 'The query is an expression, which needs `prometheus`: pods are asked for counters only.',
  where: `metric "${metric}"`,
  advice: 'Add `prometheus`, or use `requests` and `failures`.',
});
