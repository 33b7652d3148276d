import { describe, expect, test } from 'vitest';
import type { Rollout } from '../../src/core/rollout.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { renderComment } from '../../src/report/comment.ts';
import { statusDescription } from '../../src/report/headline.ts';
import { anObservation, aRollout, at } from '../fakes/rollout.ts';
import { rolledBack } from '../fakes/stories.ts';
import { left } from './open-rollouts.ts';
import { OPEN_STORIES } from './stories.ts';

const commentOf = (rollout: Rollout): string =>
  renderComment({ kind: 'running', rollout }, { now: at('10:04:40'), journal: [], pods: [], podLines: false });

describe('a report claims only what is known', () => {
  const going: Rollout = {
    ...rolledBack,
    phase: 'rolling-back',
    finishedAt: null,
    stage: { ...rolledBack.stage, name: 'way-back', verifiedAt: null },
  };

  test('a way back that was accepted is not yet a confirmed one', () => {
    expect(commentOf(going)).toContain('was accepted at 10:04:25 UTC, 0.6 s after the verdict; not confirmed yet.');
    expect(commentOf(going)).not.toContain('All traffic is on');
    expect(statusDescription({ kind: 'running', rollout: going }, 0)).toContain('traffic is being returned');
  });

  test('a way back that was confirmed says how', () => {
    const confirmed = { ...going, stage: { ...going.stage, verifiedAt: at('10:04:27') } };

    expect(commentOf(confirmed)).toContain(
      'All traffic is on `1.4.1` again, returned at 10:04:25 UTC, 0.6 s after the verdict, and confirmed: accepted by the router (V1).',
    );
  });

  test('a halt tells the weight that the route was last seen with when the wanted one is not confirmed', () => {
    const traffic = { ...aRollout().traffic, wanted: weightOnly(0), verified: weightOnly(2000) };
    const reason = { code: 'weight-not-confirmed', text: 'no answer', metric: null } as const;
    const halted = (observation: Rollout['observation']): string =>
      statusDescription({ kind: 'finished', rollout: aRollout({ phase: 'halted', traffic, reason, observation }) }, 0);

    expect(halted(anObservation({ traffic: weightOnly(1000) }))).toContain(
      '10 % of traffic on 1.4.2, the rest on 1.4.1',
    );
    expect(halted(null)).toContain('where the traffic is could not be confirmed');
  });

  test('traffic that was returned from after the point of no return had all been on the canary', () => {
    const undone = { ...rolledBack, committedAt: at('10:04:00'), undoes: true };

    expect(statusDescription({ kind: 'finished', rollout: undone }, 0)).toContain('rolled back at 100 %');
  });

  test('who is not known to be healthy is not called so', () => {
    const held: Rollout = {
      ...aRollout(),
      waits: [
        { kind: 'approval', since: at('10:04:00') },
        { kind: 'no-data', metric: 'errors', since: at('10:04:10'), why: 'no data' },
      ],
    };

    expect(statusDescription({ kind: 'running', rollout: held }, at('10:05:00'))).not.toContain('healthy');
    expect(commentOf(held)).toContain('No data for `errors` since 10:04:10 UTC');
  });

  test('a rollout that was left was healthy until its job ended, not since', () => {
    expect(statusDescription({ kind: 'finished', rollout: left }, at('10:30:00'))).toContain('healthy until 10:05 UTC');
    expect(commentOf(left)).not.toContain('healthy so far');
  });

  test('a command is offered only where it would be carried out', () => {
    const approvers = { approvers: ['octocat'], selfApproval: true, timeoutMs: 1 };
    const plan = { ...left.plan, conduct: { ...left.plan.conduct, approval: approvers } };

    expect(commentOf(left)).toContain('command=promote@r-812-1');
    expect(commentOf({ ...left, plan })).not.toContain('command=promote@r-812-1');
    expect(commentOf({ ...left, plan })).toContain('command=abort@r-812-1');
  });

  test('names that a shell would not take as they are give no command to paste', () => {
    const target = { ...left.plan.target, namespace: 'shop; rm -rf x' };
    const comment = commentOf({ ...left, plan: { ...left.plan, target } });

    expect(comment).not.toContain('kubectl');
    expect(comment).toContain('command: resume');
  });

  test('no part of the way to undo a halt stands alone where its first step cannot be pasted', () => {
    const halted = OPEN_STORIES['halted-promote-failed']?.situation;
    const rollout = halted?.kind === 'finished' ? halted.rollout : left;
    const fromImages = [{ container: 'checkout', image: 'a/b:1$(x)' }];
    const comment = commentOf({ ...rollout, plan: { ...rollout.plan, fromImages } });

    expect(commentOf(rollout)).toContain('delete deployment/checkout-canary');
    expect(comment).not.toContain('delete deployment/checkout-canary');
    expect(comment).toContain('# look, nothing is written');
  });
});
