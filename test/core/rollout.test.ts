import { describe, expect, test } from 'vitest';
import { badVerdict, bakeWaits } from '../../src/core/bake.ts';
import { transition } from '../../src/core/decide.ts';
import { drainWasSeen, isDrained } from '../../src/core/drain.ts';
import type { Plan } from '../../src/core/plan.ts';
import { reopen } from '../../src/core/reopen.ts';
import type { Event, MetricState, Rollout, StageName } from '../../src/core/rollout.ts';
import { aPlan, ERRORS, LATENCY, PODS } from './plan.ts';
import { walk } from './walk.ts';
import { CALM, START, type Trouble } from './world.ts';

/** The last state of a stage, in a rollout that otherwise goes well. */
const lastOf = (name: StageName, change: Partial<Plan> = {}, trouble: Partial<Trouble> = {}): Rollout => {
  let found: Rollout | null = null;
  walk(
    aPlan(change),
    { ...CALM, ...trouble },
    {
      each: ({ after }) => {
        if (after.stage.name === name && after.finishedAt === null) found = after;
      },
    },
  );
  if (found === null) throw new Error(`no stage ${name}`);
  return found;
};

const withMetric = (rollout: Rollout, change: Partial<MetricState>): Rollout => ({
  ...rollout,
  metrics: rollout.metrics.map((metric) => ({ ...metric, ...change })),
});

/** At the end of a step of so much weight, with a share of requests that was seen over 10 scrapes. */
const seen = (weight: number, canary: number, stable: number, change: Partial<Plan> = {}): Rollout => {
  const rollout = lastOf('bake', change);
  const held: Rollout = {
    ...rollout,
    stage: { ...rollout.stage, heldMs: 30_000 },
    traffic: { ...rollout.traffic, wanted: { ...rollout.traffic.wanted, canary: weight } },
  };
  return withMetric(held, { share: { canary, stable }, shareScrapes: 10 });
};

describe('the share that was seen', () => {
  // 50 %: 4 standard errors of 10 000 requests are 2 points, the least is 3, and 3.75 for the scrapes.
  test.each([
    ['as asked is fine', 5_000, 5_000, 5_000, null],
    ['within the tolerance is fine', 5_000, 5_674, 4_326, null],
    ['above the tolerance is not confirmed', 5_000, 5_676, 4_324, 'weight-not-confirmed'],
    ['far below is fine: traffic may reach stable outside the route', 5_000, 1, 9_999, null],
    ['of nothing is not confirmed where 20 requests were due', 5_000, 0, 40, 'weight-not-confirmed'],
    ['of nothing is fine where fewer were due', 5_000, 0, 39, null],
    ['of one in very many is not nothing', 500, 1, 10_000_000, null],
    ['of few requests has a wide tolerance', 500, 2, 8, null],
  ])('%s', (_, weight, canary, stable, code) => {
    expect(badVerdict(seen(weight, canary, stable), START)?.code ?? null).toBe(code);
  });

  test('is not held against pods', () => {
    expect(badVerdict(seen(5_000, 9_000, 1_000, { abilities: PODS }), START)).toBeNull();
  });

  test('is judged only when the interval is over', () => {
    const rollout = seen(5_000, 9_000, 1_000);

    expect(badVerdict({ ...rollout, stage: { ...rollout.stage, heldMs: 29_999 } }, START)).toBeNull();
  });
});

describe('the drain', () => {
  const draining = (change: Partial<MetricState>): Rollout => ({
    ...withMetric(lastOf('bake'), change),
    phase: 'rolling-back',
    stage: { ...lastOf('bake').stage, name: 'drain', since: START },
  });
  const empty = { share: { canary: 0, stable: 9 }, quietScrapes: 2, noDataSince: null, sampledAt: START };

  test.each([
    ['is over after two scrapes without a request', empty, 100, null],
    ['is not after one', { ...empty, quietScrapes: 1 }, 100, 'the old path to be empty'],
    ['is not held up by a request before them', { ...empty, share: { canary: 1, stable: 9 } }, 100, null],
    ['is not seen without data', { ...empty, noDataSince: START }, 100, 'the old path to be empty'],
    ['waits out its time without data', { ...empty, noDataSince: START }, 29_999, 'the old path to be empty'],
    ['is over when its time is', { ...empty, noDataSince: START }, 30_000, null],
  ])('%s', (_, metric, after, waitingFor) => {
    expect(isDrained(draining(metric), START + after)).toBe(waitingFor);
  });

  test('was seen only when it did not take all its time', () => {
    expect([100, 30_000].map((after) => drainWasSeen(draining(empty), START + after))).toEqual([true, false]);
  });
});

describe('missing evidence', () => {
  const window = 60_000;
  const slowScrapes = { metrics: [LATENCY], timings: { ...aPlan().timings, minWindowMs: window, noDataMs: 20_000 } };

  test('does not count while the step waits for its first query', () => {
    const { rollout } = walk(aPlan({ ...slowScrapes, steps: aPlan().steps.slice(0, 1) }), CALM);

    expect(rollout.phase).toBe('promoted');
  });

  test('of a metric that may be ignored does not hold the step', () => {
    const quiet = { ...CALM, traffic: 2 };

    const { rollout } = walk(aPlan({ metrics: [{ ...ERRORS, onNoData: 'ignore' }] }), quiet);

    expect(rollout.phase).toBe('promoted');
  });

  test('of a metric in dry run holds nothing', () => {
    const rollout = lastOf('bake', { metrics: [{ ...ERRORS, dryRun: true }] }, { dataFrom: 3_600_000 });

    expect(bakeWaits(rollout)).toEqual([]);
  });
});

describe('the effort', () => {
  test('of a held weight is a few events a minute, and no timer comes twice', () => {
    const calm = aPlan({
      steps: [{ asked: 500, weight: 500, intervalMs: 600_000, canaryReplicas: 1, approval: false }],
    });
    const times: number[] = [];
    let events = 0;
    walk(calm, CALM, {
      each: ({ event, after, before }) => {
        if (after.stage.name !== 'bake' || before === after) return;
        events += 1;
        if (event.kind === 'woke') times.push(event.now);
      },
    });

    // A look and a query every 5 s with a timer each, and a save every 10 s: 60 a minute, ten minutes long.
    expect(events).toBeLessThan(700);
    expect(new Set(times).size).toBe(times.length);
  });

  test('of waiting for data and of an unreachable cluster stays small', () => {
    const count = (trouble: Partial<Trouble>): { events: number; minutes: number } => {
      let events = 0;
      const { world } = walk(
        aPlan(),
        { ...CALM, ...trouble },
        {
          each: ({ before, after }) => {
            events += before === after ? 0 : 1;
          },
        },
      );
      return { events, minutes: (world.now - START) / 60_000 };
    };

    for (const { events, minutes } of [count({ dataFrom: 3_600_000 }), count({ saves: 'fail' }), count({ fails: 1 })])
      expect(events / minutes).toBeLessThan(300);
  });
});

describe('a rollout that is opened again', () => {
  const why = { code: 'cancelled', text: 'the run ended', metric: null } as const;

  test('goes back before the point of no return', () => {
    expect(reopen(lastOf('bake'), why, START)).toMatchObject({ phase: 'rolling-back', stage: { name: 'way-back' } });
  });

  test('counts as committed when it died at the commit', () => {
    const atCommit = { ...lastOf('commit'), committedAt: null };

    expect(reopen(atCommit, why, START)).toMatchObject({ phase: 'promoting', committedAt: START, open: [] });
  });

  test('goes on after it', () => {
    expect(reopen(lastOf('stable-ready'), why, START)).toMatchObject({
      phase: 'promoting',
      stage: { name: 'stable-ready', write: { kind: 'none' } },
      reason: null,
    });
  });

  test('stays as it ended', () => {
    const { rollout } = walk(aPlan(), CALM);

    expect(reopen(rollout, why, START)).toBe(rollout);
  });
});

describe('a cancel', () => {
  const cancel = (now: number): Event => ({ kind: 'cancel-requested', now, wayBackSent: false });

  test('during the return of traffic keeps the canary serving', () => {
    const after = transition(lastOf('return-some'), cancel(START + 100_000));

    expect(after).toMatchObject({ stage: { name: 'keep-canary' }, reason: { code: 'cancelled' } });
    expect(after.traffic.wanted.canary).toBe(10_000);
  });

  test('does not send traffic to a canary without pods', () => {
    const rollout = lastOf('return-some');
    const { observation } = rollout;
    if (observation?.canary == null) throw new Error('no canary was seen');
    const dead: Rollout = { ...rollout, observation: { ...observation, canary: { ...observation.canary, ready: 0 } } };

    const after = transition(dead, cancel(START + 100_000));

    expect([after.stage.name, after.traffic.wanted.canary]).toEqual(['return-all', 0]);
  });

  test('leaves the traffic where it is when no copy has pods', () => {
    const rollout = lastOf('return-some');
    const { observation } = rollout;
    if (observation?.canary == null || observation.stable === null) throw new Error('an arm was not seen');
    const { canary, stable } = observation;
    const dead = { ...observation, canary: { ...canary, ready: 0 }, stable: { ...stable, ready: 0 } };

    const after = transition({ ...rollout, observation: dead }, cancel(START + 100_000));

    expect([after.phase, after.traffic.wanted.canary]).toEqual(['halted', 8_000]);
  });

  test('changes nothing while a kept canary is given its traffic', () => {
    const keeping = transition(lastOf('return-some'), cancel(START + 100_000));

    expect(transition(keeping, cancel(START + 100_001)).phase).toBe('promoting');
  });

  test('that comes twice rolls back once', () => {
    const back = transition(lastOf('bake'), cancel(START + 20_000));

    expect(transition(back, cancel(START + 20_001)).stage.since).toBe(back.stage.since);
  });
});

describe('an answer to a write of an earlier stage', () => {
  test('is not taken for that of the write to keep the canary', () => {
    let writing: Rollout | null = null;
    walk(aPlan(), CALM, {
      each: ({ after }) => {
        const isWriting = after.open.some(({ kind }) => kind === 'write');
        if (after.stage.name === 'return-some' && isWriting) writing = after;
      },
    });
    if (writing === null) throw new Error('nothing was written');
    const now = START + 100_000;
    const keeping = transition(writing, { kind: 'cancel-requested', now, wayBackSent: false });
    const old = keeping.open.find((effect) => effect.kind === 'write' && effect.superseded);

    const after = transition(keeping, {
      kind: 'written',
      now,
      effect: old?.id ?? 0,
      outcome: { kind: 'done', notes: [] },
    });

    expect(after.stage).toMatchObject({ name: 'keep-canary', write: { kind: 'none' } });
  });

  test('makes the way back go again', () => {
    const { rollout, world } = walk(aPlan(), { ...CALM, slow: 1, cancelAt: 71_000 });

    expect([rollout.phase, world.weight]).toEqual(['rolled-back', 0]);
  });
});

test('a way back that a late write undid goes again', () => {
  const back = lastOf('way-back', {}, { cancelAt: 20_000 });
  const { observation: last } = lastOf('bake');
  if (last === null) throw new Error('nothing was seen');
  const now = START + 24_000;
  const look = back.open.find(({ kind }) => kind === 'observe')?.id ?? 0;
  const observation = { ...last, at: now, asked: back.traffic.wanted, asWanted: false };

  const seenUndone = transition(back, { kind: 'observed', now, effect: look, observation });
  const woken = transition(seenUndone, {
    kind: 'woke',
    now: seenUndone.stage.retryAt,
    effect: seenUndone.open.find(({ kind }) => kind === 'wake')?.id ?? 0,
  });

  expect(seenUndone.stage.write).toEqual({ kind: 'none' });
  expect(woken.open).toContainEqual(expect.objectContaining({ kind: 'write', intent: { kind: 'way-back' } }));
});

test('a lost lock ends everything at once', () => {
  const after = transition(lastOf('bake'), { kind: 'lock-lost', now: START + 20_000, how: 'run 9 took the lock' });

  expect(after).toMatchObject({ phase: 'halted', open: [], reason: { code: 'lock-lost' } });
});
