import { describe, expect, test } from 'vitest';
import { DEFAULT_CONFIG_PATH, pathProblem } from '../../src/config/path.ts';
import { renderIssue } from '../../src/config/render.ts';

describe('the path of the config file', () => {
  test.each([DEFAULT_CONFIG_PATH, 'canary.yml', './deploy/canary.yml', 'a/..b/c.yml', 'déploiement/canary.yml'])(
    '%s is inside the workspace',
    (path) => {
      expect(pathProblem(path)).toBeNull();
    },
  );

  test.each([
    '',
    '/etc/passwd',
    '../canary.yml',
    'a/../../b.yml',
    'a\\..\\b.yml',
    '\\\\host\\share.yml',
    'C:\\canary.yml',
    'c:canary.yml',
    '~/canary.yml',
    'file:///etc/passwd',
    'https://example.com/canary.yml',
    '.git/config',
    'a\nb.yml',
  ])('%j is refused', (path) => {
    expect(pathProblem(path)).toMatch(/\S/);
  });
});

describe('an issue as a line', () => {
  const issue = { file: '.github/canary.yml', line: 14, column: 9, path: 'metrics[1]', message: 'weights must rise' };

  test('names file, line and column as far as they are known', () => {
    expect(renderIssue(issue)).toBe('.github/canary.yml:14:9: weights must rise');
    expect(renderIssue({ ...issue, column: null })).toBe('.github/canary.yml:14: weights must rise');
    expect(renderIssue({ ...issue, file: 'weights', line: null, column: null })).toBe('weights: weights must rise');
  });

  test('is one line whatever the message holds', () => {
    const line = renderIssue({ ...issue, message: 'a\r\n::error::b\u001b[31m\u2028c\u202ed' });

    expect(line).toBe('.github/canary.yml:14:9: a ::error::b [31m c d');
  });
});
