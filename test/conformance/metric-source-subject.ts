import { listRef, POD } from '../../src/core/objects.ts';
import type { BoundQuery, Sample } from '../../src/core/sample.ts';
import type { MetricSource, SourceCheck } from '../../src/ports/metric-source.ts';

type Points = readonly (readonly [at: number, value: number])[];
type Labels = Readonly<Record<string, string>>;

/** What the store behind a source does with a query, in words that every source can play. */
export type Scripted =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'counter'; readonly points: Points }
  /** Several counters, or buckets by their label `le`. */
  | { readonly kind: 'series'; readonly series: readonly { readonly labels: Labels; readonly points: Points }[] }
  | { readonly kind: 'native-histogram' }
  | { readonly kind: 'empty' | 'nan' | 'several' | 'invalid' }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'silent' | 'broken' };

export interface MetricSourceSubject {
  readonly source: MetricSource;
  /** In the headers or the address the source was made with; echoed by the store where it can be. */
  readonly secret: string;
  readonly measured: string;
  readonly requests: string;
  readonly failures: string;
  readonly histogram: string;
  close(): Promise<void>;
}

/** A source before a store that answers by script. Its timeout is short: tests wait for it. */
export type StartMetricSource = (script: (query: string) => Scripted) => Promise<MetricSourceSubject>;

export const FROM = Date.parse('2026-03-01T10:00:00Z');
export const TO = FROM + 10_000;

const COMMON = { replicaLabels: ['replica'], pods: listRef(POD, 'shop', 'app=checkout') } as const;

export const measuredOf = ({ measured }: MetricSourceSubject): BoundQuery => ({
  ...COMMON,
  metric: 'latency',
  arm: 'canary',
  kind: 'measured',
  query: measured,
});
export const countedOf = ({ requests, failures }: MetricSourceSubject): BoundQuery => ({
  ...COMMON,
  metric: 'errors',
  arm: 'stable',
  kind: 'counted',
  requests,
  failures,
});
export const latencyOf = ({ histogram }: MetricSourceSubject): BoundQuery => ({
  ...COMMON,
  metric: 'slow',
  arm: 'stable',
  kind: 'latency',
  histogram,
});

export const HISTOGRAM = (
  [
    ['0.1', 2],
    ['0.5', 5],
    ['+Inf', 6],
  ] as const
).map(([le, value]) => ({ labels: { pod: 'a-1', le }, points: [[FROM, value]] as const }));

export const idsOf = (sample: Sample | undefined): readonly string[] => {
  if (sample?.kind === 'counters') return sample.requests.map(({ id }) => id);
  return sample?.kind === 'buckets' ? sample.buckets.map(({ id }) => id) : [];
};

type QueryOf = (subject: MetricSourceSubject) => BoundQuery;

/** Asks a source that was started for one question. */
export interface Asking {
  readonly signal: AbortSignal;
  subject<Value>(
    script: (query: string, subject: () => MetricSourceSubject) => Scripted,
    act: (subject: MetricSourceSubject) => Promise<Value>,
  ): Promise<Value>;
  sampleOf(scripted: Scripted, query?: QueryOf): Promise<readonly Sample[]>;
  historyOf(scripted: Scripted, query?: QueryOf, from?: number): Promise<readonly Sample[]>;
  checkOf(scripted: Scripted, query?: QueryOf): Promise<SourceCheck>;
}

export const asking = (start: StartMetricSource): Asking => {
  const subject = async <Value>(
    script: (query: string, subject: () => MetricSourceSubject) => Scripted,
    act: (subject: MetricSourceSubject) => Promise<Value>,
  ): Promise<Value> => {
    let made: MetricSourceSubject | null = null;
    const current = (): MetricSourceSubject => {
      if (made === null) throw new Error('asked before it was started');
      return made;
    };
    made = await start((query) => script(query, current));
    try {
      return await act(made);
    } finally {
      await made.close();
    }
  };
  const signal = new AbortController().signal;
  const sampleOf = (scripted: Scripted, query = measuredOf): Promise<readonly Sample[]> =>
    subject(
      () => scripted,
      (made) => made.source.sample([query(made)], FROM, TO, signal),
    );
  const historyOf = (scripted: Scripted, query = countedOf, from = FROM): Promise<readonly Sample[]> =>
    subject(
      () => scripted,
      (made) => made.source.history([query(made)], from, TO, signal),
    );
  const checkOf = (scripted: Scripted, query = measuredOf) =>
    subject(
      () => scripted,
      (made) => made.source.check([query(made)], signal),
    );
  return { signal, subject, sampleOf, historyOf, checkOf };
};
