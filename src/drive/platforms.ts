import { movedImage } from '../core/moved-image.ts';
import { listRef, NODE, refKey, type Seen } from '../core/objects.ts';
import type { Effect, Observation } from '../core/rollout.ts';
import type { Cluster } from '../ports/cluster.ts';
import { mergeSeen } from './read.ts';

type Look = Extract<Effect, { kind: 'observe' }>;

/**
 * With the nodes, where the updated stable runs another image than the canary did: it may be the same one on another
 * platform. null: there is nothing to explain, or the nodes may not be read.
 */
export const seenWithNodes = async (
  cluster: Cluster,
  observation: Observation,
  look: Look,
  seen: Seen,
  signal: AbortSignal,
): Promise<Seen | null> => {
  const isUpdated = look.stage?.kind === 'update-stable' && observation.progress?.kind === 'done';
  if (!isUpdated || movedImage(observation) === null) return null;
  const nodes = listRef(NODE, '');
  const answer = await cluster.list(nodes, signal);
  return answer.kind === 'ok'
    ? mergeSeen(seen, { objects: new Map(), lists: new Map([[refKey(nodes), answer.value]]) })
    : null;
};
