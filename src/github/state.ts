import { getState, saveState } from '@actions/core';
import { field, textAt } from './json.ts';

/** What main leaves for the post step: whose rollout it was, and whether anything is left to do. */
export interface SavedState {
  readonly target: { readonly namespace: string; readonly deployment: string };
  readonly rolloutId: string;
  readonly holder: string;
  readonly finished: boolean;
}

const KEY = 'rollout';

export const saveRun = (state: SavedState): void => saveState(KEY, JSON.stringify(state));

/** null when main saved nothing: it never got as far as taking the lock. */
export const loadRun = (): SavedState | null => {
  const text = getState(KEY);
  if (text === '') return null;
  const json: unknown = parse(text);
  const namespace = textAt(json, 'target', 'namespace');
  const deployment = textAt(json, 'target', 'deployment');
  const rolloutId = textAt(json, 'rolloutId');
  const holder = textAt(json, 'holder');
  if (namespace === null || deployment === null || rolloutId === null || holder === null) return null;
  return { target: { namespace, deployment }, rolloutId, holder, finished: field(json, 'finished') === true };
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

const MAIN = 'main';

/** Main and post are one program: main leaves this word for post to know itself by. */
export const announceMain = (): void => saveState(MAIN, 'true');
export const isPost = (): boolean => getState(MAIN) === 'true';
