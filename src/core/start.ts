import { boundsOf, newMetric } from './metric-state.ts';
import { preparing } from './phases/preparing.ts';
import type { Plan } from './plan.ts';
import type { Rollout } from './rollout.ts';
import { enterStage, newStage } from './stage.ts';
import { weightOnly } from './traffic.ts';
import type { Ms } from './units.ts';

/** A rollout that has not done anything yet; its first event is `started`. */
export const startRollout = (plan: Plan, now: Ms): Rollout => {
  const first = preparing[0];
  const rollout: Rollout = {
    schemaVersion: 1,
    plan,
    phase: 'preparing',
    stage: newStage('claim', now),
    step: -1,
    traffic: {
      wanted: weightOnly(0),
      verified: null,
      rung: null,
      firstAt: null,
      wayBackSentAt: null,
      wayBackDoneAt: null,
      wayBackRefusals: 0,
    },
    metrics: plan.metrics.map((spec) => newMetric(spec.name, boundsOf(spec, plan.judgement))),
    steps: [],
    waits: [],
    suspectedMs: 0,
    suspectedUntil: now,
    reason: null,
    observation: null,
    lookedAt: now,
    committedAt: null,
    startedAt: now,
    finishedAt: null,
    warnings: [],
    paused: null,
    approval: null,
    skipsSteps: false,
    asked: [],
    untilReached: false,
    reopensAs: null,
    undoes: false,
    checks: false,
    unwatched: [],
    outside: null,
    leftMs: 0,
    open: [],
    nextEffect: 1,
    revision: 0,
    savedRevision: 0,
    savedAt: now,
  };
  return first === undefined ? rollout : enterStage(rollout, first, now);
};
