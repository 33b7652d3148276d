import { describe, expect, test } from 'vitest';
import { type Asking, countedOf, FROM, measuredOf, type Scripted, TO } from './metric-source-subject.ts';

/** What one tick gives, and what stays out of it. */
export const sampleRules = (name: string, { signal, subject, sampleOf }: Asking): void => {
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
