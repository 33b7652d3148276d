import { changedPaths } from '../core/changed-paths.ts';
import type { Guard } from '../core/marks.ts';
import { type KubeObject, type Request, refKey, refText, type Seen } from '../core/objects.ts';
import type { Plan } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import type { WorkloadStage } from '../core/rollout.ts';
import { canonical, type Fields, isFields } from '../core/shape.ts';
import { weightOnly } from '../core/traffic.ts';
import type { CallResult, Cluster } from '../ports/cluster.ts';
import type { TrafficRouter } from '../ports/traffic-router.ts';
import type { Watchdog } from '../ports/watchdog.ts';
import type { Workload } from '../ports/workload.ts';
import { errorFinding, problemFinding } from './findings.ts';
import { claimRequest } from './marking.ts';
import { mergeSeen, readAll } from './read.ts';
import { watchdogCreation } from './watchdog.ts';
import { withoutMarkTests } from './write.ts';

export interface DryRunInput {
  readonly cluster: Cluster;
  readonly router: TrafficRouter;
  readonly workload: Workload;
  readonly watchdog: Watchdog | null;
  readonly guard: Guard;
  readonly seen: Seen;
  readonly plan: Plan;
}

/** Every kind of write that a rollout makes, as it would be made now: the marks, what is created, the weights, stable's update. */
export const plannedWrites = ({
  router,
  workload,
  watchdog,
  guard,
  seen,
  plan,
}: DryRunInput): { readonly requests: readonly Request[]; readonly findings: readonly Finding[] } => {
  const { target, original, steps } = plan;
  const first = steps[0];
  const stages: readonly WorkloadStage[] = [
    ...(target.autoscaler === null ? [] : [{ kind: 'hold-autoscaler' } as const]),
    ...(target.canaryService === null ? [] : [{ kind: 'canary-service' } as const]),
    ...(target.companions.length === 0 ? [] : [{ kind: 'companions' } as const]),
    { kind: 'canary', replicas: plan.abilities.unit === 'pods' ? 0 : (first?.canaryReplicas ?? 1) },
    { kind: 'update-stable' },
  ];
  const planned = stages.map((stage) => workload.plan(seen, target, stage, guard));
  // The weight of pods is the canary Deployment's size, and there is no such Deployment yet.
  const weights =
    plan.abilities.unit === 'pods' || first === undefined
      ? []
      : [router.plan(seen, target, weightOnly(first.weight), guard, original)];
  const results = [...planned, ...weights];
  const claims = [...target.routes, ...workload.marked(target)]
    .map((ref) => claimRequest(seen, ref, [guard.holder, guard.wayBack]))
    .filter((request) => request !== null);
  return {
    requests: [
      ...claims,
      ...results.flatMap((result) => (result.ok ? result.value : [])),
      ...watchdogCreation({ router, watchdog, guard }, plan, seen),
    ],
    findings: results.flatMap((result) =>
      result.ok ? [] : [errorFinding('route-unsupported', 'plan', result.problem)],
    ),
  };
};

/** Others may write between the read and the dry run, and a connection may break: nothing was written, so it is repeated. */
const MAX_ROUNDS = 3;

/** Sends them all with `dryRun=All`: admission, quotas and webhooks refuse here what they would refuse later. */
export const dryRun = async (input: DryRunInput, signal: AbortSignal): Promise<readonly Finding[]> => {
  const { cluster, router, workload, plan } = input;
  let { seen } = input;
  for (let round = 1; ; round += 1) {
    const { findings, isPassing } = await sendDry({ ...input, seen }, signal);
    if (!isPassing || round === MAX_ROUNDS || signal.aborted) return findings;
    const refs = [...router.reads(plan.target), ...workload.reads(plan.target, true)];
    const fresh = await readAll(cluster, refs, signal);
    if (fresh.kind === 'read') seen = mergeSeen(seen, fresh.seen);
  }
};

/** One round. `isPassing`: it may go otherwise on the next read. */
const sendDry = async (
  input: DryRunInput,
  signal: AbortSignal,
): Promise<{ findings: readonly Finding[]; isPassing: boolean }> => {
  const { requests, findings } = plannedWrites(input);
  const pod = input.workload.samplePod(input.seen, input.plan.target);
  const sent = [...requests.map((request) => withoutMarkTests(request, input)), pod];
  const answers = await Promise.all(sent.map((request) => input.cluster.send(request, { dryRun: true, signal })));
  const refused = answers.flatMap((answer, index) => {
    const request = sent[index];
    if (request === undefined || answer.kind === 'ok' || isTakenName(request, answer)) return [];
    return [problemFinding(answer, `${request.verb} ${refText(request.ref)} (dry run)`, input.cluster.server)];
  });
  const isPassing = answers.some(({ kind }) => kind === 'conflict' || kind === 'unreachable' || kind === 'throttled');
  return { findings: [...findings, ...refused, ...rewritten(input, requests, answers)], isPassing };
};

/** The watchdog of the rollout before, which goes with its state: it is replaced when this one is started. */
const isTakenName = (request: Request, answer: CallResult<unknown>): boolean =>
  request.verb === 'create' && request.ref.kind === 'Job' && answer.kind === 'conflict';

/**
 * The API server may answer with something else than what was asked: a webhook rewrites images to a mirror, or adds to
 * every pod template. Stable would then never be seen to run the new version.
 */
const rewritten = (
  { seen, plan, workload, guard }: DryRunInput,
  requests: readonly Request[],
  answers: readonly CallResult<KubeObject>[],
): readonly Finding[] => {
  const stage = { kind: 'update-stable' } as const;
  const update = workload.plan(seen, plan.target, stage, guard);
  const [request] = update.ok ? update.value : [];
  const answer = answers[requests.findIndex((one) => canonical(one) === canonical(request))];
  if (request === undefined || answer?.kind !== 'ok') return [];
  const after = mergeSeen(seen, { objects: new Map([[refKey(request.ref), answer.value]]), lists: new Map() });
  const left = workload.plan(after, plan.target, stage, guard);
  if (!left.ok || left.value.length === 0) return [];
  return [
    errorFinding(
      'refused-by-cluster',
      refText(request.ref),
      `the API server changes what promotion would write to ${refText(request.ref)}`,
      'an admission webhook rewrites images or pod templates; release what it would make of them',
    ),
  ];
};

/** What a request touches, for the preview: the paths that a patch writes, or the fields of the spec that is created. */
export const fieldsOfRequest = (request: Request): readonly string[] => {
  if (Array.isArray(request.body)) {
    const operations = request.body.filter(isFields);
    return [...new Set(operations.filter((one) => !isScaffold(one)).flatMap((one) => pathsOf(one, operations)))];
  }
  return isFields(request.body) && isFields(request.body['spec'])
    ? Object.keys(request.body['spec']).map((field) => `spec.${field}`)
    : [];
};

const LISTED = 20;

/** Of a part that is replaced whole, after a test of what was there: the places that become different. */
const pathsOf = (operation: Fields, all: readonly Fields[]): readonly string[] => {
  const path = readable(String(operation['path']));
  const before = all.find((one) => one['op'] === 'test' && one['path'] === operation['path']);
  if (!isFields(before?.['value']) || !isFields(operation['value'])) return [path];
  const paths = changedPaths(before['value'], operation['value'], path);
  const more = paths.length - LISTED;
  return more > 0 ? [...paths.slice(0, LISTED), `${path} (${more} more places)`] : paths;
};

/** Tests write nothing, and an empty map of annotations is only there for a mark to stand in. */
const isScaffold = (operation: Readonly<Record<string, unknown>>): boolean =>
  operation['op'] === 'test' || /^\/metadata\/(annotations|labels)$/.test(String(operation['path']));

/** `/spec/containers/0/image` as people write it: `spec.containers[0].image`. */
const readable = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce(
      (path, part) => (/^\d+$|^-$|[./]/.test(part) ? `${path}[${part}]` : path === '' ? part : `${path}.${part}`),
      '',
    );
