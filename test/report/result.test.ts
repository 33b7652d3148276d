import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/core/outcome.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { consoleLines } from '../../src/report/console.ts';
import { exitCode, finalWeight, outputsOf, resultOf, statusOf } from '../../src/report/result.ts';
import { aPlan, aRollout, at } from '../fakes/rollout.ts';
import { promoted, rolledBack, STORIES } from '../fakes/stories.ts';
import { atDeploy, left } from './open-rollouts.ts';
import { OPEN_STORIES } from './stories.ts';

const finished = (rollout: Rollout): Outcome => ({ kind: 'finished', rollout });
const because = (code: 'cancelled' | 'aborted-by-user' | 'hold-expired'): Outcome =>
  finished({ ...rolledBack, reason: { code, text: 'why', metric: null } });
const story = (name: string): Outcome => (OPEN_STORIES[name] ?? STORIES[name])?.situation as Outcome;
const NOWHERE = { commentUrl: null, reportPath: null };

describe('status and exit code', () => {
  test.each([
    ['promoted', finished(promoted), 0, 0],
    ['rolled-back', finished(rolledBack), 1, 0],
    ['aborted', because('cancelled'), 1, 0],
    ['aborted', because('aborted-by-user'), 1, 0],
    ['rolled-back', because('hold-expired'), 1, 0],
    ['halted', story('halted-promoting'), 1, 1],
    ['paused', finished(left), 0, 0],
    ['paused', finished(atDeploy), 0, 0],
    ['accepted', story('status'), 0, 0],
    ['accepted', story('handed-over'), 0, 0],
    ['accepted', story('sweep'), 0, 0],
    ['accepted', story('sweep-failed'), 1, 1],
    ['rejected', story('rejected-by-config'), 1, 1],
    ['unchanged', story('unchanged'), 0, 0],
    ['promoted', story('first-release'), 0, 0],
    ['rolled-back', story('first-release-not-ready'), 1, 0],
    ['planned', story('first-release-planned'), 0, 0],
    ['planned', story('planned'), 0, 0],
  ] as const)('%s', (status, outcome, code, codeWithoutFailing) => {
    expect(statusOf(outcome)).toBe(status);
    expect(exitCode(outcome, true)).toBe(code);
    expect(exitCode(outcome, false)).toBe(codeWithoutFailing);
  });
});

describe('final weight', () => {
  test('is what users get, and unknown where it is unknown', () => {
    expect(finalWeight(finished(promoted))).toBe(100);
    expect(finalWeight(finished(rolledBack))).toBe(0);
    expect(finalWeight(story('unchanged'))).toBe(100);
    expect(finalWeight(story('first-release'))).toBe(100);
    expect(finalWeight(story('first-release-not-ready'))).toBe(0);
    expect(finalWeight(story('first-release-planned'))).toBeNull();
    expect(finalWeight(story('halted-promoting'))).toBe(100);
    expect(finalWeight(story('planned'))).toBeNull();
    expect(finalWeight(story('rejected-by-config'))).toBeNull();
  });

  test('of a halt before any change of stable is the last confirmed weight', () => {
    const traffic = { ...aRollout().traffic, wanted: weightOnly(1250), verified: weightOnly(1250) };

    expect(finalWeight(finished(aRollout({ phase: 'halted', traffic })))).toBe(12.5);
    expect(finalWeight(finished(aRollout({ phase: 'halted', traffic: { ...traffic, verified: null } })))).toBeNull();
  });
});

describe('open rollouts', () => {
  test('that were left tell where their users are, and why', () => {
    expect(finalWeight(finished(left))).toBe(20);
    expect(finalWeight(finished(atDeploy))).toBe(100);
    expect(outputsOf(finished(left), NOWHERE)).toMatchObject({
      status: 'paused',
      'reason-code': 'paused',
      'final-weight': '20',
      'steps-completed': '3',
    });
    const early = left.steps.map((step) => ({ ...step, heldMs: step.heldMs - 1 }));
    expect(outputsOf(finished({ ...left, steps: early }), NOWHERE)['steps-completed']).toBe('2');
    expect(outputsOf(finished({ ...left, reason: null }), NOWHERE)['reason-code']).toBe('paused');
  });

  test('are listed in the result of `status`', async () => {
    const result = resultOf(story('status'));

    await expect(`${JSON.stringify(result, null, 2)}\n`).toMatchFileSnapshot('golden/result-status.golden.json');
  });

  test('are an empty list where none is open, and no list at all for anything but `status` and `sweep`', () => {
    expect(resultOf(story('status-of-none')).rollouts).toEqual([]);
    expect(resultOf(story('sweep')).rollouts?.map(({ phase, weight }) => [phase, weight])).toEqual([
      ['progressing', 20],
      ['rolled-back', 0],
      ['promoted', 100],
      ['paused', 20],
    ]);
    expect(resultOf(story('handed-over'))).not.toHaveProperty('rollouts');
    expect(resultOf(finished(promoted))).not.toHaveProperty('rollouts');
  });
});

describe('outputs', () => {
  test('are all strings, and empty where nothing is known', () => {
    const outputs = outputsOf(story('rejected-by-config'), NOWHERE);

    expect(outputs).toMatchObject({
      status: 'rejected',
      'reason-code': 'invalid-config',
      'final-weight': '',
      'steps-completed': '0',
      'failed-metric': '',
      'comment-url': '',
      'report-path': '',
    });
  });

  test('of a rollback name the metric, the steps done and the places of the report', () => {
    const outputs = outputsOf(finished(rolledBack), {
      commentUrl: 'https://a.invalid/1',
      reportPath: '/tmp/report.md',
    });

    expect(outputs).toMatchObject({
      status: 'rolled-back',
      'reason-code': 'metric-failed',
      'final-weight': '0',
      'steps-completed': '2',
      'failed-metric': 'errors',
      'comment-url': 'https://a.invalid/1',
      'report-path': '/tmp/report.md',
    });
  });

  test('the result JSON of a rollback has every field of its schema', async () => {
    const result = JSON.parse(outputsOf(finished(rolledBack), NOWHERE).result);

    await expect(`${JSON.stringify(result, null, 2)}\n`).toMatchFileSnapshot('golden/result-rolled-back.golden.json');
  });

  test('harm is unknown, not zero, when no metric counts requests and the canary had traffic', () => {
    const plan = aPlan({ metrics: aPlan().metrics.slice(1) });

    expect(resultOf(finished(aRollout({ ...rolledBack, plan }))).harm).toEqual({
      canaryRequests: null,
      canaryFailures: null,
    });
  });

  test('harm is zero when the canary never had traffic', () => {
    expect(resultOf(story('canary-never-ready')).harm).toEqual({ canaryRequests: 0, canaryFailures: 0 });
  });
});

describe('console lines', () => {
  test('one entry is one line with its time, and says its level in words', () => {
    expect(consoleLines({ at: at('10:02:05'), group: 'g', level: 'info', text: 'weight 5 %' })).toEqual([
      '10:02:05  weight 5 %',
    ]);
    expect(consoleLines({ at: at('10:02:05'), group: 'g', level: 'warning', text: 'slow' })).toEqual([
      '10:02:05  warning: slow',
    ]);
  });

  test('further lines are indented, and no line can begin with a workflow command', () => {
    const lines = consoleLines({
      at: at('10:02:05'),
      group: 'g',
      level: 'error',
      text: 'a\n::error::x\r\n##[error]y\u001b[2J',
    });

    expect(lines).toEqual(['10:02:05  error: a', '          | ::error::x', '          | ##[error]y⟨U+001B⟩[2J']);
  });
});
