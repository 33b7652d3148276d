import { MOMENTS, type Moment } from './moments.ts';
import type { Tried } from './trial.ts';

/** One line of the fault table: a fault in each moment of a rollout. */
export interface Row {
  readonly name: string;
  readonly cells: ReadonlyMap<Moment, string>;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(0)} s`;

/** Outcome, requests lost, and how long: of the whole release, and where it ended badly until nobody met the canary any more. */
export const cellOf = ({ ended, rescue, lost, safeAfterMs }: Tried): string => {
  const outcome = ended.status === 'promoted' ? 'promoted' : `${ended.status || 'killed'} (${ended.reasonCode})`;
  const next = rescue === null ? '' : `, next run ${rescue.status}`;
  const safe = safeAfterMs === null ? '' : `, safe after ${seconds(safeAfterMs)}`;
  return `${outcome}${next}, ${lost} lost, ${seconds(ended.endedAt - ended.startedAt)}${safe}`;
};

/** As a Markdown table that is also readable as it is. */
export const faultTable = (rows: readonly Row[]): string => {
  const lines = [
    ['fault', ...MOMENTS],
    ...rows.map(({ name, cells }) => [name, ...MOMENTS.map((moment) => cells.get(moment) ?? '')]),
  ];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const text = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = lines;
  return [text(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(text)].join('\n');
};
