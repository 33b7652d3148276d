import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MOST_SERIES, parseExposition } from '../../src/metrics/exposition.ts';

const SEEDED = { seed: 20_261_121, numRuns: 500 };

const parsed = (text: string) => {
  const result = parseExposition(text);
  return result.ok
    ? result.value.map(({ name, labels, value }) => [name, Object.fromEntries(labels), value])
    : result.problem;
};

describe('the text format', () => {
  test("is read as in Prometheus' own example", () => {
    const text = String.raw`# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045
`;

    expect(parsed(text)).toEqual([
      ['http_requests_total', { method: 'post', code: '200' }, 1027],
      ['http_requests_total', { method: 'post', code: '400' }, 3],
      [
        'msdos_file_access_time_seconds',
        { path: 'C:\\DIR\\FILE.TXT', error: 'Cannot find file:\n"FILE.TXT"' },
        1_458_255_915,
      ],
      ['metric_without_timestamp_and_labels', {}, 12.47],
      ['something_weird', { problem: 'division by zero' }, Number.POSITIVE_INFINITY],
    ]);
  });

  test('is read as OpenMetrics writes it, without timestamps and exemplars', () => {
    const text = [
      '# TYPE foo histogram',
      '# UNIT foo seconds',
      'foo_bucket{le="0.1"} 8 # {} 0.054',
      'foo_bucket{le="1.0"} 11 1520879607.789 # {trace_id="a } b"} 0.67 1520879607.789',
      'foo_created 1520872607.123',
      'foo_total 17.0 1520879607',
      '# EOF',
      '',
    ].join('\n');

    expect(parsed(text)).toEqual([
      ['foo_bucket', { le: '0.1' }, 8],
      ['foo_bucket', { le: '1.0' }, 11],
      ['foo_created', {}, 1_520_872_607.123],
      ['foo_total', {}, 17],
    ]);
  });

  test.each<[string, unknown]>([
    ['a{b="c",} 1', ['a', { b: 'c' }, 1]],
    ['  a  { b = "c" , d = "e" }  1  ', ['a', { b: 'c', d: 'e' }, 1]],
    ['a{} -0.5', ['a', {}, -0.5]],
    ['a NaN', ['a', {}, Number.NaN]],
    ['a -Inf', ['a', {}, Number.NEGATIVE_INFINITY]],
    ['a inf', ['a', {}, Number.POSITIVE_INFINITY]],
    ['a{b="}"} 1', ['a', { b: '}' }, 1]],
    ['a{b="# no exemplar"} 1', ['a', { b: '# no exemplar' }, 1]],
    ['job:rate:5m 1e-3', ['job:rate:5m', {}, 0.001]],
    ['{"http.requests", "route.name"="/"} 4', ['http.requests', { 'route.name': '/' }, 4]],
    [String.raw`a{b="\x\\n"} 1`, ['a', { b: String.raw`\x\n` }, 1]],
  ])('takes %s', (line, sample) => {
    expect(parsed(line)).toEqual([sample]);
  });

  test.each([
    '<!doctype html>',
    '{"status":"ok"}',
    'a',
    'a{b="c"}',
    'a{b="c" 1',
    'a{b=c} 1',
    'a{b} 1',
    'a{b="1" c="2"} 1',
    'a{b="1",b="2"} 1',
    'a{,} 1',
    '{} 1',
    '{"a","b"} 1',
    'a{"b"} 1',
    '1a 2',
    'a one',
    'a 0x10',
    'a 1 2 3',
    'a 1 tomorrow',
    `a{b="${'x'.repeat(20_000)}"} 1`,
    `a{${Array.from({ length: 65 }, (_, index) => `l${index}="1"`).join(',')}} 1`,
  ])('takes nothing where a line is %s', (line) => {
    expect(parsed(`good 1\n${line}\n`)).toBe('line 2 is no sample of the Prometheus text format');
  });

  test('ends at # EOF', () => {
    expect(parsed('a 1\n# EOF\n\n')).toHaveLength(1);
    expect(parsed('a 1\n# EOF\nb 2\n')).toBe('line 3 comes after `# EOF`');
  });

  test('has a limit of series', () => {
    const lines = Array.from({ length: MOST_SERIES }, (_, index) => `a{b="${index}"} 1`).join('\n');

    expect(parsed(lines)).toHaveLength(MOST_SERIES);
    expect(parsed(`${lines}\na 1`)).toBe('it has more than 20000 series');
  });

  test('keeps labels apart from what every object has', () => {
    const result = parseExposition('a{__proto__="x",constructor="y"} 1');

    expect(result.ok && [...(result.value[0]?.labels ?? [])]).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  test('gives back every label value that was written', () => {
    const escaped = (text: string): string =>
      text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
    const value = fc.string({ unit: 'binary', maxLength: 40 });

    fc.assert(
      fc.property(value, value, fc.double({ noNaN: true }), (first, second, number) => {
        const written = String(number).replace('Infinity', 'Inf');

        expect(parsed(`m{a="${escaped(first)}",b="${escaped(second)}"} ${written}`)).toEqual([
          ['m', { a: first, b: second }, Number(String(number))],
        ]);
      }),
      SEEDED,
    );
  });

  test('never throws, whatever it is given', () => {
    const line = fc.string({ unit: fc.constantFrom(...'ab{}",=\\# 1.eE+-\n\tN'), maxLength: 60 });

    fc.assert(
      fc.property(line, (text) => {
        expect(['string', 'object']).toContain(typeof parsed(text));
      }),
      SEEDED,
    );
  });
});
