import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { files, root, textOf } from './sources.ts';

const page = textOf('docs/reliability.md');

/** The names of the suites in the list, by the files that the list imports. */
const suites = (): readonly string[] => {
  const index = textOf('e2e/suites/index.ts');
  const list = index.slice(index.indexOf('SUITES'));
  return [...index.matchAll(/^import \{ ([^}]+) \} from '\.\/([\w/-]+)\.ts';$/gm)]
    .filter(([, names = '']) => names.split(', ').some((name) => new RegExp(`\\b${name}\\b`).test(list)))
    .flatMap(([, , file = '']) => [...textOf(`e2e/suites/${file}.ts`).matchAll(/^ {2}name: '([\w-]+)',$/gm)])
    .map(([, name = '']) => name);
};

const namedSuites = (text: string): readonly string[] =>
  [...text.matchAll(/e2e `([\w-]+)`/g)].map(([, name = '']) => name);
const namedFiles = (text: string): readonly string[] =>
  [...text.matchAll(/`(test\/[\w./-]+)`/g)].map(([, file = '']) => file);

/** Rows of the tables that promise something: those whose last column says what holds it. */
const claims = page
  .split(/\n\n+/)
  .filter((block) => /^\|.*\| Held by \|$/m.test(block))
  .flatMap((block) => block.split('\n').slice(2));

describe('what is promised when things go wrong', () => {
  test('has claims', () => {
    expect(claims.length).toBeGreaterThan(30);
  });

  test('names a test for every claim', () => {
    const held = (row: string): string => row.split('|').at(-2) ?? '';

    expect(claims.filter((row) => [...namedSuites(held(row)), ...namedFiles(held(row))].length === 0)).toEqual([]);
  });

  test('names test files that exist', () => {
    const named = namedFiles(page);

    expect(named.length).toBeGreaterThan(10);
    expect([...new Set(named)].filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test('names e2e suites that are in the list', () => {
    const known = suites();
    const named = namedSuites(page);

    expect(known).toEqual(expect.arrayContaining(['good', 'cancel']));
    expect(named.length).toBeGreaterThan(10);
    expect([...new Set(named)].filter((name) => !known.includes(name))).toEqual([]);
  });

  test('keeps what was measured in one table, at the top', () => {
    const [top = '', ...rest] = page.split('\n## ');

    expect(top).toContain('| What was measured | Result |');
    expect(rest.join('')).not.toMatch(/[⟦⟧]/);
  });

  test('is found from the README and from the other pages', () => {
    const linking = ['README.md', ...files('docs/*.md')].filter((file) =>
      /\]\((?:docs\/)?reliability\.md/.test(textOf(file)),
    );

    expect(linking).toEqual(expect.arrayContaining(['README.md', 'docs/how-it-works.md']));
  });
});
