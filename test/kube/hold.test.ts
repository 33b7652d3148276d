import { describe, expect, test } from 'vitest';
import type { Rollout } from '../../src/core/rollout.ts';
import { CONDUCT } from '../fakes/conduct.ts';
import { aPlan, aRollout } from '../fakes/rollout.ts';
import { ours, STATE, setUp } from './store-fixture.ts';

const { signal } = new AbortController();

/** `data.hold` after each of these was saved. */
const holds = async (...rollouts: readonly Rollout[]): Promise<readonly unknown[]> => {
  const { store, cluster } = setUp();
  const first = store();
  await first.acquire(ours, signal);
  const seen: unknown[] = [];
  for (const rollout of rollouts) {
    await first.save(rollout, signal);
    seen.push(Object(cluster.get(STATE)?.['data']).hold);
  }
  return seen;
};

const plan = aPlan({ conduct: { ...CONDUCT, holdMs: 600_000 } });
const leftAt = (finishedAt: number): Rollout => ({
  ...aRollout(),
  plan,
  phase: 'left',
  paused: { by: 'octocat', since: 1_000_000 },
  finishedAt,
});

describe('what the state tells the watchdog, which reads no JSON', () => {
  test('is nothing while somebody drives it, paused or not', async () => {
    const driven = { ...aRollout(), plan };

    expect(await holds(driven, { ...driven, paused: { by: 'octocat', since: 1 } })).toEqual([undefined, undefined]);
  });

  test('is what is left of the hold, in seconds, once it was left on purpose', async () => {
    expect(await holds(leftAt(1_000_000), leftAt(1_100_500), leftAt(9_000_000))).toEqual(['600', '500', '0']);
  });

  test('is nothing again when it is taken up', async () => {
    expect(await holds(leftAt(1_000_000), { ...aRollout(), plan })).toEqual(['600', undefined]);
  });

  test('is no number where a person was called', async () => {
    expect(await holds({ ...aRollout(), phase: 'halted' })).toEqual(['halted']);
  });
});
