import { formatDuration, formatWeight } from './format.ts';
import type { Reason } from './reason.ts';
import type { MetricState, Rollout, Wait } from './rollout.ts';
import type { MetricSpec } from './spec.ts';
import { ALL_TRAFFIC, type BasisPoints, type Ms } from './units.ts';

/** The metrics that may decide, with their settings. */
const deciding = (rollout: Rollout): readonly (readonly [MetricSpec, MetricState])[] =>
  rollout.plan.judgement.mode === 'dry-run'
    ? []
    : rollout.plan.metrics.flatMap((spec) => {
        const state = rollout.metrics.find(({ name }) => name === spec.name);
        return state === undefined || spec.dryRun ? [] : [[spec, state] as const];
      });

type BakeWait = Extract<Wait, { metric: string }>;

/** What keeps the weight where it is when the step's time is up. Sampling goes on. */
export const bakeWaits = (rollout: Rollout): readonly BakeWait[] =>
  deciding(rollout).flatMap(([spec, state]): readonly BakeWait[] => {
    if (state.noDataSince !== null) {
      if (spec.onNoData === 'ignore') return [];
      const why = `${spec.name}: ${state.noDataWhy ?? 'no data'}`;
      return [{ kind: 'no-data', metric: spec.name, since: state.noDataSince, why }];
    }
    if (state.verdict.kind === 'pass' || state.verdict.kind === 'ignored') return [];
    // Too little to judge may be ignored; suspicion is not too little.
    const isPending = state.verdict.kind === 'pending';
    if (spec.onNoData === 'ignore' && isPending && intervalOver(rollout) && wasAsked(rollout, state)) return [];
    return [{ kind: 'evidence', metric: spec.name, why: `${spec.name}: ${state.verdict.explanation}` }];
  });

/** It was asked for what this step showed, and there was too little. */
const wasAsked = ({ stage }: Rollout, { sampledAt }: MetricState): boolean =>
  sampledAt !== null && stage.verifiedAt !== null && sampledAt > stage.verifiedAt;

/**
 * Whether a counted metric was last seen before the clock ran out. The end of an interval is judged like the rest of it,
 * not in the next one.
 */
export const missesEnd = (rollout: Rollout, { sampledAt, noDataSince }: MetricState): boolean =>
  rollout.stage.name === 'bake' &&
  intervalOver(rollout) &&
  noDataSince === null &&
  (sampledAt ?? 0) < rollout.stage.countedUntil;

export const endUnseen = (rollout: Rollout): boolean =>
  deciding(rollout).some(([spec, state]) => spec.kind !== 'measured' && missesEnd(rollout, state));

/** Missing data is asked for again in this time at the latest. */
const ASKED_AGAIN_MS: Ms = 5_000;

/** Every metric was asked for since this stage began, with an answer or without. */
export const lookedSince = (rollout: Rollout, now: Ms): boolean =>
  deciding(rollout).every(
    ([, { sampledAt, noDataSince }]) =>
      (sampledAt ?? 0) > rollout.stage.since ||
      (noDataSince !== null && now - rollout.stage.since >= rollout.plan.timings.minWindowMs + ASKED_AGAIN_MS),
  );

const isHeld = ({ metrics }: Rollout, metric: string): boolean =>
  metrics.some(({ name, verdict }) => name === metric && verdict.kind === 'held');

/** Waits on suspicion alone, which hold whatever would raise the weight next. */
export const suspicions = (rollout: Rollout): readonly BakeWait[] =>
  bakeWaits(rollout).filter(({ kind, metric }) => kind === 'evidence' && isHeld(rollout, metric));

/** A metric that decides holds the weight on suspicion. */
export const isSuspected = (rollout: Rollout): boolean =>
  deciding(rollout).some(([, { verdict, noDataSince }]) => verdict.kind === 'held' && noDataSince === null);

/**
 * Waits that stop the clock. Suspicion and too little to judge by matter only when the time is up: most suspicions fade
 * before, and a good release is not held by them (bench/judgement).
 */
export const clockStands = (rollout: Rollout): boolean =>
  rollout.paused !== null || bakeWaits(rollout).some(({ kind }) => kind === 'no-data');

/** The verdict against the release, if there is one now: a failed metric, missing data for too long, traffic that does not fit. */
export const badVerdict = (rollout: Rollout, now: Ms): Reason | null => {
  for (const [spec, state] of deciding(rollout)) {
    if (state.verdict.kind === 'failed') {
      return { code: 'metric-failed', metric: spec.name, text: `${spec.name}: ${state.verdict.explanation}` };
    }
  }
  if (rollout.phase !== 'progressing' || rollout.stage.name !== 'bake') return null;
  return missingData(rollout, now) ?? (intervalOver(rollout) ? wrongShare(rollout) : null);
};

const intervalOver = (rollout: Rollout): boolean => {
  const step = rollout.plan.steps[rollout.step];
  return step !== undefined && rollout.stage.heldMs >= step.intervalMs;
};

/** From when on a metric could have been judged: the time is up, and the first query, which the step waits for, was due. */
export const judgeableAt = ({ stage, plan }: Rollout): Ms =>
  Math.max(stage.countedUntil, (stage.verifiedAt ?? stage.since) + plan.timings.minWindowMs);

const missingData = (rollout: Rollout, now: Ms): Reason | null => {
  const { noDataMs } = rollout.plan.timings;
  for (const wait of bakeWaits(rollout)) {
    if (wait.kind === 'no-data') {
      const spec = rollout.plan.metrics.find(({ name }) => name === wait.metric);
      const patience = spec?.onNoData === 'fail' ? rollout.plan.timings.minWindowMs : noDataMs;
      if (now - wait.since >= patience) return couldNotJudge(wait.metric, wait.why, now - wait.since);
    }
    // The clock ran out and there is still too little to judge by: the same patience, counted from then. A suspicion is no
    // lack of data: it has an end of its own.
    const since = judgeableAt(rollout);
    if (wait.kind === 'evidence' && !isHeld(rollout, wait.metric) && intervalOver(rollout) && now - since >= noDataMs) {
      return couldNotJudge(wait.metric, wait.why, now - since);
    }
  }
  return null;
};

const couldNotJudge = (metric: string, why: string, waited: Ms): Reason => ({
  code: 'metric-no-data',
  metric,
  text: `could not be judged: ${why}, for ${formatDuration(waited)}`,
});

/** The first counted metric is where the share of traffic is seen. */
export const observedShare = (
  rollout: Rollout,
): {
  readonly share: BasisPoints;
  readonly canary: number;
  readonly requests: number;
  readonly scrapes: number;
} | null => {
  const counted = rollout.plan.metrics.find(({ kind }) => kind !== 'measured');
  const state = rollout.metrics.find(({ name }) => name === counted?.name);
  if (state === undefined) return null;
  const requests = state.share.canary + state.share.stable;
  if (requests === 0 || state.shareScrapes === 0) return null;
  const { canary } = state.share;
  return { share: Math.round((canary / requests) * ALL_TRAFFIC), canary, requests, scrapes: state.shareScrapes };
};

/** As many due requests make their absence mean something. */
const ENOUGH_REQUESTS = 20;

/**
 * V3. More than asked, or nothing where at least 20 requests were due, means that the weight is not in force. Less is
 * only reported: traffic may reach stable outside the route. The tolerance is three points or four standard errors, and
 * one and a half scrapes by which the arms' samples can lie apart.
 */
const wrongShare = (rollout: Rollout): Reason | null => {
  const seen = observedShare(rollout);
  if (seen === null || rollout.plan.abilities.unit === 'pods') return null;
  const asked = rollout.traffic.wanted.canary / ALL_TRAFFIC;
  const share = seen.share / ALL_TRAFFIC;
  const error = Math.sqrt((asked * (1 - asked)) / seen.requests);
  const tolerance = Math.max(0.03, 4 * error) + (1.5 * asked * (1 - asked)) / seen.scrapes;
  const unconfirmed = (text: string): Reason => ({ code: 'weight-not-confirmed', metric: null, text });
  if (share > asked + tolerance) {
    return unconfirmed(
      `${formatWeight(rollout.traffic.wanted.canary)} asked, but ${formatWeight(seen.share)} of ${seen.requests} requests reached the canary`,
    );
  }
  if (seen.canary === 0 && asked * seen.requests >= ENOUGH_REQUESTS) {
    return unconfirmed(
      `${formatWeight(rollout.traffic.wanted.canary)} asked, but none of ${seen.requests} requests reached the canary`,
    );
  }
  return null;
};
