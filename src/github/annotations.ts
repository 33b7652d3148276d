import type { Outcome } from '../core/outcome.ts';
import { plain } from '../report/escape.ts';
import { issuePlace } from '../report/rejected.ts';
import { command, type Sink } from './commands.ts';

/** GitHub shows ten errors and ten warnings of a step; the summary has them all. */
const LIMIT = 10;
const TEXT_LIMIT = 1_000;

/**
 * Why a run was rejected, at its place in the config file where it has one. An input has no file that GitHub could show:
 * its name is the title.
 */
export const annotate = (outcome: Outcome, configFile: string | null, print: Sink): void => {
  if (outcome.kind !== 'rejected') return;
  const issues = outcome.issues.map((issue) => {
    const isInFile = configFile !== null && issue.file === configFile;
    const place = isInFile ? { file: issue.file, line: issue.line, col: issue.column } : {};
    return command('error', plain(issue.message, TEXT_LIMIT), { ...place, title: plain(issuePlace(issue)) });
  });
  const findings = (severity: 'error' | 'warning'): readonly string[] =>
    outcome.findings
      .filter((finding) => finding.severity === severity)
      .map((finding) => command(severity, plain(finding.message, TEXT_LIMIT), { title: plain(finding.where) }));
  for (const line of bounded([...issues, ...findings('error')], 'error')) print(line);
  for (const line of bounded(findings('warning'), 'warning')) print(line);
  if (issues.length === 0 && findings('error').length === 0) {
    print(command('error', plain(outcome.reason.text, TEXT_LIMIT)));
  }
};

const bounded = (lines: readonly string[], level: 'error' | 'warning'): readonly string[] =>
  lines.length <= LIMIT
    ? lines
    : [...lines.slice(0, LIMIT - 1), command(level, `and ${lines.length - LIMIT + 1} more: see the job summary`)];
