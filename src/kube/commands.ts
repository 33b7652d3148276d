import type { ObjectRef } from '../core/objects.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Command, Saved } from '../ports/store.ts';
import { escapePointer, patchOf } from './lock.ts';

/** `kubectl annotate configmap canary-rollout-NAME canary-rollout.github.io/command=abort` */
export const COMMAND = 'canary-rollout.github.io/command';

/** A person waits for it, and each look is a request: 12 a minute. A watch would need rights on all ConfigMaps. */
const POLL_MS = 5_000;

/** `abort`, `abort@ROLLOUT-ID`; null for anything else. */
export const parseCommand = (raw: string): Command | null => {
  const match = /^(pause|resume|promote|abort)(?:@([A-Za-z0-9._-]{1,63}))?$/.exec(raw.trim());
  const name = NAMES.find((known) => known === match?.[1]);
  return name === undefined ? null : { name, rolloutId: match?.[2] ?? null, by: null, id: null, raw };
};

const NAMES = ['pause', 'resume', 'promote', 'abort'] as const;

/** Yields each command once: again only after the annotation was another or absent. Ends when the signal fires. */
export async function* commands(
  cluster: Cluster,
  ref: ObjectRef,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Command> {
  let last: string | null = null;
  while (!signal.aborted) {
    const found = await cluster.read(ref, signal);
    if (found.kind === 'ok' || found.kind === 'missing') {
      const raw: string | null = found.kind === 'ok' ? (found.value.metadata.annotations?.[COMMAND] ?? null) : null;
      const command = raw === null || raw === last ? null : parseCommand(raw);
      last = raw;
      if (command !== null) yield command;
    }
    try {
      await clock.sleepUntil(clock.now() + POLL_MS, signal);
    } catch {
      return;
    }
  }
}

/** Removes the annotation, unless it is another command by now. */
export const acknowledge = async (
  cluster: Cluster,
  ref: ObjectRef,
  command: Command,
  signal: AbortSignal,
): Promise<Saved> => {
  const path = `/metadata/annotations/${escapePointer(COMMAND)}`;
  const answer = await cluster.send(
    patchOf(ref, [
      { op: 'test', path, value: command.raw },
      { op: 'remove', path },
    ]),
    { dryRun: false, signal },
  );
  const isGone = answer.kind === 'ok' || answer.kind === 'conflict' || answer.kind === 'missing';
  return isGone ? { kind: 'saved' } : { kind: 'failed', problem: answer };
};
