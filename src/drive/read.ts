import { isListRef, type KubeObject, type ReadRef, refKey, refText, type Seen } from '../core/objects.ts';
import type { CallProblem, CallResult, Cluster } from '../ports/cluster.ts';

export const NOTHING_SEEN: Seen = { objects: new Map(), lists: new Map() };

export type ReadResult =
  | { readonly kind: 'read'; readonly seen: Seen }
  | { readonly kind: 'failed'; readonly problem: CallProblem; readonly what: string };

/**
 * Reads everything at once. An object that does not exist is `null`, a kind that is not served an empty list; anything
 * else that goes wrong fails the whole, because half a picture must not be judged.
 */
export const readAll = async (cluster: Cluster, refs: readonly ReadRef[], signal: AbortSignal): Promise<ReadResult> => {
  const unique = [...new Map(refs.map((ref) => [refKey(ref), ref])).values()];
  const answers = await Promise.all(unique.map((ref) => readOne(cluster, ref, signal)));
  const objects = new Map<string, KubeObject | null>();
  const lists = new Map<string, readonly KubeObject[]>();
  for (const { ref, answer } of answers) {
    if (answer.kind !== 'ok' && answer.kind !== 'missing')
      return { kind: 'failed', problem: answer, what: describeRef(ref) };
    if (isListRef(ref)) lists.set(refKey(ref), answer.kind === 'ok' ? (answer.value as readonly KubeObject[]) : []);
    else objects.set(refKey(ref), answer.kind === 'ok' ? (answer.value as KubeObject) : null);
  }
  return { kind: 'read', seen: { objects, lists } };
};

export const describeRef = (ref: ReadRef): string =>
  isListRef(ref) ? `${ref.plural} in ${ref.namespace}` : refText(ref);

type Answer = CallResult<KubeObject | readonly KubeObject[]>;

const readOne = async (
  cluster: Cluster,
  ref: ReadRef,
  signal: AbortSignal,
): Promise<{ ref: ReadRef; answer: Answer }> => ({
  ref,
  answer: isListRef(ref) ? await cluster.list(ref, signal) : await cluster.read(ref, signal),
});

/** What was read last, with the newer over the older. */
export const mergeSeen = (older: Seen, newer: Seen): Seen => ({
  objects: new Map([...older.objects, ...newer.objects]),
  lists: new Map([...older.lists, ...newer.lists]),
});
