import { describe, expect, test } from 'vitest';
import { transition } from '../../src/core/decide.ts';
import { reopen } from '../../src/core/reopen.ts';
import type { ArmSeen, Effect, Observation, Rollout } from '../../src/core/rollout.ts';
import { aPlan } from './plan.ts';
import { walk } from './walk.ts';
import { CALM, type Trouble } from './world.ts';

// `promote-at: last-step`: the ends that no scenario comes to by itself.

const whenever = (isIt: (rollout: Rollout) => boolean, trouble: Partial<Trouble> = {}): Rollout => {
  const found: Rollout[] = [];
  const plan = aPlan({ promoteAt: 'last-step' });
  walk(plan, { ...CALM, ...trouble }, { each: ({ after }) => void (isIt(after) && found.push(after)) });
  const [first] = found;
  if (first === undefined) throw new Error('it never came to that');
  return first;
};

const isLooking = ({ open }: Rollout): boolean => open.some(({ kind }) => kind === 'observe');
const updating = whenever(
  ({ stage, open }) => stage.name === 'stable-ready' && open.some(({ kind }) => kind === 'observe'),
);

/** The look under way is answered with what the last one showed, and this. */
const look = (rollout: Rollout, change: Partial<Observation>): Rollout => {
  const effect = rollout.open.find((one): one is Extract<Effect, { kind: 'observe' }> => one.kind === 'observe');
  const last = rollout.observation;
  if (effect === undefined || last === null) throw new Error('nobody looks');
  const observation = { ...last, at: effect.since, asked: effect.want, ...change };
  return transition(rollout, { kind: 'observed', effect: effect.id, now: effect.since + 10, observation });
};

const armOf = (arm: ArmSeen | null | undefined, change: Partial<ArmSeen>): ArmSeen => {
  if (arm == null) throw new Error('there is no such arm');
  return { ...arm, ...change };
};

const wokenAt = (rollout: Rollout, now: number): Rollout => {
  const wake = rollout.open.find(({ kind }) => kind === 'wake');
  return transition(rollout, { kind: 'woke', effect: wake?.id ?? -1, now });
};

const where = ({ phase, stage, traffic }: Rollout) => [phase, stage.name, traffic.wanted.canary];

describe('an update in place', () => {
  test('to another image than was judged takes its users away, as far as the canary has pods', () => {
    const { observation } = updating;
    const after = look(updating, {
      progress: { kind: 'done' },
      stable: armOf(observation?.stable, { imageIds: ['checkout@sha256:2'] }),
      canary: armOf(observation?.canary, { imageIds: ['checkout@sha256:1'] }),
    });

    expect(where(after)).toEqual(['promoting', 'keep-canary', 6_660]);
    expect(after.reason?.code).toBe('image-moved');
  });

  test('that cannot go on leaves the traffic as it is, because old pods of stable serve', () => {
    const reason = 'Stable has 0 of 3 pods updated and 3 ready after progressDeadlineSeconds: no room';
    const after = look(updating, { progress: { kind: 'failed', code: 'promote-failed', reason } });

    expect(where(after)).toEqual(['halted', 'stable-ready', 5_000]);
    expect(after.reason?.text).toBe(reason);
  });

  test('with nobody left on either side halts: there is no better place', () => {
    const { observation } = updating;
    const after = look(updating, {
      stable: armOf(observation?.stable, { ready: 0 }),
      canary: armOf(observation?.canary, { ready: 0 }),
    });

    expect(where(after)).toEqual(['halted', 'stable-ready', 5_000]);
  });

  test('sends nothing to stable while a pod of the canary is left', () => {
    const after = look(updating, { canary: armOf(updating.observation?.canary, { ready: 1 }) });

    expect(where(after)).toEqual(['promoting', 'stable-ready', 5_000]);
  });
});

describe('a canary that should have everything after an update in place', () => {
  const waiting = whenever(
    (rollout) => rollout.stage.name === 'keep-capacity' && isLooking(rollout) && rollout.stage.write.kind === 'done',
    { stableErrors: 0.4 },
  );

  test('keeps the part that its pods can take when no more of them come up', () => {
    const seen = look(waiting, { canary: armOf(waiting.observation?.canary, { replicas: 3 }) });
    const after = wokenAt(seen, waiting.stage.since + 121_000);

    expect(where(after)).toEqual(['halted', 'keep-capacity', 6_660]);
    expect(after.reason?.text).toContain('worse than the canary was');
    expect(after.reason?.text).toContain('; then: waited 2 min for 2 of 3 canary pods ready');
  });

  test('goes on so after a runner that died, and a cancel changes nothing', () => {
    expect(where(reopen(waiting, null, waiting.stage.since + 60_000))).toEqual(['promoting', 'keep-capacity', 6_660]);
    const cancelled = transition(waiting, { kind: 'cancel-requested', now: waiting.stage.since, wayBackSent: false });
    expect(where(cancelled)).toEqual(where(waiting));
  });

  test('is promoted when a person asks for it, judged from 80 % on', () => {
    const halted = whenever(({ phase }) => phase === 'halted', { stableErrors: 0.4 });
    expect(where(halted)).toEqual(['halted', 'keep-canary', 10_000]);
    const opened = reopen(halted, null, halted.finishedAt ?? 0);

    const after = transition(opened, {
      kind: 'commanded',
      now: (halted.finishedAt ?? 0) + 1_000,
      command: { name: 'promote', rolloutId: null, by: 'octocat', id: null, raw: 'promote' },
    });

    expect(where(after)).toEqual(['promoting', 'update-stable', 10_000]);
  });
});

test('a runner that died while the updated stable is judged looks at stable first', () => {
  const judging = whenever(({ stage }) => stage.name === 'return-some');

  expect(where(reopen(judging, null, judging.stage.since + 60_000))).toEqual(['promoting', 'stable-ready', 5_000]);
});
