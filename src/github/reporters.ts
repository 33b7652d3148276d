import type { Outcome } from '../core/outcome.ts';
import type { Spec } from '../core/spec.ts';
import type { Ms } from '../core/units.ts';
import type { Reporter } from '../ports/reporter.ts';
import type { GitHubClient } from './client.ts';
import { createCommentReporter } from './comment.ts';
import type { RunContext } from './context.ts';
import type { ReportTarget } from './report-target.ts';
import { createStatusReporter } from './status.ts';
import { createSummaryReporter } from './summary.ts';

/** `auto`: where there is a token and something to write to. `true`: a warning when there is not. */
export type Wanted = 'auto' | 'true' | 'false';

export interface ReportSettings {
  readonly target: ReportTarget;
  readonly comment: Wanted;
  readonly commitStatus: Wanted;
  readonly podLogs: Spec['podLogs'];
  /**
   * Whether the run steers a rollout instead of beginning one: what comes of the command itself is no news for the pull
   * request and its commit, and must not replace what the rollout says there.
   */
  readonly steers?: boolean;
}

export interface Reporters {
  readonly all: readonly Reporter[];
  readonly commentUrl: () => string | null;
  readonly reportPath: () => string | null;
}

/** `client` null: there is no token; comment and status are left out with one warning. */
export const buildReporters = (parts: {
  readonly client: GitHubClient | null;
  readonly context: RunContext;
  readonly settings: ReportSettings;
  readonly now: () => Ms;
  readonly warn: (text: string) => void;
}): Reporters => {
  const { client, context, settings, now, warn } = parts;
  const podLogs = podLogsIn(settings.podLogs, context);
  const summary = createSummaryReporter({ context, podLines: podLogs !== 'off', now, warn });
  const without = { all: [summary], commentUrl: () => null, reportPath: summary.path };
  const wantsComment = settings.comment !== 'false';
  const wantsStatus = settings.commitStatus !== 'false';
  if (!wantsComment && !wantsStatus) return without;
  if (client === null || context.repository === null) {
    warn('Without `github-token` there is no pull request comment and no commit status.');
    return without;
  }
  const shared = { client, context, target: settings.target, now, warn };
  const comment = wantsComment
    ? createCommentReporter({ ...shared, isRequired: settings.comment === 'true', podLines: podLogs === 'comment' })
    : null;
  const status = wantsStatus ? createStatusReporter(shared) : null;
  const isNews = (outcome: Outcome): boolean =>
    settings.steers === true ? outcome.kind === 'finished' : !isRefusedComment(outcome, context);
  return {
    all: [summary, ...[comment, status].flatMap((one) => (one === null ? [] : [withNews(one, isNews)]))],
    commentUrl: () => comment?.url() ?? null,
    reportPath: summary.path,
  };
};

const withNews = (reporter: Reporter, isNews: (outcome: Outcome) => boolean): Reporter => ({
  name: reporter.name,
  report: reporter.report,
  conclude: async (outcome, journal, pods) => {
    if (isNews(outcome)) await reporter.conclude(outcome, journal, pods);
  },
});

/** A comment that may not steer must not write on the pull request and its commit in our name. */
const isRefusedComment = (outcome: Outcome, { comment }: RunContext): boolean =>
  comment !== null &&
  outcome.kind === 'rejected' &&
  (outcome.reason.code === 'command-refused' || outcome.reason.code === 'untrusted-event');

/** Logs may hold secrets of users: unless asked for, they are shown only where the repository is known to be private. */
export const podLogsIn = (podLogs: Spec['podLogs'], context: RunContext): 'summary' | 'comment' | 'off' => {
  if (podLogs !== 'auto') return podLogs;
  return context.isPrivate === true ? 'summary' : 'off';
};
