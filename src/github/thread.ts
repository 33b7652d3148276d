import type { Outcome } from '../core/outcome.ts';
import type { Phase } from '../core/rollout.ts';
import type { Ms } from '../core/units.ts';
import { renderComment } from '../report/comment.ts';
import { code, type Inline, joined, link, prose, say, toMarkdown } from '../report/inline.ts';
import type { GitHubClient } from './client.ts';
import type { RunContext } from './context.ts';
import { createTrouble } from './trouble.ts';

/** The conversation with whoever wrote the comment that started this run. Nothing in it can change what happens. */
export interface Thread {
  /** The comment was read and may steer. Does not wait: an abort comes before manners. */
  seen(): void;
  /** What came of it: a reaction, and a comment of its own where words are needed. Never throws. */
  conclude(outcome: Outcome): Promise<void>;
}

export interface ThreadOptions {
  /** null: without a token nobody is answered. */
  readonly client: GitHubClient | null;
  readonly context: RunContext;
  readonly command: string;
  readonly now: () => Ms;
  readonly warn: (text: string) => void;
}

/** GitHub's names: https://docs.github.com/en/rest/reactions/reactions#about-reactions */
type Reaction = 'eyes' | '+1' | '-1' | 'rocket' | 'confused';

const SILENT: Thread = { seen: () => {}, conclude: () => Promise.resolve() };

/** Silent where no person's comment started the run: an answer to a bot could be answered by a bot. */
export const openThread = ({ client, context, command, now, warn }: ThreadOptions): Thread => {
  const { repository, comment: event } = context;
  if (client === null || repository === null || event === null || event.action === 'deleted') return SILENT;
  const { id, issue, author } = event.comment;
  if (id === null || issue === null || author.type !== 'User') return SILENT;
  const trouble = createTrouble('answer the comment', 'pull-requests: write', warn);
  const where = { owner: repository.owner, repo: repository.name };
  const send = async (route: string, parameters: Readonly<Record<string, unknown>>): Promise<void> => {
    if (trouble.isHopeless()) return;
    const answer = await client.call(route, { ...where, ...parameters });
    if (!answer.ok && answer.problem.kind !== 'not-found') trouble.meet(answer.problem);
  };
  const react = (content: Reaction): Promise<void> =>
    send('POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions', { comment_id: id, content });
  let first: Promise<void> = Promise.resolve();
  return {
    seen: () => {
      first = react('eyes');
    },
    conclude: async (outcome) => {
      const body = answerTo(outcome, command, context, now());
      await first;
      await react(reactionTo(outcome, command));
      if (body !== null) {
        await send('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', { issue_number: issue, body });
      }
    },
  };
};

const DONE: Readonly<Record<string, readonly Phase[]>> = {
  pause: ['left'],
  resume: ['promoted', 'left'],
  promote: ['promoted'],
  abort: ['rolled-back'],
};

const reactionTo = (outcome: Outcome, command: string): Reaction => {
  if (outcome.kind === 'rejected') return '-1';
  if (outcome.kind !== 'finished') return '+1';
  return DONE[command]?.includes(outcome.rollout.phase) === true ? 'rocket' : 'confused';
};

/** Only a refusal and a `status` need words: everything else is in the rollout's own comment. */
const answerTo = (outcome: Outcome, command: string, context: RunContext, now: Ms): string | null => {
  if (outcome.kind === 'rejected') return toMarkdown(refusalLine(outcome.reason.text, command, context));
  if (outcome.kind !== 'accepted' || command !== 'status') return null;
  return renderComment(outcome, { now, journal: [], pods: [], podLines: false });
};

/** Begins with no slash: it must not look like a command to anybody's workflow. */
const refusalLine = (why: string, command: string, { comment, runUrl, workflowUrl }: RunContext): Inline => {
  const who = comment?.comment.author.login ?? '';
  const details = runUrl === null ? say`` : say` (${link('details', runUrl)})`;
  return say`👎 ${code(`/canary ${command}`)} by ${code(who)}: nothing was done: ${linked(why, workflowUrl)}.${details}`;
};

/** The address of our own workflow is the only one that becomes a link. */
const linked = (text: string, url: string | null): Inline => {
  const whole = text.replace(/\.$/, '');
  if (url === null || !whole.includes(url)) return prose(whole);
  return joined(
    whole
      .split(url)
      .flatMap((part, index) => (index === 0 ? [prose(part)] : [link('this workflow', url), prose(part)])),
    '',
  );
};
