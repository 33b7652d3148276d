import { clockStands, judgeableAt, missesEnd } from './bake.ts';
import { outsideDue, outsideFrom, outsideMetrics } from './outside.ts';
import { currentStep } from './phases/progressing.ts';
import { freshLook, splitsRequests } from './phases/rule.ts';
import { NEVER, SAVE_RETRY_MS } from './record.ts';
import type { Effect, Intent, MetricState, Rollout, StageName } from './rollout.ts';
import type { MetricSpec } from './spec.ts';
import { isTerminal, ruleOf } from './stage.ts';
import type { Ms } from './units.ts';

/** Tallies are saved at the latest after this. */
const SAVE_EVERY_MS: Ms = 10_000;

type Opening<Kind extends Effect['kind']> = Omit<Extract<Effect, { kind: Kind }>, 'id' | 'since'>;

/** Opens what should be under way and is not. At most one forward write, one way back, one look, one query, one save, one timer. */
export const withEffects = (rollout: Rollout, now: Ms): Rollout => {
  if (isTerminal(rollout.phase)) return { ...rollout, open: [] };
  const all = [openSave, openWrite, openAcknowledgement, openObserve, openQuery, openWake];
  return all.reduce((current, open) => open(current, now), rollout);
};

const openNew = (
  rollout: Rollout,
  effect: { [Kind in Effect['kind']]: Opening<Kind> }[Effect['kind']],
  now: Ms,
): Rollout => ({
  ...rollout,
  open: [...rollout.open, { ...effect, id: rollout.nextEffect, since: now } as Effect],
  nextEffect: rollout.nextEffect + 1,
});

const isOpen = (rollout: Rollout, kind: Effect['kind']): boolean => rollout.open.some((effect) => effect.kind === kind);

/** A failed save waits as a failed write does; only while returning traffic, when nothing waits for it, by itself. */
const saveDue = ({ stage, revision, savedRevision, savedAt }: Rollout): Ms => {
  const heldBack = stage.name === 'way-back' ? savedAt + SAVE_RETRY_MS : stage.retryAt === NEVER ? 0 : stage.retryAt;
  return Math.max(heldBack, savedRevision < revision ? 0 : savedAt + SAVE_EVERY_MS);
};

const openSave = (rollout: Rollout, now: Ms): Rollout => {
  if (now < saveDue(rollout) || isOpen(rollout, 'save')) return rollout;
  return openNew(rollout, { kind: 'save', revision: rollout.revision }, now);
};

const isWayBack = (intent: Intent): boolean => intent.kind === 'way-back' || intent.kind === 'last-resort';

const openWrite = (rollout: Rollout, now: Ms): Rollout => {
  const intent = ruleOf(rollout)?.intent(rollout) ?? null;
  const { stage, open } = rollout;
  if (intent === null || stage.write.kind === 'done' || now < stage.retryAt) return rollout;
  const lane = isWayBack(intent) ? 'way-back' : 'forward';
  if (open.some((effect) => effect.kind === 'write' && (effect.lane === lane || !effect.superseded))) return rollout;
  // The way back is never kept waiting by a save.
  if (lane === 'forward' && rollout.savedRevision < rollout.revision) return rollout;
  return openNew(marked(rollout, intent, now), { kind: 'write', intent, lane, superseded: false }, now);
};

/** What is true from the moment a write is sent, whatever its answer. */
const marked = (rollout: Rollout, intent: Intent, now: Ms): Rollout => {
  const { traffic } = rollout;
  if (intent.kind === 'commit') return { ...rollout, committedAt: rollout.committedAt ?? now };
  if (intent.kind === 'traffic' && intent.want.canary > 0)
    return { ...rollout, traffic: { ...traffic, firstAt: traffic.firstAt ?? now } };
  if (isWayBack(intent)) return { ...rollout, traffic: { ...traffic, wayBackSentAt: traffic.wayBackSentAt ?? now } };
  return rollout;
};

/** The annotation goes only when the state says that it was acted on: whoever finds it must not act twice. */
const openAcknowledgement = (rollout: Rollout, now: Ms): Rollout => {
  const command = rollout.asked.find(({ acknowledged }) => !acknowledged);
  if (command === undefined || rollout.savedRevision < rollout.revision || isOpen(rollout, 'acknowledge'))
    return rollout;
  const { name, rolloutId, by, id, raw } = command;
  return openNew(rollout, { kind: 'acknowledge', command: { name, rolloutId, by, id, raw } }, now);
};

// --- looks ------------------------------------------------------------------

const needsLook = (rollout: Rollout): boolean => {
  const writes = ruleOf(rollout)?.intent(rollout) !== null;
  return !writes || rollout.stage.write.kind === 'done' || rollout.stage.name === 'bake';
};

const WITH_PODS: readonly StageName[] = [
  'canary',
  'scale',
  'capacity',
  'read-stable',
  'await-stable',
  'stable-ready',
  'keep-capacity',
];

/** Quick at first, when an answer is near, then patient. Held weights are looked at as often as the request budget allows. */
const lookEvery = (rollout: Rollout, now: Ms): Ms => {
  const { name, since } = rollout.stage;
  if (isInDoubt(rollout)) return 200;
  if (hasDoubts(rollout)) return 1_000;
  if (name === 'bake' || (name === 'drain' && splitsRequests(rollout))) return rollout.plan.timings.observeMs;
  const age = now - since;
  return age < 5_000 ? 200 : age < 30_000 ? 500 : age < 60_000 ? 2_000 : 5_000;
};

/** The router misses something behind the route, and a light look does not tell what. */
const isInDoubt = ({ stage, observation }: Rollout): boolean =>
  stage.name === 'bake' &&
  observation?.verification?.kind === 'pending' &&
  observation.verification.taken === true &&
  observation.canary?.endpoints === null;

/** A counter went down, and whether its pod began anew has to be seen. */
const hasDoubts = ({ metrics }: Rollout): boolean => metrics.some(({ doubts }) => doubts.length > 0);

const lookDue = (rollout: Rollout, now: Ms): Ms => {
  const changedAt = rollout.stage.write.kind === 'done' ? rollout.stage.write.at : rollout.stage.since;
  const isNews = freshLook(rollout) === null && rollout.lookedAt <= changedAt && rollout.stage.name !== 'bake';
  return isNews ? now : rollout.lookedAt + lookEvery(rollout, now);
};

const openObserve = (rollout: Rollout, now: Ms): Rollout => {
  if (isOpen(rollout, 'observe') || !needsLook(rollout) || now < lookDue(rollout, now)) return rollout;
  const { name } = rollout.stage;
  const needsPods =
    hasDoubts(rollout) || WITH_PODS.includes(name) || (name === 'shift' && rollout.plan.abilities.unit === 'pods');
  const depth = name === 'bake' && !isInDoubt(rollout) && !hasDoubts(rollout) ? 'light' : needsPods ? 'pods' : 'full';
  return openNew(
    rollout,
    { kind: 'observe', want: rollout.traffic.wanted, stage: ruleOf(rollout)?.watches(rollout) ?? null, depth },
    now,
  );
};

// --- queries ----------------------------------------------------------------

const SAMPLED: readonly StageName[] = [
  'shift',
  'bake',
  'scale',
  'capacity',
  'all-traffic',
  'read-stable',
  'await-stable',
  'return-some',
  'return-all',
  'way-back',
  'drain',
];
/** Only here is a value judged: its window needs a weight that stands. */
const MEASURED: readonly StageName[] = ['bake', 'return-some', 'return-all'];

const metricDue = (rollout: Rollout, spec: MetricSpec, state: MetricState): Ms => {
  if (spec.kind !== 'measured')
    return missesEnd(rollout, state) ? Math.min(state.nextAt, rollout.stage.countedUntil) : state.nextAt;
  const { verifiedAt, name } = rollout.stage;
  if (verifiedAt === null || !MEASURED.includes(name)) return Number.POSITIVE_INFINITY;
  return Math.max(state.nextAt, verifiedAt + rollout.plan.timings.minWindowMs);
};

const dues = (rollout: Rollout): readonly (readonly [name: string, due: Ms])[] => {
  // Whose pods to ask about is known from a look: after a takeover there was none yet.
  const isKnown = rollout.traffic.firstAt !== null && rollout.observation !== null;
  const outside = outsideMetrics(rollout);
  if (!isKnown || (outside.length === 0 && !SAMPLED.includes(rollout.stage.name))) return [];
  return rollout.plan.metrics.flatMap((spec) => {
    if (outside.length > 0 && !outside.includes(spec.name)) return [];
    const state = rollout.metrics.find(({ name }) => name === spec.name);
    if (state === undefined) return [];
    const due = outside.length > 0 ? Math.max(state.nextAt, outsideDue(rollout)) : metricDue(rollout, spec, state);
    return [[spec.name, due] as const];
  });
};

const openQuery = (rollout: Rollout, now: Ms): Rollout => {
  const metrics = dues(rollout).flatMap(([name, due]) => (due <= now ? [name] : []));
  if (metrics.length === 0 || isOpen(rollout, 'query')) return rollout;
  const { minWindowMs } = rollout.plan.timings;
  if (outsideMetrics(rollout).length > 0)
    return openNew(rollout, { kind: 'query', metrics, windowMs: minWindowMs, from: outsideFrom(rollout, now) }, now);
  const interval = rollout.step >= 0 ? currentStep(rollout).intervalMs : minWindowMs;
  const standing = now - (rollout.stage.verifiedAt ?? now);
  const windowMs = Math.min(Math.max(standing, minWindowMs), Math.max(interval, minWindowMs));
  const last = rollout.metrics
    .filter(({ name }) => metrics.includes(name))
    .map(({ sampledAt }) => sampledAt ?? rollout.stage.since);
  return openNew(rollout, { kind: 'query', metrics, windowMs, from: Math.min(...last) - minWindowMs }, now);
};

// --- the timer --------------------------------------------------------------

/** Every instant at which the facts alone would decide something new. */
const instants = (rollout: Rollout, now: Ms): readonly Ms[] => {
  const { stage, plan } = rollout;
  const { timings } = plan;
  const noData = rollout.metrics.flatMap(({ noDataSince }) =>
    noDataSince === null ? [] : [noDataSince + timings.noDataMs, noDataSince + timings.minWindowMs],
  );
  return [
    rollout.startedAt + rollout.leftMs + timings.timeoutMs,
    rollout.paused === null ? Number.POSITIVE_INFINITY : rollout.paused.since + plan.conduct.holdMs,
    rollout.approval === null ? Number.POSITIVE_INFINITY : rollout.approval.since + plan.conduct.approval.timeoutMs,
    stage.since + (ruleOf(rollout)?.deadlineMs(plan) ?? 0),
    (stage.write.kind === 'done' ? stage.write.at : stage.since) + (ruleOf(rollout)?.deadlineMs(plan) ?? 0),
    stage.retryAt,
    isOpen(rollout, 'save') ? Number.POSITIVE_INFINITY : saveDue(rollout),
    needsLook(rollout) && !isOpen(rollout, 'observe') ? lookDue(rollout, now) : Number.POSITIVE_INFINITY,
    ...(isOpen(rollout, 'query') ? [] : dues(rollout).map(([, due]) => due)),
    ...(stage.name === 'bake'
      ? [
          // A clock that stands comes to no end by itself.
          clockStands(rollout) ? Number.POSITIVE_INFINITY : now + currentStep(rollout).intervalMs - stage.heldMs,
          judgeableAt(rollout) + timings.noDataMs,
        ]
      : []),
    ...noData,
    stage.since + timings.settleMs,
    stage.since + timings.standMs,
    ...(rollout.checks ? [now + timings.minWindowMs] : []),
    (stage.write.kind === 'done' ? stage.write.at : stage.since) + timings.settleMs,
    stage.since + Math.max(timings.drainMs, timings.settleMs),
    (stage.verifiedAt ?? stage.since) + timings.returnMs,
  ];
};

const openWake = (rollout: Rollout, now: Ms): Rollout => {
  const at = Math.min(...instants(rollout, now).filter((instant) => instant > now));
  if (!Number.isFinite(at)) return rollout;
  const isSet = rollout.open.some((effect) => effect.kind === 'wake' && effect.at === at);
  const others = rollout.open.filter((effect) => effect.kind !== 'wake' || effect.at === at);
  return isSet ? { ...rollout, open: others } : openNew({ ...rollout, open: others }, { kind: 'wake', at }, now);
};
