import type { Fault, ProxiedRequest } from '../harness/fault-proxy.ts';
import type { NamedFault } from './api-faults.ts';

type Point = readonly [seconds: number, value: string];

interface Result {
  readonly metric: Readonly<Record<string, string>>;
  /** Of a vector. */
  readonly value?: Point;
  /** Of a matrix. */
  readonly values?: readonly Point[];
}

type Change = (results: readonly Result[], request: ProxiedRequest) => readonly Result[];

/** Changes the results of a query; refusals stay as they are. */
const rewrite = (change: Change): Fault => ({
  kind: 'rewrite',
  rewrite: (body, request) => {
    const answer = JSON.parse(body) as { status: string; data?: { result?: unknown } };
    if (answer.status !== 'success' || !Array.isArray(answer.data?.result)) return body;
    const result = change(answer.data.result as readonly Result[], request);
    return JSON.stringify({ ...answer, data: { ...answer.data, result } });
  },
});

const mapPoints = (result: Result, change: (point: Point) => Point): Result => ({
  ...result,
  ...(result.value && { value: change(result.value) }),
  ...(result.values && { values: result.values.map(change) }),
});

const asNaN: Change = (results) => results.map((result) => mapPoints(result, ([at]) => [at, 'NaN']));

/** Nothing was scraped since: raw points end there, and what a rate makes of them is nothing soon after. */
const frozen =
  (since: () => number): Change =>
  (results) =>
    results.flatMap((result) => {
      const values = result.values?.filter(([at]) => at * 1000 < since()) ?? [];
      return values.length === 0 ? [] : [{ ...result, values }];
    });

/** Counters begin again at nought, as when every pod's process was replaced. */
const counterReset = (since: () => number): Change => {
  const bases = new Map<string, number>();
  return (results) =>
    results.map((result) => {
      if (result.values === undefined) return result;
      const key = JSON.stringify(result.metric);
      const before = result.values.findLast(([at]) => at * 1000 < since());
      if (before !== undefined && !bases.has(key)) bases.set(key, Number(before[1]));
      const base = bases.get(key) ?? 0;
      return mapPoints(result, ([at, value]) => [at, at * 1000 < since() ? value : String(Number(value) - base)]);
    });
};

/** The placeholder of the pods holds the names of the arm's ReplicaSets. */
const isOfCanary = ({ path, body }: ProxiedRequest): boolean =>
  `${decodeURIComponent(path)}${body}`.includes('-canary');

const withoutCanary: Change = (results, request) => (isOfCanary(request) ? [] : results);

const EARLIER_SECONDS = 0.35;

/** What a server that scrapes a little earlier reads: the pods' counters as they were then. Its newest scrape has not ended. */
const scrapedEarlier = (values: readonly Point[]): readonly Point[] =>
  values.slice(0, -1).flatMap(([at, value], index) => {
    const [atBefore, before] = values[index - 1] ?? [Number.NaN, ''];
    if (!(at - atBefore > EARLIER_SECONDS)) return [];
    const grown = Math.max(0, Number(value) - Number(before)) * (1 - EARLIER_SECONDS / (at - atBefore));
    const isReset = Number(value) < Number(before);
    return [[at - EARLIER_SECONDS, isReset ? value : String(Math.floor(Number(before) + grown))] as const];
  });

/** Every other answer is of a second server. */
const secondReplica = (): Change => {
  let turn = 0;
  return (results) => {
    turn += 1;
    if (turn % 2 === 0) return results;
    return results.map((result) =>
      result.values === undefined
        ? mapPoints(result, ([at, value]) => [at - EARLIER_SECONDS, value])
        : { ...result, values: scrapedEarlier(result.values) },
    );
  };
};

const refusal = (code: number, retryAfterSeconds?: number): Fault => ({
  kind: 'status',
  code,
  contentType: 'text/plain; charset=utf-8',
  body: `${code} by order of the fault proxy\n`,
  ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
});

const lasting = (name: string, fault: ((since: () => number) => Fault) | null): NamedFault => ({
  name,
  ms: null,
  make: (since) => (fault === null ? null : { fault: fault(since) }),
});

/** Trouble with the metrics store of issue 4, number 4, that leaves nobody to judge by. */
export const SILENCING_FAULTS: readonly NamedFault[] = [
  lasting('down', null),
  lasting('stall', () => ({ kind: 'stall', ms: 30_000 })),
  lasting('401', () => refusal(401)),
  lasting('429', () => refusal(429, 2)),
  lasting('broken JSON', () => ({
    kind: 'status',
    code: 200,
    body: '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{',
  })),
  lasting('NaN', () => rewrite(asNaN)),
  lasting('stale', (since) => rewrite(frozen(since))),
  lasting('missing arm', () => rewrite(withoutCanary)),
];

/** And trouble that a rollout is expected to see through. */
export const HARMLESS_FAULTS: readonly NamedFault[] = [
  lasting('slow', () => ({ kind: 'delay', ms: 1500 })),
  lasting('counter reset', (since) => rewrite(counterReset(since))),
  lasting('two replicas', () => rewrite(secondReplica())),
];

export const METRICS_FAULTS: readonly NamedFault[] = [...SILENCING_FAULTS, ...HARMLESS_FAULTS];
