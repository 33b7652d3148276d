import { rolloutOf, type Situation } from '../report/subject.ts';
import type { RunContext } from './context.ts';

/** What the comment and the status are about: one of each for a Deployment, whatever the run. */
export interface ReportTarget {
  /** null: not known before the cluster's context is read. */
  readonly namespace: string | null;
  readonly deployment: string;
}

/** The rollout knows its namespace; before there is one, what the inputs say. */
export const targetOf = (situation: Situation, given: ReportTarget): ReportTarget => {
  const rollout = rolloutOf(situation);
  if (rollout !== null) return rollout.plan.target;
  if (situation.kind === 'planned') return situation.preview.plan.target;
  const subject = 'subject' in situation ? situation.subject : null;
  return { namespace: subject?.namespace ?? given.namespace, deployment: subject?.deployment ?? given.deployment };
};

/**
 * The pull request and the commit that a report belongs to: those of the run that began the rollout. A sweep, or a run
 * that takes over, stands on others. null: it began in another repository, where this run's token has no say.
 */
export const placeOf = (situation: Situation, context: RunContext): RunContext | null => {
  const run = rolloutOf(situation)?.plan.run;
  if (run === undefined || run.id === context.runId) return context;
  const { repository } = context;
  if (repository === null || run.repository?.toLowerCase() !== `${repository.owner}/${repository.name}`.toLowerCase()) {
    return null;
  }
  return { ...context, sha: run.commit, pullRequest: run.pullRequest, origin: 'same' };
};
