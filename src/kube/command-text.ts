import { type Command, ROLLOUT_COMMANDS } from '../core/command.ts';
import type { KubeObject } from '../core/objects.ts';

/** `kubectl annotate configmap canary-rollout-NAME canary-rollout.github.io/command=abort` */
export const COMMAND = 'canary-rollout.github.io/command';
/** Written by our own command jobs beside the command: who asked, and what tells two equal requests apart. */
export const COMMAND_BY = `${COMMAND}-by`;
export const COMMAND_ID = `${COMMAND}-id`;

/** Whoever may write the ConfigMap may write anything: what is longer is cut, or no command. */
const LONGEST_TEXT = 200;

/** `abort`, `abort@ROLLOUT-ID`; null for anything else. */
export const parseCommand = (text: string): Pick<Command, 'name' | 'rolloutId'> | null => {
  if (text.length > LONGEST_TEXT) return null;
  const match = /^([a-z]+)(?:@([A-Za-z0-9._-]{1,63}))?$/.exec(text.trim());
  const name = ROLLOUT_COMMANDS.find((known) => known === match?.[1]);
  return name === undefined ? null : { name, rolloutId: match?.[2] ?? null };
};

export const textOf = ({ name, rolloutId }: Pick<Command, 'name' | 'rolloutId'>): string =>
  rolloutId === null ? name : `${name}@${rolloutId}`;

/** What identifies the command that stands there: its text, and its id where it has one. null: there is none. */
export const rawIn = (object: KubeObject): string | null => {
  const { [COMMAND]: text, [COMMAND_ID]: id } = object.metadata.annotations ?? {};
  if (text === undefined) return null;
  return [text, ...(id === undefined ? [] : [id])].map((part) => part.slice(0, LONGEST_TEXT)).join(' ');
};

/** null: none, or none that is understood. */
export const commandIn = (object: KubeObject): Command | null => {
  const { [COMMAND]: text = '', [COMMAND_BY]: by, [COMMAND_ID]: id } = object.metadata.annotations ?? {};
  const command = parseCommand(text);
  const raw = rawIn(object);
  return command === null || raw === null ? null : { ...command, by: lineOf(by), id: lineOf(id), raw };
};

/** One short line without control and formatting characters; null when nothing is left. */
export const lineOf = (text: string | null | undefined): string | null => {
  const line = (text ?? '').slice(0, LONGEST_TEXT).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
  return line.trim() === '' ? null : line.trim();
};
