import type { Outcome } from '../core/outcome.ts';
import { type Ms, ok, type Result } from '../core/units.ts';
import type { Reporter } from '../ports/reporter.ts';
import { type Extras, renderComment } from '../report/comment.ts';
import { markerText } from '../report/escape.ts';
import type { Situation } from '../report/subject.ts';
import type { GitHubClient, GitHubProblem } from './client.ts';
import type { RunContext } from './context.ts';
import { listOf, numberAt, textAt } from './json.ts';
import { latestOnly } from './latest.ts';
import { findPullRequest } from './pull-request.ts';
import { placeOf, type ReportTarget, targetOf } from './report-target.ts';
import { createTrouble } from './trouble.ts';

export interface CommentOptions {
  readonly client: GitHubClient;
  readonly context: RunContext;
  readonly target: ReportTarget;
  /** `required`: the user asked for it, so that having no pull request is worth a warning. */
  readonly isRequired: boolean;
  readonly podLines: boolean;
  readonly now: () => Ms;
  readonly warn: (text: string) => void;
}

export interface CommentReporter extends Reporter {
  /** Of the comment that was written; null before, or without one. */
  url(): string | null;
}

/** GitHub gives at most 100 in an answer; more pages than this have never been one pull request's. */
const PAGE = 100;
const PAGES = 50;

interface Place {
  readonly owner: string;
  readonly repo: string;
  readonly issue_number: number;
}

interface Found {
  readonly id: number;
  readonly url: string | null;
}

interface Text {
  readonly marker: string;
  readonly body: string;
  /** Says only that another run is at work: must not replace what that run writes. */
  readonly isOnlyIfNew: boolean;
}

/** One comment for a pull request and a Deployment, edited as the rollout goes on: an edit notifies nobody. */
export const createCommentReporter = (options: CommentOptions): CommentReporter => {
  const writers = new Map<string, Writer>();
  let last: Writer | null = null;
  const writerOn = (context: RunContext): Writer => {
    const key = `${context.pullRequest}/${context.sha}`;
    const writer = writers.get(key) ?? createWriter({ ...options, context });
    writers.set(key, writer);
    return writer;
  };
  const show = async (situation: Situation, extras: Pick<Extras, 'journal' | 'pods'>): Promise<void> => {
    const place = placeOf(situation, options.context);
    if (place === null) return;
    last = writerOn(place);
    const marker = markerOf(targetOf(situation, options.target));
    const text = renderComment(situation, { ...extras, now: options.now(), podLines: options.podLines });
    await last.submit({ marker, body: `${marker}\n${text}`, isOnlyIfNew: isLockHeld(situation) });
  };
  return {
    name: 'comment',
    report: (rollout, journal) => show({ kind: 'running', rollout }, { journal, pods: [] }),
    conclude: (outcome, journal, pods) => show(outcome, { journal, pods }),
    url: () => last?.url() ?? null,
  };
};

interface Writer {
  readonly submit: (text: Text) => Promise<void>;
  readonly url: () => string | null;
}

const createWriter = ({ client, context, isRequired, warn }: CommentOptions): Writer => {
  const trouble = createTrouble('comment on the pull request', 'pull-requests: write', warn);
  let place: Place | null = null;
  let isElsewhere = false;
  let comment: Found | null = null;
  let written = '';
  const write = async ({ marker, body, isOnlyIfNew }: Text): Promise<void> => {
    if (trouble.isHopeless() || isElsewhere || body === written) return;
    const where = place === null ? await findPlace(client, context) : ok(place);
    if (!where.ok) return trouble.meet(where.problem);
    place = where.value;
    isElsewhere = place === null;
    if (place === null) {
      if (isRequired) trouble.say('`comment: true`, but no pull request has this commit.');
      return;
    }
    const existing = comment === null ? await findComment(client, place, marker) : ok(comment);
    if (!existing.ok) return trouble.meet(existing.problem);
    if (existing.value !== null && isOnlyIfNew) return;
    const saved = await put(client, place, existing.value, body);
    if (!saved.ok) return trouble.meet(saved.problem);
    comment = saved.value;
    written = body;
  };
  return { submit: latestOnly(write), url: () => comment?.url ?? null };
};

const findPlace = async (client: GitHubClient, context: RunContext): Promise<Result<Place | null, GitHubProblem>> => {
  const pull = await findPullRequest(client, context);
  if (!pull.ok) return pull;
  const { repository } = context;
  if (repository === null || pull.value === null) return ok(null);
  return ok({ owner: repository.owner, repo: repository.name, issue_number: pull.value });
};

export const markerOf = ({ namespace, deployment }: ReportTarget): string =>
  `<!-- canary-rollout:${markerText(`${namespace ?? ''}/${deployment}`)} -->`;

const isLockHeld = (situation: Situation | Outcome): boolean =>
  situation.kind === 'rejected' && situation.reason.code === 'lock-held';

/**
 * By marker and author: anybody can write the marker, and a token that may write comments may edit everybody's. The
 * workflow's own token cannot ask who it is, and writes as a bot; any other token can.
 */
const findComment = async (
  client: GitHubClient,
  place: Place,
  marker: string,
): Promise<Result<Found | null, GitHubProblem>> => {
  let login: string | null | 'unknown' = 'unknown';
  for (let page = 1; page <= PAGES; page += 1) {
    const answer = await client.call('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
      ...place,
      per_page: PAGE,
      page,
    });
    if (!answer.ok) return answer;
    const comments = listOf(answer.value);
    for (const candidate of comments.filter((each) => textAt(each, 'body')?.startsWith(marker) === true)) {
      if (textAt(candidate, 'user', 'type') === 'Bot') return ok(foundOf(candidate));
      if (login === 'unknown') login = await ownLogin(client);
      if (login !== null && login === textAt(candidate, 'user', 'login')) return ok(foundOf(candidate));
    }
    if (comments.length < PAGE) break;
  }
  return ok(null);
};

const ownLogin = async (client: GitHubClient): Promise<string | null> => {
  const answer = await client.call('GET /user', {});
  return answer.ok ? textAt(answer.value, 'login') : null;
};

const foundOf = (comment: unknown): Found | null => {
  const id = numberAt(comment, 'id');
  return id === null ? null : { id, url: textAt(comment, 'html_url') };
};

/** Edits, or writes a new one; also when somebody deleted the one that was there. */
const put = async (
  client: GitHubClient,
  { owner, repo, issue_number }: Place,
  existing: Found | null,
  body: string,
): Promise<Result<Found | null, GitHubProblem>> => {
  if (existing !== null) {
    const route = 'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}';
    const edited = await client.call(route, { owner, repo, comment_id: existing.id, body });
    if (edited.ok) return ok(foundOf(edited.value) ?? existing);
    if (edited.problem.kind !== 'not-found') return edited;
  }
  const route = 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments';
  const created = await client.call(route, { owner, repo, issue_number, body });
  return created.ok ? ok(foundOf(created.value)) : created;
};
