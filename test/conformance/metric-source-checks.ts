import { describe, expect, test } from 'vitest';
import type { BoundQuery } from '../../src/core/sample.ts';
import {
  type Asking,
  countedOf,
  FROM,
  HISTOGRAM,
  latencyOf,
  type MetricSourceSubject,
  measuredOf,
  type Scripted,
} from './metric-source-subject.ts';

/** What is found before a rollout begins. */
export const checkRules = (name: string, { signal, subject, checkOf }: Asking): void => {
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

    test('says how often it may be asked', async () => {
      expect((await checkOf({ kind: 'value', value: 1 })).paceMs).toBeGreaterThan(0);
    });

    test('of a histogram finds nothing, and reads its scrapes', async () => {
      const series = HISTOGRAM.map(({ labels }) => ({
        labels,
        points: [0, 15, 30, 45].map((second) => [FROM + second * 1_000, second] as const),
      }));

      expect(await checkOf({ kind: 'series', series }, latencyOf)).toMatchObject({
        findings: [],
        scrapeIntervalMs: 15_000,
      });
    });

    test.each<[string, Scripted, string, string]>([
      ['without data', { kind: 'empty' }, 'metric-not-found', 'no data'],
      ['that is native', { kind: 'native-histogram' }, 'metric-invalid', 'native'],
      ['without bounds', { kind: 'counter', points: [[FROM, 1]] }, 'metric-invalid', '`le`'],
      ['without +Inf', { kind: 'series', series: HISTOGRAM.slice(0, -1) }, 'metric-invalid', '+Inf'],
    ])('tells a histogram %s', async (_name, scripted, code, words) => {
      expect((await checkOf(scripted, latencyOf)).findings).toMatchObject([
        { severity: 'error', code, message: expect.stringContaining(words) },
      ]);
    });

    test('of a bound that the histogram does not have names the nearest', async () => {
      const boundAt =
        (bound: number | null) =>
        (made: MetricSourceSubject): BoundQuery => ({
          ...latencyOf(made),
          kind: 'latency',
          histogram: made.histogram,
          bound,
        });
      const findingsFor = async (bound: number | null) =>
        (await checkOf({ kind: 'series', series: HISTOGRAM }, boundAt(bound))).findings;

      expect(await findingsFor(0.5)).toEqual([]);
      expect(await findingsFor(null)).toEqual([]);
      expect(await findingsFor(0.3)).toMatchObject([
        { code: 'metric-invalid', where: 'metric "slow"', advice: expect.stringContaining('0.1 and 0.5') },
      ]);
      expect(await findingsFor(2)).toMatchObject([{ advice: expect.stringMatching(/: 0\.5\.$/) }]);
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
};
