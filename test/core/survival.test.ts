import { describe, expect, test } from 'vitest';
import { transition } from '../../src/core/decide.ts';
import { reopen } from '../../src/core/reopen.ts';
import type { ArmSeen, Effect, Observation, Rollout } from '../../src/core/rollout.ts';
import { AUTOSCALED, aPlan, PAIR } from './plan.ts';
import { walk } from './walk.ts';
import { CALM, type Trouble } from './world.ts';

/** The first turn of a calm rollout that is as asked. */
const whenever = (isIt: (rollout: Rollout) => boolean, trouble: Partial<Trouble> = {}): Rollout => {
  const found: Rollout[] = [];
  walk(aPlan(), { ...CALM, ...trouble }, { each: ({ after }) => void (isIt(after) && found.push(after)) });
  const [first] = found;
  if (first === undefined) throw new Error('it never came to that');
  return first;
};

const isLook = ({ kind }: Effect): boolean => kind === 'observe';
const isLooking = ({ open }: Rollout): boolean => open.some(({ kind }) => kind === 'observe');

/** The look under way is answered with what the last one showed, and this. */
const look = (rollout: Rollout, change: Partial<Observation>): Rollout => {
  const effect = rollout.open.find((one): one is Extract<Effect, { kind: 'observe' }> => one.kind === 'observe');
  const last = rollout.observation;
  if (effect === undefined || last === null) throw new Error('nobody looks');
  const now = effect.since + 10;
  const observation = { ...last, at: effect.since, asked: effect.want, ...change };
  return transition(rollout, { kind: 'observed', effect: effect.id, now, observation });
};

const stableOf = ({ observation }: Rollout): ArmSeen => {
  if (observation?.stable == null) throw new Error('no stable');
  return observation.stable;
};

test('putting the route back is tried again when the API server refuses it for a moment', () => {
  const restoring = whenever(
    ({ phase, stage, open }) =>
      phase === 'rolling-back' && stage.name === 'restore-route' && open.some(({ kind }) => kind === 'write'),
    { canaryErrors: 0.3 },
  );
  const effect = restoring.open.find(({ kind }) => kind === 'write')?.id ?? -1;
  const refused = (code: 'refused-by-cluster' | 'lock-lost') =>
    transition(restoring, {
      kind: 'written',
      effect,
      now: restoring.stage.since + 20,
      outcome: { kind: 'refused', code, reason: 'a webhook said no', final: true },
    });

  expect(refused('refused-by-cluster').phase).toBe('rolling-back');
  expect(refused('lock-lost').phase).toBe('halted');
});

describe('when stable is deleted', () => {
  test('the canary keeps the users it has, because there is nobody to go back to', () => {
    const after = look(
      whenever((rollout) => rollout.stage.name === 'bake' && isLooking(rollout)),
      { stable: null },
    );

    expect([after.phase, after.reason?.code, after.open]).toEqual(['halted', 'stable-changed', []]);
    expect(after.reason?.text).toContain('keeps its traffic');
  });

  test('a canary without users is removed', () => {
    const after = look(
      whenever((rollout) => rollout.stage.name === 'settle' && isLooking(rollout)),
      { stable: null },
    );

    expect(after.phase).toBe('rolling-back');
  });
});

describe('when stable is scaled down while a weight is held', () => {
  const baking = whenever((rollout) => rollout.stage.name === 'bake' && isLooking(rollout));
  const scaled = (replicas: number): Rollout =>
    look(baking, { stable: { ...stableOf(baking), replicas, ready: replicas } });

  test('the traffic returns while there are pods to return to', () => {
    const after = scaled(2);

    expect([after.phase, after.reason?.code]).toEqual(['rolling-back', 'stable-changed']);
    expect(after.reason?.text).toContain('down from 3 to 2 pods');
  });

  test('to nothing, the canary keeps the users it has, though the last pods of stable may still answer', () => {
    const after = look(baking, { stable: { ...stableOf(baking), replicas: 0, ready: 3 } });

    expect([after.phase, after.reason?.code, after.open]).toEqual(['halted', 'stable-changed', []]);
  });

  test('fewer ready pods alone are no such change', () => {
    const after = look(baking, { stable: { ...stableOf(baking), ready: 1 } });

    expect(after.phase).toBe('progressing');
  });
});

describe('when the router misses a Service behind the route', () => {
  const verification = { kind: 'pending', waitingFor: 'a backend', taken: true } as const;
  const baking = whenever((rollout) => rollout.stage.name === 'bake' && isLooking(rollout));
  const canary = baking.observation?.canary ?? null;
  const depths = ({ open }: Rollout) => open.flatMap((effect) => (effect.kind === 'observe' ? [effect.depth] : []));

  /** A light look, and the full one that follows it. */
  const found = (stable: number, ofCanary: number): { doubting: Rollout; after: Rollout } => {
    const blind = canary === null ? null : { ...canary, endpoints: null };
    const doubted = look(baking, { verification, canary: blind });
    const doubting = transition(doubted, {
      kind: 'woke',
      effect: doubted.open.find(({ kind }) => kind === 'wake')?.id ?? -1,
      now: doubted.lookedAt + 200,
    });
    const seen = canary === null ? null : { ...canary, endpoints: ofCanary };
    return {
      doubting,
      after: look(doubting, { verification, canary: seen, stable: { ...stableOf(baking), endpoints: stable } }),
    };
  };

  test('which one is asked at once', () => {
    const { doubting } = found(3, 0);

    expect([doubting.phase, depths(doubting)]).toEqual(['progressing', ['full']]);
  });

  test('the traffic returns from a canary that lost its own', () => {
    const { after } = found(3, 0);

    expect([after.phase, after.reason?.code]).toEqual(['rolling-back', 'canary-not-ready']);
  });

  test('nobody is sent to a stable that lost its own', () => {
    const { after } = found(0, 1);

    expect([after.phase, after.reason?.code]).toEqual(['halted', 'stable-changed']);
  });

  test('the traffic returns where neither did', () => {
    const { after } = found(3, 1);

    expect([after.phase, after.reason?.code]).toEqual(['rolling-back', 'weight-not-confirmed']);
  });
});

test('a held weight gets the canary pods that a stable scaled up meanwhile asks for, and its clock goes on', () => {
  const baking = whenever(({ stage, step, open }) => stage.heldMs > 9_000 && step === 1 && open.some(isLook));
  const next = look(baking, { stable: { ...stableOf(baking), replicas: 9, ready: 9 } });

  const saved = transition(next, {
    kind: 'saved',
    effect: next.open.find(({ kind }) => kind === 'save')?.id ?? -1,
    now: next.stage.since + 10,
    revision: next.revision,
  });
  expect(saved.stage.name).toBe('scale');
  expect(saved.steps.length).toBe(2);
  expect(saved.steps[1]?.heldMs).toBeGreaterThanOrEqual(9_000);
  expect(saved.open.flatMap((effect) => (effect.kind === 'write' ? [effect.intent] : []))).toEqual([
    { kind: 'workload', stage: { kind: 'canary', replicas: 2 } },
  ]);
});

test('a resume past the point of no return looks at stable before it sends traffic there', () => {
  const returning = whenever((rollout) => rollout.stage.name === 'return-all');

  const resumed = transition(reopen(returning, null, returning.stage.since + 60_000), {
    kind: 'started',
    now: returning.stage.since + 60_000,
  });

  expect(resumed.stage.name).toBe('stable-ready');
  expect(resumed.open.some(({ kind }) => kind === 'write')).toBe(false);
});

test('a rolling update of stable has the time of its pods one after the other', () => {
  const updating = whenever((rollout) => rollout.stage.name === 'stable-ready', { stableStarts: false });
  const { since } = updating.stage;
  const after = (ms: number): Rollout => transition(updating, { kind: 'started', now: since + ms });

  expect(after(3 * 120_000 - 1).phase).toBe('promoting');
  expect(after(3 * 120_000).phase).toBe('halted');
});

test('a run that died right after its first weight is drained, although its state is from before', () => {
  const saving = whenever(({ stage, open }) => stage.name === 'shift' && !open.some(({ kind }) => kind === 'write'));
  const why = { code: 'cancelled', text: 'the run ended', metric: null } as const;
  expect(saving.traffic.firstAt).toBeNull();

  expect(reopen(saving, why, saving.stage.since + 60_000).traffic.firstAt).not.toBeNull();
});

describe('on the way back', () => {
  const returning = (): Rollout =>
    whenever(
      (rollout) => rollout.stage.name === 'way-back' && rollout.stage.write.kind === 'done' && isLooking(rollout),
      {
        cancelAt: 12_000,
      },
    );
  const at0 = { traffic: { canary: 0, cohort: null, mirror: 0 }, asWanted: true };
  const later = (rollout: Rollout): string => {
    const now = rollout.stage.since + 2_000;
    return transition(rollout, { kind: 'started', now }).stage.name;
  };

  test('a router that has the weights and misses a backend does not keep the canary', () => {
    const verification = { kind: 'pending', waitingFor: 'its backends', taken: true } as const;
    expect(later(look(returning(), { ...at0, verification }))).toBe('drain');
  });

  test('a router that has not read the weights yet does', () => {
    const verification = { kind: 'pending', waitingFor: 'its status' } as const;
    expect(later(look(returning(), { ...at0, verification }))).toBe('way-back');
  });
});

describe('while the API server is away for minutes', () => {
  const away = (rollout: Rollout, ms: number): Rollout => {
    const { since } = rollout.stage;
    const trouble = { trouble: 'no route to host', troubleCode: 'cluster-unreachable' } as const;
    const stage = { ...rollout.stage, ...trouble, write: { kind: 'none' } as const, retryAt: since + ms - 1 };
    return transition({ ...rollout, stage }, { kind: 'started', now: since + ms });
  };

  test.each(['restore-route', 'commit', 'update-stable'] as const)('%s waits for it', (name) => {
    const there = whenever(
      ({ stage, committedAt }) => stage.name === name && (name !== 'commit' || committedAt !== null),
    );

    expect(away(there, 300_000).stage.name).toBe(name);
    expect(away(there, 600_000).phase).toBe('halted');
  });

  test('a step is not waited for', () => {
    const shifting = whenever(({ stage }) => stage.name === 'shift');

    expect(away(shifting, 60_000).phase).toBe('rolling-back');
  });
});

describe('users who are sent to a canary that nobody can reach', () => {
  test('are sent back when the router misses its Service', () => {
    const baking = whenever((rollout) => rollout.stage.name === 'bake' && isLooking(rollout));
    const verification = { kind: 'pending', waitingFor: 'its backends', taken: true } as const;
    const after = look(baking, { verification });

    expect([after.phase, after.reason?.code]).toEqual(['rolling-back', 'weight-not-confirmed']);
  });

  test('are sent back when its Service has no endpoints', () => {
    const growing = whenever((rollout) => rollout.stage.name === 'capacity' && isLooking(rollout));
    const canary = growing.observation?.canary ?? null;
    const after = look(growing, { canary: canary && { ...canary, endpoints: 0 } });

    expect([after.phase, after.reason?.code]).toEqual(['rolling-back', 'canary-not-ready']);
  });
});

test.each([
  ['goes on where a write was refused', 'refused-by-cluster', null, 'stable-ready'],
  ['goes on where somebody cancelled', 'cancelled', null, 'stable-ready'],
  ['stays where a metric spoke against the updated stable', 'promote-failed', 'errors', 'keep-canary'],
] as const)('a return that halted with the canary serving %s', (_what, code, metric, stage) => {
  const returning = whenever(({ stage: { name } }) => name === 'return-some');
  const kept: Rollout = {
    ...returning,
    phase: 'halted',
    reopensAs: 'promoting',
    stage: { ...returning.stage, name: 'keep-canary' },
    reason: { code, text: 'why', metric },
  };

  expect(reopen(kept, null, returning.startedAt + 600_000).stage.name).toBe(stage);
});

describe('a promotion that halted before stable was ready', () => {
  const pending = whenever(({ stage }) => stage.name === 'stable-ready');
  const halted: Rollout = {
    ...pending,
    phase: 'halted',
    reopensAs: 'promoting',
    reason: { code: 'promote-failed', text: 'it could not be pulled', metric: null },
  };
  const now = pending.startedAt + 600_000;
  const promote = { name: 'promote', rolloutId: null, by: 'octocat', id: 'c1', raw: 'promote' } as const;

  test('goes on without the reason for which it halted: what comes next has its own', () => {
    expect(reopen(halted, null, now)).toMatchObject({ phase: 'promoting', reason: null });
  });

  test('is finished by a promote', () => {
    const after = transition(reopen(halted, null, now), { kind: 'commanded', now, command: promote });

    expect(after).toMatchObject({ stage: { name: 'update-stable' }, asked: [{ name: 'promote', refused: null }] });
  });

  test('a promotion that is on its way needs none', () => {
    const after = transition(
      whenever(({ stage, observation }) => stage.name === 'stable-ready' && observation !== null),
      { kind: 'commanded', now, command: promote },
    );

    expect(after.asked[0]?.refused).toBe('it is being promoted already');
  });
});

test('going back after `until: promotion` leaves a route alone that was put back already', () => {
  const saved = whenever(({ stage }) => stage.name === 'commit');
  const plan = { ...saved.plan, conduct: { ...saved.plan.conduct, until: { kind: 'promotion' } as const } };
  const left: Rollout = { ...saved, plan, phase: 'left', reopensAs: 'promoting', untilReached: true };
  const why = { code: 'superseded', text: 'another release', metric: null } as const;
  const opened = reopen({ ...left, committedAt: saved.startedAt + 1 }, why, saved.startedAt + 600_000);
  const reading = transition(opened, { kind: 'started', now: saved.startedAt + 600_000 });
  const effect = reading.open.find((one): one is Extract<Effect, { kind: 'observe' }> => one.kind === 'observe');
  if (effect === undefined || saved.observation === null) throw new Error('nobody looks');
  const observation: Observation = {
    ...saved.observation,
    at: effect.since,
    asked: effect.want,
    progress: { kind: 'pending', waitingFor: 'the new image' },
    restored: true,
  };
  const after = transition(reading, { kind: 'observed', effect: effect.id, now: effect.since + 10, observation });

  expect([after.stage.name, after.undoes, after.reason?.code]).toEqual(['drain', true, 'superseded']);
});

test('a pair that cannot be given back is told with what it had, because the state goes', () => {
  const found: Rollout[] = [];
  const plan = aPlan({ target: { ...aPlan().target, pair: PAIR } });
  const isGiving = ({ stage, open }: Rollout): boolean =>
    stage.name === 'give-back' && open.some(({ kind }) => kind === 'write');
  walk(plan, { ...CALM, canaryErrors: 0.3 }, { each: ({ after }) => void (isGiving(after) && found.push(after)) });
  const [giving] = found;
  if (giving === undefined) throw new Error('it was never given back');

  const after = transition(giving, {
    kind: 'written',
    effect: giving.open.find(({ kind }) => kind === 'write')?.id ?? -1,
    now: giving.stage.since + 200_000,
    outcome: { kind: 'refused', code: 'forbidden', reason: 'no right to patch it', final: true },
  });

  expect(after.stage.name).toBe('remove-service');
  expect(after.warnings.at(-1)).toContain('no right to patch it');
  expect(after.warnings.at(-1)).toContain('had 1 replicas and checkout=checkout:1');
});

test('an autoscaler that cannot be released is told with its old minimum, because the state goes', () => {
  const found: Rollout[] = [];
  const plan = aPlan({ target: { ...aPlan().target, ...AUTOSCALED } });
  const isReleasing = ({ stage, open }: Rollout): boolean =>
    stage.name === 'release-autoscaler' && open.some(({ kind }) => kind === 'write');
  walk(plan, { ...CALM, canaryErrors: 0.3 }, { each: ({ after }) => void (isReleasing(after) && found.push(after)) });
  const [releasing] = found;
  if (releasing === undefined) throw new Error('it was never released');

  const after = transition(releasing, {
    kind: 'written',
    effect: releasing.open.find(({ kind }) => kind === 'write')?.id ?? -1,
    now: releasing.stage.since + 61_000,
    outcome: { kind: 'refused', code: 'forbidden', reason: 'no right to patch it', final: true },
  });

  expect(after.stage.name).toBe('unclaim');
  expect(after.warnings.at(-1)).toContain('no right to patch it');
  expect(after.warnings.at(-1)).toContain(
    'HorizontalPodAutoscaler shop/checkout may still have minReplicas at 3: it was 1 before the rollout',
  );
});
