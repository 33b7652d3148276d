import { choiceOf, type Reading, textOf } from './fields.ts';

/** Inputs that only the surroundings need: they say nothing about the rollout itself. */
export interface Settings {
  /** A path or the content. null: `$KUBECONFIG`, else in-cluster. */
  readonly kubeconfig: string | null;
  readonly context: string | null;
  /** null: comment and status are skipped with one warning. */
  readonly githubToken: string | null;
  readonly comment: Switch;
  readonly commitStatus: Switch;
}

export type Switch = 'auto' | 'true' | 'false';

const SWITCH = ['auto', 'true', 'false'] as const;

export const readSettings = (reading: Reading): Settings => ({
  kubeconfig: textOf(reading, 'kubeconfig'),
  context: textOf(reading, 'context'),
  githubToken: textOf(reading, 'github-token'),
  comment: choiceOf(reading, 'comment', SWITCH, 'auto'),
  commitStatus: choiceOf(reading, 'commit-status', SWITCH, 'auto'),
});
