import { markdownTable } from 'markdown-table';
import { formatWeight as share } from '../core/format.ts';
import type { Outcome, RolloutEntry } from '../core/outcome.ts';
import { allTrafficOf } from '../core/outside.ts';
import type { Rollout, Wait } from '../core/rollout.ts';
import type { Ms } from '../core/units.ts';
import { type Section, section } from './document.ts';
import { code, type Inline, joined, linkedRuns, NOTHING, prose, runLink, say, toMarkdown } from './inline.ts';
import { instant, isoTime } from './numbers.ts';
import {
  approvalEnd,
  holdEnd,
  knownWeight,
  mostPressing,
  pausedBy,
  shareOfNew,
  versions,
  wasAborted,
} from './subject.ts';

type Accepted = Outcome & { readonly kind: 'accepted' };

/** One open rollout in the `result` of `status` and `sweep`. */
export interface ResultRollout {
  readonly namespace: string;
  readonly deployment: string;
  /** null, as everything about it, where its state cannot be read. */
  readonly id: string | null;
  /** `paused`: it was left on purpose. */
  readonly phase: Exclude<Rollout['phase'], 'left'> | 'paused' | null;
  /** Share of users on the new version in percent, as last confirmed; null: not known. */
  readonly weight: number | null;
  /** From 1; 0 before the first. */
  readonly step: number | null;
  readonly steps: number | null;
  readonly fromImages: readonly string[];
  readonly toImages: readonly string[];
  readonly waits: readonly Wait['kind'][];
  /** When a pause or a wait for approval ends by going back; ISO 8601. */
  readonly until: string | null;
  readonly lock: RolloutEntry['lock'];
  readonly runUrl: string | null;
  readonly note: string | null;
  readonly failed: boolean;
}

export const resultRollouts = (entries: readonly RolloutEntry[]): readonly ResultRollout[] =>
  entries.map(({ namespace, deployment, rollout, lock, runUrl, note, failed }) => {
    const users = rollout === null ? null : shareOfNew(rollout);
    const end = rollout === null ? null : waitEnd(rollout);
    return {
      namespace,
      deployment,
      id: rollout?.plan.target.rolloutId ?? null,
      phase: rollout === null ? null : rollout.phase === 'left' ? 'paused' : rollout.phase,
      weight: users === null ? null : users / 100,
      step: rollout === null ? null : rollout.step + 1,
      steps: rollout === null ? null : rollout.plan.steps.length,
      fromImages: (rollout?.plan.fromImages ?? []).map(({ image }) => image),
      toImages: (rollout?.plan.target.images ?? []).map(({ image }) => image),
      waits: (rollout?.waits ?? []).map(({ kind }) => kind),
      until: isoTime(end),
      lock,
      runUrl,
      note,
      failed,
    };
  });

/** When the wait of a person's answer ends; null: nobody is waited for. */
const waitEnd = (rollout: Rollout): Ms | null => {
  const wait = mostPressing(rollout.waits);
  if (rollout.phase === 'left' && rollout.paused !== null) return holdEnd(rollout, rollout.paused.since);
  if (rollout.phase !== 'progressing') return null;
  if (wait?.kind === 'paused') return holdEnd(rollout, wait.since);
  return wait?.kind === 'approval' ? approvalEnd(rollout, wait.since) : null;
};

// --- the first line ---------------------------------------------------------------

export const acceptedLine = ({ reason, rollouts, failed }: Accepted, now: Ms): Inline => {
  const [first] = rollouts;
  const many = rollouts.length === 1 ? '1 open rollout' : `${rollouts.length} open rollouts`;
  if (reason.code === 'listed') {
    if (first === undefined) return say`⚪ no rollout is open`;
    const others = rollouts.filter(isAbandoned).length;
    const abandoned = others === 0 ? '' : `, ${others} of them driven by nobody`;
    return rollouts.length === 1
      ? say`${sign(first)} ${first.deployment}: ${phaseText(first, now)}`
      : say`${others === 0 ? '⚪' : '⚠️'} ${many}${abandoned}`;
  }
  if (reason.code === 'swept' || reason.code === 'sweep-failed') {
    const bad = rollouts.filter((entry) => entry.failed).length;
    if (failed) return say`⛔ sweep: ${bad} of ${many} could not be made safe`;
    return first === undefined ? say`🟢 sweep: no rollout is open` : say`🟢 sweep: ${many}, all safe`;
  }
  const name = rollouts.length === 1 && first !== undefined ? say`${first.deployment}: ` : say``;
  return say`⚪ ${name}${linkedRuns(reason.text.replace(/\.$/, '').replaceAll('`', ''), now)}`;
};

// --- the table --------------------------------------------------------------------

const ROWS = 200;

/** Failed ones first, then those that somebody must look after. */
export const overviewSections = ({ reason, rollouts }: Accepted, now: Ms): readonly (Section | null)[] => {
  if (rollouts.length === 0) return [];
  const rank = (entry: RolloutEntry): number =>
    entry.failed ? 0 : isAbandoned(entry) || entry.rollout?.phase === 'halted' ? 1 : 2;
  const sorted = [...rollouts].sort((a, b) => rank(a) - rank(b));
  const hasNotes = sorted.some(({ note }) => note !== null);
  const header = [
    '',
    'deployment',
    'what it does',
    'weight',
    'step',
    'version',
    'driven by',
    ...(hasNotes ? ['what was done'] : []),
  ];
  const rows = sorted
    .slice(0, ROWS)
    .map((entry) =>
      [
        say`${sign(entry)}`,
        code(`${entry.namespace}/${entry.deployment}`),
        phaseText(entry, now),
        weightCell(entry.rollout),
        stepCell(entry.rollout),
        versionCell(entry.rollout),
        driver(entry, now),
        ...(hasNotes ? [entry.note === null ? NOTHING : prose(entry.note)] : []),
      ].map(toMarkdown),
    );
  const more = sorted.length > ROWS ? `and ${sorted.length - ROWS} more` : null;
  const align = ['c', 'l', 'l', 'r', 'r', 'l', 'l', ...(hasNotes ? ['l'] : [])];
  const handed = reason.code === 'handed-over' ? 'The report of that run says what comes of it.' : null;
  return [section(null, [markdownTable([header, ...rows], { align, alignDelimiters: false }), more, handed])];
};

const ENDED: ReadonlySet<Rollout['phase']> = new Set(['promoted', 'rolled-back', 'halted', 'left']);

/** It should be under way, and its run gives no sign of life. */
const isAbandoned = ({ rollout, lock }: RolloutEntry): boolean =>
  lock === 'free' && (rollout === null || !ENDED.has(rollout.phase));

const sign = (entry: RolloutEntry): string => {
  const { rollout } = entry;
  if (entry.failed) return '⛔';
  if (rollout === null || isAbandoned(entry)) return '⚠️';
  switch (rollout.phase) {
    case 'promoted':
      return '🟢';
    case 'rolled-back':
      return wasAborted(rollout) ? '⏹️' : '🔴';
    case 'rolling-back':
      return '🔴';
    case 'promoting':
      return rollout.undoes ? '🔴' : '🟡';
    case 'halted':
      return '⛔';
    case 'left':
      return '🟠';
    default:
      return rollout.waits.length > 0 ? '🟠' : '🟡';
  }
};

const phaseText = (entry: RolloutEntry, now: Ms): Inline => {
  const { rollout } = entry;
  if (rollout === null) return say`its state cannot be read`;
  switch (rollout.phase) {
    case 'preparing':
      return say`starting the canary, no traffic on it yet`;
    case 'progressing':
      return progressing(rollout, now);
    case 'promoting':
      if (rollout.undoes) return say`going back to the old version${because(rollout)}`;
      return say`promoting${rollout.stage.name === 'await-stable' ? ', waiting for stable to run the judged image' : ''}`;
    case 'rolling-back':
      return say`rolling back${because(rollout)}`;
    case 'promoted':
      return say`promoted`;
    case 'rolled-back':
      return say`${wasAborted(rollout) ? 'aborted' : 'rolled back'}${because(rollout)}`;
    case 'halted':
      return say`halted${because(rollout)}`;
    case 'left':
      return rollout.committedAt === null
        ? say`paused${pause(rollout, now)}`
        : say`${allTrafficOf(rollout)} on the canary, waiting for your deploy step to update stable${untilText(rollout, now)}`;
  }
};

const progressing = (rollout: Rollout, now: Ms): Inline => {
  const wait = mostPressing(rollout.waits);
  switch (wait?.kind) {
    case 'paused':
      return say`paused ${pausedBy(wait.by)}${untilText(rollout, now)}`;
    case 'approval': {
      const { approvers } = rollout.plan.conduct.approval;
      const who =
        approvers.length === 0 ? '' : ` by ${approvers.slice(0, 5).join(', ')}${approvers.length > 5 ? ', …' : ''}`;
      return say`waiting for approval${who}${untilText(rollout, now)}`;
    }
    case 'no-data':
      return say`held: no data for ${code(wait.metric)}`;
    case 'evidence':
      return say`held: ${prose(wait.why)}`;
    case undefined:
      return say`holding the weight`;
  }
};

const pause = (rollout: Rollout, now: Ms): Inline =>
  rollout.paused === null ? because(rollout) : say` ${pausedBy(rollout.paused.by)}${untilText(rollout, now)}`;

const untilText = (rollout: Rollout, now: Ms): string => {
  const end = waitEnd(rollout);
  return end === null ? '' : `, until ${instant(end, now)}`;
};

const because = ({ reason }: Rollout): Inline =>
  reason === null ? say`` : say`: ${prose(reason.text.replace(/\.$/, ''))}`;

const weightCell = (rollout: Rollout | null): Inline => {
  if (rollout === null) return NOTHING;
  const weight = rollout.phase === 'promoted' ? null : knownWeight(rollout);
  return weight === null ? NOTHING : say`${share(weight)}`;
};

const stepCell = (rollout: Rollout | null): Inline =>
  rollout === null || rollout.step < 0 ? NOTHING : say`${rollout.step + 1} of ${rollout.plan.steps.length}`;

const versionCell = (rollout: Rollout | null): Inline => {
  if (rollout === null) return NOTHING;
  const { from, to } = versions(rollout.plan);
  return joined([from, to], ' → ');
};

const driver = ({ rollout, lock, runUrl }: RolloutEntry, now: Ms): Inline => {
  const run = runUrl === null ? null : (runLink(runUrl) ?? say`${runUrl}`);
  if (lock === 'held') return run ?? say`a run without an address`;
  const last = run === null ? say`` : say` (last: ${run})`;
  switch (rollout?.phase) {
    case 'promoted':
    case 'rolled-back':
      return NOTHING;
    case 'left':
      return say`nobody, on purpose${last}`;
    case 'halted':
      return say`nobody: it needs a person${last}`;
    case undefined:
      return say`nobody${last}`;
    default:
      return say`nobody since ${instant(rollout?.savedAt ?? now, now)}${last}`;
  }
};
