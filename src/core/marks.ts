import { createHash } from 'node:crypto';
import type { KubeObject } from './objects.ts';

/**
 * The two fencing marks (design §1.5). Their names end in a hash of namespace/deployment so that two rollouts can share a
 * route. On a Deployment they are labels: its controller copies annotations to ReplicaSets, where they would stay, and
 * `rollout undo` would revive them.
 */
export interface Guard {
  /** Changes with every takeover: forward patches test it. */
  readonly holder: Mark;
  /** The rollout's id, constant: the way back tests it. */
  readonly wayBack: Mark;
}

export interface Mark {
  readonly key: string;
  readonly value: string;
}

export const MARK_PREFIX = 'canary-rollout.github.io/';

export const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 10);

export const guardOf = (namespace: string, deployment: string, token: string, rolloutId: string): Guard => {
  const hash = shortHash(`${namespace}/${deployment}`);
  return {
    holder: { key: `${MARK_PREFIX}holder-${hash}`, value: token },
    wayBack: { key: `${MARK_PREFIX}way-back-${hash}`, value: rolloutId },
  };
};

/** Where marks live on this kind of object. */
export const markField = (kind: string): 'labels' | 'annotations' => (kind === 'Deployment' ? 'labels' : 'annotations');

export const markOn = (object: KubeObject, mark: Mark): string | null =>
  object.metadata[markField(object.kind)]?.[mark.key] ?? null;

/** JSON Pointer of a mark; `/` and `~` escaped by RFC 6901. */
export const markPath = (kind: string, mark: Mark): string =>
  `/metadata/${markField(kind)}/${mark.key.replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** A name that fits: cut, and made unique by a hash of the whole. */
export const fitName = (name: string, limit: number): string =>
  name.length <= limit ? name : `${name.slice(0, limit - 11).replace(/[^a-zA-Z0-9]+$/, '')}-${shortHash(name)}`;
