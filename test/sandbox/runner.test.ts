import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pullRequestEvent } from '../../sandbox/github/events.ts';
import { parseFileCommands } from '../../sandbox/runner/commands.ts';
import type { RunOptions, RunResult } from '../../sandbox/runner/index.ts';
import { runAction } from '../../sandbox/runner/index.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const GITHUB = {
  url: 'http://127.0.0.1:9',
  serverUrl: 'http://127.0.0.1:9',
  token: 'ghs_token',
  repository: 'acme/checkout',
};

const run = (script: string, options: Partial<RunOptions> = {}): Promise<RunResult> =>
  runAction({
    bundle: join(FIXTURES, 'stub.mjs'),
    actionFile: join(FIXTURES, 'action.yml'),
    inputs: { script, 'with space': 'yes' },
    github: GITHUB,
    event: pullRequestEvent({ number: 7, headSha: 'abc' }),
    ...options,
  });

describe('the runner', () => {
  test('hands inputs, their defaults and the event on, and reads the files back', async () => {
    const result = await run('');

    expect(result.stdout).toContain('status=auto space=yes');
    expect(result.stdout).toContain('event=7 pull_request');
    expect(result).toMatchObject({
      code: 0,
      outputs: { status: 'promoted', long: 'one\ntwo' },
      state: { rollout: 'r-1' },
      summary: '# done\n',
    });
  });

  test('carries out commands and does not show them', async () => {
    const { annotations, shown, masks } = await run('');

    expect(annotations).toEqual([
      { level: 'error', message: 'first\nsecond', properties: { file: 'a.yml', line: '3', title: 'A: b' } },
    ]);
    expect(masks).toContain('s3cret');
    expect(shown.join('\n')).not.toContain('::');
  });

  test('runs the post step with the state of the main step', async () => {
    const { post } = await run('fail');

    expect(post?.stdout).toBe('post of r-1');
  });

  test('tells where a masked value shows up, and hides it from those who watch', async () => {
    const { leaks, shown } = await run('leak');

    expect(leaks).toEqual(['the word is s3cret', 'output word']);
    expect(shown).toContain('the word is ***');
  });

  test('takes lines between stop-commands and its token as text', async () => {
    const { annotations, shown } = await run('stop');

    expect(shown).toContain('::error::not a command');
    expect(annotations.map(({ message }) => message)).toEqual(['first\nsecond', 'again']);
  });

  test('cancels by SIGINT and still runs the post step', async () => {
    const cancel = new AbortController();
    const result = await run('wait', { cancel: cancel.signal, onLine: (line) => line === 'waiting' && cancel.abort() });

    expect(result.stdout).toContain('interrupted');
    expect([result.code, result.post?.code]).toEqual([1, 0]);
  });

  test('a runner that dies runs nothing more', async () => {
    const die = new AbortController();
    const result = await run('wait', { die: die.signal, onLine: (line) => line === 'waiting' && die.abort() });

    expect(result).toMatchObject({ code: null, signal: 'SIGKILL', post: null });
  });

  test('a step that does not end is ended', async () => {
    const { timedOut, signal } = await run('wait', { timeoutMs: 500 });

    expect([timedOut, signal]).toEqual([true, 'SIGKILL']);
  });

  test('a file that is malformed throws', () => {
    expect(() => parseFileCommands('status')).toThrow("Invalid format 'status'");
    expect(() => parseFileCommands('a<<END\nb')).toThrow('Matching delimiter not found');
  });
});
