import { formatCount, formatDuration, formatTime, formatWeight } from '../core/format.ts';
import type { ContainerImage } from '../core/plan.ts';
import type { Rollout } from '../core/rollout.ts';
import type { Ms } from '../core/units.ts';
import { code, type Inline, joined, link, prose, say, strong, toMarkdown } from './inline.ts';
import { clockMinute, exactDuration, instant } from './numbers.ts';
import { currentStep, elapsed, harmOf, isReturned, metricOf, RUNGS, versions, wasAborted } from './subject.ts';
import { unwatchedLines, waitingLines } from './waiting.ts';

/** `shop/checkout` · `1.4.1` → `1.4.2` · since 10:02 UTC · run 812 */
export const subjectLine = (rollout: Rollout, now: Ms): string => {
  const { target, run } = rollout.plan;
  const { from, to } = versions(rollout.plan);
  const parts: Inline[] = [say`${code(`${target.namespace}/${target.deployment}`)}`, say`${from} → ${to}`];
  if (target.template !== null) parts.push(say`back to the version before`);
  parts.push(say`${timeSpan(rollout, now)}`);
  if (run.url !== null) parts.push(link(`run ${run.id}`, run.url));
  return toMarkdown(joined(parts, ' · '));
};

const timeSpan = (rollout: Rollout, now: Ms): string => {
  const { startedAt, finishedAt, leftMs } = rollout;
  const between = leftMs === 0 ? '' : `, ${formatDuration(leftMs)} of it between two jobs`;
  if (finishedAt !== null) return `${clockMinute(startedAt)} to ${instant(finishedAt, startedAt)}${between}`;
  const left = remaining(rollout);
  const toGo = left === null ? '' : `, at least ${formatDuration(left)} to go`;
  return `since ${instant(startedAt, now)} (${formatDuration(elapsed(rollout, now))}${between})${toGo}`;
};

/** The intervals that are still to be held; null when the end is not a matter of intervals. */
const remaining = (rollout: Rollout): Ms | null => {
  // How long a person takes is nobody's to know.
  const asksSomebody = rollout.waits.some(({ kind }) => kind === 'paused' || kind === 'approval');
  if (rollout.phase !== 'progressing' || rollout.checks || asksSomebody) return null;
  const current = currentStep(rollout);
  const rest = rollout.plan.steps.slice(rollout.steps.length).reduce((sum, { intervalMs }) => sum + intervalMs, 0);
  const own = current === null ? 0 : Math.max(0, current.intervalMs - current.heldMs);
  return rest + own + 2 * rollout.plan.timings.returnMs;
};

/** Paragraphs above the table: what went wrong, where the traffic is, who was harmed. */
export const storyLines = (rollout: Rollout, now: Ms): readonly string[] => {
  const lines = story(rollout).filter((line) => line !== null);
  const blocks = [...waitingLines(rollout, now), ...unwatchedLines(rollout)].map(toMarkdown);
  return lines.length === 0 ? blocks : [lines.map(toMarkdown).join('\n'), ...blocks];
};

const story = (rollout: Rollout): readonly (Inline | null)[] => {
  switch (rollout.phase) {
    case 'rolling-back':
    case 'rolled-back':
      return [whatFailed(rollout), trafficReturn(rollout), harmLine(rollout)];
    case 'promoted':
      return [...comparison(rollout), promotedImage(rollout), cleanedUp(rollout)];
    case 'halted':
      return [whatFailed(rollout), whatStopped(rollout), ...comparison(rollout)];
    default:
      return rollout.undoes ? [trafficReturn(rollout), harmLine(rollout)] : [];
  }
};

/** The first line has every other reason. */
const whatFailed = (rollout: Rollout): Inline | null => {
  const { reason } = rollout;
  if (reason?.code !== 'metric-failed') return null;
  const metric = metricOf(currentStep(rollout), reason.metric);
  if (metric === null || metric.verdict !== 'failed') return say`${prose(reason.text.replace(/\.$/, ''))}.`;
  return say`${strong(say`${metric.name}`)}: ${prose(metric.explanation)}.`;
};

/** The first line names the metric: what then kept the rollout from ending well stands behind it in the reason. */
const whatStopped = ({ reason }: Rollout): Inline | null => {
  const [, ...stopped] = reason?.code === 'metric-failed' ? reason.text.split('; then: ') : [];
  return stopped.length === 0 ? null : say`It stopped there: ${prose(stopped.join('; then: ').replace(/\.$/, ''))}.`;
};

const trafficReturn = (rollout: Rollout): Inline | null => {
  const { traffic } = rollout;
  const { from } = versions(rollout.plan);
  if (traffic.firstAt === null) return say`The canary never had traffic.`;
  if (rollout.undoes) {
    return isReturned(rollout)
      ? say`All traffic is on ${from} again, returned in verified steps. Stable was never updated.`
      : say`The traffic returns to ${from} in verified steps. Stable was never updated.`;
  }
  if (traffic.wayBackDoneAt === null) {
    if (traffic.wayBackSentAt === null) return null;
    return say`The request that returns all traffic to ${from} was sent at ${formatTime(traffic.wayBackSentAt)}; not confirmed yet.`;
  }
  const start = currentStep(rollout)?.endedAt ?? traffic.wayBackSentAt;
  const since = wasAborted(rollout) ? 'it was asked for' : 'the verdict';
  const took = start === null ? '' : `, ${exactDuration(traffic.wayBackDoneAt - start)} after ${since}`;
  const when = `${formatTime(traffic.wayBackDoneAt)}${took}`;
  if (!isReturned(rollout)) {
    return say`The request that returns all traffic to ${from} was accepted at ${when}; not confirmed yet.`;
  }
  const rung = traffic.rung === null ? '' : `: ${RUNGS[traffic.rung]} (${traffic.rung})`;
  return say`All traffic is on ${from} again, returned at ${when}, and confirmed${rung}.`;
};

const harmLine = (rollout: Rollout): Inline | null => {
  if (rollout.traffic.firstAt === null) return null;
  const harm = harmOf(rollout);
  if (harm === null) return say`How many user requests failed on the canary is not known: no metric counts them.`;
  const requests = harm.failures === 1 ? 'user request' : 'user requests';
  return say`${strong(say`${formatCount(harm.failures)} ${requests} failed`)} on the canary, of ${formatCount(harm.requests)} that it had.`;
};

/** Both arms of each metric judged on evidence: what is known of them now, and what was counted over the whole rollout. */
const comparison = (rollout: Rollout): readonly Inline[] => {
  const kindOf = (name: string) => rollout.plan.metrics.find((spec) => spec.name === name)?.kind ?? 'measured';
  return rollout.metrics.flatMap(({ name, total }): readonly Inline[] => {
    if (kindOf(name) === 'measured') return [];
    const judged = rollout.steps.at(-1)?.metrics.find((metric) => metric.name === name);
    if (judged?.verdict === 'pass' && judged.odds !== null)
      return [say`${strong(say`${name}`)}: ${prose(judged.explanation)}.`];
    if (kindOf(name) !== 'counted') return [];
    const canary = `${formatCount(total.canary.failures)} of ${formatCount(total.canary.requests)}`;
    const stable = `${formatCount(total.stable.failures)} of ${formatCount(total.stable.requests)}`;
    return [say`${strong(say`${name}`)}: ${canary} canary requests failed, ${stable} on stable.`];
  });
};

/** What metrics that only report would have done. */
export const dryRunLines = ({ plan, metrics, phase }: Rollout): readonly string[] => {
  const told = metrics.flatMap(({ name, wouldHave }): readonly Inline[] => {
    if (wouldHave === null) return [];
    const weight = plan.steps[wouldHave.step]?.weight;
    const at = weight === undefined ? '' : ` at ${formatWeight(weight)}`;
    return [
      say`Dry run: ${strong(say`${name}`)} would have rolled it back${at}, ${formatTime(wouldHave.at)}: ${prose(wouldHave.explanation)}.`,
    ];
  });
  const isQuiet = plan.judgement.mode === 'dry-run' && told.length === 0 && phase === 'promoted';
  return [...told, ...(isQuiet ? [say`Dry run: no metric would have rolled it back.`] : [])].map(toMarkdown);
};

const promotedImage = (rollout: Rollout): Inline | null => {
  const ids = rollout.observation?.stable?.imageIds ?? [];
  if (ids.length === 0) return null;
  return say`Stable now runs ${joined(ids.map(code), ', ')}.`;
};

/** Its images are what they were too, or those that stable has now. */
const isGivenBack = ({ phase, plan, observation }: Rollout): boolean => {
  const { pair, images } = plan.target;
  const canary = observation?.canary ?? null;
  if (pair === null || canary === null) return false;
  const wanted = phase === 'promoted' ? images : pair.images;
  return canary.rolledOut && canary.replicas === pair.replicas && runs(canary.images, wanted);
};

const runs = (has: readonly ContainerImage[], wanted: readonly ContainerImage[]): boolean =>
  wanted.every((one) => has.some(({ container, image }) => container === one.container && image === one.image));

/** Said only of what the last look at the cluster showed. */
const cleanedUp = (rollout: Rollout): Inline | null => {
  const { observation, plan } = rollout;
  const { target } = plan;
  if (observation === null) return null;
  const parts: Inline[] = [];
  if (observation.canary === null) parts.push(say`the canary's objects are removed`);
  if (isGivenBack(rollout))
    parts.push(say`${code(target.canaryDeployment)} is back at ${formatCount(target.pair?.replicas ?? 0)} replicas`);
  if (observation.restored && target.routes.length > 0) parts.push(say`the route is as it was`);
  return parts.length === 0 ? null : say`Last look: ${joined(parts, ' and ')}.`;
};
