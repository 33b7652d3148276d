import type { Finding } from '../core/reason.ts';
import type { BoundQuery, Sample } from '../core/sample.ts';
import type { Ms } from '../core/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { MetricSource, SourceCheck } from '../ports/metric-source.ts';
import { isOfCounters, needsPrometheus, type PodSource } from './scrape/pod-source.ts';
import { ROUND_EVERY_MS } from './scrape/pods-check.ts';
import { seldom } from './seldom.ts';

/** Which source answers a metric, by its name. */
type Chosen = Map<string, MetricSource>;

/**
 * Counters come from the pods themselves where those have them: the app's, else the router's, else the store. That is
 * decided at the check, or at the first sample where a rollout goes on without one, and stays so: points of two sources
 * do not belong together. Expressions and history are the store's.
 */
export const sourceOfSeveral = (
  pods: readonly PodSource[],
  store: MetricSource | null,
  clock: Pick<Clock, 'now'>,
): MetricSource => {
  const slow = store === null ? null : seldom(store, clock);
  const all: readonly MetricSource[] = slow === null ? pods : [...pods, slow];
  const chosen: Chosen = new Map();
  return {
    check: (queries, signal) => checkAll(pods, slow, chosen, queries, signal),
    sample: async (queries, from, to, signal) => {
      const ask = (source: MetricSource, some: readonly BoundQuery[]) => source.sample(some, from, to, signal);
      const found = await decide(
        all,
        chosen,
        queries.filter((query) => isOfCounters(query) && !chosen.has(query.metric)),
        ask,
      );
      const rest = queries.filter((query) => !found.has(query));
      const sourceFor = (query: BoundQuery): MetricSource | undefined =>
        isOfCounters(query) ? chosen.get(query.metric) : (slow ?? pods[0]);
      await Promise.all(
        all.map(async (source) => {
          const mine = rest.filter((query) => sourceFor(query) === source);
          const samples = mine.length === 0 ? [] : await ask(source, mine);
          for (const [index, query] of mine.entries()) found.set(query, samples[index]);
        }),
      );
      return queries.flatMap((query) => found.get(query) ?? []);
    },
    history: async (queries, from, to, signal) => (await (slow ?? pods[0])?.history(queries, from, to, signal)) ?? [],
  };
};

type Ask = (source: MetricSource, queries: readonly BoundQuery[]) => Promise<readonly Sample[]>;

const hasData = (sample: Sample | undefined): boolean => sample?.kind === 'counters' || sample?.kind === 'buckets';

/** Each source is asked in turn for what no earlier one has of stable. What nobody has stays open, with the first one's answer. */
const decide = async (
  all: readonly MetricSource[],
  chosen: Chosen,
  open: readonly BoundQuery[],
  ask: Ask,
): Promise<Map<BoundQuery, Sample | undefined>> => {
  const found = new Map<BoundQuery, Sample | undefined>();
  for (const source of all) {
    const asked = open.filter(({ metric }) => !chosen.has(metric));
    const samples = asked.length === 0 ? [] : await ask(source, asked);
    const ofMetric = (name: string) =>
      asked.flatMap((query, index) => (query.metric === name ? [{ query, sample: samples[index] }] : []));
    for (const name of new Set(asked.map(({ metric }) => metric))) {
      const answers = ofMetric(name);
      // Only where stable is not asked for at all does the canary tell.
      const telling = answers.filter(({ query }) => query.arm === 'stable');
      const has = (telling.length === 0 ? answers : telling).some(({ sample }) => hasData(sample));
      if (has) chosen.set(name, source);
      for (const { query, sample } of answers) if (has || !found.has(query)) found.set(query, sample);
    }
  }
  return found;
};

interface Asked {
  readonly findings: readonly Finding[];
  /** What no source had so far, and why, by metric. */
  readonly open: readonly BoundQuery[];
  readonly missing: ReadonlyMap<string, readonly Finding[]>;
  readonly intervalMs: Ms | null;
}

/** Pods are asked in turn for what no earlier ones have; the store for the rest, and for expressions. */
const checkAll = async (
  pods: readonly PodSource[],
  store: MetricSource | null,
  chosen: Chosen,
  queries: readonly BoundQuery[],
  signal: AbortSignal,
): Promise<SourceCheck> => {
  // What an earlier check chose says nothing about these: a preset tries one metric after the other under one name.
  for (const { metric } of queries) chosen.delete(metric);
  const asked = await surveyAll(pods, chosen, queries, signal);
  const { open, missing, intervalMs } = asked;
  const rest = store === null || open.length === 0 ? null : await store.check(open, signal);
  const unanswered = rest === null ? open : open.filter(({ metric }) => isWrong(rest, metric));
  const answered = store === null ? [] : open.filter((query) => isOfCounters(query) && !unanswered.includes(query));
  for (const { metric } of answered) if (store !== null) chosen.set(metric, store);
  const intervals = [intervalMs, rest?.scrapeIntervalMs ?? null].filter((ms) => ms !== null);
  return {
    findings: [
      ...asked.findings,
      ...(rest?.findings ?? []),
      ...unanswered.flatMap(({ metric }) => missing.get(metric) ?? []),
      ...answered.map(slower),
    ],
    scrapeIntervalMs: intervals.length === 0 ? null : Math.max(...intervals),
    ...(intervalMs === null ? {} : { counterIntervalMs: intervalMs }),
    paceMs: intervalMs === null && rest !== null ? rest.paceMs : ROUND_EVERY_MS,
  };
};

const surveyAll = async (
  pods: readonly PodSource[],
  chosen: Chosen,
  queries: readonly BoundQuery[],
  signal: AbortSignal,
): Promise<Asked> => {
  const findings: Finding[] = [];
  const missing = new Map<string, readonly Finding[]>();
  const intervals: Ms[] = [];
  for (const source of pods) {
    const asked = queries.filter((query) => isOfCounters(query) && !chosen.has(query.metric));
    if (asked.length === 0) break;
    const survey = await source.survey(asked, signal);
    findings.push(...survey.about);
    for (const one of survey.metrics) {
      if (one.has) chosen.set(one.metric, source);
      missing.set(one.metric, [...(missing.get(one.metric) ?? []), ...one.findings]);
    }
    if (survey.metrics.some(({ has }) => has)) intervals.push(survey.scrapeIntervalMs ?? ROUND_EVERY_MS);
  }
  const open = queries.filter(({ metric }) => !chosen.has(metric));
  for (const query of open) if (!isOfCounters(query)) missing.set(query.metric, [needsPrometheus(query)]);
  return { findings, open, missing, intervalMs: intervals.length === 0 ? null : Math.max(...intervals) };
};

const isWrong = ({ findings }: SourceCheck, metric: string): boolean =>
  findings.some(
    ({ severity, where }) => severity === 'error' && (where === `metric "${metric}"` || where === 'prometheus'),
  );

const slower = ({ metric }: BoundQuery): Finding => ({
  severity: 'warning',
  code: 'metric-not-found',
  message: 'The pods that are read themselves do not have it: Prometheus answers it, and sees new pods later.',
  where: `metric "${metric}"`,
  advice: null,
});
