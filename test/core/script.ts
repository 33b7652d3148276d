import { describe as sentences } from '../../src/core/describe.ts';
import { formatDuration, formatWeight } from '../../src/core/format.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Effect, Event, Intent, Rollout } from '../../src/core/rollout.ts';
import { type Trace, type WalkOptions, walk } from './walk.ts';
import { START, type Trouble, type World } from './world.ts';

const intentText = (intent: Intent): string => {
  if (intent.kind === 'traffic') return `write weight ${formatWeight(intent.want.canary)}`;
  if (intent.kind !== 'workload') return `write ${intent.kind}`;
  return intent.stage.kind === 'canary' ? `write canary of ${intent.stage.replicas}` : `write ${intent.stage.kind}`;
};

const effectText = (effect: Effect): string => {
  if (effect.kind === 'write') return `${intentText(effect.intent)}${effect.superseded ? ' (superseded)' : ''}`;
  if (effect.kind === 'query') return `query ${effect.metrics.join(', ')}`;
  return effect.kind === 'observe' ? `look (${effect.depth})` : effect.kind;
};

const eventText = (event: Event, before: Rollout): string => {
  if (event.kind === 'cancel-requested') return 'cancel-requested';
  if (event.kind === 'lock-lost') return 'lock-lost';
  if (event.kind !== 'written') return event.kind;
  const effect = before.open.find(({ id }) => id === event.effect);
  const what = effect === undefined ? 'an old write' : effectText(effect).replace('write ', '');
  return event.outcome.kind === 'done' ? `written ${what}` : `${event.outcome.kind} ${what}`;
};

const opened = ({ before, after }: Trace): readonly string[] => {
  const fresh = after.open.filter(({ id, kind }) => id >= before.nextEffect && kind !== 'wake').map(effectText);
  const superseded = after.open.filter(
    (effect) =>
      effect.kind === 'write' &&
      effect.superseded &&
      before.open.some((old) => old.id === effect.id && old.kind === 'write' && !old.superseded),
  );
  return [...superseded.map(effectText), ...fresh];
};

/** One turn as a line: time, event, where it led, the weight wanted, what was opened, and below it what people read. */
export const turnText = (trace: Trace): string => {
  const { event, before, after } = trace;
  const time = `${((event.now - START) / 1000).toFixed(1)} s`.padStart(8);
  const where = `${after.phase}/${after.stage.name}`;
  const waits = after.waits.map(({ kind }) => ` waiting: ${kind}`).join('');
  const line = [
    time,
    eventText(event, before).padEnd(24),
    `${where} ${formatWeight(after.traffic.wanted.canary)}${waits}`.padEnd(34),
    opened(trace).join(' + '),
  ]
    .join('  ')
    .trimEnd();
  const read = sentences(before, event, after).map(({ level, text }) => {
    const sign = level === 'info' ? '-' : level === 'warning' ? '!' : 'x';
    return `${' '.repeat(10)}${sign} ${text}`;
  });
  return [line, ...read].join('\n');
};

/** Looks, queries and timers that lead nowhere are left out: they repeat for as long as a weight is held. */
const isTurn = (trace: Trace): boolean => {
  const { before, after, event } = trace;
  if (before === after) return false;
  const isMove = before.stage.name !== after.stage.name || before.phase !== after.phase;
  const isWait = JSON.stringify(before.waits) !== JSON.stringify(after.waits);
  const isWrite = event.kind === 'written' || opened(trace).some((text) => text.startsWith('write'));
  return isMove || isWait || isWrite || sentences(before, event, after).length > 0 || event.kind === 'cancel-requested';
};

const endText = (rollout: Rollout, world: World): string =>
  [
    `end: ${rollout.phase}, ${rollout.reason?.code ?? 'no reason'}: ${rollout.reason?.text ?? ''}`,
    `cluster: weight ${formatWeight(world.weight)}, entry ${world.hasEntry ? 'left' : 'gone'}, canary ${world.canary !== null ? world.canary.replicas : rollout.plan.target.pair === null ? 'gone' : `${world.pair} again`}, Service ${world.hasService ? 'left' : 'gone'}, marks ${world.holder === null ? 'gone' : 'left'}, stable ${world.stableImage}`,
    ...rollout.steps.map(
      ({ weight, verdict, heldMs, verification, observedShare }) =>
        `step ${formatWeight(weight)}: ${verdict}, held ${Math.round(heldMs / 1000)} s, ${verification ?? 'not verified'}, share ${observedShare === null ? 'not seen' : formatWeight(observedShare)}`,
    ),
    ...rollout.metrics.flatMap(({ name, wouldHave }) =>
      wouldHave === null
        ? []
        : [`would have rolled back at ${formatDuration(wouldHave.at - START)}: ${name}: ${wouldHave.explanation}`],
    ),
    ...rollout.warnings.map((text) => `warning: ${text}`),
  ].join('\n');

/** A whole rollout as text, in the manner of a protocol that can be read as its specification. */
export const script = (plan: Plan, trouble: Trouble, options: WalkOptions = {}): string => {
  const lines: string[] = [];
  const { rollout, world } = walk(plan, trouble, {
    ...options,
    each: (trace) => {
      if (isTurn(trace)) lines.push(turnText(trace));
    },
  });
  return `${[...lines, '', endText(rollout, world)].join('\n')}\n`;
};
