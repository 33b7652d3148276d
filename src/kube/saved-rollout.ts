import type { ResourceKind } from '../core/objects.ts';
import { groupOf, refText } from '../core/objects.ts';
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

/** Enough to tell what went on; a rollout that is steered every minute for days must be saved all the same. */
const MOST_ENTRIES = 200;
const LONGEST_TEXT = 4_000;

/**
 * Open effects and series cursors are not saved: a resume observes anew, and drops each series' first sample. What grows
 * without end is cut: texts, old commands, warnings, and, only where it would not fit otherwise, the measurements of the
 * oldest steps.
 */
export const serialise = (
  rollout: Rollout,
  holder: { readonly id: string; readonly runUrl: string | null },
): string => {
  const { plan, ...rest } = rollout;
  const bounded = {
    ...rest,
    holder,
    open: [],
    metrics: rest.metrics.map((metric) => ({ ...metric, cursors: {}, lives: {}, doubts: [] })),
    asked: newestAsked(rest.asked),
    warnings: rest.warnings.slice(-MOST_ENTRIES),
    unwatched: rest.unwatched.slice(-MOST_ENTRIES),
  };
  const count = rest.steps.length;
  const planText = JSON.stringify(plan);
  let state = '';
  for (const without of [0, Math.floor(count / 2), Math.max(0, count - 1), count]) {
    const steps = rest.steps.map((step, index) => (index < without ? { ...step, metrics: [] } : step));
    state = `${JSON.stringify({ ...bounded, steps }, cut).slice(0, -1)},"plan":${planText}}`;
    if (Buffer.byteLength(state) <= LARGEST_STATE_BYTES) return state;
  }
  return state;
};

const cut = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : value;

/** One that still stands in the cluster must stay known, or it would act again: the oldest acknowledged go first. */
const newestAsked = (asked: Rollout['asked']): Rollout['asked'] => {
  const surplus = Math.max(0, asked.length - MOST_ENTRIES);
  const old = new Set(asked.filter(({ acknowledged }) => acknowledged).slice(0, surplus));
  return asked.filter((one) => !old.has(one)).slice(-MOST_ENTRIES);
};

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
  const parsed = parse(content);
  if (parsed === null) return unreadable('the state is nested too deep');
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

/** null: deeper than the parser can go. */
const parse = (content: object): ReturnType<typeof rolloutSchema.safeParse> | null => {
  try {
    return rolloutSchema.safeParse(content);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
};

const unreadable = (why: string): SavedRollout => ({ kind: 'unreadable', why });

/** What in the state is not this rollout's business; null when all is. */
const foreignIn = ({ plan, step, metrics }: Rollout, bounds: StateBounds): string | null => {
  const { target } = plan;
  if (target.namespace !== bounds.namespace || target.deployment !== bounds.deployment) {
    return `the state is of ${target.namespace}/${target.deployment}`;
  }
  const route = target.routes.find(
    (ref) => ref.namespace !== bounds.namespace || !bounds.routeKinds.some((kind) => isSameKind(kind, ref)),
  );
  if (route !== undefined) return `the state names ${route.kind} ${route.namespace}/${route.name} as a route`;
  const { autoscaler, companions } = target;
  const beside = [...(autoscaler === null ? [] : [autoscaler.ref]), ...companions.map(({ ref }) => ref)];
  const outside = beside.find((ref) => ref.namespace !== bounds.namespace);
  if (outside !== undefined) return `the state names ${refText(outside)}, which is in another namespace`;
  if (step >= plan.steps.length) return 'the state names a step that its plan does not have';
  const isPlanned = plan.metrics.every(({ name }, index) => metrics[index]?.name === name);
  return isPlanned && metrics.length === plan.metrics.length ? null : 'the state measures other metrics than its plan';
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
