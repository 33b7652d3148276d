import { type Foresight, foresee } from '../core/foresight.ts';
import { shortestDuration } from '../core/make-plan.ts';
import { guardOf } from '../core/marks.ts';
import { DEPLOYMENT, objectRef, type Request, refKey, refText, SERVICE } from '../core/objects.ts';
import type { Preview } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import { roleYaml } from '../core/rights.ts';
import { storeName } from '../core/store-name.ts';
import type { Ms } from '../core/units.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { MetricSource } from '../ports/metric-source.ts';
import type { Watchdog } from '../ports/watchdog.ts';
import type { Workload } from '../ports/workload.ts';
import { fieldsOfRequest, plannedWrites } from './dry-run.ts';
import { readHistory } from './history.ts';
import type { Preflight } from './preflight.ts';
import { bindQueries } from './sampling.ts';

type Touch = Preview['touches'][number];

type Ready = Extract<Preflight, { kind: 'ready' }>;

/** As much of stable's past as foresight is made from. */
const PAST_MS: Ms = 3 * 3_600_000;

/**
 * What `command: plan` reports: the plan, what stable's past tells about it, and everything that carrying it out would
 * touch. Reading the past takes 20 s at most and is never an error.
 */
export const makePreview = async (ready: Ready, parts: PreviewParts): Promise<Preview> =>
  previewOf(ready, parts, await readForesight(ready, parts));

export interface PreviewParts {
  readonly cluster: Cluster;
  readonly workload: Workload;
  readonly watchdog: Watchdog | null;
  readonly source: MetricSource | null;
  readonly now: Ms;
  readonly signal: AbortSignal;
}

const readForesight = async ({ plan, seen }: Ready, parts: PreviewParts): Promise<Foresight | null> => {
  const { source, workload, now, signal } = parts;
  const queries = bindQueries(plan.metrics, workload, seen, plan.target, { windowMs: PAST_MS, arms: ['stable'] });
  const samples = source === null ? [] : await readHistory(source, queries, now - PAST_MS, now, signal);
  return foresee(plan, samples, PAST_MS);
};

const previewOf = (ready: Ready, parts: PreviewParts, foresight: Foresight | null): Preview => {
  const { plan, findings, router, seen, permissions } = ready;
  const guard = guardOf(plan.target.namespace, plan.target.deployment, 'plan', plan.target.rolloutId);
  const { requests } = plannedWrites({ ...parts, router, guard, seen, plan });
  const declared = router.fields(seen, plan.target);
  return {
    plan,
    findings,
    durationMs: shortestDuration(plan),
    touches: [
      ...ownTouches(plan),
      ...merged(requests.map((request) => touchOf(request, declared))),
      ...removed(plan, parts.watchdog),
    ],
    role: roleYaml(permissions, plan.target.namespace),
    watchdogRole: parts.watchdog?.role(plan) ?? null,
    peak: parts.workload.peak(seen, plan),
    foresight,
  };
};

/** Of a route, its adapter says in the route's own words which fields of the spec it owns. */
const touchOf = (request: Request, declared: Readonly<Record<string, readonly string[]>>): Touch => {
  const fields = fieldsOfRequest(request);
  const known = declared[refKey(request.ref)];
  const owned = known === undefined ? [] : known;
  const rest = known === undefined ? fields : fields.filter((field) => !field.startsWith('spec.'));
  return { object: refText(request.ref), action: request.verb, fields: [...owned, ...rest] };
};

/** One line an object and action. */
const merged = (touches: readonly Touch[]): readonly Touch[] => {
  const byObject = new Map<string, Touch>();
  for (const touch of touches) {
    const key = `${touch.action} ${touch.object}`;
    const before = byObject.get(key);
    byObject.set(key, { ...touch, fields: [...new Set([...(before?.fields ?? []), ...touch.fields])] });
  }
  return [...byObject.values()];
};

const ownTouches = ({ target }: Plan): readonly Touch[] =>
  ['ConfigMap', 'Lease'].map((kind) => ({
    object: `${kind} ${target.namespace}/${storeName(target.deployment)}`,
    action: 'create',
    fields: [kind === 'Lease' ? 'spec' : 'data.state'],
  }));

const removed = ({ target, watchdog: asked }: Plan, watchdog: Watchdog | null): readonly Touch[] => {
  const refs = [
    ...(target.pair === null ? [objectRef(DEPLOYMENT, target.namespace, target.canaryDeployment)] : []),
    ...(target.canaryService === null ? [] : [objectRef(SERVICE, target.namespace, target.canaryService)]),
    ...target.companions.map(({ ref }) => ref),
    ...(asked === null || watchdog === null ? [] : [watchdog.ref(target)]),
  ];
  return refs.map((ref) => ({ object: refText(ref), action: 'delete', fields: [] }));
};
