import type { CommandName } from '../core/command.ts';
import type { Target } from '../core/plan.ts';
import { reopen } from '../core/reopen.ts';
import type { Rollout } from '../core/rollout.ts';
import { refusal } from '../core/steering.ts';
import { storeName } from '../core/store-name.ts';
import { markdownFence } from './escape.ts';
import { code, type Inline, joined, say, toMarkdown } from './inline.ts';

const COMMAND = 'canary-rollout.github.io/command';

/** Names that can stand in a command someone will paste. */
export const isPlainName = (name: string): boolean => /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name);

/** Whether every word can be pasted into a shell as it is. */
const isPlainWord = (word: string): boolean => /^[A-Za-z0-9._:/@=-]{1,512}$/.test(word) && !word.startsWith('-');

/** The line that hands a command over without GitHub; null where a name could not be pasted safely. */
export const annotateLine = (target: Target, command: CommandName): string | null => {
  const { namespace, deployment, rolloutId } = target;
  const names = [namespace, storeName(deployment)];
  // For this rollout only: a line that is pasted too late must not steer the next one.
  const value = `${command}@${rolloutId}`;
  if (!names.every(isPlainName) || !isPlainWord(value)) return null;
  return `kubectl -n ${namespace} annotate configmap ${storeName(deployment)} --overwrite ${COMMAND}=${value}`;
};

/** A line of `kubectl` for the namespace of the rollout; null where a word could not be pasted safely. */
export const kubectlLine = (target: Target, ...words: readonly string[]): string | null =>
  isPlainName(target.namespace) && words.every((word) => isPlainWord(word))
    ? `kubectl -n ${target.namespace} ${words.join(' ')}`
    : null;

/** What a job does, or several do, with the canary at the end: one that was made goes, the user's own is given back. */
export const canaryEnds = ({ pair }: Target, jobs: 'one' | 'several'): string => {
  const [end, object] = pair === null ? ['remove', 'the canary'] : ['give', 'the canary back'];
  return `${end}${jobs === 'one' ? 's' : ''} ${object}`;
};

/** A job's command, and the comment where the rollout knows its pull request. */
export const ways = ({ plan }: Rollout, command: CommandName): Inline => {
  const job = say`a job with ${code(`command: ${command}`)}`;
  return plan.run.pullRequest === null ? job : say`${job}, or the comment ${code(`/canary ${command}`)}`;
};

/** Whether a command without a sender would be carried out now; a rollout that ended is asked as a command opens it again. */
export const accepts = (rollout: Rollout, name: CommandName): boolean =>
  refusal(reopen(rollout, null, rollout.savedAt), { name, rolloutId: null, by: null, id: null, raw: name }) === null;

/** Under a report of a rollout that runs: how it is stopped, held or hurried. null: nothing of that can be done any more. */
export const steeringLine = (rollout: Rollout): string | null => {
  const isOpen = rollout.phase === 'preparing' || rollout.phase === 'progressing' || rollout.phase === 'promoting';
  if (!isOpen || rollout.committedAt !== null) return null;
  const { target } = rollout.plan;
  const isWaiting = rollout.waits.some(({ kind }) => kind === 'paused' || kind === 'approval');
  const others = isWaiting ? (['resume', 'promote'] as const) : (['pause', 'promote'] as const);
  const kubectl = annotateLine(target, 'abort');
  const parts: readonly Inline[] = [
    say`Stop it: ${ways(rollout, 'abort')}`,
    ...others.map((command) => say`${WORDS[command]}: ${code(command)}`),
    ...(kubectl === null ? [] : [say`without GitHub: ${code(kubectl)}`]),
  ];
  return `<sub>${toMarkdown(joined(parts, ' · '))}</sub>`;
};

const WORDS = { pause: 'hold it', resume: 'go on', promote: 'skip what is left' } as const;

/** For a rollout that was left: what a person can do next, and the line that needs no GitHub. */
export const leftBlocks = (rollout: Rollout): readonly string[] => {
  if (rollout.phase !== 'left') return [];
  const { target } = rollout.plan;
  const inputs = say`${code(`deployment: ${target.deployment}`)}, ${code(`namespace: ${target.namespace}`)}, and the cluster${rollout.plan.metrics.length === 0 ? say`` : say` and ${code('prometheus')}`} as for the release`;
  const choices = rollout.committedAt === null ? PAUSED : AT_DEPLOY;
  const lines = choices.map(([command, what]) => `- ${toMarkdown(say`${what}: ${ways(rollout, command)}`)}`);
  // A line written by hand has no sender: where only some may approve, it is refused.
  const commands = choices
    .map(([command]) => (accepts(rollout, command) ? annotateLine(target, command) : null))
    .filter((line) => line !== null);
  return [
    `**What to do next** (a job's inputs are ${toMarkdown(inputs)}):\n${lines.join('\n')}`,
    commands.length === 0
      ? ''
      : `Without GitHub: ${commands.length === 1 ? 'this' : 'one of these'}, and the next sweep or run acts on it, as no job is running now.\n\n${markdownFence(commands.join('\n'), 'sh')}`,
  ];
};

const PAUSED = [
  ['resume', 'Go on from here'],
  ['promote', 'Skip the steps that are left, still verified'],
  ['abort', 'Give it up, all traffic back'],
] as const;

const AT_DEPLOY = [
  ['resume', 'When the deploy step has run'],
  ['promote', 'Let the rollout update stable itself'],
  ['abort', 'Give it up; stable is read first, and must be ready on the old version'],
] as const;
