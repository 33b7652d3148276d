import { describe, expect, test } from 'vitest';
import {
  cut,
  markdownCode,
  markdownFence,
  markdownText,
  markerText,
  plain,
  safeUrl,
  visible,
} from '../../src/report/escape.ts';

describe('text in Markdown', () => {
  test.each([
    ['a|b', 'a&#124;b'],
    ['`x`', '&#96;x&#96;'],
    ['<img src=x onerror=alert(1)>', '&#60;img src=x onerror=alert(1)&#62;'],
    ['one\ntwo\r\nthree', 'one two three'],
    ['@mona', '@&#8203;mona'],
    ['#123 and a/b#4', '#&#8203;123 and a/b#&#8203;4'],
    ['GH-7', 'GH-&#8203;7'],
    ['https://a.invalid www.a.invalid', 'https:&#8203;//a.invalid &#8203;www.a.invalid'],
    ['[a](javascript:b)', '&#91;a&#93;(javascript:b)'],
    ['# title', '#&#8203; title'],
    ['- item', '&#8203;- item'],
    ['1. item', '&#8203;1. item'],
    ['---', '&#8203;---'],
    ['**b** _i_ ~~s~~', '&#42;&#42;b&#42;&#42; &#95;i&#95; &#126;&#126;s&#126;&#126;'],
    ['$x$', '&#36;x&#36;'],
    ['&lt;', '&#38;lt;'],
    ['\u202egpj.exe', '⟨U+202E⟩gpj.exe'],
    ['a\u200bb\ufeff', 'a⟨U+200B⟩b⟨U+FEFF⟩'],
    ['\u0000\u0007', '⟨U+0000⟩⟨U+0007⟩'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\ud83d', '\ufffd'],
    ['plain-text 1.4.2, 5 % (ok)', 'plain-text 1.4.2, 5 % (ok)'],
  ])('%j becomes %j', (hostile, safe) => {
    expect(markdownText(hostile)).toBe(safe);
  });

  test('long text is cut with a mark and never inside a surrogate pair', () => {
    expect(cut('abcdef', 4)).toBe('abc…');
    expect(cut('ab😀cd', 4)).toBe('ab…');
    expect(plain('x'.repeat(1000))).toHaveLength(400);
  });
});

describe('inline code', () => {
  test('is plain backticks where nothing can go wrong', () => {
    expect(markdownCode('ghcr.io/acme/checkout:1.4.2')).toBe('`ghcr.io/acme/checkout:1.4.2`');
    expect(markdownCode('<img>')).toBe('`<img>`');
    expect(markdownCode('@mona #1')).toBe('`@mona #1`');
  });

  test('is entities where a backtick or a table bar would end it', () => {
    expect(markdownCode('a`b|c')).toBe('<code>a&#96;b&#124;c</code>');
    expect(markdownCode('`</code><img>')).toBe('<code>&#96;&#60;/code&#62;&#60;img&#62;</code>');
  });

  test('is nothing when there is nothing to show', () => {
    expect(markdownCode(' \n ')).toBe('');
  });
});

describe('fences', () => {
  test('are longer than any run of backticks inside', () => {
    expect(markdownFence('a\n````\nb')).toBe('`````\na\n````\nb\n`````');
    expect(markdownFence('a', 'sh')).toBe('```sh\na\n```');
  });

  test('keep lines and show what is invisible', () => {
    expect(visible('a\r\nb\u2028c')).toBe('a\nb⟨U+2028⟩c');
  });
});

describe('addresses and markers', () => {
  test('only web addresses become links, and cannot end the link early', () => {
    expect(safeUrl('javascript:alert(1)')).toBeNull();
    expect(safeUrl('not a url')).toBeNull();
    expect(safeUrl('https://a.invalid/x)](y <z>|`')).toBe('https://a.invalid/x%29%5D%28y%20%3Cz%3E%7C%60');
    expect(safeUrl('https://a.invalid/o_r/runs/1')).toBe('https://a.invalid/o_r/runs/1');
  });

  test('a marker cannot be closed from inside, and different names stay different', () => {
    expect(markerText('shop/checkout-v2')).toBe('shop/checkout-v2');
    expect(markerText('a--><img>')).not.toMatch(/-->|[<>]/);
    expect(markerText('a>b')).not.toBe(markerText('a<b'));
  });
});
