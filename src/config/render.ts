import type { Issue } from '../core/outcome.ts';

// A line break or an escape sequence in a message would start a line of its own, which the runner may read as a command.
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/**
 * `.github/canary.yml:14:9: message` on one line; `weights: message` where there is no line. The one form of a mistake
 * for the console and for annotations. `::` at the start of a line is the caller's concern: a path or an input's name
 * stands there.
 */
export const renderIssue = (issue: Issue): string => {
  const position = issue.line === null ? '' : `:${issue.line}${issue.column === null ? '' : `:${issue.column}`}`;
  return `${issue.file}${position}: ${issue.message}`.replace(CONTROL, ' ');
};
