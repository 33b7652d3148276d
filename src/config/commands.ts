import { ROLLOUT_COMMANDS } from '../core/command.ts';
import type { ControlSpec, Spec } from '../core/spec.ts';

/** The values of `command`, in the order of the documentation. */
export const COMMANDS = [
  'run',
  'plan',
  'status',
  'pause',
  'resume',
  'promote',
  'abort',
  'rollback',
  'sweep',
] as const satisfies readonly (Spec['command'] | ControlSpec['command'])[];
export type CommandWord = (typeof COMMANDS)[number];

const CONTROL: readonly string[] = [...ROLLOUT_COMMANDS, 'status', 'sweep'];

/** It works on rollouts that are open, and brings no version of its own. */
export const isControl = (command: CommandWord): command is ControlSpec['command'] => CONTROL.includes(command);

/** It works on every rollout of a namespace, or of all namespaces, where no Deployment is named. */
export const isWide = (command: CommandWord): boolean => command === 'status' || command === 'sweep';

const URGENT: readonly CommandWord[] = ['status', 'pause', 'abort', 'sweep'];

/**
 * What looks, stops or makes safe must not be kept from it by a mistake in what it does not use. What lets traffic go on
 * to the canary is refused by any mistake.
 */
export const isUrgent = (command: CommandWord): boolean => URGENT.includes(command);
