import { describe, expect, test } from 'vitest';
import {
  type Asking,
  countedOf,
  FROM,
  HISTOGRAM,
  idsOf,
  latencyOf,
  measuredOf,
  type Scripted,
  TO,
} from './metric-source-subject.ts';

/** Series that several replicas read, buckets of histograms, and the time before the rollout. */
export const seriesRules = (name: string, { signal, subject, sampleOf, historyOf }: Asking): void => {
  describe(`${name}: a sample of many series`, () => {
    test('has one series for those that differ in replica labels only, each time once', async () => {
      const series = [
        {
          labels: { pod: 'a-1', replica: 'b' },
          points: [
            [FROM - 900, 5],
            [FROM + 1_100, 7],
          ],
        },
        {
          labels: { pod: 'a-1', replica: 'a' },
          points: [
            [FROM, 6],
            [FROM + 1_100, 8],
            [FROM + 2_000, 9],
          ],
        },
        { labels: { pod: 'a-2', replica: 'a' }, points: [[FROM, 1]] },
      ] as const;

      const [sample] = await sampleOf({ kind: 'series', series }, countedOf);

      const requests = sample?.kind === 'counters' ? sample.requests : [];
      expect(new Set(requests.map(({ id }) => id)).size).toBe(2);
      expect(requests.map(({ id }) => id).join()).not.toContain('replica');
      expect(requests.find(({ pod }) => pod === 'a-1')?.points).toEqual([
        [FROM - 900, 5],
        [FROM, 6],
        [FROM + 1_100, 8],
        [FROM + 2_000, 9],
      ]);
    });

    test('of two replicas that answer in turn has the points of the one that answered, and no others', async () => {
      const answers = [
        [
          [FROM - 400, 100],
          [FROM + 4_600, 150],
        ],
        [
          [FROM - 4_900, 41],
          [FROM + 100, 97],
        ],
      ] as const;
      let asked = 0;

      const [first, second] = await subject(
        (query, made) => {
          if (query.includes(made().failures)) return { kind: 'empty' };
          asked += 1;
          return { kind: 'counter', points: answers[asked === 1 ? 0 : 1] };
        },
        async (made) => {
          const one = await made.source.sample([countedOf(made)], FROM, TO, signal);
          return [one[0], (await made.source.sample([countedOf(made)], FROM, TO, signal))[0]];
        },
      );

      expect(first).toMatchObject({ requests: [{ points: answers[0] }] });
      expect(second).toMatchObject({ requests: [{ points: answers[1] }] });
      expect(idsOf(first)).toEqual(idsOf(second));
    });

    test('of a histogram has its buckets with their bounds, one name for all of them', async () => {
      const [sample] = await sampleOf({ kind: 'series', series: HISTOGRAM }, latencyOf);

      expect(sample).toMatchObject({ metric: 'slow', arm: 'stable', kind: 'buckets' });
      const buckets = sample?.kind === 'buckets' ? sample.buckets : [];
      expect([...buckets].sort((a, b) => a.bound - b.bound)).toMatchObject([
        { pod: 'a-1', bound: 0.1, points: [[FROM, 2]] },
        { pod: 'a-1', bound: 0.5, points: [[FROM, 5]] },
        { pod: 'a-1', bound: Number.POSITIVE_INFINITY, points: [[FROM, 6]] },
      ]);
      expect(new Set(idsOf(sample)).size).toBe(1);
    });

    test('of a histogram that two replicas read has each bucket once', async () => {
      const series = HISTOGRAM.flatMap(({ labels, points }) => [
        { labels: { ...labels, replica: 'a' }, points },
        { labels: { ...labels, replica: 'b' }, points: points.map(([at, value]) => [at + 400, value] as const) },
      ]);

      const [sample] = await sampleOf({ kind: 'series', series }, latencyOf);

      const buckets = sample?.kind === 'buckets' ? sample.buckets : [];
      expect(buckets.map(({ bound, points }) => [bound, points.length])).toHaveLength(3);
      expect(buckets.every(({ points }) => points.length === 2)).toBe(true);
      expect(new Set(idsOf(sample)).size).toBe(1);
    });

    test('of a histogram that matches nothing is no data', async () => {
      expect(await sampleOf({ kind: 'empty' }, latencyOf)).toMatchObject([{ kind: 'no-data', why: 'empty' }]);
    });

    test.each<[string, Scripted]>([
      ['a native histogram', { kind: 'native-histogram' }],
      ['series without bounds', { kind: 'counter', points: [[FROM, 1]] }],
    ])('of %s in the place of buckets is an error that says so', async (_name, scripted) => {
      expect(await sampleOf(scripted, latencyOf)).toMatchObject([
        { kind: 'error', code: 'metric-invalid', message: expect.stringContaining('histogram') },
      ]);
    });
  });

  describe(`${name}: the history`, () => {
    const points = [0, 5, 10].map((second) => [FROM + second * 1_000, second * 10] as const);

    test('is raw points, of counters and of histograms', async () => {
      expect(await historyOf({ kind: 'counter', points })).toMatchObject([
        { metric: 'errors', arm: 'stable', kind: 'counters', requests: [{ points }] },
      ]);
      expect(await historyOf({ kind: 'series', series: HISTOGRAM }, latencyOf)).toMatchObject([
        { metric: 'slow', arm: 'stable', kind: 'buckets' },
      ]);
    });

    test('of a long time has each point once', async () => {
      const [sample] = await historyOf({ kind: 'counter', points }, countedOf, FROM - 3_600_000);

      expect(sample).toMatchObject({ kind: 'counters', requests: [{ points }] });
    });

    test('of what the store knows nothing about is no data', async () => {
      expect(await historyOf({ kind: 'empty' })).toMatchObject([{ kind: 'no-data', why: 'empty' }]);
    });

    test('of a store that does not answer is an error, not a throw', async () => {
      expect(await historyOf({ kind: 'status', status: 500 })).toMatchObject([
        { kind: 'error', code: 'metrics-unreachable' },
      ]);
    });

    test('leaves out queries that give a value', async () => {
      expect(await historyOf({ kind: 'value', value: 1 }, measuredOf)).toEqual([]);
    });
  });
};
