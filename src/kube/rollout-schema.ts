import { z } from 'zod';
import { ROLLOUT_COMMANDS } from '../core/command.ts';
import { NEVER } from '../core/record.ts';
import { planSchema } from './plan-schema.ts';
import {
  basisPoints,
  code,
  count,
  duration,
  elapsed,
  image,
  instant,
  nullable,
  perArm,
  rung,
  text,
  traffic,
} from './schema-values.ts';

const reason = z.object({ code, text, metric: nullable(text) });
const tally = z.object({ requests: count, failures: count });
const verdictKind = z.enum(['pass', 'pending', 'held', 'failed', 'ignored']);
const verdict = z.object({ kind: verdictKind, odds: nullable(z.number()), explanation: text });

const stage = z.object({
  name: z.enum([
    'claim',
    'hold-autoscaler',
    'canary-service',
    'companions',
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
    'without-canary',
    'stable-ready',
    'return-some',
    'return-all',
    'keep-canary',
    'keep-capacity',
    'way-back',
    'drain',
    'restore-route',
    'remove-canary',
    'give-back',
    'remove-service',
    'remove-companions',
    'release-autoscaler',
    'unclaim',
  ]),
  since: instant,
  write: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('none') }),
    z.object({ kind: z.literal('done'), at: instant }),
  ]),
  attempts: count,
  trouble: nullable(text),
  troubleCode: nullable(code),
  // Of a write that was refused for good there is none.
  retryAt: z.union([instant, z.literal(NEVER)]),
  verifiedAt: nullable(instant),
  heldMs: elapsed,
  countedUntil: instant,
});

// Start after start: of as many steps as a plan may have.
const logs = z.array(z.number().finite()).max(10_000);
const evidence = z.object({
  starts: z.array(z.object({ step: count, logs, subject: tally, reference: tally })).max(1000),
  ceiling: z.object({ subject: logs, reference: logs }),
  floor: logs,
  safe: logs,
  subject: tally,
  reference: tally,
});

const stream = z.object({
  bound: nullable(z.number().finite()),
  pending: perArm(nullable(tally)),
  total: perArm(tally),
  evidence,
});

const metricState = z.object({
  name: text,
  nextAt: instant,
  streams: z.array(stream).max(50),
  failuresByPod: z.record(z.string().max(253), count),
  doubts: z.tuple([]),
  subject: z.enum(['stable', 'canary']),
  wouldHave: nullable(z.object({ at: instant, step: z.number().int().min(-1), explanation: text })),
  step: perArm(tally),
  total: perArm(tally),
  share: perArm(count),
  shareScrapes: count,
  quietScrapes: count,
  sampledAt: nullable(instant),
  value: perArm(nullable(z.number())),
  measurements: count,
  failed: count,
  failedInAll: count,
  noDataSince: nullable(instant),
  noDataWhy: nullable(text),
  verdict,
  cursors: z.record(z.string(), z.tuple([instant, z.number()])),
  lives: z.record(z.string(), z.string()),
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
  intervalMs: duration,
  startedAt: instant,
  verifiedAt: nullable(instant),
  endedAt: nullable(instant),
  heldMs: elapsed,
  verification: nullable(rung),
  observedShare: nullable(z.number()),
  verdict: z.enum(['running', 'passed', 'failed', 'aborted', 'skipped']),
  metrics: z.array(stepMetric).max(1000),
});

const wait = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('evidence'), metric: text, why: text }),
  z.object({ kind: z.literal('no-data'), metric: text, since: instant, why: text }),
  z.object({ kind: z.literal('paused'), by: text, since: instant }),
  z.object({ kind: z.literal('approval'), since: instant }),
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
  platforms: z
    .array(z.object({ id: text, platform: text }))
    .max(1000)
    .optional(),
  problem: nullable(text),
  lives: nullable(z.record(z.string().max(253), text)),
});

const observation = z.object({
  at: instant,
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
  firstAt: nullable(instant),
  wayBackSentAt: nullable(instant),
  wayBackDoneAt: nullable(instant),
  wayBackRefusals: count,
});

/** The form of a Rollout as it is saved: no open effects. The compiler compares it with the type where it is read. */
export const rolloutSchema = z.object({
  schemaVersion: z.literal(1),
  plan: planSchema,
  phase: z.enum(['preparing', 'progressing', 'promoting', 'rolling-back', 'promoted', 'rolled-back', 'halted', 'left']),
  stage,
  step: z.number().int().min(-1),
  traffic: trafficState,
  metrics: z.array(metricState).max(1000),
  steps: z.array(stepRecord).max(1000),
  waits: z.array(wait).max(1000),
  suspectedMs: elapsed,
  suspectedUntil: instant,
  reason: nullable(reason),
  observation: nullable(observation),
  lookedAt: instant,
  committedAt: nullable(instant),
  startedAt: instant,
  finishedAt: nullable(instant),
  warnings: z.array(text).max(1000),
  paused: nullable(z.object({ by: text, since: instant })),
  approval: nullable(z.object({ step: count, since: instant, by: nullable(text) })),
  skipsSteps: z.boolean(),
  asked: z
    .array(
      z.object({
        name: z.enum(ROLLOUT_COMMANDS),
        rolloutId: nullable(text),
        by: nullable(text),
        id: nullable(text),
        raw: text,
        at: instant,
        refused: nullable(text),
        acknowledged: z.boolean(),
      }),
    )
    .max(1000),
  untilReached: z.boolean(),
  reopensAs: nullable(z.enum(['preparing', 'progressing', 'promoting', 'rolling-back'])),
  undoes: z.boolean(),
  checks: z.boolean(),
  unwatched: z.array(z.object({ from: instant, to: instant })).max(1000),
  outside: nullable(z.object({ requests: z.number().min(0), ms: elapsed })),
  leftMs: elapsed,
  open: z.tuple([]),
  nextEffect: count,
  revision: count,
  savedRevision: count,
  savedAt: instant,
});
