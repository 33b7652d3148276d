import type { Account, Figure } from './claims.ts';
import { median } from './statistics.ts';

type Of<Kind extends Figure['kind']> = Extract<Figure, { readonly kind: Kind }>;

const HEAD = ['suite', 'claims', 'seconds', 'requests', 'lost', 'share off by', 'medians'] as const;

const latencyText = (figures: readonly Of<'latency'>[]): string => {
  const names = [...new Set(figures.map(({ what }) => what))];
  return names
    .map((name) => {
      const values = figures.filter(({ what }) => what === name).map(({ ms }) => ms);
      return `${name} ${Math.round(median(values))} ms (${values.length})`;
    })
    .join(', ');
};

const rowOf = ({ suite, passed, failed, seconds, figures }: Account): readonly string[] => {
  const requests = figures.filter((figure): figure is Of<'requests'> => figure.kind === 'requests');
  const shares = figures.filter((figure): figure is Of<'share-error'> => figure.kind === 'share-error');
  const latencies = figures.filter((figure): figure is Of<'latency'> => figure.kind === 'latency');
  return [
    suite,
    failed === 0 ? `${passed}` : `${passed}, ${failed} FAILED`,
    seconds.toFixed(0),
    requests.length === 0 ? '' : `${requests.reduce((sum, { sent }) => sum + sent, 0)}`,
    requests.length === 0 ? '' : `${requests.reduce((sum, { lost }) => sum + lost, 0)}`,
    shares.length === 0 ? '' : `≤ ${(Math.max(...shares.map(({ value }) => value)) * 100).toFixed(1)} points`,
    latencyText(latencies),
  ];
};

/** Rows under a head, as a Markdown table that is also readable as it is. */
export const aligned = (rows: readonly (readonly string[])[]): string => {
  const [first = []] = rows;
  const widths = first.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lineOf = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = '', ...body] = rows.map(lineOf);
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body].join('\n');
};

/** One row for each suite. */
export const table = (accounts: readonly Account[]): string => aligned([HEAD, ...accounts.map(rowOf)]);
