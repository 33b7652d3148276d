import { z } from 'zod';
import { basisPoints, count, duration, image, name, nullable, pace, strings, text } from './schema-values.ts';

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
  sampleMs: pace,
  minWindowMs: duration,
  returnMs: duration,
  observeMs: pace,
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
  conduct,
  watchdog: nullable(z.object({ image: text, serviceAccount: name, afterMs: duration })),
});
