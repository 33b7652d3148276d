import { markdownTable } from 'markdown-table';
import { formatDuration, formatWeight } from '../core/format.ts';
import type { Preview } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import { type Section, section } from './document.ts';
import { markdownFence } from './escape.ts';
import { code, type Inline, joined, link, say, toMarkdown } from './inline.ts';
import { findingSections } from './rejected.ts';
import { routeNames, versions } from './subject.ts';

/** What `command: plan` tells: steps, duration, every object and field that would be written, rights, peak pods, warnings. */
export const planSections = (preview: Preview): readonly (Section | null)[] => [
  section(null, [subject(preview.plan)]),
  section(null, [stepTable(preview.plan)]),
  section(null, [
    `At least ${formatDuration(preview.durationMs)} when all is well, up to ${preview.peakPods} pods of stable and canary at a time.`,
  ]),
  ...findingSections(preview.findings),
  section(say`What would be written`, [touchTable(preview)]),
  section(say`Rights it needs`, [markdownFence(preview.role, 'yaml')]),
];

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

const stepTable = (plan: Plan): string => {
  const rows = plan.steps.map((step, index) => [
    String(index + 1),
    step.asked === step.weight
      ? formatWeight(step.weight)
      : `${formatWeight(step.asked)} (as ${formatWeight(step.weight)})`,
    formatDuration(step.intervalMs),
    String(step.canaryReplicas),
  ]);
  return markdownTable([['step', 'weight', 'held', 'canary pods'], ...rows], {
    align: ['r', 'r', 'r', 'r'],
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
