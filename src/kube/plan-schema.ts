import { z } from 'zod';
import { COPIED } from '../core/copied-kinds.ts';
import { HORIZONTAL_POD_AUTOSCALER, type ResourceKind, SCALED_OBJECT } from '../core/objects.ts';
import { COPIED_KINDS } from '../core/spec.ts';
import { basisPoints, count, duration, image, name, nullable, pace, strings, text } from './schema-values.ts';

const refOf = <Kind extends string>(kinds: readonly Kind[]) =>
  z.object({ apiVersion: text, kind: z.enum(kinds), plural: text, namespace: name, name });

const COMPANIONS: readonly ResourceKind[] = [...Object.values(COPIED), HORIZONTAL_POD_AUTOSCALER];

/** What is read back is created or patched: only kinds that are ever copied or held, and of those only the fields held. */
const companion = z.object({
  ref: refOf([...COPIED_KINDS, 'HorizontalPodAutoscaler']).refine(
    ({ apiVersion, kind, plural }) =>
      COMPANIONS.some((one) => one.kind === kind && one.apiVersion === apiVersion && one.plural === plural),
    'is none of the resources that are copied',
  ),
  body: z.json(),
});
/** The fields of each that are ever held. */
const HELD: readonly (readonly [ResourceKind, paths: readonly string[]])[] = [
  [HORIZONTAL_POD_AUTOSCALER, ['/spec/minReplicas', '/spec/maxReplicas']],
  [SCALED_OBJECT, ['/metadata/annotations/autoscaling.keda.sh~1paused']],
];
const isHeldOn = ({ apiVersion, kind, plural }: ResourceKind, path: string): boolean =>
  HELD.some(
    ([one, paths]) =>
      one.kind === kind && one.apiVersion === apiVersion && one.plural === plural && paths.includes(path),
  );

const bound = z.union([text, count, z.null()]);
const autoscaler = z
  .object({
    ref: refOf(['HorizontalPodAutoscaler', 'ScaledObject']),
    fields: z
      .array(z.object({ path: text, was: bound, held: bound }))
      .min(1)
      .max(2),
  })
  .refine(({ ref, fields }) => fields.every(({ path }) => isHeldOn(ref, path)), 'has a field that is never held');

const target = z.object({
  rolloutId: z.string().regex(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/),
  namespace: name,
  deployment: name,
  canaryDeployment: name,
  service: nullable(name),
  canaryService: nullable(name),
  router: text,
  routes: z.array(z.object({ apiVersion: text, kind: text, plural: text, namespace: name, name })).max(100),
  relabel: strings,
  images: z.array(image).max(100),
  template: z.json(),
  manifest: z.string().max(100).exactOptional(),
  companions: z.array(companion).max(100),
  autoscaler: nullable(autoscaler),
  pair: nullable(z.object({ replicas: count, images: z.array(image).max(100), arms: text })),
  annotations: strings,
});

const common = {
  name: text,
  onNoData: z.enum(['wait', 'fail', 'ignore']),
  dryRun: z.boolean(),
  replicaLabels: z.array(text).max(100),
};
/** A failure ratio that is a limit: at 0 or 1 its logarithm has no end. */
const limit = nullable(z.number().gt(0).lt(1));
const limits = {
  ceiling: limit,
  floor: limit,
  slo: nullable(z.object({ objective: z.number().gt(0).lt(1), burnRate: z.number().positive().finite() })),
};
const query = z.string().max(64 * 1024);
const metricSpec = z.discriminatedUnion('kind', [
  z.object({ ...common, ...limits, kind: z.literal('counted'), requests: query, failures: query }),
  z.object({
    ...common,
    ...limits,
    kind: z.literal('latency'),
    histogram: query,
    bound: nullable(z.number().finite()),
    unit: nullable(text),
  }),
  z.object({
    ...common,
    kind: z.literal('measured'),
    query,
    min: nullable(z.number()),
    max: nullable(z.number()),
    maxIncrease: nullable(z.number()),
    unit: nullable(text),
    failureLimit: count,
    failedChecks: nullable(count),
    everyMs: pace,
  }),
]);

const abilities = z.object({
  unit: z.enum(['requests', 'pods']),
  granularity: basisPoints,
  rung: z.enum(['V0', 'V1', 'V2']),
  settleMs: duration,
  zeroWeightEntry: z.boolean(),
  allTraffic: z.boolean(),
  header: z.boolean(),
  cookie: z.boolean(),
  mirror: z.boolean(),
});

const timings = z.object({
  timeoutMs: duration,
  readyMs: duration,
  drainMs: duration,
  noDataMs: duration,
  verifyMs: duration,
  settleMs: duration,
  standMs: duration,
  counterMs: pace,
  sampleMs: pace,
  minWindowMs: duration,
  returnMs: duration,
  observeMs: pace,
});

const calibration = z.object({
  phi: z.number().min(1).max(1e6),
  tolerance: z.number().min(1).max(1e6),
  bounds: z.array(z.number().finite()).max(50),
  part: z.number().min(0).max(1),
  history: nullable(z.object({ ms: duration, requestsPerSecond: count, failureRatio: z.number().min(0).max(1) })),
});

const judgement = z.object({
  rollbackOdds: z.number().gt(1).finite(),
  holdOdds: z.number().gt(1).finite(),
  minFailures: count,
  minRequests: count,
  requireEvidence: nullable(z.number().gt(1).finite()),
  ignoreFirstMs: duration,
  mode: z.enum(['decide', 'dry-run']),
  metrics: z.record(text, calibration),
});

const run = z.object({
  id: text,
  url: nullable(text),
  commit: nullable(text),
  repository: nullable(text),
  actor: nullable(text),
  pullRequest: nullable(count),
});

const conduct = z.object({
  until: nullable(
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('weight'), weight: basisPoints }),
      z.object({ kind: z.literal('promotion') }),
    ]),
  ),
  holdMs: duration,
  onCancel: z.enum(['rollback', 'keep']),
  approval: z.object({ approvers: z.array(text).max(1000), selfApproval: z.boolean(), timeoutMs: duration }),
});

/** The form of a Plan as it is saved. */
export const planSchema = z.object({
  target,
  run,
  abilities,
  steps: z
    .array(
      z.object({
        asked: basisPoints,
        weight: basisPoints,
        intervalMs: duration,
        canaryReplicas: count,
        approval: z.boolean(),
      }),
    )
    .min(1)
    .max(1000),
  metrics: z.array(metricSpec).max(1000),
  fromImages: z.array(image).max(100),
  stableReplicas: count,
  stableTemplate: text,
  uids: z.record(z.string().max(1024), text),
  original: z.json(),
  timings,
  judgement,
  conduct,
  watchdog: nullable(z.object({ image: text, serviceAccount: name, afterMs: duration })),
  promoteAt: z.enum(['all-traffic', 'last-step']),
  beside: z.array(text).max(100),
});
