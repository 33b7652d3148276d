import { copyPermissions } from '../core/copied-kinds.ts';
import { makePlan, type Planned } from '../core/make-plan.ts';
import type { Guard } from '../core/marks.ts';
import { guardOf } from '../core/marks.ts';
import { isListRef, type ObjectRef, objectIn, type Permission, refKey, refText, type Seen } from '../core/objects.ts';
import { routeOwners, standingTime } from '../core/owner.ts';
import type { Plan, Run, Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import { OWN_PERMISSIONS } from '../core/rights.ts';
import type { RouteChoice, Spec } from '../core/spec.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Hazard } from '../ports/hazard.ts';
import type { MetricSource } from '../ports/metric-source.ts';
import type { Preset } from '../ports/preset.ts';
import type { TrafficRouter } from '../ports/traffic-router.ts';
import type { Watchdog } from '../ports/watchdog.ts';
import type { Workload, WorkloadRequest } from '../ports/workload.ts';
import { allowing, unusedAllowances } from './allowances.ts';
import { checkFirst, type FirstReady } from './check-first.ts';
import { checkHazards, hazardPermissions } from './check-hazards.ts';
import { type CheckedMetrics, checkMetrics } from './check-metrics.ts';
import { checkRights } from './check-rights.ts';
import { autoscalerPermissions, checkAutoscalerRights } from './check-target-rights.ts';
import { checkTemplate, REFERENCE_PERMISSIONS } from './check-template.ts';
import { type Chosen, chooseRoute, missingRoutes, routerNamed } from './choose-route.ts';
import { completeManifest } from './complete-manifest.ts';
import { credentialsEnd } from './credentials-end.ts';
import { dryRun } from './dry-run.ts';
import { errorFinding, hasErrors, problemFinding } from './findings.ts';
import { refsOf } from './look.ts';
import { mergeSeen, readAll } from './read.ts';
import { withSamplePod } from './sample-pod.ts';
import { requestOf } from './workload-request.ts';

export interface PreflightInput {
  readonly spec: Spec;
  readonly namespace: string;
  readonly rolloutId: string;
  readonly run: Run;
  readonly cluster: Cluster;
  readonly routers: readonly TrafficRouter[];
  readonly workload: Workload;
  readonly hazards: readonly Hazard[];
  readonly watchdog: Watchdog | null;
  readonly source: MetricSource | null;
  readonly presets: readonly Preset[];
  readonly sourcePermissions: readonly Permission[];
  /** What a plan tells of the sources. */
  readonly sourceNotices: readonly Finding[];
  readonly now: number;
  readonly signal: AbortSignal;
}

export type Preflight =
  | { readonly kind: 'rejected'; readonly findings: readonly Finding[] }
  | { readonly kind: 'unchanged' }
  | FirstReady
  | {
      readonly kind: 'ready';
      readonly plan: Plan;
      readonly findings: readonly Finding[];
      readonly router: TrafficRouter;
      readonly seen: Seen;
      readonly permissions: readonly Permission[];
    };

/** Of the other ways to stable that a plan remembers: one is enough to say less. */
const MOST_BESIDE = 20;

/** A token for plans that are only ever sent dry. */
const DRY_TOKEN = 'dry-run';

/** Reads and checks everything before any write (design §2.1). Any doubt is an error finding, and all of them are told at once. */
export const preflight = async (input: PreflightInput): Promise<Preflight> => {
  const { cluster, spec, workload, namespace, signal } = input;
  const permissions = permissionsFor(input);
  const rights = await checkRights(cluster, permissions, namespace, signal);
  if (hasErrors(rights)) return { kind: 'rejected', findings: rights };
  const asked = requestOf(input);
  const survey = await readAll(cluster, workload.surveys(asked), signal);
  if (survey.kind === 'failed')
    return { kind: 'rejected', findings: [problemFinding(survey.problem, survey.what, cluster.server)] };
  const { request, creation, findings: ofManifest } = await completeManifest(input, asked, survey.seen);
  if (creation !== null) {
    // All but that there is no such Deployment: its name may be that of something else.
    const taken = (await resolveIn(input, request, survey.seen)).findings.filter(
      ({ where }) => where !== refText(creation.ref),
    );
    return checkFirst(input, { request, creation, findings: [...ofManifest, ...taken], permissions });
  }
  if (!hasErrors(ofManifest) && workload.isUnchanged(survey.seen, request)) return { kind: 'unchanged' };
  const resolved = await resolveIn(input, request, survey.seen);
  // Without the Deployment, what is said about routes would be noise.
  if (resolved.target === null && spec.service === null)
    return { kind: 'rejected', findings: [...ofManifest, ...resolved.findings] };
  const service = resolved.target?.service ?? spec.service;
  const chosen = await chooseRoute(
    cluster,
    input.routers,
    spec.route,
    service === null ? null : { namespace, name: service },
    signal,
  );
  const found = [...ofManifest, ...resolved.findings, ...(chosen.ok ? [] : [chosen.problem])];
  const early = allowing(found, spec.surroundings.allow);
  if (resolved.target === null || !chosen.ok || hasErrors(early)) return { kind: 'rejected', findings: early };
  const target: Target = { ...resolved.target, router: chosen.value.router.name, routes: chosen.value.routes };
  const needed = [...permissions, ...autoscalerPermissions(target)];
  const unheld = await checkAutoscalerRights(cluster, target, needed, signal);
  if (unheld.length > 0) return { kind: 'rejected', findings: [...early, ...unheld] };
  return withTarget(input, target, chosen.value, survey.seen, early, needed);
};

/** Where there is no such Deployment, the name may be that of something else. */
const resolveIn = async (
  { cluster, workload, signal }: PreflightInput,
  request: WorkloadRequest,
  seen: Seen,
): Promise<ReturnType<Workload['resolve']>> => {
  const resolved = workload.resolve(seen, request);
  if (!resolved.findings.some(({ code }) => code === 'deployment-not-found')) return resolved;
  const others = await Promise.all(workload.namesakes(request).map((ref) => readAll(cluster, [ref], signal)));
  const found = others.reduce((all, one) => (one.kind === 'read' ? mergeSeen(all, one.seen) : all), seen);
  return workload.resolve(found, request);
};

const permissionsFor = ({
  spec,
  routers,
  workload,
  hazards,
  watchdog,
  sourcePermissions,
}: PreflightInput): readonly Permission[] => {
  const named = routerNamed(routers, spec.route);
  // While the route is not named, finding it needs to read all kinds.
  const ofRouters = named === null ? routers.flatMap(({ permissions }) => permissions) : neededBy(named, spec.route);
  const own = OWN_PERMISSIONS.filter(({ resource }) => spec.podLogs !== 'off' || resource !== 'pods/log');
  const ofWatchdog = spec.watchdog === null ? [] : (watchdog?.permissions ?? []);
  return [
    ...own,
    ...workload.permissions,
    ...copyPermissions(spec.surroundings.copy),
    ...ofRouters,
    ...sourcePermissions,
    ...ofWatchdog,
    ...hazardPermissions(hazards),
    ...(spec.manifest === null ? [] : REFERENCE_PERMISSIONS),
  ];
};

/** Of a router with several kinds of routes, the rights on those that were named; nothing has to be listed then. */
const neededBy = (router: TrafficRouter, choice: RouteChoice | null): readonly Permission[] => {
  if (choice?.kind !== 'objects') return router.permissions;
  const isNamed = (plural: string): boolean =>
    router.kinds.some(
      (kind) => kind.plural === plural && choice.routes.some((route) => kind.aliases.includes(route.kind)),
    );
  const isRoute = (plural: string): boolean => router.kinds.some((kind) => kind.plural === plural);
  return router.permissions
    .filter(({ resource }) => !isRoute(resource) || isNamed(resource))
    .map((permission) =>
      isRoute(permission.resource)
        ? { ...permission, verbs: permission.verbs.filter((verb) => verb !== 'list') }
        : permission,
    );
};

/** The second half: with everything found, the routes are understood, the plan is made, metrics answer, writes are sent dry. */
const withTarget = async (
  input: PreflightInput,
  target: Target,
  { router, routes }: Chosen,
  survey: Seen,
  early: readonly Finding[],
  permissions: readonly Permission[],
): Promise<Preflight> => {
  const { cluster, workload, spec, signal } = input;
  const read = await readAll(cluster, [...router.reads(target), ...workload.reads(target, true)], signal);
  if (read.kind === 'failed')
    return { kind: 'rejected', findings: [...early, problemFinding(read.problem, read.what, cluster.server)] };
  const seen = mergeSeen(survey, read.seen);
  const missing = missingRoutes(routes, (ref) => objectIn(seen, ref) !== null);
  if (missing.length > 0) return { kind: 'rejected', findings: [...early, ...missing] };
  const routeFindings = router.check(seen, target);
  const metrics = await checkMetrics(input, target, seen);
  const planned = planOf(input, target, router, seen, metrics);
  const { allow } = spec.surroundings;
  const admitted = await withSamplePod(input, target, seen);
  const hazards = await checkHazards(
    cluster,
    input.hazards,
    { spec, target, plan: planned.plan, fields: router.fields(seen, target) },
    admitted,
    signal,
  );
  const beside = hazards.flatMap((finding) => finding.beside ?? []).slice(0, MOST_BESIDE);
  const surrounding = allowing([...routeFindings, ...planned.findings, ...hazards], allow);
  const found = [
    ...early,
    ...surrounding,
    ...unusedAllowances([...early, ...surrounding], allow),
    ...metrics.findings,
    ...(target.template === null ? [] : await checkTemplate(input, target.template)),
    ...(planned.plan === null ? [] : credentialsEnd(cluster.credentialsExpireAt(), input.now, planned.plan)),
  ];
  if (planned.plan === null || hasErrors(surrounding)) return { kind: 'rejected', findings: found };
  const guard: Guard = guardOf(target.namespace, target.deployment, DRY_TOKEN, target.rolloutId);
  const refused = await dryRun(
    { cluster, router, workload, watchdog: input.watchdog, guard, seen, plan: planned.plan },
    signal,
  );
  const notices = spec.command === 'plan' ? input.sourceNotices : [];
  const findings = [...found, ...refused, ...noMetrics(spec), ...notices];
  return hasErrors(findings)
    ? { kind: 'rejected', findings }
    : { kind: 'ready', plan: { ...planned.plan, beside }, findings, router, seen: admitted, permissions };
};

const noMetrics = (spec: Spec): readonly Finding[] =>
  spec.metrics.length > 0
    ? []
    : [
        {
          severity: 'warning',
          code: 'metric-no-data',
          where: 'metrics',
          message: 'no metrics: the canary is judged by its pods being ready, and nothing else',
          advice: 'add `metrics`',
        },
      ];

const planOf = (
  { spec, run, workload }: PreflightInput,
  target: Target,
  router: TrafficRouter,
  seen: Seen,
  { metrics, calibrations, scrapeIntervalMs, counterIntervalMs, paceMs }: CheckedMetrics,
): { readonly plan: Plan | null; readonly findings: readonly Finding[] } => {
  const { stable } = workload.observe(seen, target);
  if (stable === null)
    return {
      plan: null,
      findings: [errorFinding('deployment-not-found', target.deployment, 'the Deployment went away')],
    };
  const lightReads = refsOf(
    { router, workload, guard: guardOf(target.namespace, target.deployment, DRY_TOKEN, '') },
    { target },
    'light',
  );
  const planned = makePlan(spec, {
    target,
    run,
    abilities: router.abilities,
    settleMs: router.settleMs?.(seen, target) ?? router.abilities.settleMs,
    revertMs: standingTime(routeOwners(seen, target.routes, router.fields(seen, target)).map(({ owner }) => owner)),
    // What it grew by since the autoscaler's minimum was read may go again.
    stableReplicas: Math.min(Math.max(stable.replicas, stable.ready), heldMinimum(target) ?? Number.POSITIVE_INFINITY),
    stableTemplate: stable.template,
    fromImages: stable.images.filter(({ container }) => target.images.some((image) => image.container === container)),
    uids: uidsOf(seen, [...target.routes, ...workload.marked(target)]),
    original: router.original(seen, target),
    scrapeIntervalMs,
    counterIntervalMs,
    paceMs,
    metrics,
    calibrations,
    readsPerLook: lightReads.length,
  });
  return planned.ok ? ready(planned.value) : { plan: null, findings: [planned.problem] };
};

const heldMinimum = ({ autoscaler }: Target): number | null => {
  const held = autoscaler?.fields.find(({ path }) => path === '/spec/minReplicas')?.held;
  return typeof held === 'number' ? held : null;
};

const ready = ({ plan, findings }: Planned): { readonly plan: Plan; readonly findings: readonly Finding[] } => ({
  plan,
  findings,
});

const uidsOf = (seen: Seen, refs: readonly ObjectRef[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    refs.flatMap((ref) => {
      const uid = isListRef(ref) ? undefined : objectIn(seen, ref)?.metadata.uid;
      return uid === undefined ? [] : [[refKey(ref), uid]];
    }),
  );
