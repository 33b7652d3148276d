import type { Guard } from '../core/marks.ts';
import { type Request, refText, type Seen } from '../core/objects.ts';
import type { Plan } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import type { WorkloadStage } from '../core/rollout.ts';
import { isFields } from '../core/shape.ts';
import { weightOnly } from '../core/traffic.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { TrafficRouter } from '../ports/traffic-router.ts';
import type { Workload } from '../ports/workload.ts';
import { errorFinding, problemFinding } from './findings.ts';
import { claimRequest } from './marking.ts';
import { mergeSeen, readAll } from './read.ts';
import { withoutMarkTests } from './write.ts';

export interface DryRunInput {
  readonly cluster: Cluster;
  readonly router: TrafficRouter;
  readonly workload: Workload;
  readonly guard: Guard;
  readonly seen: Seen;
  readonly plan: Plan;
}

/** Every kind of write that a rollout makes, as it would be made now: the marks, what is created, the weights, stable's update. */
export const plannedWrites = ({
  router,
  workload,
  guard,
  seen,
  plan,
}: DryRunInput): { readonly requests: readonly Request[]; readonly findings: readonly Finding[] } => {
  const { target, original, steps } = plan;
  const first = steps[0];
  const stages: readonly WorkloadStage[] = [
    ...(target.canaryService === null ? [] : [{ kind: 'canary-service' } as const]),
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
    requests: [...claims, ...results.flatMap((result) => (result.ok ? result.value : []))],
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
    if (answer.kind === 'ok' || request === undefined) return [];
    return [problemFinding(answer, `${request.verb} ${refText(request.ref)} (dry run)`, input.cluster.server)];
  });
  const isPassing = answers.some(({ kind }) => kind === 'conflict' || kind === 'unreachable' || kind === 'throttled');
  return { findings: [...findings, ...refused], isPassing };
};

/** What a request touches, for the preview: the paths that a patch writes, or the fields of the spec that is created. */
export const fieldsOfRequest = (request: Request): readonly string[] => {
  if (Array.isArray(request.body)) {
    const paths = request.body.flatMap((operation: unknown) =>
      isFields(operation) && !isScaffold(operation) ? [readable(String(operation['path']))] : [],
    );
    return [...new Set(paths)];
  }
  return isFields(request.body) && isFields(request.body['spec'])
    ? Object.keys(request.body['spec']).map((field) => `spec.${field}`)
    : [];
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
