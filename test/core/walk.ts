import type { Command, CommandName } from '../../src/core/command.ts';
import { transition } from '../../src/core/decide.ts';
import type { Plan } from '../../src/core/plan.ts';
import { reopen } from '../../src/core/reopen.ts';
import type { Effect, Event, Phase, Rollout, WriteOutcome } from '../../src/core/rollout.ts';
import { isTerminal } from '../../src/core/stage.ts';
import { startRollout } from '../../src/core/start.ts';
import type { Ms } from '../../src/core/units.ts';
import { deploy, land, look, newWorld, passTime, START, type Trouble, type World } from './world.ts';
import { sampleOf } from './world-samples.ts';

export interface Trace {
  readonly event: Event;
  readonly before: Rollout;
  readonly after: Rollout;
  readonly world: Readonly<World>;
  /** What the last save that landed holds. */
  readonly saved: Rollout | null;
}

export interface WalkOptions {
  readonly random?: () => number;
  readonly each?: (trace: Trace) => void;
  /** After so many events the run dies, and another takes over from what was saved. */
  readonly crashAfter?: number | null;
  /** Whether who takes over goes on with it instead of going back. */
  readonly resumes?: boolean;
  /** What people ask for, and when: instants count from the start. */
  readonly commands?: readonly { readonly at: Ms; readonly name: CommandName }[];
  /** When a rollout that was left is opened again, and to what end. Without it, left is an end. */
  readonly opened?: { readonly after: Ms; readonly command: CommandName | null } | null;
  /** Clocks of machines are corrected: by how much an event's `now` may lie in the past. */
  readonly jitterMs?: Ms;
}

export interface Walked {
  readonly rollout: Rollout;
  readonly world: World;
  readonly events: number;
  /** Whether a cancel came while there was a way back. */
  readonly cancelledInTime: boolean;
  readonly crashed: boolean;
}

const aCommand = (name: CommandName): Command => ({ name, rolloutId: null, by: 'octocat', id: null, raw: name });

const MOST_EVENTS = 20_000;

const failed = (effect: Effect, now: Ms): Event => {
  const id = { now, effect: effect.id };
  const reason = 'no route to host';
  if (effect.kind === 'write')
    return { ...id, kind: 'written', outcome: { kind: 'failed', code: 'cluster-unreachable', reason } };
  if (effect.kind === 'save') return { ...id, kind: 'save-failed', reason };
  if (effect.kind === 'observe') return { ...id, kind: 'observe-failed', code: 'cluster-unreachable', reason };
  return { ...id, kind: 'sampled', samples: [] };
};

interface Due {
  readonly at: Ms;
  /** null: something that happens in the world without an answer. */
  readonly run: () => Event | null;
  readonly token: number;
}

/** Runs a rollout to its end against the pretended cluster. Same random numbers, same run. */
export const walk = (plan: Plan, trouble: Trouble, options: WalkOptions = {}): Walked => {
  const { random = () => 0.5, each = () => {}, crashAfter = null, jitterMs = 0, commands = [] } = options;
  const world = newWorld(trouble);
  let due: Due[] = [];
  let started = new Set<number>();
  let rollout = startRollout(plan, START);
  let saved: Rollout | null = null;
  let token = 1;
  let cancelledInTime = false;

  const takes = (): Ms => (random() < trouble.slow ? 500 + random() * 4_000 : 5 + random() * 20);
  const clock = (): Ms => world.now - Math.floor(random() * jitterMs);
  const later = (at: Ms, run: () => Event | null): void => void due.push({ at, run, token });

  const send = (effect: Extract<Effect, { kind: 'write' }>): void => {
    const holder = token;
    const { generation } = world;
    const at = world.now + takes();
    const isLost = random() < trouble.fails;
    const isRefused = random() < trouble.refuses || (effect.intent.kind === 'way-back' && world.refusals > 0);
    if (effect.intent.kind === 'way-back') world.refusals -= 1;
    const refused: WriteOutcome = {
      kind: 'refused',
      code: 'refused-by-cluster',
      reason: 'a webhook said no',
      final: false,
    };
    if (!isLost) {
      later(at, () => {
        const outcome = isRefused ? refused : land(world, effect.intent, plan, holder);
        return { kind: 'written', now: clock(), effect: effect.id, outcome };
      });
      return;
    }
    // The answer is lost: the write may have landed all the same, before or after.
    if (!isRefused && random() < 0.6) {
      // A late claim leaves marks and nothing else: it has no mark to be tested for.
      const lands = at + (random() - (effect.intent.kind === 'claim' ? 1 : 0.5)) * 3_000;
      later(Math.max(world.now, lands), () => {
        if (effect.intent.kind === 'traffic' && world.generation !== generation) return null;
        land(world, effect.intent, plan, holder);
        return null;
      });
    }
    later(at, () => failed(effect, clock()));
  };

  const start = (effect: Effect): void => {
    if (effect.kind === 'wake') later(effect.at, () => ({ kind: 'woke', now: clock(), effect: effect.id }));
    else if (effect.kind === 'write') send(effect);
    else ask(effect);
  };

  const ask = (effect: Exclude<Effect, { kind: 'wake' | 'write' }>): void => {
    const sentAt = world.now;
    const snapshot = rollout;
    const holder = token;
    const isLost = random() < trouble.fails || (effect.kind === 'save' && trouble.saves === 'fail');
    later(sentAt + takes(), () => {
      const id = { now: clock(), effect: effect.id };
      if (isLost) return failed(effect, clock());
      if (effect.kind === 'acknowledge') return { ...id, kind: 'acknowledged', done: true };
      if (effect.kind === 'save') {
        if (holder === token) saved = snapshot;
        return { ...id, kind: 'saved', revision: effect.revision };
      }
      if (effect.kind === 'observe')
        return { ...id, kind: 'observed', observation: { ...look(world, effect, trouble, plan), at: sentAt } };
      const samples = effect.metrics.flatMap((metric) =>
        (['stable', 'canary'] as const).map((of) => sampleOf(world, plan, metric, of, effect.from, trouble)),
      );
      return { ...id, kind: 'sampled', samples };
    });
  };

  const feed = (event: Event): void => {
    const before = rollout;
    rollout = transition(before, event);
    each({ event, before, after: rollout, world, saved });
    for (const effect of rollout.open) {
      if (started.has(effect.id)) continue;
      started.add(effect.id);
      start(effect);
    }
  };

  /** The process is gone; its writes that are on their way land, its answers reach nobody. */
  const crash = (): void => {
    const kept: Rollout = JSON.parse(JSON.stringify(saved));
    const until = world.now + 15_000;
    for (const one of due.sort((a, b) => a.at - b.at)) {
      if (one.at > until) continue;
      passTime(world, Math.max(world.now, one.at), trouble);
      one.run();
    }
    due = [];
    const why = { code: 'cancelled', text: 'the run that began this rollout ended', metric: null } as const;
    passTime(world, until, trouble);
    token += 1;
    rollout = reopen(kept, options.resumes === true ? null : why, world.now);
    started = new Set();
    land(world, { kind: rollout.committedAt === null ? 'claim' : 'hold' }, plan, token);
    feed({ kind: 'started', now: world.now });
  };

  /** Another job takes up what was left on purpose, from what was saved. */
  const open = (after: Ms, name: CommandName | null): void => {
    const kept: Rollout = JSON.parse(JSON.stringify(rollout));
    for (const one of due.sort((a, b) => a.at - b.at)) {
      if (one.at > world.now + 15_000) continue;
      passTime(world, Math.max(world.now, one.at), trouble);
      one.run();
    }
    due = [];
    if (rollout.committedAt !== null) deploy(world, trouble);
    passTime(world, world.now + 15_000 + after, trouble);
    token += 1;
    const opened = reopen(kept, null, world.now);
    rollout = name === null ? { ...opened, checks: true } : opened;
    started = new Set();
    land(world, { kind: rollout.committedAt === null ? 'claim' : 'hold' }, plan, token);
    if (name !== null) feed({ kind: 'commanded', now: world.now, command: aCommand(name) });
    feed({ kind: 'started', now: world.now });
  };

  feed({ kind: 'started', now: world.now });
  let isCancelled = false;
  let crashed = false;
  let opened = 0;
  let asked = 0;
  let count = 0;
  const phase = (): Phase => rollout.phase;
  for (; count < MOST_EVENTS && !isTerminal(rollout.phase); count += 1) {
    const command = commands[asked];
    if (command !== undefined && world.now - START >= command.at) {
      asked += 1;
      feed({ kind: 'commanded', now: clock(), command: aCommand(command.name) });
    }
    due.sort((a, b) => a.at - b.at);
    const next = due.shift();
    if (next === undefined) throw new Error(`deadlock in ${rollout.phase}/${rollout.stage.name}`);
    passTime(world, Math.max(world.now, next.at), trouble);
    if (trouble.cancelAt !== null && !isCancelled && world.now - START >= trouble.cancelAt) {
      isCancelled = true;
      cancelledInTime = rollout.committedAt === null;
      feed({ kind: 'cancel-requested', now: clock(), wayBackSent: false });
    }
    const event = next.run();
    if (event !== null && next.token === token) feed(event);
    if (crashAfter !== null && !crashed && count >= crashAfter && saved !== null && !isTerminal(rollout.phase)) {
      crashed = true;
      crash();
    }
    if (phase() === 'left' && options.opened != null && opened < 3) {
      opened += 1;
      // Looked at in passing first, then opened for good.
      open(options.opened.after, opened === 1 ? null : options.opened.command);
    }
  }
  if (!isTerminal(rollout.phase)) throw new Error(`no end in ${rollout.phase}/${rollout.stage.name}`);
  // Whatever was under way when it ended lands too, and says so to nobody.
  for (const one of due) {
    const event = one.run();
    if (event !== null) feed(event);
  }
  return { rollout, world, events: count, cancelledInTime, crashed };
};
