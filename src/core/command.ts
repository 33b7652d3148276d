import type { Ms } from './units.ts';

/** What can be asked of a rollout that is open. `resume` on a step that waits for approval is the approval. */
export const ROLLOUT_COMMANDS = ['pause', 'resume', 'promote', 'abort'] as const;
export type CommandName = (typeof ROLLOUT_COMMANDS)[number];

/** One request of a person, as it was found. */
export interface Command {
  readonly name: CommandName;
  /** null: whichever rollout is open. */
  readonly rolloutId: string | null;
  /** Who asked, in the words of who wrote it: a login, `octocat (https://…)`. null: somebody with kubectl. Hostile text. */
  readonly by: string | null;
  /** Tells two equal requests apart. null: written by hand. */
  readonly id: string | null;
  /** The annotation as it stands in the cluster: what is removed when it was acted on. */
  readonly raw: string;
}

/** A command that was acted on, or refused: each acts once, whichever run finds it. */
export interface Asked extends Command {
  readonly at: Ms;
  /** Why nothing was done; null: it was. */
  readonly refused: string | null;
  /** The annotation was taken away. */
  readonly acknowledged: boolean;
}
