import { markdownTable } from 'markdown-table';
import { formatAmount, formatDuration, formatWeight } from '../core/format.ts';
import type { Peak, Preview } from '../core/outcome.ts';
import { allOfPlan } from '../core/outside.ts';
import { isInPlace } from '../core/phases/in-place.ts';
import type { Plan } from '../core/plan.ts';
import { type Section, section } from './document.ts';
import { markdownFence } from './escape.ts';
import { foresightSections } from './foresight.ts';
import { code, type Inline, joined, link, say, toMarkdown } from './inline.ts';
import { findingSections } from './rejected.ts';
import { routeNames, versions } from './subject.ts';

/** What `command: plan` tells: steps, duration, what stable's past foretells, every object and field that would be written, rights, peak pods, warnings. */
export const planSections = (preview: Preview): readonly (Section | null)[] => [
  section(null, [subject(preview.plan)]),
  section(null, [stepTable(preview.plan)]),
  section(null, [
    `At least ${formatDuration(preview.durationMs)} when all is well, up to ${peakText(preview.peak)}.`,
    ...conductLines(preview.plan),
  ]),
  ...findingSections(preview.findings),
  ...foresightSections(preview.plan, preview.foresight),
  section(say`What would be written`, [touchTable(preview)]),
  section(say`Rights it needs`, [markdownFence(preview.role, 'yaml')]),
  preview.watchdogRole === null
    ? null
    : section(say`Rights of the watchdog`, [
        'Its service account needs these; the action never creates them.',
        markdownFence(preview.watchdogRole, 'yaml'),
      ]),
];

/** Requests are what the scheduler and quotas count. */
const peakText = ({ pods, cpu, memory }: Peak): string => {
  const requests = [
    ...(cpu === null ? [] : [formatAmount('cpu', cpu)]),
    ...(memory === null ? [] : [formatAmount('memory', memory)]),
  ];
  const asked = requests.length === 0 ? 'which request no CPU or memory' : `which request ${requests.join(' and ')}`;
  return `${pods} pods of stable and canary at a time, ${asked}`;
};

const subject = ({ target, run, fromImages, ...plan }: Plan): string => {
  const { from, to } = versions({ target, run, fromImages, ...plan });
  const parts: Inline[] = [
    say`${code(`${target.namespace}/${target.deployment}`)}`,
    say`${from} → ${to}`,
    say`by ${joined(routeNames(target).map(code), ', ')}`,
  ];
  if (run.url !== null) parts.push(link(`run ${run.id}`, run.url));
  return toMarkdown(joined(parts, ' · '));
};

/** Where it will wait for a person, and who returns the traffic when its runner is lost. */
const conductLines = (plan: Plan): readonly string[] => {
  const { conduct, steps, watchdog } = plan;
  const { until, holdMs, approval } = conduct;
  const hold = say`${code('resume')} goes on; after ${formatDuration(holdMs)} without it (${code('hold')})`;
  const names = joined(approval.approvers.slice(0, 20).map(code), ', ');
  const who = approval.approvers.length === 0 ? say`whoever may send commands` : names;
  const lines = [
    until?.kind === 'weight'
      ? say`The job ends as ${code('paused')} after the step at ${formatWeight(until.weight)}. ${hold} it is rolled back by whoever looks first.`
      : null,
    until?.kind === 'promotion'
      ? say`The job ends as ${code('paused')} with ${allOfPlan(plan)} on the canary, and stable is yours to update. ${hold}, whoever looks first reads stable: it is finished, returned to, or left to a person.`
      : null,
    steps.some((step) => step.approval)
      ? say`An approval may be given by ${who}, within ${formatDuration(approval.timeoutMs)}; without one it is rolled back.`
      : null,
    inPlaceLine(plan),
    watchdog === null
      ? null
      : say`A Job in the cluster returns the traffic when the run gives no sign of life for ${formatDuration(watchdog.afterMs)}.`,
  ];
  return lines.filter((line) => line !== null).map(toMarkdown);
};

const inPlaceLine = (plan: Plan): Inline | null => {
  const last = plan.steps.at(-1);
  if (!isInPlace(plan) || last === undefined) return null;
  return say`After the last step stable is updated in place, by its own rolling update, while the canary keeps ${formatWeight(last.weight)} (${code('promote-at: last-step')}).`;
};

const stepTable = (plan: Plan): string => {
  const hasApproval = plan.steps.some(({ approval }) => approval);
  const rows = plan.steps.map((step, index) => [
    String(index + 1),
    step.asked === step.weight
      ? formatWeight(step.weight)
      : `${formatWeight(step.asked)} (as ${formatWeight(step.weight)})`,
    formatDuration(step.intervalMs),
    String(step.canaryReplicas),
    ...(hasApproval ? [step.approval ? 'needed' : ''] : []),
  ]);
  const header = ['step', 'weight', 'held', 'canary pods', ...(hasApproval ? ['approval'] : [])];
  return markdownTable([header, ...rows], {
    align: ['r', 'r', 'r', 'r', ...(hasApproval ? ['l'] : [])],
    alignDelimiters: false,
  });
};

const touchTable = (preview: Preview): string =>
  markdownTable(
    [
      ['object', 'what', 'fields'],
      ...preview.touches.map(({ object, action, fields }) => [
        toMarkdown(say`${code(object)}`),
        action,
        toMarkdown(joined(fields.map(code), ', ')),
      ]),
    ],
    { align: ['l', 'l', 'l'], alignDelimiters: false },
  );
