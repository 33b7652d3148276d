import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { writeOutputs } from '../../src/github/outputs.ts';
import { loadRun, saveRun } from '../../src/github/state.ts';
import { outputsOf } from '../../src/report/result.ts';
import { rolledBack } from '../fakes/stories.ts';

const NAMES = ['GITHUB_OUTPUT', 'GITHUB_STATE', 'STATE_rollout'];

afterEach(() => {
  for (const name of NAMES) delete process.env[name];
});

const emptyFile = (): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'runner-')), 'file');
  writeFileSync(path, '');
  return path;
};

/** `name<<delimiter`, value, `delimiter`: as the runner reads them. */
const parsed = (path: string): Record<string, string> => {
  const values: Record<string, string> = {};
  for (const [, name = '', , value = ''] of readFileSync(path, 'utf8').matchAll(/^(.+)<<(.+)\n([\s\S]*?)\n\2$/gm))
    values[name] = value;
  return values;
};

describe('the runner’s files', () => {
  test('get every output, also one with newlines and delimiters', () => {
    const path = emptyFile();
    process.env['GITHUB_OUTPUT'] = path;
    const reason = { code: 'metric-failed', text: 'a\nstatus=promoted\nstatus<<x\n', metric: 'e|`r' } as const;
    const outputs = outputsOf(
      { kind: 'finished', rollout: { ...rolledBack, reason } },
      { commentUrl: null, reportPath: null },
    );

    writeOutputs(outputs);

    expect(parsed(path)).toEqual(outputs);
  });

  test('carry what the post step needs', () => {
    const path = emptyFile();
    process.env['GITHUB_STATE'] = path;
    const state = {
      target: { namespace: 'shop', deployment: 'checkout' },
      rolloutId: 'r',
      holder: 'h',
      finished: false,
    };

    saveRun(state);
    process.env['STATE_rollout'] = parsed(path)['rollout'] ?? '';

    expect(loadRun()).toEqual(state);
  });

  test('that hold nothing, or nonsense, mean that there is nothing to do', () => {
    expect(loadRun()).toBeNull();
    process.env['STATE_rollout'] = '{"target":{}';
    expect(loadRun()).toBeNull();
    process.env['STATE_rollout'] = '{"target":{"namespace":"shop"},"rolloutId":"r","holder":"h"}';
    expect(loadRun()).toBeNull();
  });
});
