import { transition } from '../../src/core/decide.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { ArmSeen, Effect, Event, Intent, Observation, Rollout, WriteOutcome } from '../../src/core/rollout.ts';
import type { Sample } from '../../src/core/sample.ts';
import { startRollout } from '../../src/core/start.ts';
import type { Arm, BasisPoints, Ms } from '../../src/core/units.ts';

/** What can go wrong, and by how much chance; everything else follows from the random numbers given. */
export interface Trouble {
  /** Chance that a write, look, save or query fails; that its answer takes seconds; and that a foreign change happens. */
  readonly fails: number;
  readonly slow: number;
  readonly refuses: number;
  readonly canaryErrors: number;
  readonly canaryStarts: boolean;
  readonly stableStarts: boolean;
  readonly cancelAt: Ms | null;
  readonly foreignAt: Ms | null;
}

export const CALM: Trouble = {
  fails: 0,
  slow: 0,
  refuses: 0,
  canaryErrors: 0,
  canaryStarts: true,
  stableStarts: true,
  cancelAt: null,
  foreignAt: null,
};

/** The state of a small pretended cluster. */
export interface World {
  now: Ms;
  weight: BasisPoints;
  hasEntry: boolean;
  canaryReplicas: number | null;
  hasService: boolean;
  hasMarks: boolean;
  stableImage: 'old' | 'new';
  stableReadyAt: Ms;
  foreign: boolean;
  counters: Record<Arm, { requests: number; failures: number; points: [Ms, number, number][] }>;
}

interface Pending {
  readonly at: Ms;
  readonly event: () => Event;
}

export interface Trace {
  readonly now: Ms;
  readonly event: Event;
  readonly before: Rollout;
  readonly after: Rollout;
  readonly world: Readonly<World>;
}

const REQUESTS_PER_SECOND = 100;

const apply = (world: World, intent: Intent, plan: Plan): WriteOutcome => {
  switch (intent.kind) {
    case 'claim':
      world.hasMarks = true;
      break;
    case 'commit':
      world.hasMarks = false;
      break;
    case 'traffic':
      setWeight(world, plan, intent.want.canary);
      break;
    case 'way-back':
      if (!world.hasMarks)
        return { kind: 'refused', code: 'promote-failed', reason: 'the way-back mark is gone', final: true };
      if (world.hasEntry || plan.abilities.unit === 'pods') setWeight(world, plan, 0);
      break;
    case 'last-resort':
    case 'unclaim':
      break;
    case 'restore-route':
      world.weight = 0;
      world.hasEntry = false;
      break;
    case 'workload':
      applyStage(world, intent.stage);
      break;
  }
  return { kind: 'done', notes: [] };
};

const setWeight = (world: World, plan: Plan, weight: BasisPoints): void => {
  world.weight = weight;
  world.hasEntry = true;
  if (plan.abilities.unit === 'pods' && world.canaryReplicas !== null)
    world.canaryReplicas = weight === 0 ? 0 : Math.ceil(weight / 1000);
};

const applyStage = (world: World, stage: Extract<Intent, { kind: 'workload' }>['stage']): void => {
  if (stage.kind === 'canary-service') world.hasService = true;
  if (stage.kind === 'remove-service') world.hasService = false;
  if (stage.kind === 'canary') world.canaryReplicas = Math.max(world.canaryReplicas ?? 0, stage.replicas);
  if (stage.kind === 'remove-canary') world.canaryReplicas = null;
  if (stage.kind === 'update-stable' && world.stableImage === 'old') {
    world.stableImage = 'new';
    world.stableReadyAt = world.now + 2_000;
  }
};

const arm = (replicas: number, ready: number, template: string): ArmSeen => ({
  uid: template,
  replicas,
  ready,
  endpoints: ready,
  rolledOut: ready === replicas,
  template,
  images: [],
  imageIds: [],
  problem: ready < replicas ? 'ImagePullBackOff' : null,
});

const look = (
  world: World,
  effect: Extract<Effect, { kind: 'observe' }>,
  trouble: Trouble,
  plan: Plan,
): Observation => {
  const stableUp = world.stableImage === 'old' || (trouble.stableStarts && world.now >= world.stableReadyAt);
  const canaryReady = trouble.canaryStarts ? (world.canaryReplicas ?? 0) : 0;
  const isIn = world.weight === effect.want.canary && (world.hasEntry || plan.abilities.unit === 'pods');
  const podsUp = plan.abilities.unit === 'requests' || canaryReady === (world.canaryReplicas ?? 0);
  return {
    at: world.now,
    asked: effect.want,
    traffic: { canary: world.weight, cohort: null, mirror: 0 },
    trafficProblem: null,
    asWanted: (isIn || (effect.want.canary === 0 && world.weight === 0)) && !world.foreign,
    verification:
      (isIn || (effect.want.canary === 0 && world.weight === 0)) && podsUp
        ? { kind: 'reached', rung: plan.abilities.rung }
        : { kind: 'pending', waitingFor: 'the router' },
    progress:
      effect.stage === null
        ? null
        : effect.stage.kind === 'update-stable' && !stableUp
          ? { kind: 'pending', waitingFor: 'stable' }
          : { kind: 'done' },
    restored: !world.hasEntry || plan.abilities.unit === 'pods',
    stable: arm(3, stableUp ? 3 : 0, world.stableImage === 'old' ? 'template-1' : 'template-2'),
    canary: world.canaryReplicas === null ? null : arm(world.canaryReplicas, canaryReady, 'template-2'),
  };
};

const sampleOf = (world: World, metric: string, of: Arm, from: Ms): Sample => {
  const points = world.counters[of].points.filter(([at]) => at >= from);
  if (of === 'canary' && (world.canaryReplicas ?? 0) === 0) return { metric, arm: of, kind: 'no-data', why: 'empty' };
  const series = (index: 1 | 2) => [
    { id: of, pod: of, points: points.map((point) => [point[0], point[index]] as const) },
  ];
  return { metric, arm: of, kind: 'counters', requests: series(1), failures: series(2) };
};

/** Lets time pass: traffic is counted once a second, as a scrape would. */
const passTime = (world: World, until: Ms, trouble: Trouble): void => {
  while (world.now < until) {
    const next = Math.min(until, Math.floor(world.now / 1000) * 1000 + 1000);
    const requests = ((next - world.now) / 1000) * REQUESTS_PER_SECOND;
    const onCanary = requests * (world.weight / 10_000);
    world.counters.canary.requests += onCanary;
    world.counters.canary.failures += onCanary * trouble.canaryErrors;
    world.counters.stable.requests += requests - onCanary;
    world.now = next;
    if (next % 1000 !== 0) continue;
    for (const { requests: total, failures, points } of Object.values(world.counters))
      points.push([next, total, failures]);
  }
};

export const newWorld = (now: Ms): World => ({
  now,
  weight: 0,
  hasEntry: false,
  canaryReplicas: null,
  hasService: false,
  hasMarks: false,
  stableImage: 'old',
  stableReadyAt: now,
  foreign: false,
  counters: { stable: { requests: 0, failures: 0, points: [] }, canary: { requests: 0, failures: 0, points: [] } },
});

const failed = (effect: Effect, now: Ms): Event => {
  const id = { now, effect: effect.id };
  if (effect.kind === 'write')
    return {
      ...id,
      kind: 'written',
      outcome: { kind: 'failed', code: 'cluster-unreachable', reason: 'no route to host' },
    };
  if (effect.kind === 'save') return { ...id, kind: 'save-failed', reason: 'no route to host' };
  if (effect.kind === 'observe')
    return { ...id, kind: 'observe-failed', code: 'cluster-unreachable', reason: 'no route to host' };
  return { ...id, kind: 'sampled', samples: [] };
};

/** Runs a rollout to its end against the pretended cluster. Same random numbers, same run. */
export const walk = (
  plan: Plan,
  trouble: Trouble,
  random: () => number,
  each: (trace: Trace) => void = () => {},
): { rollout: Rollout; world: World } => {
  const world = newWorld(1_000_000);
  const pending: Pending[] = [];
  const seen = new Set<number>();
  let rollout = startRollout(plan, world.now);

  const answer = (effect: Effect): void => {
    if (effect.kind === 'wake') {
      pending.push({ at: effect.at, event: () => ({ kind: 'woke', now: world.now, effect: effect.id }) });
      return;
    }
    const fails = random() < trouble.fails;
    const refuses = random() < trouble.refuses;
    const takes = random() < trouble.slow ? 500 + random() * 4_000 : 5 + random() * 20;
    // A write may land although its answer is lost, and late although it was sent early.
    const lands = !fails || random() < 0.5;
    const at = world.now + takes;
    pending.push({
      at,
      event: () => {
        const id = { now: world.now, effect: effect.id };
        if (effect.kind === 'write') {
          if (refuses)
            return {
              ...id,
              kind: 'written',
              outcome: { kind: 'refused', code: 'refused-by-cluster', reason: 'a webhook said no', final: false },
            };
          const outcome: WriteOutcome = lands ? apply(world, effect.intent, plan) : { kind: 'done', notes: [] };
          return fails ? failed(effect, world.now) : { ...id, kind: 'written', outcome };
        }
        if (fails) return failed(effect, world.now);
        if (effect.kind === 'save') return { ...id, kind: 'saved', revision: effect.revision };
        if (effect.kind === 'observe')
          return {
            ...id,
            kind: 'observed',
            observation: { ...look(world, effect, trouble, plan), at: world.now - takes },
          };
        const samples = effect.metrics.flatMap((metric) =>
          (['stable', 'canary'] as const).map((of) => sampleOf(world, metric, of, effect.from)),
        );
        return { ...id, kind: 'sampled', samples };
      },
    });
  };

  const feed = (event: Event): void => {
    const before = rollout;
    rollout = transition(rollout, event);
    each({ now: world.now, event, before, after: rollout, world });
    for (const effect of rollout.open) {
      if (seen.has(effect.id)) continue;
      seen.add(effect.id);
      answer(effect);
    }
  };

  feed({ kind: 'started', now: world.now });
  let cancelled = false;
  for (let count = 0; count < 20_000 && rollout.finishedAt === null; count += 1) {
    pending.sort((a, b) => a.at - b.at);
    const next = pending.shift();
    if (next === undefined) throw new Error(`deadlock in ${rollout.phase}/${rollout.stage.name}`);
    passTime(world, Math.max(world.now, next.at), trouble);
    if (trouble.foreignAt !== null && world.now - 1_000_000 >= trouble.foreignAt) world.foreign = true;
    if (trouble.cancelAt !== null && !cancelled && world.now - 1_000_000 >= trouble.cancelAt) {
      cancelled = true;
      feed({ kind: 'cancel-requested', now: world.now, by: 'signal', wayBackSent: false });
    }
    feed(next.event());
  }
  // Whatever was under way when it ended lands too.
  for (const { event } of pending.filter(({ at }) => at >= world.now)) feed(event());
  return { rollout, world };
};
