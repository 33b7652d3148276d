import type { KubeObject } from './objects.ts';
import { type Fields, fieldsOf, isFields } from './shape.ts';

/** The field manager of every write of ours. */
export const OUR_MANAGER = 'canary-rollout';

/** Of what somebody else has made from the same file nothing is ours. */
export const isWrittenByUs = ({ metadata: { managedFields = [] } }: KubeObject): boolean =>
  managedFields.some(({ manager }) => manager === OUR_MANAGER);

/** Tools by the field managers under which they write, as they name themselves. */
const TOOLS: readonly (readonly [pattern: RegExp, tool: string])[] = [
  [/^argocd-/, 'Argo CD'],
  [/^(kustomize-controller|helm-controller|flux)$/, 'Flux'],
  [/^kubectl(-|$)/, 'kubectl'],
  [/^helm$/i, 'Helm'],
  [/^(rancher|fleetagent|fleet-agent)$/, 'Rancher'],
  [/^(terraform|hashicorp)/i, 'Terraform'],
  [/^pulumi-/, 'Pulumi'],
  [/^flagger$/, 'Flagger'],
  [/^rollouts-controller$/, 'Argo Rollouts'],
];

const NAME_LIMIT = 60;

/** A tool's name for its field manager, or the manager's: hostile text, made one short line. */
export const toolNamed = (manager: string): string => {
  const tool = TOOLS.find(([pattern]) => pattern.test(manager))?.[1];
  const name = manager.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return tool ?? (name.length <= NAME_LIMIT ? name : `${name.slice(0, NAME_LIMIT - 1)}…`);
};

/** Steps into `fieldsV1`: `f:spec`, `f:containers`, `k:{"name":"app"}`. */
export type FieldPath = readonly string[];

/** `spec.rules[0].backendRefs[].weight` → `f:spec`, `f:rules`: managedFields do not go into lists that are replaced whole. */
export const pathOf = (field: string): FieldPath => (field.split('[')[0] ?? '').split('.').map((name) => `f:${name}`);

/** https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management: an empty set owns the field whole. */
const owns = (fields: Fields, path: FieldPath): boolean => {
  const [first, ...rest] = path;
  if (first === undefined) return true;
  const inner = fields[first];
  if (!isFields(inner)) return false;
  return Object.keys(inner).length === 0 || owns(inner, rest);
};

export interface Writer {
  /** As the object has it: hostile text. */
  readonly manager: string;
  /** Epoch ms, in whole seconds; 0 when it is not told. */
  readonly at: number;
}

export interface Entry extends Writer {
  readonly owns: (path: FieldPath) => boolean;
}

/** The writers of an object, each with what it owns now. */
export const entriesOf = (object: KubeObject): readonly Entry[] =>
  (object.metadata.managedFields ?? []).map(({ manager = '', time = '', fieldsV1 }) => ({
    manager,
    at: Date.parse(time) || 0,
    owns: (path) => owns(fieldsOf(fieldsV1), path),
  }));
