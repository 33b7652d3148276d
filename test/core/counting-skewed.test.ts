import { describe, expect, test } from 'vitest';
import { record } from '../../src/core/record.ts';
import type { Effect, Rollout } from '../../src/core/rollout.ts';
import type { Sample, Series } from '../../src/core/sample.ts';
import { startRollout } from '../../src/core/start.ts';
import type { Arm, Ms } from '../../src/core/units.ts';
import { seen } from './counting.ts';
import { aPlan } from './plan.ts';
import { seeded } from './random.ts';

const START = 1_000_000;
const SECONDS = 240;
const SCRAPE = 5_000;
const ARMS = ['stable', 'canary'] as const;

/** A pod's own counters, second by second, and when it begins anew. */
interface Pod {
  readonly name: string;
  readonly arm: Arm;
  readonly restartsAt: number | null;
  readonly requests: readonly number[];
  readonly failures: readonly number[];
}

/** Whose clock is ahead by `skew`, and that scrapes each pod in its own moment. */
interface Store {
  readonly skew: Ms;
  readonly phase: Ms;
}

interface Case {
  readonly stores: readonly Store[];
  /** Both stores in one answer, as one series: they differ in replica labels only. */
  readonly merged: boolean;
  readonly restarts: boolean;
  readonly failing: number;
}

const aPod = (name: string, arm: Arm, random: () => number, { restarts, failing }: Case): Pod => {
  const restartsAt = restarts && name === 'canary-0' ? 120 : null;
  const [requests, failures]: [number[], number[]] = [[0], [0]];
  for (let second = 1; second <= SECONDS; second += 1) {
    const begins = second === restartsAt;
    const more = Math.floor(random() * 20);
    let failed = 0;
    for (let one = 0; one < more; one += 1) failed += Number(random() < failing);
    requests.push((begins ? 0 : (requests[second - 1] ?? 0)) + more);
    failures.push((begins ? 0 : (failures[second - 1] ?? 0)) + failed);
  }
  return { name, arm, restartsAt, requests, failures };
};

const scraped = (counts: readonly number[], store: Store, until: Ms): Series['points'] =>
  Array.from({ length: Math.floor((until - store.phase) / SCRAPE) + 1 }, (_, index) => {
    const at = store.phase + index * SCRAPE;
    return [START + at + store.skew, counts[Math.floor(at / 1_000)] ?? 0] as const;
  }).filter(([at]) => at <= START + until && at > START + until - 60_000);

const answer = (pods: readonly Pod[], asked: readonly Store[], until: Ms, arm: Arm): Sample => {
  const series = (of: 'requests' | 'failures'): readonly Series[] =>
    pods
      .filter((pod) => pod.arm === arm)
      .map((pod, index) => {
        const moved = asked.map(({ skew, phase }) => ({ skew, phase: (phase + index * 300) % SCRAPE }));
        const points = moved.flatMap((store) => scraped(pod[of], store, until)).toSorted(([a], [b]) => a - b);
        return { id: pod.name, pod: pod.name, points };
      });
  return { metric: 'errors', arm, kind: 'counters', requests: series('requests'), failures: series('failures') };
};

const baking = (): Rollout => {
  const rollout = startRollout(aPlan(), START);
  return { ...rollout, phase: 'progressing', step: 0, stage: { ...rollout.stage, name: 'bake', verifiedAt: START } };
};

const opened = (rollout: Rollout, effect: Effect): Rollout => ({ ...rollout, open: [effect] });

const lookedAt = (rollout: Rollout, pods: readonly Pod[], now: Ms): Rollout => {
  const lives = (arm: Arm) =>
    Object.fromEntries(
      pods
        .filter((pod) => pod.arm === arm)
        .map(({ name, restartsAt }) => [name, restartsAt !== null && now >= restartsAt * 1_000 ? 'u/1/' : 'u/0/']),
    );
  const observation = {
    at: START + now,
    asked: { canary: 500, cohort: null, mirror: 0 },
    traffic: null,
    trafficProblem: null,
    changedBy: null,
    asWanted: true,
    verification: null,
    progress: null,
    restored: false,
    stable: seen(lives('stable')),
    canary: seen(lives('canary')),
  };
  const effect: Effect = {
    kind: 'observe',
    id: 1,
    since: START + now,
    want: observation.asked,
    stage: null,
    depth: 'pods',
  };
  return record(opened(rollout, effect), { kind: 'observed', effect: 1, now: START + now + 20, observation });
};

interface Ran {
  readonly rollout: Rollout;
  readonly failed: boolean;
  readonly pods: readonly Pod[];
}

const run = (seed: number, scene: Case): Ran => {
  const random = seeded(seed);
  const pods = ARMS.flatMap((arm) => [0, 1, 2].map((index) => aPod(`${arm}-${index}`, arm, random, scene)));
  let rollout = lookedAt(baking(), pods, 0);
  let failed = false;
  for (let now = 5_000; now <= SECONDS * 1_000; now += 5_000) {
    const asked = scene.merged
      ? scene.stores
      : [scene.stores[Math.floor(random() * scene.stores.length)] ?? { skew: 0, phase: 0 }];
    const samples = ARMS.map((arm) => answer(pods, asked, now, arm));
    const effect: Effect = { kind: 'query', id: 1, since: START, metrics: ['errors'], windowMs: 0, from: 0 };
    rollout = record(opened(rollout, effect), { kind: 'sampled', effect: 1, now: START + now, samples });
    failed ||= rollout.metrics[0]?.verdict.kind === 'failed';
    if (rollout.metrics.some(({ doubts }) => doubts.length > 0)) rollout = lookedAt(rollout, pods, now + 1_000);
  }
  return { rollout, failed, pods };
};

/** All that the pods of an arm ever counted up to a second. */
const truth = (pods: readonly Pod[], arm: Arm, of: 'requests' | 'failures', second: number): number =>
  pods
    .filter((pod) => pod.arm === arm)
    .reduce((sum, pod) => {
      const before = pod.restartsAt !== null && second >= pod.restartsAt ? (pod[of][pod.restartsAt - 1] ?? 0) : 0;
      return sum + before + (pod[of][second] ?? 0);
    }, 0);

const SKEWED: readonly Store[] = [
  { skew: 0, phase: 0 },
  { skew: 3_400, phase: 2_100 },
];

const CASES: readonly (readonly [string, Case])[] = [
  ['one store', { stores: SKEWED.slice(0, 1), merged: false, restarts: false, failing: 0.02 }],
  [
    'one store and a pod that begins anew',
    { stores: SKEWED.slice(0, 1), merged: false, restarts: true, failing: 0.02 },
  ],
  ['two stores asked in turn', { stores: SKEWED, merged: false, restarts: false, failing: 0.02 }],
  [
    'two stores asked in turn and a pod that begins anew',
    { stores: SKEWED, merged: false, restarts: true, failing: 0.02 },
  ],
  ['two stores in every answer', { stores: SKEWED, merged: true, restarts: false, failing: 0.02 }],
  [
    'two stores in every answer and a pod that begins anew',
    { stores: SKEWED, merged: true, restarts: true, failing: 0.02 },
  ],
];

const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);

const caseOf = (name: string): Case => {
  const found = CASES.find(([title]) => title === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  return found[1];
};

describe('counting through', () => {
  test.each(CASES)('%s never counts more than there was, misses little, and rolls no good release back', (_, scene) => {
    for (const seed of SEEDS) {
      const { rollout, failed, pods } = run(seed, scene);
      const [metric] = rollout.metrics;
      const at = `seed ${seed}`;

      expect(failed, at).toBe(false);
      for (const arm of ARMS)
        for (const of of ['requests', 'failures'] as const) {
          const [counted, all] = [metric?.total[arm][of] ?? 0, truth(pods, arm, of, SECONDS)];
          expect(counted, `${at}: ${of} of ${arm}, of ${all}`).toBeLessThanOrEqual(all);
        }
      const [counted, most] = [metric?.total.canary.requests ?? 0, truth(pods, 'canary', 'requests', SECONDS - 30)];
      expect(counted, at).toBeGreaterThanOrEqual(scene.restarts ? 0.9 * most : most);
    }
  });

  test('two stores that differ is told once', () => {
    const { rollout } = run(1, caseOf('two stores asked in turn'));

    expect(rollout.warnings).toEqual([
      expect.stringMatching(/^two stores seem to tell the same counters differently: those of \S+ went down/),
    ]);
  });

  test('one store is nothing to tell of, also when a pod begins anew', () => {
    expect(run(1, caseOf('one store and a pod that begins anew')).rollout.warnings).toEqual([]);
  });
});
