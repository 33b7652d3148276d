import { markdownTable } from 'markdown-table';
import { formatRatio as percent, formatWeight as share } from '../core/format.ts';
import type { PlannedStep } from '../core/plan.ts';
import type { Rollout, StepMetric, StepRecord, Wait } from '../core/rollout.ts';
import type { MetricSpec } from '../core/spec.ts';
import { asker } from './audit.ts';
import { cut } from './escape.ts';
import { code, type Inline, joined, NOTHING, say, strong, toMarkdown } from './inline.ts';
import { heldTime, measured, progress } from './numbers.ts';
import { mostPressing } from './subject.ts';

/** More metrics than fit a comment's width are told in the details. */
const COLUMNS = 4;
const NAME_LIMIT = 60;

/** One row a step: what was asked, what was seen, for how long, both arms side by side, the verdict. Later steps show their weight only. */
export const stepTable = (rollout: Rollout): string => {
  const metrics = rollout.plan.metrics.slice(0, COLUMNS);
  const header = [
    '',
    'weight',
    'observed',
    'held',
    ...metrics.map(({ name }) => toMarkdown(say`${cut(name, NAME_LIMIT)}: canary · stable`)),
    'verdict',
  ];
  const length = Math.max(rollout.plan.steps.length, rollout.steps.length);
  const rows = Array.from({ length }, (_, index) => {
    const record = rollout.steps[index] ?? null;
    const planned = rollout.plan.steps[index] ?? null;
    const cells =
      record === null ? plannedCells(rollout, planned, metrics.length) : recordCells(rollout, record, planned, metrics);
    return cells.map((cell) => cellText(toMarkdown(cell)));
  });
  return markdownTable([header, ...rows], {
    align: ['c', 'r', 'r', 'r', ...metrics.map(() => 'l'), 'l'],
    alignDelimiters: false,
  });
};

/** A number and its unit stay on one line. */
const cellText = (markdown: string): string => markdown.replace(/(?<=\d) (?=[%\d]|ms|s\b|min\b|h\b|of\b)/g, '\u00a0');

/** A step that has not begun: its weight, and what it will wait for. */
const plannedCells = (rollout: Rollout, planned: PlannedStep | null, metrics: number): readonly Inline[] => {
  const sign = rollout.skipsSteps ? say`⏭️` : NOTHING;
  const verdict = rollout.skipsSteps ? say`skipped` : planned?.approval === true ? say`will need an approval` : NOTHING;
  const between = Array.from({ length: 2 + metrics }, () => NOTHING);
  return [sign, weightCell(planned, null), ...between, verdict];
};

const recordCells = (
  rollout: Rollout,
  record: StepRecord,
  planned: PlannedStep | null,
  metrics: readonly MetricSpec[],
): readonly Inline[] => {
  const running = record.verdict === 'running';
  const wait = running ? waitKind(rollout) : null;
  return [
    say`${sign(record, wait)}`,
    weightCell(planned, record),
    record.observedShare === null ? NOTHING : say`${share(record.observedShare)}`,
    heldCell(record),
    ...metrics.map((spec) => armsCell(record.metrics.find(({ name }) => name === spec.name) ?? null)),
    verdictCell(record, wait, approver(rollout, record, planned)),
  ];
};

/** A rollout that was left waits for nothing that a job could tell of: it is paused. */
const waitKind = ({ phase, waits }: Rollout): Wait['kind'] | null =>
  phase === 'left' ? 'paused' : (mostPressing(waits)?.kind ?? null);

const sign = (record: StepRecord, wait: Wait['kind'] | null): string => {
  switch (record.verdict) {
    case 'passed':
      return '✅';
    case 'failed':
      return '❌';
    case 'aborted':
      return '⏹️';
    case 'skipped':
      return '⏭️';
    case 'running':
      return wait === null ? '▶️' : '⏸️';
  }
};

const weightCell = (planned: PlannedStep | null, record: StepRecord | null): Inline => {
  const weight = record?.weight ?? planned?.weight ?? 0;
  const asked = planned?.asked ?? weight;
  const text = asked === weight ? say`${share(asked)}` : say`${share(asked)} (as ${share(weight)})`;
  return record === null || record.verdict === 'passed' ? text : strong(text);
};

const heldCell = (record: StepRecord): Inline => {
  if (record.verifiedAt === null) return NOTHING;
  if (record.verdict === 'passed') return say`${heldTime(record.heldMs)}`;
  return say`${progress(record.heldMs, record.intervalMs)}`;
};

const armsCell = (metric: StepMetric | null): Inline => {
  if (metric === null || (metric.canary === null && metric.stable === null)) return NOTHING;
  return say`${armValue(metric, 'canary')} · ${armValue(metric, 'stable')}`;
};

/** A failure ratio, or a value with its unit; `–` where there is none. */
export const armValue = (metric: StepMetric, arm: 'canary' | 'stable'): string => {
  const value = metric[arm];
  if (value === null) return '–';
  return metric.requests === null ? measured(value, metric.unit) : percent(value);
};

/** Who let a step that needed it go on: the `resume` that was carried out while it was held. */
const approver = ({ asked }: Rollout, { startedAt, endedAt }: StepRecord, planned: PlannedStep | null): Inline => {
  if (planned?.approval !== true) return NOTHING;
  const approval = asked.findLast(
    ({ name, refused, at }) => name === 'resume' && refused === null && at >= startedAt && at <= (endedAt ?? at),
  );
  return approval === undefined ? NOTHING : say`, approved by ${cut(asker(approval.by), NAME_LIMIT)}`;
};

const verdictCell = (record: StepRecord, wait: Wait['kind'] | null, approved: Inline): Inline => {
  const named = (kind: StepMetric['verdict']): Inline | null => {
    const names = record.metrics.filter(({ verdict }) => verdict === kind).map(({ name }) => code(name));
    return names.length === 0 ? null : joined(names, ', ');
  };
  const failed = named('failed');
  switch (record.verdict) {
    case 'failed':
      return failed === null ? say`failed` : say`${failed} failed`;
    case 'aborted':
      return say`stopped`;
    case 'skipped':
      return say`skipped`;
    case 'passed': {
      const ignored = named('ignored');
      return ignored === null ? say`passed${approved}` : say`passed, ${ignored} not judged${approved}`;
    }
    case 'running':
      return wait === null ? runningVerdict(record) : say`${WAITS[wait]}`;
  }
};

const runningVerdict = (record: StepRecord): Inline => {
  if (record.verifiedAt === null) return say`waiting for the router`;
  if (record.metrics.some(({ verdict }) => verdict === 'pending')) return say`measuring`;
  return record.metrics.length === 0 ? say`running` : say`good so far`;
};

const WAITS: Readonly<Record<Wait['kind'], string>> = {
  'no-data': 'held: no data',
  evidence: 'held: too little to judge',
  paused: 'paused',
  approval: 'waiting for approval',
};
