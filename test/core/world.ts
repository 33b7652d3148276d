import { isInPlace } from '../../src/core/phases/in-place.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { ArmSeen, Effect, Intent, Observation, WriteOutcome } from '../../src/core/rollout.ts';
import type { Arm, BasisPoints, Ms } from '../../src/core/units.ts';

/** What can go wrong. Chances are of 0 to 1, instants count from the start of the rollout. */
export interface Trouble {
  /** Chance that a write, look, save or query fails, although a write may have landed or lands later. */
  readonly fails: number;
  /** Chance that an answer takes seconds. */
  readonly slow: number;
  /** Chance that a write is refused, and how many ways back are refused for certain. */
  readonly refuses: number;
  readonly wayBackRefusals: number;
  readonly saves: 'work' | 'fail';
  /** Share of failed requests of the new version at a weight of at least `errorsFrom`, and of the updated stable. */
  readonly canaryErrors: number;
  readonly errorsFrom: BasisPoints;
  readonly stableErrors: number;
  readonly latency: number;
  readonly canaryStarts: boolean;
  readonly startMs: Ms;
  readonly canaryDiesAt: Ms | null;
  readonly stableStarts: boolean;
  /** Once its update begins, stable has no ready pod any more. */
  readonly stableDies: boolean;
  /** The router never says that a weight is in force. */
  readonly confirms: boolean;
  readonly cancelAt: Ms | null;
  /** Somebody changes the weights; somebody changes stable's template. */
  readonly foreignAt: Ms | null;
  readonly stableChangedAt: Ms | null;
  /** What the user's own deploy step does between two jobs: nothing, update stable, or put the route back too. */
  readonly deploys: 'nothing' | 'stable' | 'stable and route';
  /** No data from the metrics before, and requests per second. */
  readonly dataFrom: Ms;
  readonly traffic: number;
  /** Requests per second that reach stable past the route; how long its update takes. */
  readonly outside: number;
  readonly updateMs: Ms;
  /** Share of failed requests of every version, and while both have an incident. Those of the new version alone begin and end. */
  readonly errors: number;
  readonly incident: { readonly from: Ms; readonly to: Ms; readonly errors: number } | null;
  readonly errorsSince: Ms;
  readonly errorsUntil: Ms;
  /** Share of slow requests of the new version, and of every one. */
  readonly canarySlow: number;
  readonly slowRequests: number;
  /** The canary's container begins anew, and its counters with it; a second store is asked that lags by three seconds. */
  readonly restartsAt: Ms | null;
  readonly lagsAt: Ms | null;
}

export const CALM: Trouble = {
  fails: 0,
  slow: 0,
  refuses: 0,
  wayBackRefusals: 0,
  saves: 'work',
  canaryErrors: 0,
  errorsFrom: 0,
  stableErrors: 0,
  latency: 0.1,
  canaryStarts: true,
  startMs: 1_500,
  canaryDiesAt: null,
  stableStarts: true,
  stableDies: false,
  confirms: true,
  cancelAt: null,
  foreignAt: null,
  stableChangedAt: null,
  deploys: 'nothing',
  dataFrom: 0,
  traffic: 100,
  outside: 0,
  updateMs: 2_000,
  errors: 0,
  incident: null,
  errorsSince: 0,
  errorsUntil: Number.POSITIVE_INFINITY,
  canarySlow: 0,
  slowRequests: 0,
  restartsAt: null,
  lagsAt: null,
};

export const START: Ms = 1_000_000;

/** Of one arm, as a scrape sees them, and what was scraped. */
export interface Counters {
  requests: number;
  failures: number;
  slow: number;
  points: { at: Ms; requests: number; failures: number; slow: number }[];
}

const noCounts = (): Counters => ({ requests: 0, failures: 0, slow: 0, points: [] });

/** The state of a small pretended cluster. */
export interface World {
  now: Ms;
  weight: BasisPoints;
  hasEntry: boolean;
  canary: { replicas: number; ready: number; readyAt: Ms } | null;
  startMs: Ms;
  updateMs: Ms;
  hasService: boolean;
  /** The minimum of stable's autoscaler is held; the canary has an autoscaler of its own. */
  isHeld: boolean;
  hasCopy: boolean;
  /** The user's own canary Deployment: as found, with the new version for now, or left with it. */
  pair: 'found' | 'adopted' | 'released';
  /** The canary Service leads to stable's pods. */
  lastResort: boolean;
  /** Token of the run whose forward writes are let through; the way-back mark. */
  holder: number | null;
  wayBackMark: boolean;
  refusals: number;
  /** Of the route: a forward write that was planned before the last change is a conflict. */
  generation: number;
  stableImage: 'old' | 'new';
  stableReadyAt: Ms;
  isStableAlive: boolean;
  counters: Record<Arm, Counters>;
  restarts: number;
  /** What a careful operator would call an outage. */
  harm: string[];
}

export const newWorld = (trouble: Trouble): World => ({
  now: START,
  weight: 0,
  hasEntry: false,
  canary: null,
  startMs: trouble.startMs,
  updateMs: trouble.updateMs,
  hasService: false,
  isHeld: false,
  hasCopy: false,
  pair: 'found',
  lastResort: false,
  holder: null,
  wayBackMark: false,
  refusals: trouble.wayBackRefusals,
  generation: 1,
  stableImage: 'old',
  stableReadyAt: START,
  isStableAlive: true,
  counters: { stable: noCounts(), canary: noCounts() },
  restarts: 0,
  harm: [],
});

export const since = (at: Ms | null, world: World): boolean => at !== null && world.now - START >= at;
const DONE: WriteOutcome = { kind: 'done', notes: [] };
const conflict: WriteOutcome = {
  kind: 'refused',
  code: 'refused-by-cluster',
  reason: 'others kept changing the object',
  final: false,
};
const closed: WriteOutcome = { kind: 'refused', code: 'lock-lost', reason: 'the way-back mark is gone', final: true };

/** A write as it lands. Forward ones are let through for the holder only, ways back while their mark is there. */
export const land = (world: World, intent: Intent, plan: Plan, token: number): WriteOutcome => {
  if (intent.kind === 'claim' || intent.kind === 'hold') {
    world.holder = token;
    world.wayBackMark ||= intent.kind === 'claim';
    return DONE;
  }
  if (intent.kind === 'way-back' || intent.kind === 'last-resort') return landWayBack(world, intent, plan);
  if (isSoAlready(world, intent)) return DONE;
  if (world.holder !== token) return intent.kind === 'unclaim' ? DONE : conflict;
  if (intent.kind === 'commit') world.wayBackMark = false;
  if (intent.kind === 'traffic') setWeight(world, plan, intent.want.canary);
  if (intent.kind === 'restore-route') {
    if (plan.abilities.unit === 'requests') world.weight = 0;
    world.hasEntry = false;
    world.generation += 1;
  }
  if (intent.kind === 'unclaim') {
    world.holder = null;
    world.wayBackMark = false;
  }
  if (intent.kind === 'workload') landStage(world, plan, intent.stage);
  return DONE;
};

/** What there is nothing to do for sends no request, and needs no mark. */
const isSoAlready = (world: World, intent: Intent): boolean => {
  if (intent.kind === 'restore-route') return !world.hasEntry;
  if (intent.kind !== 'workload') return false;
  if (intent.stage.kind === 'remove-canary') return world.canary === null;
  if (intent.stage.kind === 'give-back') return world.pair !== 'adopted';
  if (intent.stage.kind === 'release-autoscaler') return !world.isHeld;
  if (intent.stage.kind === 'remove-companions') return !world.hasCopy;
  return intent.stage.kind === 'remove-service' && !world.hasService;
};

const landWayBack = (world: World, intent: Intent, plan: Plan): WriteOutcome => {
  if (intent.kind === 'last-resort') {
    world.lastResort = true;
    return DONE;
  }
  if (world.weight === 0) return DONE;
  if (!world.wayBackMark) return closed;
  setWeight(world, plan, 0);
  return DONE;
};

/** `helm upgrade` and the like, after everything went to the canary. */
export const deploy = (world: World, { deploys }: Trouble): void => {
  if (deploys === 'nothing') return;
  world.stableImage = 'new';
  world.stableReadyAt = world.now + 2_000;
  if (deploys === 'stable') return;
  world.weight = 0;
  world.hasEntry = false;
};

const setWeight = (world: World, plan: Plan, weight: BasisPoints): void => {
  const isPods = plan.abilities.unit === 'pods';
  if (isPods && world.canary === null) return;
  if (!isPods && weight > world.weight && lacksPods(world, weight))
    world.harm.push(`the canary got ${weight / 100} % with ${world.canary?.replicas ?? 0} pods`);
  if (world.weight !== weight || world.hasEntry === isPods) world.generation += 1;
  world.weight = weight;
  world.hasEntry = !isPods;
  if (isPods) scale(world, plan.steps.find((step) => step.weight === weight)?.canaryReplicas ?? 0);
};

/** Beside a stable of three that answers. */
const lacksPods = (world: World, weight: BasisPoints): boolean =>
  world.isStableAlive && Math.ceil((weight / 10_000) * STABLE_PODS) > (world.canary?.replicas ?? 0);

const STABLE_PODS = 3;

const scale = (world: World, replicas: number): void => {
  const ready = Math.min(world.canary?.ready ?? 0, replicas);
  if (world.canary?.replicas !== replicas) world.canary = { replicas, ready, readyAt: world.now + world.startMs };
};

const landStage = (world: World, plan: Plan, stage: Extract<Intent, { kind: 'workload' }>['stage']): void => {
  const isRouted = plan.abilities.unit === 'requests' && world.weight > 0 && !world.lastResort;
  if (stage.kind === 'canary-service') world.hasService = true;
  if (stage.kind === 'companions') world.hasCopy = true;
  if (stage.kind === 'remove-companions') world.hasCopy = false;
  if (stage.kind === 'hold-autoscaler') world.isHeld = true;
  if (stage.kind === 'release-autoscaler') {
    if (isRouted) world.harm.push('the autoscaler was released while the canary had traffic');
    world.isHeld = false;
  }
  if (stage.kind === 'remove-service') {
    if (world.hasEntry) world.harm.push('the Service was removed while the route names it');
    world.hasService = false;
  }
  if (stage.kind === 'canary' && plan.target.companions.length > 0 && !world.hasCopy)
    world.harm.push('the canary was made before its autoscaler');
  if (stage.kind === 'canary' && plan.target.pair !== null) world.pair = 'adopted';
  if (stage.kind === 'canary') scale(world, Math.max(world.canary?.replicas ?? 0, stage.replicas));
  if (stage.kind === 'remove-canary' && plan.target.pair !== null) world.harm.push("the user's Deployment was removed");
  if (stage.kind === 'give-back') world.pair = stage.images;
  if (stage.kind === 'remove-canary' || stage.kind === 'give-back') {
    if (isRouted) world.harm.push('the canary was removed while it had traffic');
    world.canary = null;
    if (plan.abilities.unit === 'pods') world.weight = 0;
  }
  if (stage.kind === 'update-stable' && world.stableImage === 'old') {
    if (isRouted && world.weight < 10_000 && !isInPlace(plan))
      world.harm.push('stable was updated while it had traffic');
    world.stableImage = 'new';
    world.stableReadyAt = world.now + world.updateMs;
  }
};

export const isStableUp = (world: World, trouble: Trouble): boolean =>
  world.stableImage === 'old' || (trouble.stableStarts && !trouble.stableDies && world.now >= world.stableReadyAt);

const arm = (replicas: number, ready: number, template: string, lives: ArmSeen['lives']): ArmSeen => ({
  uid: template,
  replicas,
  ready,
  endpoints: ready,
  rolledOut: ready === replicas,
  template,
  images: [],
  imageIds: [],
  problem: ready < replicas ? 'ImagePullBackOff' : null,
  lives,
});

export const look = (
  world: World,
  effect: Extract<Effect, { kind: 'observe' }>,
  trouble: Trouble,
  plan: Plan,
): Observation => {
  const want = effect.want.canary;
  const isStableReady = isStableUp(world, trouble);
  // A rolling update keeps the old pods until the new ones are up.
  const hasPods = isStableReady || (isInPlace(plan) && !trouble.stableDies);
  const canary = world.canary ?? (plan.target.pair === null ? null : { replicas: 1, ready: 0 });
  // Load is low: an autoscaler that is not held keeps one pod.
  const wanted = plan.target.autoscaler === null || world.isHeld ? STABLE_PODS : 1;
  const isIn = world.weight === want && (world.hasEntry || want === 0 || plan.abilities.unit === 'pods');
  const arePodsUp = plan.abilities.unit === 'requests' || canary === null || canary.ready === canary.replicas;
  const isConfirmed = isIn && arePodsUp && (trouble.confirms || want === 0);
  const isForeign = since(trouble.foreignAt, world) && want > 0;
  const lives = (pod: Arm, restarts: number) => (effect.depth === 'pods' ? { [pod]: `uid/${restarts}/` } : null);
  const template = since(trouble.stableChangedAt, world) ? 'template-9' : 'template-1';
  return {
    at: world.now,
    asked: effect.want,
    traffic: { canary: world.weight, cohort: null, mirror: 0 },
    trafficProblem: null,
    changedBy: null,
    asWanted: isIn && !isForeign,
    verification: isConfirmed
      ? { kind: 'reached', rung: plan.abilities.rung }
      : { kind: 'pending', waitingFor: 'the router to accept the weights' },
    progress:
      effect.stage?.kind === 'update-stable' && (!isStableReady || world.stableImage === 'old')
        ? { kind: 'pending', waitingFor: '0 of 3 pods of stable ready' }
        : effect.stage && { kind: 'done' },
    restored: !world.hasEntry,
    stable: arm(
      wanted,
      hasPods ? wanted : 0,
      world.stableImage === 'old' ? template : 'template-2',
      lives('stable', 0),
    ),
    canary:
      canary === null
        ? null
        : {
            ...arm(canary.replicas, canary.ready, 'template-2', lives('canary', world.restarts)),
            images: world.pair === 'found' ? [] : plan.target.images,
          },
  };
};

/** Lets time pass: traffic is counted once a second, as a scrape would, and pods come up or die. */
export const passTime = (world: World, until: Ms, trouble: Trouble): void => {
  while (world.now < until) {
    const next = Math.min(until, Math.floor(world.now / 1000) * 1000 + 1000);
    serve(world, (next - world.now) / 1000, trouble);
    world.now = next;
    world.isStableAlive = world.stableImage === 'old' || !trouble.stableDies;
    if (world.canary !== null) {
      if (trouble.canaryStarts && next >= world.canary.readyAt) world.canary.ready = world.canary.replicas;
      if (since(trouble.canaryDiesAt, world)) world.canary.ready = 0;
    }
    if (since(trouble.restartsAt, world) && world.restarts === 0) {
      world.restarts = 1;
      Object.assign(world.counters.canary, { requests: 0, failures: 0, slow: 0 });
    }
    if (next % 1000 !== 0) continue;
    for (const { requests, failures, slow, points } of Object.values(world.counters))
      points.push({ at: next, requests, failures, slow });
  }
};

/** What is answered in some seconds, and how. */
const serve = (world: World, seconds: number, trouble: Trouble): void => {
  const requests = seconds * trouble.traffic;
  const onCanary = requests * (world.weight / 10_000);
  const { canary, stable } = world.counters;
  const { incident } = trouble;
  const isBad = incident !== null && since(incident.from, world) && !since(incident.to, world);
  const always = isBad ? incident.errors : trouble.errors;
  const isFaulty =
    world.weight >= trouble.errorsFrom && since(trouble.errorsSince, world) && !since(trouble.errorsUntil, world);
  const onStable = requests - onCanary + seconds * trouble.outside;
  canary.requests += onCanary;
  canary.failures += onCanary * Math.min(1, always + (isFaulty ? trouble.canaryErrors : 0));
  canary.slow += onCanary * Math.min(1, trouble.slowRequests + trouble.canarySlow);
  stable.requests += onStable;
  stable.failures += onStable * Math.min(1, always + (world.stableImage === 'new' ? trouble.stableErrors : 0));
  stable.slow += onStable * trouble.slowRequests;
};
