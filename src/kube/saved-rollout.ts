import type { ResourceKind } from '../core/objects.ts';
import { groupOf } from '../core/objects.ts';
import type { Rollout } from '../core/rollout.ts';
import type { SavedRollout } from '../ports/store.ts';
import { parseJson } from './answers.ts';
import { rolloutSchema } from './rollout-schema.ts';

/** Half of what a ConfigMap may hold. */
export const LARGEST_STATE_BYTES = 512 * 1024;

/** What must hold for the state to be of this Deployment, beside its form. */
export interface StateBounds {
  readonly namespace: string;
  readonly deployment: string;
  /** Kinds of objects that a router may write. */
  readonly routeKinds: readonly ResourceKind[];
}

/** Open effects and series cursors are not saved: a resume observes anew, and drops each series' first sample. */
export const serialise = (rollout: Rollout, holder: { readonly id: string; readonly runUrl: string | null }): string =>
  JSON.stringify({
    ...rollout,
    holder,
    open: [],
    metrics: rollout.metrics.map((metric) => ({ ...metric, cursors: {} })),
  });

/**
 * Reads a state that anybody with write access to the ConfigMap may have made. What is not of the known form, or points
 * at objects that this rollout may not touch, is refused as a whole.
 */
export const deserialise = (text: string | undefined, bounds: StateBounds): SavedRollout => {
  if (text === undefined || text === '') return unreadable('it has no state');
  if (Buffer.byteLength(text) > LARGEST_STATE_BYTES) return unreadable('the state is larger than any that is written');
  const content = parseJson(text);
  if (typeof content !== 'object' || content === null) return unreadable('the state is not a JSON object');
  const version = 'schemaVersion' in content ? content.schemaVersion : undefined;
  if (typeof version === 'number' && version > 1) {
    return unreadable(`a newer version of this action wrote it (state version ${version})`);
  }
  const parsed = rolloutSchema.safeParse(content);
  if (!parsed.success) {
    const issues = parsed.error.issues
      .slice(0, 3)
      .map((issue) => `${issue.path.join('.') || 'state'}: ${issue.message}`);
    return unreadable(`the state has a wrong form (${issues.join('; ')})`);
  }
  const rollout: Rollout = parsed.data;
  const foreign = foreignIn(rollout, bounds);
  return foreign === null ? { kind: 'rollout', rollout } : unreadable(foreign);
};

const unreadable = (why: string): SavedRollout => ({ kind: 'unreadable', why });

/** What in the state is not this rollout's business; null when all is. */
const foreignIn = ({ plan, step }: Rollout, bounds: StateBounds): string | null => {
  const { target } = plan;
  if (target.namespace !== bounds.namespace || target.deployment !== bounds.deployment) {
    return `the state is of ${target.namespace}/${target.deployment}`;
  }
  const route = target.routes.find(
    (ref) => ref.namespace !== bounds.namespace || !bounds.routeKinds.some((kind) => isSameKind(kind, ref)),
  );
  if (route !== undefined) return `the state names ${route.kind} ${route.namespace}/${route.name} as a route`;
  return step < plan.steps.length ? null : 'the state names a step that its plan does not have';
};

const isSameKind = (a: ResourceKind, b: ResourceKind): boolean =>
  groupOf(a) === groupOf(b) && a.kind === b.kind && a.plural === b.plural;

/** Where a rollout stands, in a few words: `step 2 of 5: 10 %`, `rolling-back`. */
export const stepText = ({ plan, phase, step }: Rollout): string => {
  const weight = plan.steps[step]?.weight;
  return phase === 'progressing' && weight !== undefined
    ? `step ${step + 1} of ${plan.steps.length}: ${weight / 100} %`
    : phase;
};
