import { describe, expect, test } from 'vitest';
import type { BoundQuery, Sample } from '../../src/core/sample.ts';
import type { MetricSource } from '../../src/ports/metric-source.ts';

/** What the store behind a source does with a query, in words that every source can play. */
export type Scripted =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'counter'; readonly points: readonly (readonly [at: number, value: number])[] }
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
  close(): Promise<void>;
}

/** A source before a store that answers by script. Its timeout is short: tests wait for it. */
export type StartMetricSource = (script: (query: string) => Scripted) => Promise<MetricSourceSubject>;

const FROM = Date.parse('2026-03-01T10:00:00Z');
const TO = FROM + 10_000;

const measuredOf = ({ measured }: MetricSourceSubject): BoundQuery => ({
  metric: 'latency',
  arm: 'canary',
  kind: 'measured',
  query: measured,
});
const countedOf = ({ requests, failures }: MetricSourceSubject): BoundQuery => ({
  metric: 'errors',
  arm: 'stable',
  kind: 'counted',
  requests,
  failures,
});

/** What every metric source must do, whatever it reads from. */
export const metricSourceConformance = (name: string, start: StartMetricSource): void => {
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
  const checkOf = (scripted: Scripted, query = measuredOf) =>
    subject(
      () => scripted,
      (made) => made.source.check([query(made)], signal),
    );

  describe(`${name}: a sample`, () => {
    test('is the value, and when it was', async () => {
      const [sample] = await sampleOf({ kind: 'value', value: 0.25 });

      expect(sample).toMatchObject({ metric: 'latency', arm: 'canary', kind: 'value', value: 0.25, at: TO });
    });

    test.each(['empty', 'nan', 'several'] as const)('is no data, never 0, when the answer is %s', async (kind) => {
      expect(await sampleOf({ kind })).toEqual([{ metric: 'latency', arm: 'canary', kind: 'no-data', why: kind }]);
    });

    test('of a counter is its raw points with their own times', async () => {
      const points = [
        [FROM - 5_000, 7],
        [FROM + 5_250, 9],
      ] as const;

      const [sample] = await sampleOf({ kind: 'counter', points }, countedOf);

      expect(sample).toMatchObject({ metric: 'errors', arm: 'stable', kind: 'counters', requests: [{ points }] });
    });

    test('of counters without failures has requests and no failures', async () => {
      const [sample] = await subject(
        (query, made) =>
          query.includes(made().failures) ? { kind: 'empty' } : { kind: 'counter', points: [[FROM, 1]] },
        (made) => made.source.sample([countedOf(made)], FROM, TO, signal),
      );

      expect(sample).toMatchObject({ kind: 'counters', requests: [{ points: [[FROM, 1]] }], failures: [] });
    });

    test('of counters that match nothing is no data', async () => {
      expect(await sampleOf({ kind: 'empty' }, countedOf)).toMatchObject([{ kind: 'no-data', why: 'empty' }]);
    });

    test.each<[string, Scripted, string]>([
      ['401', { kind: 'status', status: 401 }, 'refused the credentials'],
      ['403', { kind: 'status', status: 403 }, 'refused the credentials'],
      ['404', { kind: 'status', status: 404 }, '404'],
      ['500', { kind: 'status', status: 500 }, '500'],
      [
        'a redirect',
        { kind: 'status', status: 302, headers: { location: 'http://127.0.0.1:1/' } },
        'redirects are not followed',
      ],
      ['something broken', { kind: 'broken' }, 'not JSON'],
      ['silence', { kind: 'silent' }, ''],
    ])('of a store that answers %s is an error: unreachable', async (_name, scripted, words) => {
      const [sample] = await sampleOf(scripted);

      expect(sample).toMatchObject({
        kind: 'error',
        code: 'metrics-unreachable',
        message: expect.stringContaining(words),
      });
    });

    test('of a store that asks for patience says for how long', async () => {
      const [sample] = await sampleOf({ kind: 'status', status: 429, headers: { 'retry-after': '9' } });

      expect(sample).toMatchObject({ kind: 'error', code: 'metrics-unreachable', retryAfterMs: 9_000 });
    });

    test('of a query that the store refuses is an error with its words', async () => {
      const [sample] = await sampleOf({ kind: 'invalid' });

      expect(sample).toMatchObject({
        kind: 'error',
        code: 'metric-invalid',
        message: expect.stringMatching(/parse error/),
      });
    });

    test('comes for each query in order, also when one fails', async () => {
      const samples = await subject(
        (query, made) => (query.includes(made().measured) ? { kind: 'value', value: 1 } : { kind: 'invalid' }),
        (made) => made.source.sample([countedOf(made), measuredOf(made)], FROM, TO, signal),
      );

      expect(samples.map(({ kind }) => kind)).toEqual(['error', 'value']);
    });

    test('that is given up is an error, not a throw', async () => {
      const controller = new AbortController();
      const samples = await subject(
        () => {
          controller.abort();
          return { kind: 'silent' };
        },
        (made) => made.source.sample([measuredOf(made)], FROM, TO, controller.signal),
      );

      expect(samples).toMatchObject([{ kind: 'error', code: 'metrics-unreachable' }]);
    });
  });

  describe(`${name}: a check`, () => {
    test('of a query that answers finds nothing', async () => {
      expect((await checkOf({ kind: 'value', value: 1 })).findings).toEqual([]);
    });

    test.each<[string, Scripted, string]>([
      ['several series', { kind: 'several' }, 'metric-invalid'],
      ['no series', { kind: 'empty' }, 'metric-not-found'],
      ['a refusal of the query', { kind: 'invalid' }, 'metric-invalid'],
      ['a refusal of the credentials', { kind: 'status', status: 401 }, 'metrics-unreachable'],
      ['silence', { kind: 'silent' }, 'metrics-unreachable'],
    ])('tells %s apart', async (_name, scripted, code) => {
      const { findings } = await checkOf(scripted);

      expect(findings).toMatchObject([{ severity: 'error', code }]);
    });

    test('warns of a value that is no number', async () => {
      expect((await checkOf({ kind: 'nan' })).findings).toMatchObject([
        { severity: 'warning', code: 'metric-not-found' },
      ]);
    });

    test('says once that the store is unreachable, however many queries there are', async () => {
      const { findings } = await subject(
        () => ({ kind: 'status', status: 503 }),
        (made) => made.source.check([measuredOf(made), countedOf(made)], signal),
      );

      expect(findings).toMatchObject([{ code: 'metrics-unreachable' }]);
    });

    test('reads the time between two scrapes from the raw points', async () => {
      const points = [0, 15, 30, 45].map((second): [number, number] => [FROM + second * 1_000, second]);

      const { scrapeIntervalMs } = await checkOf({ kind: 'counter', points }, countedOf);

      expect(scrapeIntervalMs).toBe(15_000);
    });

    test('of counters without failures finds nothing', async () => {
      const { findings } = await subject(
        (query, made) =>
          query.includes(made().failures) ? { kind: 'empty' } : { kind: 'counter', points: [[FROM, 1]] },
        (made) => made.source.check([countedOf(made)], signal),
      );

      expect(findings).toEqual([]);
    });
  });

  describe(`${name}: secrets`, () => {
    test.each<[string, Scripted]>([
      ['a refused query', { kind: 'invalid' }],
      ['refused credentials', { kind: 'status', status: 401 }],
      ['a server error', { kind: 'status', status: 500 }],
      ['silence', { kind: 'silent' }],
    ])('stay out of the message about %s', async (_name, scripted) => {
      const texts = await subject(
        () => scripted,
        async (made) => ({
          secret: made.secret,
          sample: JSON.stringify(await made.source.sample([measuredOf(made)], FROM, TO, signal)),
          check: JSON.stringify(await made.source.check([measuredOf(made)], signal)),
        }),
      );

      expect(texts.secret.length).toBeGreaterThan(5);
      expect(texts.sample).not.toContain(texts.secret);
      expect(texts.check).not.toContain(texts.secret);
    });
  });
};
