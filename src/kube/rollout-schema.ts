import { z } from 'zod';
import { ROLLOUT_COMMANDS } from '../core/command.ts';
import { isReasonCode, type ReasonCode } from '../core/reason.ts';

const ms = z.number().finite();
const count = z.number().finite().nonnegative();
const basisPoints = z.number().int().min(0).max(10_000);
const text = z.string().max(16 * 1024);
/** Names go into URLs and selectors. */
const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/);
const label = z.string().max(317);
const strings = z.record(label, text);
const nullable = <Type extends z.ZodType>(type: Type) => type.nullable();

const traffic = z.object({
  canary: basisPoints,
  cohort: nullable(z.object({ kind: z.enum(['header', 'cookie']), name: text, value: text })),
  mirror: basisPoints,
});
const rung = z.enum(['V0', 'V1', 'V2', 'V3', 'V4']);
const code = z.custom<ReasonCode>((value) => typeof value === 'string' && isReasonCode(value), 'no known reason code');
const reason = z.object({ code, text, metric: nullable(text) });
const image = z.object({ container: text, image: text });
const perArm = <Type extends z.ZodType>(type: Type) => z.object({ stable: type, canary: type });
const tally = z.object({ requests: count, failures: count });
const verdictKind = z.enum(['pass', 'pending', 'held', 'failed', 'ignored']);
const verdict = z.object({ kind: verdictKind, odds: nullable(z.number()), explanation: text });

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
  annotations: strings,
});

const common = { name: text, onNoData: z.enum(['wait', 'fail', 'ignore']), dryRun: z.boolean() };
const query = z.string().max(64 * 1024);
const metricSpec = z.discriminatedUnion('kind', [
  z.object({ ...common, kind: z.literal('counted'), requests: query, failures: query }),
  z.object({
    ...common,
    kind: z.literal('measured'),
    query,
    min: nullable(z.number()),
    max: nullable(z.number()),
    maxIncrease: nullable(z.number()),
    unit: nullable(text),
    failureLimit: count,
    everyMs: ms,
  }),
]);

const abilities = z.object({
  unit: z.enum(['requests', 'pods']),
  granularity: basisPoints,
  rung: z.enum(['V0', 'V1', 'V2']),
  settleMs: ms,
  zeroWeightEntry: z.boolean(),
  allTraffic: z.boolean(),
  header: z.boolean(),
  cookie: z.boolean(),
  mirror: z.boolean(),
});

const timings = z.object({
  timeoutMs: ms,
  readyMs: ms,
  drainMs: ms,
  noDataMs: ms,
  verifyMs: ms,
  settleMs: ms,
  sampleMs: ms,
  minWindowMs: ms,
  returnMs: ms,
  observeMs: ms,
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
  holdMs: ms,
  onCancel: z.enum(['rollback', 'keep']),
  approval: z.object({ approvers: z.array(text).max(1000), selfApproval: z.boolean(), timeoutMs: ms }),
});

const plan = z.object({
  target,
  run,
  abilities,
  steps: z
    .array(
      z.object({
        asked: basisPoints,
        weight: basisPoints,
        intervalMs: ms,
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
  conduct,
  watchdog: nullable(z.object({ image: text, serviceAccount: name, afterMs: ms })),
});

const stage = z.object({
  name: z.enum([
    'claim',
    'canary-service',
    'canary',
    'watchdog',
    'route-entry',
    'settle',
    'scale',
    'shift',
    'bake',
    'capacity',
    'all-traffic',
    'commit',
    'read-stable',
    'await-stable',
    'update-stable',
    'stable-ready',
    'return-some',
    'return-all',
    'keep-canary',
    'way-back',
    'drain',
    'restore-route',
    'remove-canary',
    'remove-service',
    'unclaim',
  ]),
  since: ms,
  write: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('none') }),
    z.object({ kind: z.literal('done'), at: ms }),
  ]),
  attempts: count,
  trouble: nullable(text),
  troubleCode: nullable(code),
  retryAt: ms,
  verifiedAt: nullable(ms),
  heldMs: ms,
  countedUntil: ms,
});

const metricState = z.object({
  name: text,
  nextAt: ms,
  step: perArm(tally),
  total: perArm(tally),
  share: perArm(count),
  shareScrapes: count,
  quietScrapes: count,
  sampledAt: nullable(ms),
  value: perArm(nullable(z.number())),
  measurements: count,
  failed: count,
  noDataSince: nullable(ms),
  noDataWhy: nullable(text),
  verdict,
  cursors: z.record(z.string(), z.tuple([ms, z.number()])),
});

const stepMetric = z.object({
  name: text,
  verdict: verdictKind,
  canary: nullable(z.number()),
  stable: nullable(z.number()),
  unit: nullable(text),
  requests: nullable(perArm(count)),
  failures: nullable(perArm(count)),
  odds: nullable(z.number()),
  explanation: text,
});

const stepRecord = z.object({
  weight: basisPoints,
  intervalMs: ms,
  startedAt: ms,
  verifiedAt: nullable(ms),
  endedAt: nullable(ms),
  heldMs: ms,
  verification: nullable(rung),
  observedShare: nullable(z.number()),
  verdict: z.enum(['running', 'passed', 'failed', 'aborted', 'skipped']),
  metrics: z.array(stepMetric).max(1000),
});

const wait = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('evidence'), metric: text, why: text }),
  z.object({ kind: z.literal('no-data'), metric: text, since: ms, why: text }),
  z.object({ kind: z.literal('paused'), by: text, since: ms }),
  z.object({ kind: z.literal('approval'), since: ms }),
]);

const armSeen = z.object({
  uid: text,
  replicas: count,
  ready: count,
  endpoints: nullable(count),
  rolledOut: z.boolean(),
  template: text,
  images: z.array(image).max(100),
  imageIds: z.array(text).max(1000),
  problem: nullable(text),
});

const observation = z.object({
  at: ms,
  asked: traffic,
  traffic: nullable(traffic),
  trafficProblem: nullable(text),
  changedBy: nullable(text),
  asWanted: z.boolean(),
  verification: nullable(
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('reached'), rung: z.enum(['V0', 'V1', 'V2']) }),
      z.object({ kind: z.literal('pending'), waitingFor: text, taken: z.boolean().optional() }),
      z.object({ kind: z.literal('refused'), code, reason: text }),
    ]),
  ),
  progress: nullable(
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('done') }),
      z.object({ kind: z.literal('pending'), waitingFor: text }),
      z.object({ kind: z.literal('failed'), code, reason: text }),
    ]),
  ),
  restored: z.boolean(),
  stable: nullable(armSeen),
  canary: nullable(armSeen),
});

const trafficState = z.object({
  wanted: traffic,
  verified: nullable(traffic),
  rung: nullable(rung),
  firstAt: nullable(ms),
  wayBackSentAt: nullable(ms),
  wayBackDoneAt: nullable(ms),
  wayBackRefusals: count,
});

/** The form of a Rollout as it is saved: no open effects. The compiler compares it with the type where it is read. */
export const rolloutSchema = z.object({
  schemaVersion: z.literal(1),
  plan,
  phase: z.enum(['preparing', 'progressing', 'promoting', 'rolling-back', 'promoted', 'rolled-back', 'halted', 'left']),
  stage,
  step: z.number().int().min(-1),
  traffic: trafficState,
  metrics: z.array(metricState).max(1000),
  steps: z.array(stepRecord).max(1000),
  waits: z.array(wait).max(1000),
  reason: nullable(reason),
  observation: nullable(observation),
  lookedAt: ms,
  committedAt: nullable(ms),
  startedAt: ms,
  finishedAt: nullable(ms),
  warnings: z.array(text).max(1000),
  paused: nullable(z.object({ by: text, since: ms })),
  approval: nullable(z.object({ step: count, since: ms, by: nullable(text) })),
  skipsSteps: z.boolean(),
  asked: z
    .array(
      z.object({
        name: z.enum(ROLLOUT_COMMANDS),
        rolloutId: nullable(text),
        by: nullable(text),
        id: nullable(text),
        raw: text,
        at: ms,
        refused: nullable(text),
        acknowledged: z.boolean(),
      }),
    )
    .max(1000),
  untilReached: z.boolean(),
  reopensAs: nullable(z.enum(['preparing', 'progressing', 'promoting', 'rolling-back'])),
  undoes: z.boolean(),
  checks: z.boolean(),
  unwatched: z.array(z.object({ from: ms, to: ms })).max(1000),
  leftMs: ms,
  open: z.tuple([]),
  nextEffect: count,
  revision: count,
  savedRevision: count,
  savedAt: ms,
});
