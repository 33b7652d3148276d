import { type KubeObject, listRef, type ObjectRef } from '../core/objects.ts';
import type { Ms } from '../core/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster, WatchEvent } from '../ports/cluster.ts';

/** Where there is no watch: 15 requests a minute are what a held step has left of its 60. */
const POLL_MS: Ms = 4_000;
/** How long it is polled before a watch is tried again. */
const WATCH_AGAIN_MS: Ms = 60_000;
/** A watch begins with the object. One that is held back on its way (a buffering proxy) is no use. */
const FIRST_EVENT_MS: Ms = 1_000;
/** A connection can die unnoticed: after such a silence, longer than between two saves, a read tells what was missed. */
const SILENCE_MS: Ms = 12_000;
/** What a read shows may be on its way. */
const GRACE_MS: Ms = 1_000;
/** A watch that ended sooner is not opened again at once. */
const SHORT_LIFE_MS: Ms = 10_000;

export interface Sighting {
  /** null: it does not exist. */
  readonly object: KubeObject | null;
  /** It was asked for anew: changes before it may have been left out. Otherwise it follows the sighting before it. */
  readonly isAnew: boolean;
}

interface Following {
  readonly cluster: Cluster;
  readonly ref: ObjectRef;
  readonly clock: Clock;
  /** An answer is worth nothing when this changed while it was under way: the object is asked for again. */
  readonly mark: () => number;
  readonly signal: AbortSignal;
}

/**
 * One object, each time that it may have changed: by a watch of its name (for which rights by `resourceNames` do:
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources), by reading it every four seconds
 * while the watch is refused or fails. Ends when the signal fires.
 */
export async function* follow(following: Following): AsyncGenerator<Sighting> {
  while (!following.signal.aborted) {
    const isTrusted = yield* watched(following);
    if (!isTrusted) yield* polled(following);
  }
}

/** Gives back whether the watch worked until it ended. */
async function* watched(following: Following): AsyncGenerator<Sighting, boolean> {
  const { cluster, ref, clock, mark, signal } = following;
  const stop = new AbortController();
  const name = { ...listRef(ref, ref.namespace), fieldSelector: `metadata.name=${ref.name}` };
  const openedAt = clock.now();
  const marked = mark();
  const events = cluster.watch(name, AbortSignal.any([signal, stop.signal]))[Symbol.asyncIterator]();
  let next = nextOf(events);
  let version: string | null = null;
  let sightings = 0;
  let isOverdue = false;
  const worked = (): boolean => sightings > 0 && clock.now() - openedAt >= SHORT_LIFE_MS;
  try {
    while (!signal.aborted) {
      const patience = sightings === 0 ? FIRST_EVENT_MS : SILENCE_MS;
      const event = await orSilence(next, isOverdue ? GRACE_MS : patience, following);
      if (event === 'end' || (event === 'silence' && isOverdue)) return worked();
      if (event === 'silence') {
        const current = await versionOf(following);
        if (current === undefined) return false;
        isOverdue = current !== version;
        continue;
      }
      isOverdue = false;
      if (sightings === 0 && mark() !== marked) return true;
      const { type, object } = event;
      version = type === 'DELETED' ? null : (object.metadata.resourceVersion ?? null);
      next = nextOf(events);
      sightings += 1;
      yield { object: type === 'DELETED' ? null : object, isAnew: sightings === 1 };
    }
    return true;
  } finally {
    stop.abort();
  }
}

const nextOf = (events: AsyncIterator<WatchEvent>): Promise<WatchEvent | 'end'> =>
  events.next().then(
    ({ done, value }) => (done === true ? 'end' : value),
    () => 'end',
  );

const orSilence = async (
  next: Promise<WatchEvent | 'end'>,
  silenceMs: Ms,
  { clock, signal }: Following,
): Promise<WatchEvent | 'end' | 'silence'> => {
  const over = new AbortController();
  const silence = clock.sleepUntil(clock.now() + silenceMs, AbortSignal.any([signal, over.signal])).then(
    () => 'silence' as const,
    () => 'end' as const,
  );
  try {
    return await Promise.race([next, silence]);
  } finally {
    over.abort();
  }
};

/** null: it does not exist; undefined: it cannot be told. */
const versionOf = async ({ cluster, ref, signal }: Following): Promise<string | null | undefined> => {
  const found = await cluster.read(ref, signal);
  if (found.kind === 'ok') return found.value.metadata.resourceVersion ?? null;
  return found.kind === 'missing' ? null : undefined;
};

async function* polled({ cluster, ref, clock, mark, signal }: Following): AsyncGenerator<Sighting> {
  const end = clock.now() + WATCH_AGAIN_MS;
  while (clock.now() < end && !signal.aborted) {
    const marked = mark();
    const found = await cluster.read(ref, signal);
    const isTold = (found.kind === 'ok' || found.kind === 'missing') && mark() === marked;
    if (isTold) yield { object: found.kind === 'ok' ? found.value : null, isAnew: true };
    try {
      await clock.sleepUntil(clock.now() + POLL_MS, signal);
    } catch {
      return;
    }
  }
}
