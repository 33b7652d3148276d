import { describe, expect, test } from 'vitest';
import { changedPaths } from '../../src/core/changed-paths.ts';

const cases: readonly (readonly [what: string, before: unknown, after: unknown, paths: readonly string[]])[] = [
  ['equal values', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, []],
  ['an absent and a null member', { a: null }, {}, []],
  ['a member that is added, changed and removed', { b: 1, c: 1 }, { a: 1, b: 2 }, ['t.a', 't.b', 't.c']],
  [
    'list elements with names, by their names',
    { env: [{ name: 'A', value: '1' }, { name: 'B' }] },
    { env: [{ name: 'A', value: '2' }, { name: 'C' }] },
    ['t.env[A].value', 't.env[B]', 't.env[C]'],
  ],
  ['named elements in another order', [{ name: 'A' }, { name: 'B' }], [{ name: 'B' }, { name: 'A' }], ['t']],
  ['other elements, by their index', { args: ['a', 'b'] }, { args: ['a', 'c'] }, ['t.args[1]']],
  ['lists of another length', { args: ['a'] }, { args: ['a', 'b'] }, ['t.args']],
  [
    'elements that share a name',
    [{ name: 'A', port: 1 }, { name: 'A' }],
    [{ name: 'A', port: 2 }, { name: 'A' }],
    ['t[0].port'],
  ],
  ['a value of another type', { a: [1] }, { a: { b: 1 } }, ['t.a']],
  ['a key with dots and slashes', { 'x.io/y': '1' }, { 'x.io/y': '2' }, ['t[x.io/y]']],
];

describe('the places in which two values differ', () => {
  test.each(cases)('%s', (_what, before, after, paths) => {
    expect(changedPaths(before, after, 't')).toEqual(paths);
  });
});
