import { markdownTable } from 'markdown-table';
import { formatDuration, formatNumber, formatRatio, formatWeight } from '../core/format.ts';
import type { Entry } from '../core/journal.ts';
import { calibrationOf, type EvidenceSpec } from '../core/judgement.ts';
import { refText } from '../core/objects.ts';
import { isInPlace } from '../core/phases/in-place.ts';
import type { PlannedJudgement } from '../core/plan.ts';
import type { Rollout, StepRecord } from '../core/rollout.ts';
import type { MetricSpec } from '../core/spec.ts';
import { consoleLines } from './console.ts';
import { type Section, section } from './document.ts';
import { cut, markdownFence } from './escape.ts';
import { code, type Inline, joined, prose, say, toMarkdown } from './inline.ts';
import { clockTime } from './numbers.ts';
import { adviceBlock } from './rejected.ts';
import { RUNGS, routeNames } from './subject.ts';

/** What a pod said last; hostile text. */
export interface PodWords {
  readonly pod: string;
  readonly state: string;
  readonly lines: readonly string[];
}

const POD_LIMIT = 10;
const POD_LINES = 20;
const WARNING_LIMIT = 20;

/** `withLines`: the user allowed the pods' output here; else only their state is told. */
export const podSection = (
  pods: readonly PodWords[],
  withLines: boolean,
  whose = "the canary's pods",
): Section | null => {
  const shown = pods.slice(0, POD_LIMIT).flatMap((pod) => {
    const lines = pod.lines.slice(-POD_LINES).map((line) => cut(line, 1_000));
    const title = toMarkdown(
      say`${code(pod.pod)} (${pod.state})${withLines && lines.length > 0 ? ', last lines:' : ''}`,
    );
    return withLines && lines.length > 0 ? [title, markdownFence(lines.join('\n'))] : [title];
  });
  const more = pods.length > POD_LIMIT ? `and ${pods.length - POD_LIMIT} more pods` : null;
  return section(say`What ${whose} said`, [...shown, more]);
};

/** A warning of one line; an object that follows it is to be pasted. */
export const warningSection = (warnings: readonly string[]): Section | null => {
  const shown = warnings.slice(0, WARNING_LIMIT).flatMap((warning) => {
    const [, text = warning, toPaste] = /^([^\n]*)\n((?:#[^\n]*\n)*apiVersion: [\s\S]*)$/.exec(warning) ?? [];
    return [`⚠️ ${toMarkdown(prose(text))}`, ...(toPaste === undefined ? [] : [adviceBlock(toPaste)])];
  });
  const more = warnings.length > WARNING_LIMIT ? `and ${warnings.length - WARNING_LIMIT} more warnings` : null;
  return section(null, [...shown, more]);
};

/** Router, times of every step, and of every metric the query, the limits and what each step saw. */
export const decisionSection = (rollout: Rollout): Section | null => {
  const judged = rollout.steps.length === 0 ? [] : rollout.plan.metrics;
  return section(say`How this was decided`, [
    toMarkdown(routerLine(rollout)),
    rollout.steps.length === 0 ? null : timesTable(rollout),
    ...judged.flatMap((spec) => [
      toMarkdown(metricTitle(spec, rollout.plan.judgement)),
      markdownFence(queryText(spec), 'promql'),
      evidenceList(rollout, spec),
    ]),
    toMarkdown(objectsLine(rollout)),
  ]);
};

const routerLine = (rollout: Rollout): Inline => {
  const { target, abilities } = rollout.plan;
  const routes = joined(routeNames(target).map(code), ', ');
  const unit = abilities.unit === 'requests' ? 'splits requests' : 'splits by the number of pods';
  return say`Router ${code(target.router)} (${unit}) on ${routes}; without traffic it can confirm a weight as ${RUNGS[abilities.rung]} (${abilities.rung}).`;
};

const timesTable = (rollout: Rollout): string => {
  const rows = rollout.steps.map((step) => [
    formatWeight(step.weight),
    clockTime(step.startedAt),
    step.verifiedAt === null ? '' : clockTime(step.verifiedAt),
    step.verification === null ? '' : `${RUNGS[step.verification]} (${step.verification})`,
    step.endedAt === null ? '' : clockTime(step.endedAt),
  ]);
  const align = ['r', 'l', 'l', 'l', 'l'];
  return markdownTable([['weight', 'begun (UTC)', 'verified', 'how', 'ended'], ...rows], {
    align,
    alignDelimiters: false,
  });
};

const metricTitle = (spec: MetricSpec, judgement: PlannedJudgement): Inline => {
  const dry = spec.dryRun || judgement.mode === 'dry-run' ? say`, dry run: it decides nothing` : say``;
  const noData = say`, without data: ${spec.onNoData}`;
  if (spec.kind !== 'measured') return say`${evidenceTitle(spec, judgement)}${noData}${dry}`;
  const limits = [
    ...(spec.min === null ? [] : [`at least ${formatNumber(spec.min, spec.unit ?? '')}`]),
    ...(spec.max === null ? [] : [`at most ${formatNumber(spec.max, spec.unit ?? '')}`]),
    ...(spec.maxIncrease === null ? [] : [`at most ${formatNumber(spec.maxIncrease * 100, '%')} above stable`]),
  ].join(', ');
  const tolerated =
    spec.failedChecks === null
      ? `${spec.failureLimit} failed measurements tolerated`
      : `rolled back at failed check ${spec.failedChecks}`;
  return say`${code(spec.name)}: ${limits}, measured every ${formatDuration(spec.everyMs)}, ${tolerated}${noData}${dry}`;
};

/** What was fixed before the first request, and where it comes from. */
const evidenceTitle = (spec: EvidenceSpec, judgement: PlannedJudgement): Inline => {
  const { phi, tolerance, bounds, history } = calibrationOf(judgement, spec.name);
  const what =
    spec.kind === 'counted'
      ? 'failed requests of both versions are compared'
      : `requests slower than ${bounds.map((bound) => formatNumber(bound, spec.unit ?? '')).join(', ')} of both versions are compared`;
  const rolledBack = `rolled back when it is ${judgement.rollbackOdds} times likelier that the new one is more than ${tolerance} times worse`;
  const limits = [
    ...(spec.ceiling === null ? [] : [`ceiling ${formatRatio(spec.ceiling)}`]),
    ...(spec.floor === null ? [] : [`floor ${formatRatio(spec.floor)}`]),
  ].join(', ');
  const stable =
    history === null
      ? 'stable had no history'
      : `over ${formatDuration(history.ms)} before, stable had ${formatNumber(history.requestsPerSecond, 'requests/s')}, ${formatRatio(history.failureRatio)} of them ${spec.kind === 'counted' ? 'failed' : 'slower'}`;
  const clumps =
    phi < 1.05 ? '' : `; its failures come in clumps, so evidence is divided by ${Number(phi.toPrecision(2))}`;
  return say`${code(spec.name)}: ${what}; ${rolledBack}${limits === '' ? '' : `; ${limits}`}; ${stable}${clumps}`;
};

const queryText = (spec: MetricSpec): string => {
  switch (spec.kind) {
    case 'counted':
      return `${spec.requests}\n${spec.failures}`;
    case 'latency':
      return spec.histogram;
    case 'measured':
      return spec.query;
  }
};

const evidenceList = (rollout: Rollout, spec: MetricSpec): string | null => {
  const lines = rollout.steps.flatMap((step) => {
    const found = step.metrics.find(({ name }) => name === spec.name);
    if (found === undefined) return [];
    return [`- ${formatWeight(step.weight)}: ${toMarkdown(prose(found.explanation))}`];
  });
  return lines.length === 0 ? null : lines.join('\n');
};

const objectsLine = (rollout: Rollout): Inline => {
  const { target } = rollout.plan;
  const own = [
    ...(target.pair === null ? [`Deployment ${target.namespace}/${target.canaryDeployment}`] : []),
    ...(target.canaryService === null ? [] : [`Service ${target.namespace}/${target.canaryService}`]),
  ];
  const pair = target.pair === null ? [] : [`Deployment ${target.namespace}/${target.canaryDeployment}`];
  const written = [`Deployment ${target.namespace}/${target.deployment}`, ...pair, ...target.routes.map(refText)];
  const list = (names: readonly string[]): Inline => joined(names.map(code), ', ');
  return say`Objects of the rollout itself: ${list(own)}. Yours that it may write: ${list(written)}.`;
};

/** Every sentence of the run that was kept, with its time. */
export const journalSection = (journal: readonly Entry[]): Section | null => {
  if (journal.length === 0) return null;
  return section(say`Everything that happened (UTC)`, [markdownFence(journal.flatMap(consoleLines).join('\n'))]);
};

const CHART_POINTS = 40;

/**
 * Canary weight over time. Numbers and times only: nothing hostile can enter, and an error in a diagram would hide it.
 * Labels must differ, or the axis merges them. Only for a rollout that has ended: while it runs the table is enough.
 */
export const chartSection = (rollout: Rollout): Section | null => {
  const isEnded = rollout.phase === 'promoted' || rollout.phase === 'rolled-back';
  if (!isEnded || rollout.finishedAt === null) return null;
  const points = new Map<string, number>();
  for (const step of rollout.steps) points.set(clockTime(stepTime(step)), step.weight / 100);
  const last = rollout.steps.at(-1);
  const { wayBackDoneAt } = rollout.traffic;
  if (last !== undefined && wayBackDoneAt !== null) {
    if (last.endedAt !== null) points.set(clockTime(last.endedAt), last.weight / 100);
    points.set(clockTime(wayBackDoneAt), 0);
  } else if (rollout.phase === 'promoted' || rollout.undoes) {
    if (rollout.committedAt !== null && !isInPlace(rollout.plan)) points.set(clockTime(rollout.committedAt), 100);
    points.set(clockTime(rollout.finishedAt), rollout.undoes ? 0 : 100);
  }
  if (points.size < 2 || points.size > CHART_POINTS) return null;
  const title = rollout.phase === 'promoted' ? 'traffic on the new version (%)' : 'canary weight (%)';
  const colour = rollout.phase === 'promoted' ? '#1a7f37' : '#cf222e';
  const chart = [
    `%%{init: {"xyChart": {"width": 720, "height": 240}, "themeVariables": {"xyChart": {"plotColorPalette": "${colour}"}}}}%%`,
    'xychart-beta',
    `  title "${title}"`,
    `  x-axis [${[...points.keys()].map((time) => `"${time}"`).join(', ')}]`,
    '  y-axis "%" 0 --> 100',
    `  line [${[...points.values()].join(', ')}]`,
  ];
  return section(null, [`\`\`\`mermaid\n${chart.join('\n')}\n\`\`\``]);
};

const stepTime = (step: StepRecord): number => step.verifiedAt ?? step.startedAt;
