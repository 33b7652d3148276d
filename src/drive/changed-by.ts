import type { KubeObject, Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import { type Fields, fieldsOf, isFields } from '../core/shape.ts';
import type { TrafficRouter } from '../ports/traffic-router.ts';

/** The field manager of every write of ours. */
const OURS = 'canary-rollout';

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

/** A manager's name is hostile text: one line, short. */
const called = (manager: string): string => {
  const tool = TOOLS.find(([pattern]) => pattern.test(manager))?.[1];
  const name = manager.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return tool ?? (name.length <= NAME_LIMIT ? name : `${name.slice(0, NAME_LIMIT - 1)}…`);
};

/** `spec.rules[0].backendRefs[].weight` → `f:spec`, `f:rules`: managedFields do not go into lists that are replaced whole. */
const pathOf = (field: string): readonly string[] => (field.split('[')[0] ?? '').split('.').map((name) => `f:${name}`);

/** https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management: an empty set owns the field whole. */
const owns = (fields: Fields, path: readonly string[]): boolean => {
  const [first, ...rest] = path;
  if (first === undefined) return true;
  const inner = fields[first];
  if (!isFields(inner)) return false;
  return Object.keys(inner).length === 0 || owns(inner, rest);
};

interface Writer {
  readonly manager: string;
  /** Epoch ms, in whole seconds; 0 when it is not told. */
  readonly at: number;
}

const writersOf = (object: KubeObject): readonly (Writer & { readonly fields: Fields })[] =>
  (object.metadata.managedFields ?? []).map(({ manager = '', time = '', fieldsV1 }) => ({
    manager,
    at: Date.parse(time) || 0,
    fields: fieldsOf(fieldsV1),
  }));

const latest = (writers: readonly Writer[]): Writer | null =>
  writers.reduce<Writer | null>((newest, one) => (newest === null || one.at > newest.at ? one : newest), null);

/**
 * Who last wrote one of these fields (`spec.rules[0].backendRefs`, `spec.replicas`) after us: the tool's name where it is
 * a known one, else its field manager's. null: the object does not tell. Hostile text.
 */
export const lastWriter = (object: KubeObject, fields: readonly string[]): Writer | null => {
  const writers = writersOf(object);
  const ourLast = latest(writers.filter(({ manager }) => manager === OURS))?.at ?? 0;
  const paths = fields.map(pathOf);
  const others = writers.filter(
    ({ manager, at, fields: owned }) =>
      manager !== OURS && manager !== '' && at >= ourLast && paths.some((path) => owns(owned, path)),
  );
  const writer = latest(others);
  return writer === null ? null : { manager: called(writer.manager), at: writer.at };
};

/** Who changed the entries of ours that these objects carry; only to be asked when they are not as we wrote them. */
export const changedBy = (router: Pick<TrafficRouter, 'fields'>, seen: Seen, target: Target): string | null => {
  const writers = Object.entries(router.fields(seen, target)).flatMap(([key, fields]) => {
    const object = seen.objects.get(key) ?? null;
    const writer = object === null ? null : lastWriter(object, fields);
    return writer === null ? [] : [writer];
  });
  return latest(writers)?.manager ?? null;
};
