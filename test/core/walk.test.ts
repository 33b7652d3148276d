import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import { brokenAtEnd, brokenBy, deepFreeze } from './invariants.ts';
import { AUTOSCALED, aPlan, ERRORS, LATENCY, PODS } from './plan.ts';
import { seeded } from './random.ts';
import { turnText } from './script.ts';
import { type Walked, walk } from './walk.ts';
import { CALM, type Trouble } from './world.ts';

/** Short steps: ten thousand walks fit in a test. */
const shortPlan = (random: () => number): Plan => {
  const plan = aPlan({
    ...(random() < 0.3 ? { abilities: PODS } : {}),
    ...(random() < 0.3 ? { promoteAt: 'last-step' } : {}),
    metrics: [[ERRORS], [ERRORS, LATENCY], [LATENCY], []][Math.floor(random() * 4)] ?? [],
  });
  const steps = plan.steps
    .slice(0, 1 + Math.floor(random() * 3))
    .map((step) => ({ ...step, intervalMs: 6_000, approval: random() < 0.1 }));
  const autoscaled = { ...AUTOSCALED, ...(plan.abilities.unit === 'pods' ? { companions: [] } : {}) };
  const until = [null, null, { kind: 'weight', weight: 2_000 }, { kind: 'promotion' }] as const;
  return {
    ...plan,
    target: random() < 0.3 ? { ...plan.target, ...autoscaled } : plan.target,
    conduct: {
      ...plan.conduct,
      until:
        plan.abilities.unit === 'pods' || plan.promoteAt === 'last-step'
          ? null
          : (until[Math.floor(random() * 4)] ?? null),
      holdMs: random() < 0.5 ? 60_000 : 600_000,
      onCancel: random() < 0.2 ? 'keep' : 'rollback',
      approval: { ...plan.conduct.approval, timeoutMs: 30_000 },
    },
    steps,
    timings: {
      ...plan.timings,
      noDataMs: 20_000,
      readyMs: 30_000,
      verifyMs: 20_000,
      drainMs: 8_000,
      timeoutMs: 300_000,
    },
  };
};

const someTrouble = (random: () => number): Trouble => {
  const often = <Value>(chance: number, value: Value, calm: Value): Value => (random() < chance ? value : calm);
  const at = (chance: number, most: number): number | null => often(chance, random() * most, null);
  return {
    ...CALM,
    fails: often(0.5, random() * 0.4, 0),
    slow: often(0.5, random() * 0.5, 0),
    refuses: often(0.3, random() * 0.3, 0),
    wayBackRefusals: often(0.1, 4, 0),
    canaryErrors: often(0.3, random() < 0.5 ? 0.3 : 0.04, 0),
    errors: often(0.3, random() * 0.05, 0),
    errorsSince: often(0.3, random() * 60_000, 0),
    errorsUntil: often(0.3, random() * 60_000, Number.POSITIVE_INFINITY),
    incident: often(0.1, { from: 10_000, to: 40_000, errors: 0.2 }, null),
    restartsAt: at(0.1, 60_000),
    lagsAt: at(0.1, 60_000),
    stableErrors: often(0.1, 0.5, 0),
    latency: often(0.15, 2, 0.1),
    canaryStarts: often(0.95, true, false),
    canaryDiesAt: at(0.1, 60_000),
    stableStarts: often(0.9, true, false),
    stableDies: often(0.1, true, false),
    confirms: often(0.95, true, false),
    cancelAt: at(0.4, 60_000),
    foreignAt: at(0.1, 60_000),
    stableChangedAt: at(0.05, 60_000),
    deploys: (['nothing', 'stable', 'stable and route'] as const)[Math.floor(random() * 3)] ?? 'nothing',
    dataFrom: often(0.1, random() * 60_000, 0),
    traffic: often(0.1, 2, 100),
  };
};

const WALKS = 10_000;
const BATCH = 1_000;

const walkSeed = (
  seed: number,
  show: ((line: string) => void) | null = null,
): { walked: Walked; broken: readonly string[] } => {
  const random = seeded(seed);
  const plan = deepFreeze(shortPlan(random));
  const trouble = someTrouble(random);
  const crashAfter = random() < 0.2 ? Math.floor(random() * 200) : null;
  const names = ['pause', 'resume', 'promote', 'abort', 'resume'] as const;
  const commands = Array.from({ length: random() < 0.3 ? 1 + Math.floor(random() * 3) : 0 }, () => ({
    at: Math.floor(random() * 60_000),
    name: names[Math.floor(random() * names.length)] ?? 'pause',
  })).sort((a, b) => a.at - b.at);
  const resumes = random() < 0.5;
  const opened = { after: random() * 120_000, command: names[Math.floor(random() * names.length)] ?? null };
  const broken: string[] = [];
  const walked = walk(plan, trouble, {
    random,
    crashAfter,
    commands,
    resumes,
    opened: random() < 0.9 ? opened : null,
    jitterMs: random() < 0.5 ? 6 : 0,
    each: (trace) => {
      deepFreeze(trace.event);
      deepFreeze(trace.after);
      broken.push(...brokenBy(trace));
      if (trace.before !== trace.after) show?.(turnText(trace));
    },
  });
  return { walked, broken: [...new Set([...broken, ...brokenAtEnd(walked, trouble)])] };
};

const from = Number(process.env['WALK_SEED'] ?? 1);

describe('ten thousand random walks', () => {
  const ends = new Map<string, number>();

  test.each(Array.from({ length: WALKS / BATCH }, (_, index) => from + index * BATCH))(
    'keep every rule, from seed %i on',
    (first) => {
      for (let seed = first; seed < first + BATCH; seed += 1) {
        let result: ReturnType<typeof walkSeed>;
        try {
          result = walkSeed(seed);
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error });
        }
        ends.set(result.walked.rollout.phase, (ends.get(result.walked.rollout.phase) ?? 0) + 1);
        if (result.broken.length === 0) continue;
        const turns: string[] = [];
        walkSeed(seed, (line) => turns.push(line));
        expect.fail(`seed ${seed}: ${result.broken.join('; ')}\n${turns.slice(-60).join('\n')}`);
      }
    },
    120_000,
  );

  test('come to every end', () => {
    expect(ends.get('promoted') ?? 0).toBeGreaterThan(WALKS / 50);
    expect(ends.get('rolled-back') ?? 0).toBeGreaterThan(WALKS / 50);
    expect(ends.get('halted') ?? 0).toBeGreaterThan(WALKS / 100);
    expect(ends.get('left') ?? 0).toBeGreaterThan(WALKS / 100);
  });
});
