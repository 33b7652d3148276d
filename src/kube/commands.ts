import type { KubeObject, ObjectRef } from '../core/objects.ts';
import type { Clock } from '../ports/clock.ts';
import type { CallProblem, CallResult, Cluster } from '../ports/cluster.ts';
import type { Command, Store } from '../ports/store.ts';
import { COMMAND, COMMAND_BY, COMMAND_ID, commandIn, lineOf, rawIn, textOf } from './command-text.ts';
import { follow } from './follow.ts';
import { escapePointer, type Operation, patchOf } from './lock.ts';

const MOST_CONFLICTS = 5;
const OURS = [COMMAND, COMMAND_BY, COMMAND_ID] as const;

export type CommandChannel = Pick<Store, 'commands' | 'pending' | 'hand' | 'acknowledge'>;

/** Commands stand in annotations of the ConfigMap: one at a time, the last word counts. */
export const commandChannel = (cluster: Cluster, ref: ObjectRef, clock: Clock): CommandChannel => {
  let acknowledgements = 0;
  return {
    commands: (signal) => commands({ cluster, ref, clock, mark: () => acknowledgements, signal }),
    pending: async (signal) => {
      const found = await cluster.read(ref, signal);
      if (found.kind === 'missing') return { kind: 'ok', value: null };
      return found.kind === 'ok' ? { kind: 'ok', value: commandIn(found.value) } : found;
    },
    hand: (command, signal) => hand(cluster, ref, command, signal),
    acknowledge: async (command, signal) => {
      const problem = await remove(cluster, ref, command.raw, signal);
      if (problem !== null) return { kind: 'failed', problem };
      acknowledgements += 1;
      return { kind: 'saved' };
    },
  };
};

/** Yields each command once: an equal one again only when the annotation was gone in between, or was acknowledged. */
async function* commands(following: Parameters<typeof follow>[0]): AsyncGenerator<Command> {
  let last: string | null = null;
  let known = following.mark();
  for await (const { object, isAnew } of follow(following)) {
    const raw = object === null ? null : rawIn(object);
    const isAgain = isAnew && following.mark() !== known;
    if (raw === last && !isAgain) continue;
    last = raw;
    known = following.mark();
    const command = object === null ? null : commandIn(object);
    if (command !== null) yield command;
  }
}

const pathOf = (key: string): string => `/metadata/annotations/${escapePointer(key)}`;

/** Conflicts are read and planned again; null when the plan has nothing to do. */
const change = async <Value>(
  cluster: Cluster,
  ref: ObjectRef,
  plan: (found: KubeObject) => readonly Operation[] | null,
  done: Value,
  signal: AbortSignal,
): Promise<CallResult<Value>> => {
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts += 1) {
    const found = await cluster.read(ref, signal);
    if (found.kind !== 'ok') return found;
    const operations = plan(found.value);
    if (operations === null) return { kind: 'ok', value: done };
    const answer = await cluster.send(patchOf(ref, operations), { dryRun: false, signal });
    if (answer.kind === 'ok') return { kind: 'ok', value: done };
    if (answer.kind !== 'conflict') return answer;
  }
  return { kind: 'conflict', message: 'the ConfigMap changes faster than its commands can' };
};

/** A pending command is overwritten, whatever it is. */
const hand = (
  cluster: Cluster,
  ref: ObjectRef,
  command: Omit<Command, 'raw'>,
  signal: AbortSignal,
): Promise<CallResult<Command>> => {
  const [by, id] = [lineOf(command.by), lineOf(command.id)];
  const wanted = { [COMMAND]: textOf(command), [COMMAND_BY]: by, [COMMAND_ID]: id };
  const written = Object.entries(wanted).flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]));
  const raw = [textOf(command), ...(id === null ? [] : [id])].join(' ');
  const plan = ({ metadata }: KubeObject): readonly Operation[] => [
    { op: 'test', path: '/metadata/uid', value: metadata.uid ?? '' },
    ...(metadata.annotations === undefined ? [{ op: 'add', path: '/metadata/annotations', value: {} } as const] : []),
    ...OURS.filter((key) => wanted[key] === null && metadata.annotations?.[key] !== undefined).map(
      (key) => ({ op: 'remove', path: pathOf(key) }) as const,
    ),
    ...written.map(([key, value]) => ({ op: 'add', path: pathOf(key), value }) as const),
  ];
  return change(cluster, ref, plan, { ...command, by, id, raw }, signal);
};

/** Takes the annotations away together, unless they are another command by now. null: they are gone. */
const remove = async (
  cluster: Cluster,
  ref: ObjectRef,
  raw: string,
  signal: AbortSignal,
): Promise<CallProblem | null> => {
  const plan = (found: KubeObject): readonly Operation[] | null =>
    rawIn(found) !== raw
      ? null
      : OURS.flatMap((key) => {
          const value = found.metadata.annotations?.[key];
          if (value === undefined) return [];
          return [{ op: 'test', path: pathOf(key), value } as const, { op: 'remove', path: pathOf(key) } as const];
        });
  const removed = await change(cluster, ref, plan, null, signal);
  return removed.kind === 'ok' || removed.kind === 'missing' ? null : removed;
};
