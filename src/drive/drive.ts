import type { Command } from '../core/command.ts';
import { transition } from '../core/decide.ts';
import { describe } from '../core/describe.ts';
import type { Seen } from '../core/objects.ts';
import type { Effect, Event, Rollout } from '../core/rollout.ts';
import { isTerminal } from '../core/stage.ts';
import type { Ms } from '../core/units.ts';
import type { DriveContext } from './context.ts';
import { observe, refsOf } from './look.ts';
import { mailbox } from './mailbox.ts';
import { seenWithNodes } from './platforms.ts';
import { mergeSeen, NOTHING_SEEN, readAll } from './read.ts';
import { bindQueries } from './sampling.ts';
import { keepWatchdog } from './watchdog.ts';
import { write } from './write.ts';

/** What effects under way share: what was seen last, and which of them are still wanted. */
interface Memory {
  seen: Seen;
  open: readonly Effect[];
}

/** No answer may take longer; then it is a failure and the next one is asked for. */
const READ_DEADLINE_MS: Ms = 10_000;
const WRITE_DEADLINE_MS: Ms = 15_000;
const ACKNOWLEDGE_PAUSE_MS: Ms = 5_000;
const RENEW_EVERY_MS: Ms = 10_000;
const RENEW_AGAIN_MS: Ms = 2_000;

/**
 * The loop around `transition`: runs what is newly open, drops what no longer is (reads and timers; a write that was sent
 * cannot be dropped), feeds the answers back. Yields the rollout after every event and ends when it is terminal. `first`
 * is what is known already: a command that was found when the rollout was taken over.
 */
export async function* drive(
  context: DriveContext,
  start: Rollout,
  first: readonly Event[] = [],
): AsyncGenerator<Rollout> {
  const { clock } = context;
  const events = mailbox<Event>();
  const running = new Map<number, AbortController>();
  const over = new AbortController();
  const memory: Memory = { seen: NOTHING_SEEN, open: [] };
  let rollout = start;

  const cancel = (): void => {
    events.push({ kind: 'cancel-requested', now: clock.now(), wayBackSent: false });
  };
  context.cancelled.addEventListener('abort', cancel, { once: true });
  if (context.cancelled.aborted) cancel();
  const beside = [
    keepLease(context, over.signal, (how) => events.push({ kind: 'lock-lost', now: clock.now(), how })),
    hearCommands(context, over.signal, (command) => events.push({ kind: 'commanded', now: clock.now(), command })),
    keepWatchdog(
      context,
      () => rollout,
      over.signal,
      (text) => context.log({ at: clock.now(), group: 'watchdog', level: 'warning', text }),
    ),
  ];
  for (const event of first) events.push(event);
  events.push({ kind: 'started', now: clock.now() });
  try {
    while (!isTerminal(rollout.phase)) {
      const event = await events.next();
      const before = rollout;
      rollout = transition(before, event);
      // What belongs to a stage that is over says nothing any more.
      for (const entry of rollout === before ? [] : describe(before, event, rollout)) context.log(entry);
      memory.open = rollout.open;
      dropClosed(running, rollout.open);
      for (const effect of rollout.open.filter(({ id }) => !running.has(id))) {
        const stop = new AbortController();
        running.set(effect.id, stop);
        void carryOut(context, rollout, effect, memory, stop.signal).then(
          (answer) => answer !== null && events.push(answer),
        );
      }
      yield rollout;
    }
  } finally {
    context.cancelled.removeEventListener('abort', cancel);
    over.abort();
    memory.open = [];
    for (const stop of running.values()) stop.abort();
    await Promise.all(beside);
  }
}

const dropClosed = (running: Map<number, AbortController>, open: readonly Effect[]): void => {
  const alive = new Set(open.map(({ id }) => id));
  for (const [id, stop] of running) {
    if (alive.has(id)) continue;
    stop.abort();
    running.delete(id);
  }
};

/** Commands come from the cluster; a cluster that does not tell them keeps nothing else from going on. */
const hearCommands = async (
  { store }: DriveContext,
  signal: AbortSignal,
  heard: (command: Command) => void,
): Promise<void> => {
  try {
    for await (const command of store.commands(signal)) heard(command);
  } catch {
    // The signal fired, or the stream broke for good: the next run finds the command.
  }
};

const keepLease = async (context: DriveContext, signal: AbortSignal, lost: (how: string) => void): Promise<void> => {
  let pauseMs = RENEW_EVERY_MS;
  while (!signal.aborted) {
    const isOver = await context.clock.sleepUntil(context.clock.now() + pauseMs, signal).then(
      () => false,
      () => true,
    );
    if (isOver) return;
    // One that fails is tried again soon: the lease lasts for three, and nothing goes forward once it may have run out.
    const limit = AbortSignal.any([signal, AbortSignal.timeout(READ_DEADLINE_MS)]);
    const renewed = await context.store.renew(limit).catch(() => null);
    if (renewed?.kind === 'lost') return lost(renewed.how);
    pauseMs = renewed?.kind === 'saved' ? RENEW_EVERY_MS : RENEW_AGAIN_MS;
  }
};

/** One effect, one answer. null: it was dropped. Nothing here throws: what goes wrong is an event. */
const carryOut = async (
  context: DriveContext,
  rollout: Rollout,
  effect: Effect,
  memory: Memory,
  dropped: AbortSignal,
): Promise<Event | null> => {
  try {
    return await answerTo(context, rollout, effect, memory, dropped);
  } catch (error) {
    if (dropped.aborted) return null;
    return failed(effect, context.clock.now(), error instanceof Error ? error.message : String(error));
  }
};

const answerTo = async (
  context: DriveContext,
  rollout: Rollout,
  effect: Effect,
  memory: Memory,
  dropped: AbortSignal,
): Promise<Event> => {
  const { clock, cluster, store } = context;
  const answered = { effect: effect.id } as const;
  switch (effect.kind) {
    case 'wake':
      await clock.sleepUntil(effect.at, dropped);
      return { ...answered, kind: 'woke', now: Math.max(clock.now(), effect.at) };
    case 'save': {
      const saved = await store.save(rollout, AbortSignal.timeout(READ_DEADLINE_MS));
      if (saved.kind === 'lost') return { kind: 'lock-lost', now: clock.now(), how: saved.how };
      if (saved.kind === 'failed')
        return { ...answered, kind: 'save-failed', now: clock.now(), reason: saved.problem.message };
      return { ...answered, kind: 'saved', now: clock.now(), revision: effect.revision };
    }
    case 'acknowledge': {
      const removed = await store.acknowledge(effect.command, AbortSignal.timeout(READ_DEADLINE_MS));
      // It is tried again: not at once.
      if (removed.kind !== 'saved') await clock.sleepUntil(clock.now() + ACKNOWLEDGE_PAUSE_MS, dropped);
      return { ...answered, kind: 'acknowledged', now: clock.now(), done: removed.kind === 'saved' };
    }
    case 'observe': {
      const at = clock.now();
      const signal = AbortSignal.any([dropped, AbortSignal.timeout(READ_DEADLINE_MS)]);
      const read = await readAll(cluster, refsOf(context, rollout.plan, effect.depth), signal);
      if (read.kind === 'failed') {
        const code = read.problem.kind === 'forbidden' ? 'forbidden' : 'cluster-unreachable';
        return {
          ...answered,
          kind: 'observe-failed',
          now: clock.now(),
          code,
          reason: `${read.what}: ${read.problem.message}`,
        };
      }
      memory.seen = mergeSeen(memory.seen, read.seen);
      const first = observe(context, rollout, effect, memory.seen, at);
      const told = await seenWithNodes(cluster, first, effect, memory.seen, signal);
      const observation = told === null ? first : observe(context, rollout, effect, told, at);
      return { ...answered, kind: 'observed', now: clock.now(), observation };
    }
    case 'query':
      return {
        ...answered,
        kind: 'sampled',
        now: clock.now(),
        samples: await sample(context, rollout, effect, memory.seen, dropped),
      };
    case 'write': {
      const remember = (seen: Seen): void => {
        memory.seen = seen;
      };
      const signal = AbortSignal.timeout(WRITE_DEADLINE_MS);
      // While the lock may be another's by now, nothing goes forward (design §1.5).
      const isHeld = (): boolean => clock.now() < (store.heldUntil() ?? 0);
      const isWanted = (): boolean =>
        isHeld() && memory.open.some((open) => open.id === effect.id && open.kind === 'write' && !open.superseded);
      const outcome = await write(context, rollout, effect.intent, memory.seen, { signal, remember, isWanted });
      return { ...answered, kind: 'written', now: clock.now(), outcome };
    }
  }
};

const sample = async (
  context: DriveContext,
  rollout: Rollout,
  effect: Extract<Effect, { kind: 'query' }>,
  seen: Seen,
  dropped: AbortSignal,
) => {
  if (context.source === null) return [];
  const { metrics, target } = rollout.plan;
  const asked = metrics.filter(({ name }) => effect.metrics.includes(name));
  const queries = bindQueries(asked, context.workload, seen, target, { windowMs: effect.windowMs });
  const signal = AbortSignal.any([dropped, AbortSignal.timeout(READ_DEADLINE_MS)]);
  return context.source.sample(queries, effect.from, context.clock.now(), signal);
};

const failed = (effect: Effect, now: Ms, reason: string): Event => {
  const answered = { effect: effect.id, now } as const;
  switch (effect.kind) {
    case 'write':
      return { ...answered, kind: 'written', outcome: { kind: 'failed', code: 'cluster-unreachable', reason } };
    case 'observe':
      return { ...answered, kind: 'observe-failed', code: 'cluster-unreachable', reason };
    case 'save':
      return { ...answered, kind: 'save-failed', reason };
    case 'query':
      return { ...answered, kind: 'sampled', samples: [] };
    case 'wake':
      return { ...answered, kind: 'woke' };
    case 'acknowledge':
      return { ...answered, kind: 'acknowledged', done: false };
  }
};
