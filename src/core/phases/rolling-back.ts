import { isDrained } from '../drain.ts';
import type { Observation, Rollout } from '../rollout.ts';
import { weightOnly } from '../traffic.ts';
import { cleaning } from './cleaning.ts';
import { freshLook, type StageRule, splitsRequests, stage, unverified } from './rule.ts';

/** The weight patch may be refused this often before the canary Service is pointed at stable's pods (design §2.7). */
export const REFUSALS_BEFORE_LAST_RESORT = 3;

export const usesLastResort = (rollout: Rollout): boolean =>
  rollout.traffic.wayBackRefusals >= REFUSALS_BEFORE_LAST_RESORT &&
  splitsRequests(rollout) &&
  rollout.plan.target.canaryService !== null;

const stillInFlight = ({ open }: Rollout): boolean =>
  open.some((effect) => effect.kind === 'write' && effect.superseded);

/** The router has our weights and complains of something else: a Service that somebody deleted must not keep the canary. */
const isTaken = ({ verification }: Observation): boolean =>
  verification?.kind === 'refused' || (verification?.kind === 'pending' && verification.taken === true);

/** After the last resort the weights stand as they are, and every one of them leads to stable. */
const notReturned = (rollout: Rollout, now: number): string | null => {
  if (stillInFlight(rollout)) return 'a write that was under way';
  if (usesLastResort(rollout) && rollout.stage.write.kind === 'done') return null;
  const look = freshLook(rollout);
  if (look?.asWanted !== true) return unverified(rollout, now) ?? 'the weights to be back';
  // Others took our entries out of the route: nothing leads to the canary, and no status will ever name our weights.
  const hasSettled = now - rollout.stage.since >= rollout.plan.timings.settleMs;
  return hasSettled && (look.trafficProblem !== null || isTaken(look)) ? null : unverified(rollout, now);
};

/** All traffic to stable, at once; then everything that was added goes. */
export const rollingBack: readonly StageRule[] = [
  stage('way-back', 'weight-not-confirmed', {
    wants: () => weightOnly(0),
    intent: (rollout) => ({ kind: usesLastResort(rollout) ? 'last-resort' : 'way-back' }),
    waitingFor: notReturned,
    deadlineMs: () => 10 * 60_000,
    onFailure: 'halt',
  }),
  stage('drain', 'weight-not-confirmed', {
    applies: ({ traffic }) => traffic.firstAt !== null,
    waitingFor: (rollout, now) => isDrained(rollout, now),
    deadlineMs: () => Number.POSITIVE_INFINITY,
    onFailure: 'go-on',
  }),
  ...cleaning('halt'),
];
