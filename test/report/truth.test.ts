import { describe, expect, test } from 'vitest';
import type { Rollout } from '../../src/core/rollout.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { renderComment } from '../../src/report/comment.ts';
import { statusDescription } from '../../src/report/headline.ts';
import { anObservation, aRollout, at } from '../fakes/rollout.ts';
import { rolledBack } from '../fakes/stories.ts';

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
});
