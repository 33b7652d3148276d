import { describe, expect, test } from 'vitest';
import { sentences } from '../../scripts/verdicts.ts';
import { textOf } from './sources.ts';

/** Without what differs from release to release: numbers and names of pods. */
const shapeOf = (text: string): string =>
  text
    .replaceAll(/checkout-canary-[\w-]+/g, '@')
    .replaceAll(/\d[\d.\s\u202f]*\d|\d/g, '#')
    .trim();

const section = (name: string): string => {
  const page = textOf('docs/judgement.md');
  const from = page.indexOf(`## ${name}`);
  const to = page.indexOf('\n## ', from);
  return page.slice(from, to < 0 ? undefined : to);
};

const explained = [...section('What the sentences mean').matchAll(/^\| \*([^*]+)\*/gm)].map(([, text = '']) => text);

describe('the sentences that docs/judgement.md explains', () => {
  test('are there', () => {
    expect(explained.length).toBeGreaterThan(8);
  });

  test('are those that the judge says', () => {
    const said = sentences().map(shapeOf);

    expect(explained.filter((text) => !said.some((one) => one.includes(shapeOf(text))))).toEqual([]);
  });
});
