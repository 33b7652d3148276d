import { formatDuration, formatWeight } from '../core/format.ts';
import type { Rollout, Unwatched, Wait } from '../core/rollout.ts';
import type { Ms } from '../core/units.ts';
import { waitsForApproval } from '../core/waiting.ts';
import { code, type Inline, joined, prose, say, strong } from './inline.ts';
import { clockMinute, clockTime, instant, instantOfDay } from './numbers.ts';
import { canaryEnds, ways } from './steer.ts';
import { approvalEnd, holdEnd, isNewStable, mostPressing, pausedBy, versions } from './subject.ts';

/** What a rollout that is open waits for, until when, who can end it and how. */
export const waitingLines = (rollout: Rollout, now: Ms): readonly Inline[] => {
  if (rollout.phase === 'left') return leftLines(rollout, now);
  if (rollout.phase !== 'progressing') return [];
  const first = mostPressing(rollout.waits);
  return rollout.waits.flatMap((wait) => waitLines(rollout, wait, wait === first, now));
};

/** The first line of the report tells of the wait that presses most; what it cannot tell is told here. */
const waitLines = (rollout: Rollout, wait: Wait, isTold: boolean, now: Ms): readonly Inline[] => {
  switch (wait.kind) {
    case 'paused':
      return [
        say`Paused ${pausedBy(wait.by)} since ${instantOfDay(wait.since, now)}. The weight stands, and is judged all the same: what is bad goes back at once. To go on: ${ways(rollout, 'resume')}. Without that everything goes back at ${instant(holdEnd(rollout, wait.since), now)} (${code('hold')}: ${formatDuration(rollout.plan.conduct.holdMs)}).`,
      ];
    case 'approval':
      return [approvalLine(rollout, wait.since, now)];
    case 'no-data':
      return isTold
        ? []
        : [say`No data for ${code(wait.metric)} since ${instantOfDay(wait.since, now)}: ${prose(wait.why)}.`];
    case 'evidence':
      return isTold ? [] : [say`Held as well: ${prose(wait.why)}.`];
  }
};

const LOGINS = 20;

const approvalLine = (rollout: Rollout, since: Ms, now: Ms): Inline => {
  const { timeoutMs } = rollout.plan.conduct.approval;
  return say`To go on from ${formatWeight(rollout.traffic.wanted.canary)} it needs an approval, asked for since ${instantOfDay(since, now)}. Who may give it: ${whoMayApprove(rollout)}. How: ${ways(rollout, 'resume')}. It is judged all the same; without an approval everything goes back at ${instant(approvalEnd(rollout, since), now)} (${code('approval-timeout')}: ${formatDuration(timeoutMs)}).`;
};

const whoMayApprove = ({ plan }: Rollout): Inline => {
  const { approvers, selfApproval } = plan.conduct.approval;
  const actor = plan.run.actor?.toLowerCase() ?? null;
  const isOut = (login: string): boolean => !selfApproval && login === actor;
  const mayNot =
    selfApproval || plan.run.actor === null ? say`` : say`, but not ${plan.run.actor}, who started the rollout`;
  if (approvers.length === 0) return say`whoever may send commands${mayNot}`;
  const logins = approvers.filter((login) => !isOut(login));
  if (logins.length === 0) return say`nobody but ${plan.run.actor ?? ''}, who started the rollout and may not`;
  const more = logins.length > LOGINS ? ` and ${logins.length - LOGINS} more` : '';
  return say`${joined(
    logins.slice(0, LOGINS).map((login) => say`${login}`),
    ', ',
  )}${more}`;
};

const leftLines = (rollout: Rollout, now: Ms): readonly Inline[] => {
  const since = rollout.paused?.since ?? rollout.finishedAt ?? now;
  const ended =
    rollout.reason?.code === 'cancelled'
      ? say`The run was cancelled and left everything as it is (${code('on-cancel: keep')})`
      : say`The job has ended on purpose`;
  const nobody = say`${ended}, and since ${instantOfDay(rollout.finishedAt ?? since, now)} ${strong(say`nobody judges the canary`)}: not before a command, a sweep or the next run of this Deployment looks at it.`;
  return rollout.committedAt === null
    ? [nobody, holdLine(rollout, since, now)]
    : [deployLine(rollout), nobody, stableFirstLine(rollout, since, now)];
};

const holdLine = (rollout: Rollout, since: Ms, now: Ms): Inline => {
  const { from } = versions(rollout.plan);
  const asWell = waitsForApproval(rollout)
    ? say` It also needs an approval, which ${code('resume')} is. Who may give it: ${whoMayApprove(rollout)}.`
    : say``;
  return say`It may wait until ${instant(holdEnd(rollout, since), now)} (${code('hold')}: ${formatDuration(rollout.plan.conduct.holdMs)}); who looks first after that returns all traffic to ${from}: ${watchers(rollout)}.${asWell}`;
};

const watchers = ({ plan }: Rollout): string =>
  plan.watchdog === null
    ? 'a sweep, or the next run of this Deployment'
    : 'the watchdog in the cluster, a sweep, or the next run of this Deployment';

/** `until: promotion`: what the user's own deploy step has to do, exactly. */
const deployLine = (rollout: Rollout): Inline => {
  const { target } = rollout.plan;
  const images = joined(
    target.images.map(({ container, image }) => say`${code(image)} in the container ${code(container)}`),
    ' and ',
  );
  const judged = target.template === null ? images : say`the whole pod template, with ${images}`;
  if (isNewStable(rollout)) return say`Stable runs the judged image already: ${code('resume')} finishes the rollout.`;
  return say`${strong(say`Now update the Deployment ${target.deployment} with your own deploy step`)} (helm, kustomize, a GitOps commit) to exactly what was judged: ${judged}. It gets no traffic meanwhile. The canary serves everybody: keep its Deployment, its Service and its entry in the route. Then ${code('resume')} waits for stable, returns the traffic to it in judged steps and ${canaryEnds(target, 'one')}.`;
};

const stableFirstLine = (rollout: Rollout, since: Ms, now: Ms): Inline =>
  say`It may wait until ${instant(holdEnd(rollout, since), now)} (${code('hold')}: ${formatDuration(rollout.plan.conduct.holdMs)}). Who looks first after that (a sweep, or the next run of this Deployment) reads stable first: with the judged image and ready, the rollout is finished; with the old one and ready, all traffic returns to it; with neither, the canary keeps serving and a person is called.`;

const SPANS = 5;

/** When nobody looked at the metrics: a bad canary would not have been noticed then. */
export const unwatchedLines = ({ unwatched }: Rollout): readonly Inline[] => {
  const shown = unwatched.slice(0, SPANS).map(spanText);
  if (shown.length === 0) return [];
  const all = formatDuration(unwatched.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0));
  const more = unwatched.length > SPANS ? ` and ${unwatched.length - SPANS} more times, ${all} in all` : '';
  return [say`${strong(say`Nobody looked at the metrics`)} from ${shown.join(', from ')}${more}.`];
};

const spanText = ({ from, to }: Unwatched): string =>
  to - from < 600_000
    ? `${clockTime(from)} to ${instantOfDay(to, from)} (${formatDuration(to - from)})`
    : `${clockMinute(from)} to ${instant(to, from)} (${formatDuration(to - from)})`;
