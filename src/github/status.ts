import type { Ms } from '../core/units.ts';
import type { Reporter } from '../ports/reporter.ts';
import { plain } from '../report/escape.ts';
import { statusDescription } from '../report/headline.ts';
import { statusOf } from '../report/result.ts';
import type { Situation } from '../report/subject.ts';
import type { GitHubClient } from './client.ts';
import { type RunContext, resolveContext } from './context.ts';
import { latestOnly } from './latest.ts';
import { placeOf, type ReportTarget, targetOf } from './report-target.ts';
import { createTrouble } from './trouble.ts';

export interface StatusOptions {
  readonly client: GitHubClient;
  readonly context: RunContext;
  readonly target: ReportTarget;
  readonly now: () => Ms;
  readonly warn: (text: string) => void;
}

type State = 'pending' | 'success' | 'failure' | 'error';

interface CommitStatus {
  readonly state: State;
  readonly context: string;
  readonly description: string;
}

interface Statement {
  readonly place: RunContext;
  readonly status: CommitStatus;
}

/** The first line of the report as a commit status on the commit that people look at. */
export const createStatusReporter = (options: StatusOptions): Reporter => {
  const { client, warn } = options;
  const trouble = createTrouble('set the commit status', 'statuses: write', warn);
  let resolved: RunContext | null = null;
  let written = '';
  const write = async ({ place, status }: Statement): Promise<void> => {
    const key = JSON.stringify([place.sha, status]);
    if (trouble.isHopeless() || key === written) return;
    if (place === options.context) resolved ??= await resolveContext(client, place);
    const { repository, sha, runUrl } = (place === options.context ? resolved : null) ?? place;
    if (repository === null || sha === null) return;
    const answer = await client.call('POST /repos/{owner}/{repo}/statuses/{sha}', {
      owner: repository.owner,
      repo: repository.name,
      sha,
      ...status,
      ...(runUrl === null ? {} : { target_url: runUrl }),
    });
    if (!answer.ok) return trouble.meet(answer.problem);
    written = key;
  };
  // Of each commit the last word counts: a rollout that replaces another must not swallow its end.
  const submits = new Map<string | null, (statement: Statement) => Promise<void>>();
  const submitOn = (sha: string | null): ((statement: Statement) => Promise<void>) => {
    const submit = submits.get(sha) ?? latestOnly(write);
    submits.set(sha, submit);
    return submit;
  };
  const show = async (situation: Situation): Promise<void> => {
    const state = stateOf(situation);
    const place = placeOf(situation, options.context);
    if (state === null || place === null) return;
    const { namespace, deployment } = targetOf(situation, options.target);
    const name = ['canary-rollout', namespace, deployment].filter((part) => part !== null).join('/');
    const description = statusDescription(situation, options.now());
    await submitOn(place.sha)({ place, status: { state, context: plain(name, 200), description } });
  };
  return {
    name: 'commit status',
    report: (rollout) => show({ kind: 'running', rollout }),
    conclude: (outcome) => show(outcome),
  };
};

/**
 * null: no statement about the commit. A plan releases nothing, and a run that found the lock held would overwrite what
 * the run that holds it says.
 */
const stateOf = (situation: Situation): State | null => {
  if (situation.kind === 'running') return 'pending';
  if (situation.kind === 'rejected' && situation.reason.code === 'lock-held') return null;
  switch (statusOf(situation)) {
    case 'promoted':
    case 'unchanged':
      return 'success';
    case 'paused':
      return 'pending';
    case 'rolled-back':
    case 'aborted':
    case 'rejected':
      return 'failure';
    case 'halted':
      return 'error';
    case 'planned':
    case 'accepted':
      return null;
  }
};
