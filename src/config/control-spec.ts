import type { ControlSpec, Until } from '../core/spec.ts';
import { isWide } from './commands.ts';
import { nameOf, type Reading, requireInput, textOf } from './fields.ts';
import type { Parts } from './parts.ts';
import { namespaceOf } from './release-spec.ts';
import { soundSources } from './sources.ts';

const EVERYWHERE = '*';

/** Every namespace is meant. */
export const isEverywhere = (reading: Reading, command: ControlSpec['command']): boolean =>
  isWide(command) && textOf(reading, 'namespace') === EVERYWHERE;

/** What a command on open rollouts needs. null: something of it is missing or wrong, and reported. */
export const controlSpec = (reading: Reading, parts: Parts, command: ControlSpec['command']): ControlSpec | null => {
  const target = isEverywhere(reading, command) ? everywhere(reading) : targetOf(reading, command);
  const sources = soundSources(reading);
  const until = untilOf(reading, parts, command);
  const { podLogs, failOnRollback } = parts;
  return target === null ? null : { command, ...target, sources, until, podLogs, failOnRollback };
};

type Where = Pick<ControlSpec, 'deployment' | 'namespace'>;

const targetOf = (reading: Reading, command: ControlSpec['command']): Where | null => {
  if (!isWide(command)) requireInput(reading, 'deployment');
  const deployment = nameOf(reading, 'deployment', 'subdomain');
  const namespace = namespaceOf(reading);
  const isNamed = deployment !== null || (isWide(command) && reading.given('deployment') === null);
  return isNamed ? { deployment, namespace } : null;
};

/** The Deployment of the config file is what `run` releases; only one given for this job contradicts. */
const everywhere = (reading: Reading): Where => {
  const given = reading.given('deployment');
  if (given?.source === 'input')
    reading.report(
      given.tree.place,
      '`deployment` names one, and `namespace: *` means all namespaces; give one of them',
    );
  return { deployment: null, namespace: EVERYWHERE };
};

/** A file that says where every `run` ends would also end every `resume` there, before it has begun. */
const untilOf = (reading: Reading, parts: Parts, command: ControlSpec['command']): Until | null =>
  command === 'resume' && reading.given('until')?.source === 'input' ? parts.conduct.until : null;
