import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ms } from '../core/units.ts';
import type { Reporter } from '../ports/reporter.ts';
import { type Extras, renderSummary } from '../report/comment.ts';
import type { Situation } from '../report/subject.ts';
import type { RunContext } from './context.ts';
import { latestOnly } from './latest.ts';

export interface SummaryOptions {
  readonly context: RunContext;
  readonly podLines: boolean;
  readonly now: () => Ms;
  readonly warn: (text: string) => void;
}

export interface SummaryReporter extends Reporter {
  /** Where the report lies as a file; null before it is written. */
  path(): string | null;
}

/** The job summary (the step's own file, replaced as a whole) and the same text as a file that later steps can use. */
export const createSummaryReporter = (options: SummaryOptions): SummaryReporter => {
  const { context, warn } = options;
  let path: string | null = null;
  let said = false;
  const write = async (text: string): Promise<void> => {
    try {
      if (context.summaryPath !== null) await writeFile(context.summaryPath, text);
      // A folder of its own: two steps of a job may run side by side.
      path ??= join(await mkdtemp(join(context.temporary ?? tmpdir(), 'canary-rollout-')), 'report.md');
      await writeFile(path, text);
    } catch (error) {
      if (!said) warn(`Could not write the job summary: ${error instanceof Error ? error.message : 'unknown error'}`);
      said = true;
    }
  };
  const submit = latestOnly(write);
  const show = (situation: Situation, extras: Pick<Extras, 'journal' | 'pods'>): Promise<void> =>
    submit(renderSummary(situation, { ...extras, now: options.now(), podLines: options.podLines }));
  return {
    name: 'summary',
    report: (rollout, journal) => show({ kind: 'running', rollout }, { journal, pods: [] }),
    conclude: (outcome, journal, pods) => show(outcome, { journal, pods }),
    path: () => path,
  };
};
