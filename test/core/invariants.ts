import { isSuspected } from '../../src/core/bake.ts';
import { transition } from '../../src/core/decide.ts';
import { currentStep } from '../../src/core/phases/progressing.ts';
import { record } from '../../src/core/record.ts';
import type { Effect, Event, Rollout } from '../../src/core/rollout.ts';
import { isTerminal } from '../../src/core/stage.ts';
import type { Trace, Walked } from './walk.ts';
import type { Trouble } from './world.ts';

const MISSING = 999_999_999;

/** Freezes a value and all it holds. */
export const deepFreeze = <Value>(value: Value): Value => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
};

const count = (rollout: Rollout, isOne: (effect: Effect) => boolean): number => rollout.open.filter(isOne).length;

/** What holds after every event, as sentences of what does not. */
export const brokenBy = ({ event, before, after, world, saved }: Trace): readonly string[] => {
  const broken: string[] = [];
  const expect = (holds: boolean, rule: string): void => {
    if (!holds) broken.push(`${rule} (${event.kind} in ${before.phase}/${before.stage.name})`);
  };
  const writes = (lane: 'forward' | 'way-back') =>
    count(after, (effect) => effect.kind === 'write' && effect.lane === lane);
  expect(writes('forward') <= 1, 'at most one forward write is open');
  expect(writes('way-back') <= 1, 'at most one way back is open');
  for (const kind of ['wake', 'observe', 'query', 'save'] as const)
    expect(count(after, (effect) => effect.kind === kind) <= 1, `at most one ${kind} is open`);
  if (isTerminal(after.phase)) {
    expect(after.open.length === 0, 'what ended has nothing open');
    expect(
      transition(after, { kind: 'cancel-requested', now: event.now, wayBackSent: false }) === after,
      'what ended stays',
    );
  } else if (after !== before) {
    const wake = after.open.find((effect) => effect.kind === 'wake');
    expect(wake?.kind === 'wake' && wake.at > event.now && Number.isFinite(wake.at), 'a timer is set, in the future');
  }
  expect(
    transition(after, { kind: 'woke', now: event.now, effect: MISSING }) === after,
    'an unknown answer changes nothing',
  );
  const wanted = after.traffic.wanted.canary;
  if (after.phase === 'preparing' || after.phase === 'rolling-back') expect(wanted === 0, 'no traffic is wanted');
  if (after.phase === 'progressing')
    expect(wanted <= currentStep(after).weight, 'no more is wanted than the step asks for');
  for (const effect of after.open) {
    if (effect.kind !== 'write' || effect.id < before.nextEffect || isTerminal(after.phase)) continue;
    expect(
      effect.lane === 'way-back' ||
        (after.savedRevision === after.revision &&
          saved?.stage.name === after.stage.name &&
          saved.revision === after.revision),
      'a forward write is opened only when its stage is saved',
    );
    if (effect.intent.kind !== 'traffic' || after.committedAt === null) continue;
    const seen = after.observation;
    expect(
      effect.intent.want.canary === 0 || seen === null || (seen.canary?.ready ?? 0) > 0,
      'past the commit no traffic goes to a canary without pods',
    );
    expect(
      effect.intent.want.canary === 10_000 || (seen?.stable?.ready ?? 1) > 0,
      'past the commit no traffic goes to a stable without pods',
    );
  }
  expect(world.harm.length === 0, world.harm.join('; '));
  expectVerdicts({ event, before, after }, expect);
  return broken;
};

/** What holds of every verdict. */
const expectVerdicts = (
  { event, before, after }: Pick<Trace, 'event' | 'before' | 'after'>,
  expect: (holds: boolean, rule: string) => void,
): void => {
  const spoken = event.kind === 'sampled' ? record(before, event).metrics : [];
  for (const { verdict, streams, name } of spoken) {
    if (after.plan.metrics.find((spec) => spec.name === name)?.kind !== 'counted' || verdict.kind !== 'failed')
      continue;
    const failures = streams[0]?.evidence.subject.failures ?? 0;
    expect(failures >= after.plan.judgement.minFailures, `nobody fails with ${failures} failures`);
  }
  const rises = after.traffic.wanted.canary > before.traffic.wanted.canary;
  if (rises && after.phase === 'progressing' && event.kind !== 'commanded' && !after.skipsSteps)
    expect(!isSuspected(withoutNews(before, event)), 'no weight rises while it is held');
};

/** As it was when the weight was raised: a new weight begins with no verdict. */
const withoutNews = (before: Rollout, event: Event): Rollout =>
  event.kind === 'sampled' ? record(before, event) : before;

/** What holds at the end of a walk. */
export const brokenAtEnd = (
  { rollout, world, cancelledInTime, crashed }: Walked,
  trouble: Trouble,
): readonly string[] => {
  const broken: string[] = [];
  const expect = (holds: boolean, rule: string): void => {
    if (!holds) broken.push(rule);
  };
  const isClean =
    !world.hasEntry && world.canary === null && !world.hasService && !world.hasCopy && world.holder === null;
  const isWarned = rollout.warnings.length > 0;
  const { phase } = rollout;
  const isKept = rollout.plan.conduct.onCancel === 'keep';
  // A run that took over from a state saved before the cancel knows nothing of it.
  expect(!cancelledInTime || isKept || crashed || phase !== 'promoted', 'a cancel before the commit is never promoted');
  if (phase === 'rolled-back' || phase === 'promoted') {
    expect(world.weight === 0, 'no weight is left');
    expect(isClean || isWarned, 'what was added is gone, or it is said');
    const isHoldSaid = rollout.warnings.some((one) => one.startsWith('release-autoscaler'));
    expect(!world.isHeld || isHoldSaid, 'the autoscaler has its own bounds again, or it is said');
    expect(world.stableImage === (phase === 'promoted' ? 'new' : 'old'), 'stable runs what the end says');
  }
  const isWayBackLost = rollout.committedAt === null;
  const canFail = trouble.fails + trouble.refuses > 0 || trouble.saves === 'fail' || trouble.wayBackRefusals > 0;
  if (phase === 'halted' && isWayBackLost)
    expect(canFail || crashed, 'it halts before the commit only when the cluster refuses');
  if (phase === 'halted' && isWayBackLost && rollout.stage.name !== 'way-back')
    expect(world.weight === 0 || world.lastResort, 'halted while cleaning up, traffic is back');
  return broken;
};
