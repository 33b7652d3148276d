import { parser } from '@prometheus-io/lezer-promql';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bindPlaceholders, placeholdersIn, unclosedPlaceholders } from '../../src/core/placeholders.ts';

const VALUES = {
  namespace: 'shop',
  deployment: 'checkout',
  service: 'checkout',
  route: 'checkout',
  arm: 'canary',
  pods: 'checkout-7d9f6-.{5}',
  window: '60s',
} as const;

describe('placeholders of a query', () => {
  test('are found with their offsets, known or not, with spaces or not', () => {
    const found = placeholdersIn('up{a="{{pods}}", b="{{ arm }}"}[{{nonsense}}]');

    expect(found).toEqual([
      { name: 'pods', from: 6, to: 14 },
      { name: 'arm', from: 20, to: 29 },
      { name: 'nonsense', from: 32, to: 44 },
    ]);
  });

  test('that are not closed are found where they start', () => {
    expect(unclosedPlaceholders('up{a="{{pods"} or up{b="{{arm}}"}')).toEqual([6]);
    expect(unclosedPlaceholders('up{a="{{pods}}"}')).toEqual([]);
  });

  test('are replaced by the values of the arm, and the rest of the query stays', () => {
    const query = 'rate(up{namespace="{{namespace}}",pod=~"{{pods}}"}[{{window}}]) # {{unknown}}';

    expect(bindPlaceholders(query, VALUES)).toBe(
      'rate(up{namespace="shop",pod=~"checkout-7d9f6-.{5}"}[60s]) # {{unknown}}',
    );
  });

  test('escape backslashes, quotes and line breaks for the quotes they stand in', () => {
    const pods = `a\\.b"c'd\ne`;

    expect(bindPlaceholders('up{a="{{pods}}"}', { ...VALUES, pods })).toBe('up{a="a\\\\.b\\"c\'d\\ne"}');
    expect(bindPlaceholders("up{a='{{pods}}'}", { ...VALUES, pods })).toBe("up{a='a\\\\.b\"c\\'d\\ne'}");
    expect(bindPlaceholders('up{a=`{{pods}}`}', { ...VALUES, pods: 'a\\.b"c' })).toBe('up{a=`a\\.b"c`}');
  });

  test('know which quotes they stand in behind escaped quotes, other quotes and comments', () => {
    const query = 'up{a="\\"{{pods}}", b=\'"{{pods}}\'} # it\'s "\nor up{c="{{pods}}"}';

    const bound = bindPlaceholders(query, { ...VALUES, pods: `"'` });

    expect(bound).toBe('up{a="\\"\\"\'", b=\'""\\\'\'} # it\'s "\nor up{c="\\"\'"}');
  });

  test('refuse a value that would change the query around it', () => {
    expect(() => bindPlaceholders('up{a=`{{pods}}`}', { ...VALUES, pods: 'a`' })).toThrow('change the query');
    expect(() => bindPlaceholders('up[{{window}}]', { ...VALUES, window: '5m] or up[5m' })).toThrow('change the query');
    expect(() => bindPlaceholders('up # {{arm}}', { ...VALUES, arm: 'a\nor up' })).toThrow('change the query');
  });

  test('never change the structure of a query, whatever stands in quotes', () => {
    const shape = (query: string): string => parser.parse(query).toString();
    const query = 'sum(rate(up{a="{{pods}}",b=\'{{arm}}\'}[{{window}}])) / scalar(x{c!~"{{route}}"})';

    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom('"', "'", '\\', '}', '\n', 'a') }),
        (pods, arm) => {
          expect(shape(bindPlaceholders(query, { ...VALUES, pods, arm, route: arm }))).toBe(
            shape(bindPlaceholders(query, VALUES)),
          );
        },
      ),
      { seed: 3, numRuns: 2_000 },
    );
  });
});
