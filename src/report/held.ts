import { groupOf } from '../core/objects.ts';
import type { Autoscaler, Target } from '../core/plan.ts';
import type { Rollout } from '../core/rollout.ts';
import type { Json } from '../core/units.ts';
import { code, type Inline, joined, say, toMarkdown } from './inline.ts';
import { isPlainName, kubectlLine } from './steer.ts';

type Field = Autoscaler['fields'][number];

const nameOf = ({ path }: Field): string =>
  (path.split('/').at(-1) ?? path).replaceAll('~1', '/').replaceAll('~0', '~');

const textOf = (value: Json): Inline => (value === null ? say`absent` : code(JSON.stringify(value)));

/** That the autoscaler stays held while a rollout stands, with what it had; null without one. */
export const heldLine = ({ plan: { target } }: Rollout): Inline | null => {
  const { autoscaler } = target;
  if (autoscaler === null) return null;
  const { kind, name } = autoscaler.ref;
  const fields = autoscaler.fields.map(
    (field) => say`${code(nameOf(field))} at ${textOf(field.held)} (before: ${textOf(field.was)})`,
  );
  return say`${kind} ${code(name)} stays held until the rollout ends: ${joined(fields, ', ')}.`;
};

/** The same for one that was left on purpose: its autoscaler waits with it. */
export const leftHeldLine = (rollout: Rollout): string | null => {
  const line = rollout.phase === 'left' ? heldLine(rollout) : null;
  return line === null ? null : toMarkdown(line);
};

const isAnnotation = ({ path }: Field): boolean => path.startsWith('/metadata/annotations/');

const annotationBack = (field: Field): string =>
  typeof field.was === 'string' ? `${nameOf(field)}=${field.was}` : `${nameOf(field)}-`;

/** Gives the autoscaler back what it had; [] without one, null for what could not be pasted safely. */
export const releaseCommands = (target: Target): readonly (string | null)[] => {
  const { autoscaler } = target;
  if (autoscaler === null) return [];
  const { ref, fields } = autoscaler;
  const annotations = fields.filter(isAnnotation);
  const spec = fields.filter((field) => !isAnnotation(field));
  const isSafe = isPlainName(ref.name) && spec.every(({ was }) => was === null || typeof was === 'number');
  const object = `${ref.plural}.${groupOf(ref)}/${ref.name}`;
  const patch = JSON.stringify({ spec: Object.fromEntries(spec.map((field) => [nameOf(field), field.was])) });
  const line = isSafe ? kubectlLine(target, 'patch', object) : null;
  return [
    ...(spec.length === 0 ? [] : [line === null ? null : `${line} --type merge -p '${patch}'`]),
    ...annotations.map((field) => {
      const back = kubectlLine(target, 'annotate', object, annotationBack(field));
      return back === null ? null : `${back} --overwrite`;
    }),
  ];
};

/** The canary's copies as words of `kubectl delete`. */
export const copyWords = ({ companions }: Target): readonly string[] =>
  companions.map(({ ref }) => `${ref.plural}.${groupOf(ref)}/${ref.name}`);
