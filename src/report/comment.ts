import type { Entry } from '../core/journal.ts';
import type { Rollout } from '../core/rollout.ts';
import type { Ms } from '../core/units.ts';
import { auditSection } from './audit.ts';
import { chartSection, decisionSection, journalSection, type PodWords, podSection, warningSection } from './details.ts';
import { COMMENT_LIMIT, type Document, render, type Section, SUMMARY_LIMIT, section } from './document.ts';
import { markdownFence } from './escape.ts';
import { armLines, haltedLines } from './halted.ts';
import { headlineMarkdown } from './headline.ts';
import { leftHeldLine } from './held.ts';
import { code, joined, say, toMarkdown } from './inline.ts';
import { overviewSections } from './overview.ts';
import { planSections } from './plan.ts';
import { findingSections, rejectedSections } from './rejected.ts';
import { dryRunLines, storyLines, subjectLine } from './sections.ts';
import { leftBlocks, steeringLine } from './steer.ts';
import { rolloutOf, type Situation } from './subject.ts';
import { stepTable } from './table.ts';

export interface Extras {
  readonly now: Ms;
  readonly journal: readonly Entry[];
  readonly pods: readonly PodWords[];
  /** Whether the pods' own lines may be shown in this place. */
  readonly podLines: boolean;
}

/** The pull request comment, details folded, at most 64 000 characters. Without the hidden marker. */
export const renderComment = (situation: Situation, extras: Extras): string =>
  render(document(situation, extras), 'folded', COMMENT_LIMIT);

/** The job summary and the report file: the same text, details unfolded, at most 900 000 bytes. */
export const renderSummary = (situation: Situation, extras: Extras): string =>
  render(document(situation, extras), 'unfolded', SUMMARY_LIMIT);

const document = (situation: Situation, extras: Extras): Document => ({
  headline: headlineMarkdown(situation, extras.now),
  sections: sections(situation, extras).filter((part) => part !== null),
});

const sections = (situation: Situation, extras: Extras): readonly (Section | null)[] => {
  const rollout = rolloutOf(situation);
  if (rollout !== null) return rolloutSections(rollout, extras);
  const happened = journalSection(extras.journal);
  if (situation.kind === 'rejected') return [...rejectedSections(situation), happened];
  if (situation.kind === 'planned') return [...planSections(situation.preview), happened];
  if (situation.kind === 'first-release') return [...firstSections(situation, extras), happened];
  if (situation.kind === 'accepted') return [...overviewSections(situation, extras.now), happened];
  return [happened];
};

/** Of its pods only those that never became ready have something to say. */
const firstSections = (
  { findings, role, subject }: Situation & { readonly kind: 'first-release' },
  { pods, podLines }: Extras,
): readonly (Section | null)[] => [
  section(null, [
    toMarkdown(say`${code(`${subject.namespace}/${subject.deployment}`)} · ${joined(subject.images.map(code), ', ')}`),
  ]),
  ...findingSections(findings),
  podSection(pods, podLines, 'its pods'),
  role === null ? null : section(say`Rights it needs`, [markdownFence(role, 'yaml')]),
];

const rolloutSections = (rollout: Rollout, extras: Extras): readonly (Section | null)[] => [
  section(null, [subjectLine(rollout, extras.now)]),
  section(null, storyLines(rollout, extras.now)),
  section(null, [
    ...leftBlocks(rollout),
    leftHeldLine(rollout),
    rollout.phase === 'halted' ? armLines(rollout) : null,
    ...haltedLines(rollout),
  ]),
  section(null, dryRunLines(rollout)),
  section(null, [stepTable(rollout), steeringLine(rollout)]),
  warningSection(rollout.warnings),
  auditSection(rollout),
  chartSection(rollout),
  podSection(extras.pods, extras.podLines),
  decisionSection(rollout),
  journalSection(extras.journal),
];
