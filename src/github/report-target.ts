import { rolloutOf, type Situation } from '../report/subject.ts';

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
  const subject = situation.kind === 'rejected' || situation.kind === 'unchanged' ? situation.subject : null;
  return { namespace: subject?.namespace ?? given.namespace, deployment: subject?.deployment ?? given.deployment };
};
