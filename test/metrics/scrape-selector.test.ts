import { describe, expect, test } from 'vitest';
import { readSelector } from '../../src/metrics/scrape/selector.ts';

const matches = (text: string, name: string, labels: Readonly<Record<string, string>> = {}): boolean => {
  const selector = readSelector(text);
  if (!selector.ok) throw new Error(selector.problem);
  return selector.value.matchesName(name) && selector.value.matchesLabels(new Map(Object.entries(labels)));
};

describe('a selector', () => {
  test.each<[string, Readonly<Record<string, string>>, boolean]>([
    ['r', {}, true],
    ['r{code="500"}', { code: '500' }, true],
    ['r{code="500"}', { code: '200' }, false],
    ['r{code="500"}', {}, false],
    ['r{code=""}', {}, true],
    ['r{code!="500"}', {}, true],
    ['r{code=~"5.."}', { code: '503' }, true],
    ['r{code=~"5.."}', { code: '5033' }, false],
    ['r{code=~"5..|429"}', { code: '429' }, true],
    ['r{code!~"5.."}', { code: '503' }, false],
    ['r{code=~".*"}', {}, true],
    ['r{code=~".+"}', {}, false],
    ['r{path=~"(?i)/API/.*"}', { path: '/api/x' }, true],
    ['r{path=~"a.b"}', { path: 'a\nb' }, true],
    ['r{path=~"\\\\w+"}', { path: 'abc' }, true],
    ['r{path="\\x41\\u00e9\\\\\\""}', { path: 'Aé\\"' }, true],
    ["r{path='it\\'s'}", { path: "it's" }, true],
    ['r{path=`a\\b`}', { path: 'a\\b' }, true],
    ['r{a="1",b="2",}', { a: '1', b: '2', c: '3' }, true],
    ['r{a="1",b="2"}', { a: '1' }, false],
    ['(r{a="1"}) # of all', { a: '1' }, true],
    ['# of all\nr', {}, true],
    ['{__name__="r", a="1"}', { a: '1' }, true],
    ['{"r", a="1"}', { a: '1' }, true],
  ])('%s holds for %j: %s', (text, labels, expected) => {
    expect(matches(text, 'r', labels)).toBe(expected);
  });

  test('names one metric, or leaves the name open', () => {
    const metricOf = (text: string) => {
      const selector = readSelector(text);
      return selector.ok ? selector.value.metric : selector.problem;
    };

    expect(['r{a="b"}', '{__name__="r"}', '{"r"}', '{__name__=~"r.*"}'].map(metricOf)).toEqual(['r', 'r', 'r', null]);
    expect(matches('{__name__=~"r.*"}', 'requests')).toBe(true);
    expect(matches('r', 'requests')).toBe(false);
  });

  test.each(['rate(r[1m])', 'r[5m]', 'r offset 5m', 'a or b', 'sum(r)', 'r{a="b"', '', '1'])('is not %s', (text) => {
    expect(readSelector(text)).toEqual({
      ok: false,
      problem: 'it is no plain selector such as `http_requests_total{…}`',
    });
  });

  test.each(['r{a=~"("}', 'r{a=~"(?=b)"}', 'r{a=~"(b)\\\\1"}'])(
    'with the expression of %s is refused as RE2 does',
    (text) => {
      expect(readSelector(text)).toMatchObject({ ok: false, problem: expect.stringContaining('error parsing regexp') });
    },
  );

  test.each(['(a+)+b', '(a|a)*b', '.*.*.*.*.*.*b'])('answers %s in linear time', (expression) => {
    // Of JavaScript's own engine the first two would keep a processor busy for years.
    expect(matches(`r{a=~"${expression}"}`, 'r', { a: 'a'.repeat(4_000) })).toBe(false);
  });
});
