import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { WITH_TABLES, withTables } from '../../scripts/docs.ts';
import { METRIC_KEYS } from '../../src/config/shape.ts';
import { REASONS } from '../../src/core/reason.ts';
import { PRESET_NAMES } from '../../src/metrics/presets/index.ts';
import { routers } from '../../src/routers/index.ts';
import { files, root, textOf } from './sources.ts';

const documents = files('*.md', 'docs/**/*.md');
const readme = textOf('README.md');

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');

const withoutFences = (text: string): string => text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');

const anchorsOf = (file: string): readonly string[] =>
  [...withoutFences(textOf(file)).matchAll(/^#+ (.+)$/gm)].map((match) => anchorOf(match[1] ?? ''));

/** Links to files of this repository and to headings, as `[file, anchor]` seen from the root. */
const linksOf = (file: string): readonly (readonly [target: string, anchor: string])[] =>
  [...withoutFences(textOf(file)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [path = '', anchor = ''] = link.split('#');
      return [path === '' ? file : posix.join(posix.dirname(file), path), anchor] as const;
    });

describe('the tables of README and docs', () => {
  test.each(WITH_TABLES)('are those that the code makes: %s', (file) => {
    const text = textOf(file);

    expect(text).toContain('<!-- generated:');
    expect(text).toBe(withTables(text));
  });

  test('are found out when they are old', () => {
    const old = readme.replace('| `metric-failed` |', '| `metric-bad` |');

    expect(old).not.toBe(readme);
    expect(withTables(old)).toBe(readme);
  });

  test('fail on a table that nothing makes', () => {
    expect(() => withTables('<!-- generated:nothing -->\n<!-- /generated -->')).toThrow('nothing');
  });

  test('list every reason code', () => {
    expect(Object.keys(REASONS).filter((code) => !readme.includes(`\n| \`${code}\` |`))).toEqual([]);
  });
});

describe('troubleshooting', () => {
  const section = readme.slice(readme.indexOf('## Troubleshooting'), readme.indexOf('## Requirements'));
  const sources = files('src/**/*.ts').map(textOf).join('\n').replaceAll('\\`', '`');

  test('quotes messages that the code has', () => {
    const quoted = [...section.matchAll(/(?<=[| ])\*([^*\n]+)\*(?= [|…])/g)].map((match) => match[1] ?? '');

    expect(quoted.length).toBeGreaterThan(20);
    expect(quoted.filter((message) => !sources.includes(message))).toEqual([]);
  });

  test('names reason codes that exist', () => {
    const codes = [...section.matchAll(/^\|[^|]*\| `([a-z-]+)` \|/gm)].map((match) => match[1] ?? '');

    expect(codes.length).toBeGreaterThan(20);
    expect(codes.filter((code) => !(code in REASONS) && code !== 'reason-code')).toEqual([]);
  });
});

describe('action.yml and the README', () => {
  const action = parse(textOf('action.yml'));

  test('name the same inputs: those that work in the table, the others below it', () => {
    const table = readme.slice(readme.indexOf('<!-- generated:inputs -->'));
    const part = table.slice(0, table.indexOf('<!-- /generated -->'));
    const rows = [...part.matchAll(/^\| `([\w-]+)` /gm)].map((row) => row[1]);
    const later = [...part.slice(part.indexOf('Known, and refused')).matchAll(/`([\w-]+)`/g)].map((name) => name[1]);

    expect([...rows, ...later].sort()).toEqual(Object.keys(action.inputs).sort());
    expect(rows.length).toBeGreaterThan(20);
  });

  test('name the same outputs, in the same order', () => {
    const table = readme.slice(readme.indexOf('<!-- generated:outputs -->'));
    const rows = [...table.slice(0, table.indexOf('<!-- /generated -->')).matchAll(/^\| `([\w-]+)` /gm)];

    expect(rows.map((row) => row[1])).toEqual(Object.keys(action.outputs));
  });
});

describe('documents', () => {
  test('link to files and headings that exist', () => {
    const broken = documents.flatMap((file) =>
      linksOf(file)
        .filter(([target, anchor]) => {
          if (!existsSync(posix.join(root.replaceAll('\\', '/'), target))) return true;
          return anchor !== '' && !anchorsOf(target).includes(anchor);
        })
        .map(([target, anchor]) => `${file} -> ${target}#${anchor}`),
    );

    expect(broken).toEqual([]);
  });

  test('name only npm scripts that exist', () => {
    const scripts = Object.keys(JSON.parse(textOf('package.json')).scripts);
    const named = documents.flatMap((file) =>
      [...textOf(file).matchAll(/npm run ([a-z0-9:]*[a-z0-9])/g)].map((match) => `${file}: ${match[1]}`),
    );

    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((entry) => !scripts.includes(entry.split(': ')[1] ?? ''))).toEqual([]);
  });

  test('of every router exist, and no other', () => {
    const pages = files('docs/routers/*.md').map((file) => posix.basename(file, '.md'));

    expect(pages).toEqual(routers.map(({ name }) => name).sort());
  });

  test('explain every key of a metric, every preset and every source', () => {
    const missing = (page: string, words: readonly string[]): readonly string[] =>
      words.filter((word) => !textOf(page).includes(word)).map((word) => `${page}: ${word}`);

    expect([
      ...missing(
        'docs/metrics/prometheus.md',
        METRIC_KEYS.map((key) => `\`${key}`),
      ),
      ...missing(
        'docs/presets.md',
        PRESET_NAMES.map((name) => `| \`${name}\` |`),
      ),
      ...missing('docs/scrape.md', ['`scrape`', '`scrape-router`']),
    ]).toEqual([]);
  });

  test('of every decision are in the list', () => {
    const list = textOf('docs/decisions/README.md');
    const pages = files('docs/decisions/*.md').filter((file) => !file.endsWith('README.md'));

    expect(pages.length).toBeGreaterThan(0);
    expect(pages.filter((file) => !list.includes(posix.basename(file)))).toEqual([]);
    expect(pages.filter((file) => !/\/\d{4}-\d\d-\d\d-[a-z0-9-]+\.md$/.test(file))).toEqual([]);
  });
});
