import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { type ConfigRead, readSpec } from '../../src/config/read.ts';
import { renderIssue } from '../../src/config/render.ts';
import { CATALOGUE, GOOD_INPUTS } from './fixtures.ts';

// `inputs` are added to a good image, Deployment and Prometheus, unless the case is `bare`.
const CASE = z.strictObject({
  bare: z.boolean().default(false),
  inputs: z.record(z.string(), z.string()).default({}),
  unknown: z.array(z.string()).default([]),
  file: z.string().nullable().default(null),
  // Why the file could not be had, as the caller says it.
  fileIssue: z.string().nullable().default(null),
  // Files of the workspace, by path.
  workspace: z.record(z.string(), z.string()).default({}),
});

const FOLDER = join(import.meta.dirname, 'cases');

const shown = (read: ConfigRead): string => {
  const warnings = read.warnings.map((warning) => `warning: ${warning}`);
  if ('issues' in read)
    return [...read.issues.map((issue) => `${renderIssue(issue)}  [${issue.path}]`), ...warnings, ''].join('\n');
  const { settings, warnings: _, ...asked } = read;
  return [...warnings, JSON.stringify({ ...asked, settings }, null, 2), ''].join('\n');
};

describe('a configuration', () => {
  const cases = globSync('*.yml', { cwd: FOLDER }).sort();

  test.each(cases)('%s reads as its golden file says', async (name) => {
    const given = CASE.parse(parse(readFileSync(join(FOLDER, name), 'utf8')));
    const { bare, inputs, unknown, file, fileIssue, workspace } = given;

    const read = readSpec(
      {
        inputs: bare ? inputs : { ...GOOD_INPUTS, ...inputs },
        unknownInputs: unknown,
        file: file === null ? null : { path: '.github/canary.yml', text: file },
        fileIssue:
          fileIssue === null ? null : { file: 'config', line: null, column: null, path: '', message: fileIssue },
        workspaceFile: (path) => {
          const text = Object.hasOwn(workspace, path) ? workspace[path] : undefined;
          return text === undefined ? { kind: 'missing' } : { kind: 'read', text };
        },
      },
      CATALOGUE,
    );

    await expect(shown(read)).toMatchFileSnapshot(join(FOLDER, `${basename(name, '.yml')}.out`));
  });

  test('has at least a hundred and fifty cases', () => {
    expect(cases.length).toBeGreaterThanOrEqual(150);
  });
});
