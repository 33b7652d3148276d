import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/core/outcome.ts';
import { annotate } from '../../src/github/annotations.ts';
import { command, neutralised } from '../../src/github/commands.ts';
import { readContext } from '../../src/github/context.ts';
import { readInputs } from '../../src/github/inputs.ts';
import { latestOnly } from '../../src/github/latest.ts';
import { attempt, createLog, outliveReaders } from '../../src/github/log.ts';
import { podLogsIn } from '../../src/github/reporters.ts';
import { onCancel } from '../../src/github/signals.ts';
import { createSummaryReporter } from '../../src/github/summary.ts';
import { aRollout, at } from '../fakes/rollout.ts';
import { promoted, STORIES } from '../fakes/stories.ts';
import { aContext } from './server.ts';

const contextOf = (payload: unknown, environment: Record<string, string> = {}) => {
  const path = join(mkdtempSync(join(tmpdir(), 'event-')), 'event.json');
  writeFileSync(path, JSON.stringify(payload));
  return readContext({
    GITHUB_EVENT_PATH: path,
    GITHUB_REPOSITORY: 'acme/shop',
    GITHUB_SHA: 'merge',
    GITHUB_SERVER_URL: 'https://ghes.example.invalid',
    GITHUB_RUN_ID: '812',
    GITHUB_RUN_ATTEMPT: '2',
    ...environment,
  });
};

test('a reader of the output that goes away ends nothing', () => {
  const output = new EventEmitter();

  outliveReaders([output]);

  expect(() => output.emit('error', new Error('write EPIPE'))).not.toThrow();
});

test("a runner's file that cannot be written is a warning", () => {
  const warnings: string[] = [];

  attempt({ warning: (text) => warnings.push(text) }, 'outputs', () => {
    throw new Error('ENOSPC');
  });

  expect(warnings).toEqual(['the outputs could not be written: ENOSPC']);
});

describe('inputs', () => {
  test('are read by their hyphened names, trimmed, and empty ones are absent', () => {
    const environment = { 'INPUT_FAIL-ON-ROLLBACK': ' false\n', INPUT_IMAGE: '', INPUT_WEIGHTS: '5, 10', PATH: '/bin' };

    expect(readInputs(environment, ['fail-on-rollback', 'image', 'weights'])).toEqual({
      values: { 'fail-on-rollback': 'false', weights: '5, 10' },
      unknown: [],
    });
  });

  test('that the action does not have are found', () => {
    expect(readInputs({ INPUT_WEIGHT: '5' }, ['weights']).unknown).toEqual(['weight']);
  });
});

describe('the event', () => {
  const head = (repository: string | null) => ({
    sha: 'head',
    repo: repository === null ? null : { full_name: repository },
  });

  test('of a pull request gives its head, not the merge commit', () => {
    const context = contextOf({ pull_request: { number: 7, head: head('acme/shop') }, repository: { private: true } });

    expect(context).toMatchObject({
      sha: 'head',
      pullRequest: 7,
      origin: 'same',
      isPrivate: true,
      runUrl: 'https://ghes.example.invalid/acme/shop/actions/runs/812/attempts/2',
    });
  });

  test.each([
    ['a fork’s pull request', { pull_request: { number: 7, head: head('mallory/shop') } }, 'fork'],
    ['a deleted fork’s pull request', { pull_request: { number: 7, head: head(null) } }, 'fork'],
    [
      'a fork’s workflow run',
      { workflow_run: { head_sha: 'h', head_repository: { full_name: 'mallory/shop' } } },
      'fork',
    ],
    ['an own workflow run', { workflow_run: { head_sha: 'h', head_repository: { full_name: 'Acme/shop' } } }, 'same'],
    ['a comment on a pull request', { comment: {}, issue: { number: 7, pull_request: {} } }, 'unknown'],
    ['a comment on an issue', { comment: {}, issue: { number: 7 } }, 'same'],
    ['a push', { ref: 'refs/heads/main' }, 'same'],
  ])('of %s says where it comes from', (_, payload, origin) => {
    expect(contextOf(payload).origin).toBe(origin);
  });

  test('of a push is the pushed commit, and a broken event file is no event', () => {
    expect(contextOf({})).toMatchObject({ sha: 'merge', pullRequest: null, isPrivate: null });
    expect(readContext({ GITHUB_EVENT_PATH: '/does/not/exist' })).toMatchObject({ sha: null, repository: null });
  });

  test('of a comment tells who wrote what where, and only as a comment’s event', () => {
    const comment = { id: 11, body: '/canary abort', user: { login: 'mona', id: 1, type: 'User' } };
    const payload = { action: 'created', issue: { number: 7, pull_request: {} }, comment, sender: comment.user };

    expect(contextOf(payload, { GITHUB_EVENT_NAME: 'issue_comment' }).comment).toEqual({
      action: 'created',
      sender: comment.user,
      isOnPullRequest: true,
      comment: {
        id: 11,
        body: '/canary abort',
        author: comment.user,
        createdAt: null,
        updatedAt: null,
        isByApp: false,
        issue: 7,
      },
    });
    expect(contextOf(payload, { GITHUB_EVENT_NAME: 'discussion_comment' }).comment).toBeNull();
    expect(contextOf({}, { GITHUB_EVENT_NAME: 'issue_comment' }).comment).toBeNull();
  });

  test.each([
    [
      'acme/shop/.github/workflows/chatops.yml@refs/heads/main',
      'https://ghes.example.invalid/acme/shop/actions/workflows/chatops.yml',
    ],
    [
      'acme/shop/.github/workflows/a b(1).yml@refs/heads/main',
      'https://ghes.example.invalid/acme/shop/actions/workflows/a%20b(1).yml',
    ],
    ['dynamic/pages/build', null],
    ['', null],
  ])('of the workflow %j says where it can be started', (ref, url) => {
    expect(contextOf({}, { GITHUB_WORKFLOW_REF: ref }).workflowUrl).toBe(url);
  });

  test('of a public or unknown repository keeps pod logs to itself', () => {
    expect(podLogsIn('auto', aContext({ isPrivate: true }))).toBe('summary');
    expect(podLogsIn('auto', aContext({ isPrivate: false }))).toBe('off');
    expect(podLogsIn('auto', aContext({ isPrivate: null }))).toBe('off');
    expect(podLogsIn('comment', aContext({ isPrivate: false }))).toBe('comment');
  });
});

describe('the log', () => {
  const logged = (act: (log: ReturnType<typeof createLog>) => void): readonly string[] => {
    const lines: string[] = [];
    act(createLog((line) => lines.push(line)));
    return lines;
  };
  const entry = (group: string, text: string) => ({ at: at('10:02:05'), group, level: 'info' as const, text });

  test('folds lines by group and puts the end outside', () => {
    const lines = logged((log) => {
      log.entry(entry('prepare', 'a'));
      log.entry(entry('step 1', 'b'));
      log.entry(entry('step 1', 'c'));
      log.headline('🟢 done');
    });

    expect(lines).toEqual([
      '::group::prepare',
      '10:02:05  a',
      '::endgroup::',
      '::group::step 1',
      '10:02:05  b',
      '10:02:05  c',
      '::endgroup::',
      '🟢 done',
    ]);
  });

  test('lets no text act as a workflow command', () => {
    expect(neutralised('  ::error::x')).toBe('  : :error::x');
    expect(neutralised('a ##[error]x')).toBe('a # #[error]x');
    expect(neutralised('a\r::error::x')).toBe('a ::error::x');
    expect(neutralised('10:02:05  x')).toBe('10:02:05  x');
    expect(logged((log) => log.headline('::set-output name=a::b'))).toEqual([': :set-output name=a::b']);
    expect(logged((log) => log.entry(entry('g\n::error::x', 'b')))[0]).toBe('::group::g ::error::x');
  });

  test('annotates ten warnings and prints the others as lines', () => {
    const lines = logged((log) => Array.from({ length: 12 }, (_, index) => log.warning(`w${index}`)));

    expect(lines.filter((line) => line.startsWith('::warning::'))).toHaveLength(10);
    expect(lines.at(-1)).toBe('warning: w11');
  });
});

describe('annotations', () => {
  const annotated = (outcome: Outcome, configFile: string | null): readonly string[] => {
    const lines: string[] = [];
    annotate(outcome, configFile, (line) => lines.push(line));
    return lines;
  };

  test('stand at their place in the config file; those of inputs have the name as title', () => {
    const lines = annotated(STORIES['rejected-by-config']?.situation as Outcome, '.github/canary.yml');

    expect(lines[0]).toBe('::error title=weights::`10, 5`: weights must rise; did you mean `5, 10`?');
    expect(lines[1]).toMatch(
      /^::error file=\.github\/canary\.yml,line=14,col=9,title=\.github\/canary\.yml%3A14%3A9::unknown key/,
    );
  });

  test('are at most ten, the last saying how many more there are', () => {
    const issue = { file: 'a', line: null, column: null, path: '', message: 'm' };
    const reason = { code: 'invalid-config', text: 't', metric: null } as const;
    const lines = annotated(
      { kind: 'rejected', reason, issues: Array.from({ length: 30 }, () => issue), findings: [], subject: null },
      null,
    );

    expect(lines).toHaveLength(10);
    expect(lines[9]).toBe('::error::and 21 more: see the job summary');
  });

  test('are escaped', () => {
    expect(command('error', 'a%\n::b', { title: 'x:y,z\r' })).toBe('::error title=x%3Ay%2Cz%0D::a%25%0A::b');
  });

  test('of a rejection without issues or findings is the reason', () => {
    expect(annotated(STORIES['lock-held']?.situation as Outcome, null)).toEqual([
      '::error::another rollout has held the lock since 10:01 UTC (run 811)',
    ]);
  });
});

describe('the job summary', () => {
  test('is replaced as a whole, and lies as a file for later steps', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'summary-'));
    const summaryPath = join(folder, 'summary.md');
    const reporter = createSummaryReporter({
      context: aContext({ summaryPath, temporary: folder }),
      podLines: false,
      now: () => 0,
      warn: () => {},
    });

    await reporter.report(aRollout(), []);
    await reporter.conclude({ kind: 'finished', rollout: promoted }, [], []);

    expect(readFileSync(summaryPath, 'utf8').match(/^### /gm)).toHaveLength(1);
    expect(readFileSync(summaryPath, 'utf8')).toMatch(/^### 🟢 checkout/);
    expect(readFileSync(reporter.path() ?? '', 'utf8')).toBe(readFileSync(summaryPath, 'utf8'));
  });

  test('that cannot be written is one warning', async () => {
    const warnings: string[] = [];
    const reporter = createSummaryReporter({
      context: aContext({ summaryPath: '/does/not/exist/summary.md' }),
      podLines: false,
      now: () => 0,
      warn: (text) => warnings.push(text),
    });

    await reporter.report(aRollout(), []);
    await reporter.conclude({ kind: 'finished', rollout: promoted }, [], []);

    expect(warnings).toHaveLength(1);
  });
});

describe('the small parts', () => {
  test('a write that throws does not stop later ones', async () => {
    const written: number[] = [];
    const submit = latestOnly<number>(async (value) => {
      if (value === 1) throw new Error('no');
      written.push(value);
    });

    await expect(submit(1)).rejects.toThrow('no');
    await submit(2);

    expect(written).toEqual([2]);
  });

  test('a signal reaches the handler until it stops listening', () => {
    const heard: string[] = [];
    const before = process.listenerCount('SIGHUP');
    const stop = onCancel((signal) => heard.push(signal));
    process.emit('SIGHUP', 'SIGHUP');
    stop();

    expect(heard).toEqual(['SIGHUP']);
    expect(process.listenerCount('SIGHUP')).toBe(before);
  });
});
