import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRouterScrape, parseScrape } from '../../src/config/scrape.ts';

const SEEDED = { seed: 20_261_121, numRuns: 3_000 };

const port = fc.oneof(
  fc.integer({ min: 1, max: 65_535 }).map(String),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,12}[a-z0-9]$/),
);
const segment = fc.stringMatching(/^[A-Za-z0-9_~!$&'()*+,;=:@-]{1,12}$/);
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `/${segments.join('/')}`);
const hostile = fc
  .array(fc.constantFrom('/', '..', '.', '%2e', '%2F', '\\', '?', '#', '@', ':', 'a', ' ', '\n', 'é'), {
    maxLength: 12,
  })
  .map((pieces) => pieces.join(''));

describe('where pods have their metrics', () => {
  test('comes back as it was written', () => {
    fc.assert(
      fc.property(port, fc.option(path), (number, at) => {
        expect(parseScrape(`:${number}${at ?? ''}`)).toEqual({
          ok: true,
          value: { kind: 'port', port: number, path: at ?? '/metrics' },
        });
      }),
      SEEDED,
    );
  });

  test('of a router comes back as it was written', () => {
    fc.assert(
      fc.property(port, fc.option(path), (number, at) => {
        expect(parseRouterScrape(`service://edge/traefik:${number}${at ?? ''}`)).toEqual({
          ok: true,
          value: { namespace: 'edge', service: 'traefik', port: number, path: at ?? '/metrics' },
        });
      }),
      SEEDED,
    );
  });

  test('is `off` as nothing, and `auto` as what the annotations say', () => {
    expect([parseScrape('off'), parseRouterScrape('off'), parseScrape('auto')]).toEqual([
      { ok: true, value: null },
      { ok: true, value: null },
      { ok: true, value: { kind: 'auto' } },
    ]);
    expect(parseRouterScrape('auto').ok).toBe(false);
  });

  test('never leads a request out of the pod, whatever is written', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        for (const read of [parseScrape(`:9102/${text}`), parseRouterScrape(`service://edge/traefik:9102/${text}`)]) {
          if (!read.ok || read.value === null || !('path' in read.value)) continue;
          const url = new URL(`http://pod/proxy${read.value.path}`);
          expect([url.host, url.search, url.hash]).toEqual(['pod', '', '']);
          expect(url.pathname).toBe(`/proxy${read.value.path}`);
          expect(decodeURIComponent(url.pathname)).toBe(url.pathname);
        }
      }),
      SEEDED,
    );
  });

  test.each([
    ':9102/..',
    ':9102/a/../b',
    ':9102/./b',
    ':9102/%2e%2e/b',
    ':9102/..%2fb',
    ':9102/a\\..\\b',
    ':9102//b',
    ':9102/a?b',
    ':9102/a#b',
    ':9102/a\nb',
    ':9102 /a',
    ':0',
    ':65536',
    ':/metrics',
    '',
  ])('%j is refused', (text) => {
    expect(parseScrape(text).ok).toBe(false);
  });
});
