import { formatDuration as duration, formatWeight as share } from '../core/format.ts';
import type { FirstRelease, Outcome } from '../core/outcome.ts';
import { allTrafficOf } from '../core/outside.ts';
import { isInPlace } from '../core/phases/in-place.ts';
import { isKeeping } from '../core/phases/promoting.ts';
import type { Reason } from '../core/reason.ts';
import type { Rollout, StageName, Wait } from '../core/rollout.ts';
import { ALL_TRAFFIC, type BasisPoints, type Ms } from '../core/units.ts';
import { cut } from './escape.ts';
import { code, type Inline, linkedRuns, prose, say, toMarkdown, toPlain } from './inline.ts';
import { instant } from './numbers.ts';
import { acceptedLine } from './overview.ts';
import {
  approvalEnd,
  currentStep,
  elapsed,
  holdEnd,
  isNewStable,
  isOldStable,
  isReturned,
  knownWeight,
  mostPressing,
  pausedBy,
  type Situation,
  skippedSteps,
  versions,
  wasAborted,
} from './subject.ts';

/** The first line: it alone answers "is it fine?". */
export const headline = (situation: Situation, now: Ms): Inline => {
  switch (situation.kind) {
    case 'running':
      return runningLine(situation.rollout, now);
    case 'finished':
      return finishedLine(situation.rollout, now);
    case 'unchanged':
      return say`🟢 ${situation.subject.deployment}: nothing to do: ${sentence(situation.reason)}`;
    case 'planned':
      return plannedLine(situation);
    case 'first-release':
      return firstLine(situation);
    case 'accepted':
      return acceptedLine(situation, now);
    case 'rejected':
      return rejectedLine(situation, now);
  }
};

export const headlineMarkdown = (situation: Situation, now: Ms): string =>
  `### ${toMarkdown(headline(situation, now))}`;

/** For the commit status: at most 140 characters. */
export const statusDescription = (situation: Situation, now: Ms): string => cut(toPlain(headline(situation, now)), 140);

/** As a clause of the first line. */
const sentence = (reason: Reason): Inline =>
  prose(reason.text.replace(/\.$/, '').replace(/^[A-Z](?=[a-z]* )/, (first) => first.toLowerCase()));

const stepCount = (rollout: Rollout): string =>
  `step ${Math.max(1, rollout.step + 1)} of ${Math.max(rollout.plan.steps.length, rollout.step + 1)}`;

const runningLine = (rollout: Rollout, now: Ms): Inline => {
  const { deployment } = rollout.plan.target;
  const { from, to } = versions(rollout.plan);
  switch (rollout.phase) {
    case 'preparing':
      return say`🟡 ${deployment}: starting ${to} beside ${from}, no traffic on it yet`;
    case 'promoting':
      if (rollout.undoes) {
        return say`🔴 ${deployment}: going back to ${from}${because(rollout.reason, now)}${returning(rollout, from)}`;
      }
      return say`🟡 ${deployment}: promoting ${to}: ${promoting(rollout)}`;
    case 'rolling-back':
      return say`🔴 ${deployment}: rolling ${to} back${because(rollout.reason, now)}${returning(rollout, from)}`;
    case 'progressing':
      return progressingLine(rollout, now);
    default:
      return finishedLine(rollout, now);
  }
};

const progressingLine = (rollout: Rollout, now: Ms): Inline => {
  const { deployment } = rollout.plan.target;
  const { to } = versions(rollout.plan);
  const wait = mostPressing(rollout.waits);
  const weight = rollout.traffic.verified?.canary ?? 0;
  if (wait !== null) return say`🟠 ${deployment}: ${held(rollout, wait, weight, now)}`;
  if (rollout.checks)
    return say`🟡 ${deployment}: ${share(weight)} of traffic on ${to}, paused; looking at its metrics once`;
  const wanted = rollout.traffic.wanted.canary;
  if (wanted !== weight) {
    return say`🟡 ${deployment}: moving ${to} from ${share(weight)} to ${share(wanted)} of traffic · ${stepCount(rollout)}`;
  }
  return say`🟡 ${deployment}: ${share(weight)} of traffic on ${to}, healthy so far · ${stepCount(rollout)}`;
};

const held = (rollout: Rollout, wait: Wait, weight: BasisPoints, now: Ms): Inline => {
  switch (wait.kind) {
    case 'no-data':
      return say`held at ${share(weight)}: no data for ${code(wait.metric)} from the canary for ${duration(now - wait.since)}`;
    case 'evidence':
      return say`held at ${share(weight)}: ${prose(wait.why)}`;
    case 'paused':
      return say`paused at ${share(weight)} ${pausedBy(wait.by)} · goes back at ${instant(holdEnd(rollout, wait.since), now)} unless resumed · ${stepCount(rollout)}`;
    case 'approval':
      return say`waiting for approval at ${share(weight)}${isHealthy(rollout) ? ', healthy so far' : ''} · goes back at ${instant(approvalEnd(rollout, wait.since), now)} without it · ${stepCount(rollout)}`;
  }
};

/** Only where every metric has something to go by. */
const isHealthy = (rollout: Rollout): boolean => {
  const metrics = currentStep(rollout)?.metrics ?? [];
  const isJudged = rollout.waits.every(({ kind }) => kind === 'approval' || kind === 'paused');
  return isJudged && metrics.length > 0 && metrics.every(({ verdict }) => verdict === 'pass');
};

const STABLE_STAGES: ReadonlySet<StageName> = new Set(['update-stable', 'without-canary', 'stable-ready']);
const RETURN_STAGES: ReadonlySet<StageName> = new Set(['return-some', 'return-all']);

const WAITING_STAGES: ReadonlySet<StageName> = new Set(['read-stable', 'await-stable']);

const promoting = (rollout: Rollout): Inline => {
  const weight = knownWeight(rollout);
  const where = weight === null ? say`` : say`${share(weight)} of traffic on the canary, `;
  const { name } = rollout.stage;
  if (WAITING_STAGES.has(name)) return say`${where}waiting for stable to run the judged image`;
  if (STABLE_STAGES.has(name)) return say`${where}stable is being updated`;
  if (isKeeping(name)) return say`${where}it stops there: the canary keeps what it can serve`;
  if (RETURN_STAGES.has(name)) return say`${where}traffic returns to the updated stable`;
  if (rollout.committedAt === null) return say`${where}preparing the update of stable`;
  return say`${where}cleaning up`;
};

/** The numbers of a metric stand below the first line. */
const because = (reason: Reason | null, now: Ms): Inline => {
  if (reason === null) return say``;
  if (reason.code === 'metric-failed' && reason.metric !== null) return say`: ${code(reason.metric)} failed`;
  return reason.code === 'lock-lost' ? say`: ${linkedRuns(reason.text, now)}` : say`: ${sentence(reason)}`;
};

const returning = (rollout: Rollout, from: Inline): Inline => {
  if (rollout.traffic.firstAt === null) return say` · it never had traffic`;
  if (isReturned(rollout)) return say` · all traffic is on ${from} again`;
  return say` · traffic is being returned to ${from}`;
};

const finishedLine = (rollout: Rollout, now: Ms): Inline => {
  const { deployment } = rollout.plan.target;
  const { from, to } = versions(rollout.plan);
  const took = duration(elapsed(rollout, now));
  const weight = rollout.committedAt === null ? (currentStep(rollout)?.weight ?? null) : ALL_TRAFFIC;
  const at =
    weight === null || rollout.traffic.firstAt === null
      ? say`after ${took}, before it had traffic`
      : say`at ${share(weight)} after ${took}`;
  switch (rollout.phase) {
    case 'promoted':
      return say`🟢 ${deployment}: ${to} serves ${allTrafficOf(rollout)} · ${took}${skipped(rollout)}`;
    case 'rolled-back':
      if (wasAborted(rollout)) {
        return say`⏹️ ${deployment}: ${to} aborted ${at}${because(rollout.reason, now)}${isReturned(rollout) ? say` · all traffic is on ${from}` : say``}`;
      }
      return say`🔴 ${deployment}: ${to} rolled back ${at}${because(rollout.reason, now)}`;
    case 'left':
      return leftLine(rollout, now);
    default:
      return say`⛔ ${deployment}: halted${rollout.committedAt === null ? '' : ' while promoting'}: ${whereTraffic(rollout)}${because(rollout.reason, now)}`;
  }
};

const skipped = (rollout: Rollout): string => {
  const count = skippedSteps(rollout);
  if (count === 0) return '';
  return count === 1 ? ' · 1 step was skipped' : ` · ${count} steps were skipped`;
};

/** It waits for a person, and for how long. What it was like is known up to the end of the job only. */
const leftLine = (rollout: Rollout, now: Ms): Inline => {
  const { deployment } = rollout.plan.target;
  const { to } = versions(rollout.plan);
  const { paused, finishedAt } = rollout;
  const until = paused === null ? '' : ` until ${instant(holdEnd(rollout, paused.since), now)}`;
  const resume = say`waiting for ${code('resume')}${until}`;
  if (rollout.committedAt !== null) {
    const next = isNewStable(rollout) ? resume : say`waiting for your deploy step to update stable${until}`;
    return say`🟠 ${deployment}: ${whereTraffic(rollout)} · ${next}`;
  }
  const weight = knownWeight(rollout);
  const at = weight === null ? say`` : say` at ${share(weight)}`;
  const by = paused === null ? because(rollout.reason, now) : say` ${pausedBy(paused.by)}`;
  const was = isHealthy(rollout) && finishedAt !== null ? `, healthy until ${instant(finishedAt, now)}` : '';
  return say`🟠 ${deployment}: ${to} paused${at}${by}${was} · ${resume}`;
};

/** Where users are, by the last confirmed weight; unknown stays unsaid. */
const whereTraffic = (rollout: Rollout): Inline => {
  const { to } = versions(rollout.plan);
  const weight = knownWeight(rollout);
  if (weight === null) return say`where the traffic is could not be confirmed`;
  if (weight === ALL_TRAFFIC) return say`${allTrafficOf(rollout)} is on the canary (${to})`;
  if (weight === 0) return say`all traffic is on stable`;
  return say`${share(weight)} of traffic on ${to}, the rest on ${restOf(rollout)}`;
};

/** What stable serves to those who stay on it: in the middle of an update in place it is of both versions. */
const restOf = (rollout: Rollout): Inline => {
  if (rollout.committedAt === null || !isInPlace(rollout.plan) || isOldStable(rollout))
    return versions(rollout.plan).from;
  return isNewStable(rollout) ? say`the updated stable` : say`stable, which is updated in part`;
};

const plannedLine = (outcome: Outcome & { readonly kind: 'planned' }): Inline => {
  const { plan, durationMs } = outcome.preview;
  const steps = plan.steps.length === 1 ? '1 step' : `${plan.steps.length} steps`;
  const { to } = versions(plan);
  return say`⚪ ${plan.target.deployment}: plan: ${to} in ${steps}, at least ${duration(durationMs)}; nothing was written`;
};

const FIRST_SIGNS = { 'rolled-back': '🔴', aborted: '⏹️', halted: '⛔' } as const;

const firstLine = ({ status, subject, reason }: FirstRelease): Inline => {
  const { deployment } = subject;
  if (status === 'planned')
    return say`⚪ ${deployment}: plan: it does not exist yet and would be created, with nothing to compare it with; nothing was written`;
  if (status === 'promoted')
    return say`🟢 ${deployment}: first release: created and ready, with nothing to compare it with`;
  return say`${FIRST_SIGNS[status]} ${deployment}: first release: ${sentence(reason)}`;
};

const rejectedLine = (outcome: Outcome & { readonly kind: 'rejected' }, now: Ms): Inline => {
  const name = outcome.subject?.deployment ?? 'canary-rollout';
  const mistakes = outcome.issues.length;
  if (mistakes > 0) {
    return say`⚪ ${name}: nothing was touched: ${mistakes === 1 ? '1 mistake' : `${mistakes} mistakes`} in the configuration`;
  }
  if (outcome.reason.code === 'command-refused') return say`⚪ ${name}: refused: ${sentence(outcome.reason)}`;
  const why = outcome.reason.code === 'lock-held' ? linkedRuns(outcome.reason.text, now) : sentence(outcome.reason);
  return say`⚪ ${name}: nothing was touched: ${why}`;
};
