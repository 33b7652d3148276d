import { markdownTable } from 'markdown-table';
import type { Issue, Outcome } from '../core/outcome.ts';
import type { Finding } from '../core/reason.ts';
import { type Section, section } from './document.ts';
import { markdownFence } from './escape.ts';
import { code, prose, say, toMarkdown } from './inline.ts';

const ISSUES = 100;
const FINDINGS = 50;
const ADVICE_LIMIT = 20_000;

/** Why nothing was touched: every mistake with its place, every check that failed with what to do. */
export const rejectedSections = (outcome: Outcome & { readonly kind: 'rejected' }): readonly (Section | null)[] => [
  section(null, issueBlocks(outcome.issues)),
  ...findingSections(outcome.findings),
  section(null, [outcome.reason.code === 'lock-held' ? LOCK_HELD : null]),
  section(null, [`<sub>${toMarkdown(say`reason code ${code(outcome.reason.code)}`)}</sub>`]),
];

const LOCK_HELD =
  'To wait for the other run, set `lock-wait`. To see or steer it: a job with `command: status`, `pause`, `promote` or `abort`, outside of the concurrency group of the releases.';

/** `.github/canary.yml:14:9`, or the input's name. */
export const issuePlace = ({ file, line, column }: Issue): string =>
  [file, ...(line === null ? [] : [line, ...(column === null ? [] : [column])])].join(':');

const issueBlocks = (issues: readonly Issue[]): readonly (string | null)[] => {
  if (issues.length === 0) return [];
  const rows = issues.slice(0, ISSUES).map((issue) => {
    const path = issue.path === '' || issue.path === issue.file ? say`` : say` in ${code(issue.path)}`;
    return [toMarkdown(say`${code(issuePlace(issue))}${path}`), toMarkdown(prose(issue.message))];
  });
  const more = issues.length > ISSUES ? `and ${issues.length - ISSUES} more` : null;
  return [markdownTable([['where', 'what'], ...rows], { align: ['l', 'l'], alignDelimiters: false }), more];
};

/** Errors first. Advice of several lines is something to paste and stands in a fence. */
export const findingSections = (findings: readonly Finding[]): readonly (Section | null)[] => {
  const sorted = [
    ...findings.filter(({ severity }) => severity === 'error'),
    ...findings.filter(({ severity }) => severity === 'warning'),
  ];
  const more = sorted.length > FINDINGS ? section(null, [`and ${sorted.length - FINDINGS} more findings`]) : null;
  return [...sorted.slice(0, FINDINGS).map((finding) => section(null, findingBlocks(finding))), more];
};

const findingBlocks = (finding: Finding): readonly (string | null)[] => {
  const sign = finding.severity === 'error' ? '❌' : '⚠️';
  const where = finding.where === '' ? say`` : say`${code(finding.where)}: `;
  const head = toMarkdown(say`${sign} ${where}${prose(finding.message)}`);
  const { advice } = finding;
  if (advice === null || advice.trim() === '') return [head];
  if (!advice.trim().includes('\n')) return [`${head} ${toMarkdown(say`→ ${prose(advice)}`)}`];
  return [head, adviceBlock(advice)];
};

/** Something to paste. */
export const adviceBlock = (advice: string): string => {
  const isYaml = /^(apiVersion|kind):/m.test(advice);
  const short = advice.length > ADVICE_LIMIT ? `${advice.slice(0, ADVICE_LIMIT)}\n…` : advice;
  return markdownFence(short, isYaml ? 'yaml' : '');
};
