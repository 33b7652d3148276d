import type { Contract } from './contract.ts';
import type { Reaction } from './people.ts';
import { BOT, createReaction, notFound, PERMISSION, REACTIONS, readPermission, userBody } from './people.ts';

export interface Comment {
  readonly id: number;
  readonly issue: number;
  body: string;
  /** How often it was edited. */
  edits: number;
  readonly author: string;
  /** ISO, in whole seconds as GitHub has them. */
  readonly createdAt: string;
  updatedAt: string;
}

export interface CommitStatus {
  readonly sha: string;
  readonly state: string;
  readonly context: string;
  readonly description: string;
  readonly targetUrl: string;
}

export interface PullRequest {
  readonly number: number;
  readonly headSha: string;
  readonly state?: 'open' | 'closed';
  readonly base?: string;
  /** Commits besides the head that belong to it. */
  readonly commits?: readonly string[];
  readonly isFork?: boolean;
}

export interface GitHubState {
  readonly repository: string;
  readonly isPrivate: boolean;
  readonly pulls: readonly PullRequest[];
  readonly comments: Comment[];
  readonly reactions: Reaction[];
  /** The role of everybody who has one, by login. A public repository can be read by anybody else. */
  readonly roles: Record<string, string>;
  readonly statuses: CommitStatus[];
}

export interface Answer {
  readonly code: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

export interface RouteRequest {
  readonly state: GitHubState;
  readonly contract: Contract;
  readonly url: URL;
  readonly parameters: readonly string[];
  readonly body: unknown;
}

export interface Route {
  readonly method: string;
  readonly template: string;
  readonly parameters: readonly string[];
  readonly handle: (request: RouteRequest) => Answer;
}

const BODY_LIMIT = 65_536;

const invalid = (resource: string, field: string, message: string): Answer => ({
  code: 422,
  body: {
    message: 'Validation Failed',
    errors: [{ resource, code: 'custom', field, message }],
    documentation_url: 'https://docs.github.com/rest',
  },
});

const textIn = (body: unknown, field: string): string | null => {
  const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[field] : undefined;
  return typeof value === 'string' ? value : null;
};

const COMMENTS = '/repos/{owner}/{repo}/issues/{issue_number}/comments';
const COMMENT = '/repos/{owner}/{repo}/issues/comments/{comment_id}';
const STATUSES = '/repos/{owner}/{repo}/statuses/{sha}';
const PULLS_OF_COMMIT = '/repos/{owner}/{repo}/commits/{commit_sha}/pulls';
const PULL = '/repos/{owner}/{repo}/pulls/{pull_number}';
const REPOSITORY = '/repos/{owner}/{repo}';
const USER = '/user';

/** GitHub's times have no fractions. */
export const wholeSeconds = (at: number): string => new Date(at).toISOString().replace(/\.\d+/, '');

const commentBody = ({ contract, state, url }: RouteRequest, comment: Comment): object => {
  const example = contract.example(COMMENT, 'GET');
  const root = url.origin;
  return {
    ...example,
    id: comment.id,
    body: comment.body,
    user: userBody(example['user'], comment.author),
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    html_url: `${root}/${state.repository}/pull/${comment.issue}#issuecomment-${comment.id}`,
    issue_url: `${root}/repos/${state.repository}/issues/${comment.issue}`,
  };
};

/** A page of a list, with the `Link` header that leads through it. */
const paged = (request: RouteRequest, items: readonly object[]): Answer => {
  const size = Math.min(100, Number(request.url.searchParams.get('per_page') ?? '30') || 30);
  const page = Math.max(1, Number(request.url.searchParams.get('page') ?? '1') || 1);
  const last = Math.max(1, Math.ceil(items.length / size));
  const at = (number: number, relation: string): string => {
    const url = new URL(request.url);
    url.searchParams.set('page', String(number));
    return `<${url}>; rel="${relation}"`;
  };
  const links = page < last ? [at(page + 1, 'next'), at(last, 'last')] : [];
  const back = page > 1 ? [at(page - 1, 'prev'), at(1, 'first')] : [];
  const link = [...links, ...back].join(', ');
  return { code: 200, body: items.slice((page - 1) * size, page * size), ...(link !== '' && { headers: { link } }) };
};

const listComments = (request: RouteRequest): Answer => {
  const issue = Number(request.parameters[2]);
  const own = request.state.comments.filter((comment) => comment.issue === issue);
  return paged(
    request,
    own.map((comment) => commentBody(request, comment)),
  );
};

/** A comment as somebody writes it in the browser. */
export const keepComment = (
  { comments }: GitHubState,
  written: Pick<Comment, 'issue' | 'body' | 'author'> & { readonly at?: number },
): Comment => {
  const { at = Date.now(), ...rest } = written;
  const createdAt = wholeSeconds(at);
  const id = Math.max(1000, ...comments.map((comment) => comment.id)) + 1;
  const comment: Comment = { id, ...rest, edits: 0, createdAt, updatedAt: createdAt };
  comments.push(comment);
  return comment;
};

const createComment = (request: RouteRequest): Answer => {
  const issue = Number(request.parameters[2]);
  const text = textIn(request.body, 'body');
  if (!request.state.pulls.some(({ number }) => number === issue)) return notFound;
  if (text === null || text === '') return invalid('IssueComment', 'body', "body can't be blank");
  if (text.length > BODY_LIMIT)
    return invalid('IssueComment', 'body', `body is too long (maximum is ${BODY_LIMIT} characters)`);
  const comment = keepComment(request.state, { issue, body: text, author: BOT });
  return {
    code: 201,
    body: commentBody(request, comment),
    headers: { location: `${request.url.origin}/comments/${comment.id}` },
  };
};

const editComment = (request: RouteRequest): Answer => {
  const comment = request.state.comments.find(({ id }) => id === Number(request.parameters[2]));
  const text = textIn(request.body, 'body');
  if (comment === undefined) return notFound;
  if (text === null || text === '') return invalid('IssueComment', 'body', "body can't be blank");
  if (text.length > BODY_LIMIT)
    return invalid('IssueComment', 'body', `body is too long (maximum is ${BODY_LIMIT} characters)`);
  comment.body = text;
  comment.edits += 1;
  comment.updatedAt = wholeSeconds(Date.now());
  return { code: 200, body: commentBody(request, comment) };
};

const createStatus = ({ state, contract, parameters, body }: RouteRequest): Answer => {
  const status: CommitStatus = {
    sha: parameters[2] ?? '',
    state: textIn(body, 'state') ?? '',
    context: textIn(body, 'context') ?? 'default',
    description: textIn(body, 'description') ?? '',
    targetUrl: textIn(body, 'target_url') ?? '',
  };
  if (status.description.length > 140)
    return invalid('Status', 'description', 'description is too long (maximum is 140 characters)');
  state.statuses.push(status);
  const { targetUrl, sha: _sha, ...rest } = status;
  const answer = { ...contract.example(STATUSES, 'POST'), ...rest, target_url: targetUrl === '' ? null : targetUrl };
  return { code: 201, body: answer };
};

const pullBody = ({ contract, state }: RouteRequest, template: string, pull: PullRequest): object => {
  const example = contract.example(template, 'GET');
  const head = example['head'] as Record<string, unknown>;
  const base = example['base'] as Record<string, unknown>;
  const owner = pull.isFork ? 'stranger' : (state.repository.split('/')[0] ?? '');
  const name = state.repository.split('/')[1] ?? '';
  const repository = { ...(head['repo'] as object), full_name: `${owner}/${name}`, fork: pull.isFork ?? false };
  return {
    ...example,
    // The description's own example lacks a field of its teams.
    requested_teams: [],
    number: pull.number,
    state: pull.state ?? 'open',
    merged_at: pull.state === 'closed' ? '2026-11-20T10:00:00Z' : null,
    ...(template === PULL && { merged: pull.state === 'closed' }),
    head: { ...head, sha: pull.headSha, repo: repository },
    base: { ...base, ref: pull.base ?? 'main', repo: { ...(base['repo'] as object), full_name: state.repository } },
  };
};

const pullsOfCommit = (request: RouteRequest): Answer => {
  const sha = request.parameters[2] ?? '';
  const own = request.state.pulls.filter((pull) => pull.headSha === sha || pull.commits?.includes(sha));
  return paged(
    request,
    own.map((pull) => pullBody(request, PULLS_OF_COMMIT, pull)),
  );
};

const readPull = (request: RouteRequest): Answer => {
  const pull = request.state.pulls.find(({ number }) => number === Number(request.parameters[2]));
  return pull === undefined ? notFound : { code: 200, body: pullBody(request, PULL, pull) };
};

const readRepository = ({ contract, state }: RouteRequest): Answer => {
  const {
    source: _source,
    parent: _parent,
    template_repository: _template,
    ...example
  } = contract.example(REPOSITORY, 'GET');
  return {
    code: 200,
    body: {
      ...example,
      name: state.repository.split('/')[1] ?? '',
      full_name: state.repository,
      private: state.isPrivate,
      visibility: state.isPrivate ? 'private' : 'public',
      default_branch: 'main',
      language: null,
    },
  };
};

/** The workflow's token is no user. */
const readUser = (): Answer => ({
  code: 403,
  body: { message: 'Resource not accessible by integration', documentation_url: 'https://docs.github.com/rest' },
});

export const ROUTES: readonly (readonly [string, string, Route['handle']])[] = [
  ['GET', COMMENTS, listComments],
  ['POST', COMMENTS, createComment],
  [
    'GET',
    COMMENT,
    (request) => {
      const comment = request.state.comments.find(({ id }) => id === Number(request.parameters[2]));
      return comment === undefined ? notFound : { code: 200, body: commentBody(request, comment) };
    },
  ],
  ['PATCH', COMMENT, editComment],
  ['POST', REACTIONS, createReaction],
  ['GET', PERMISSION, readPermission],
  ['POST', STATUSES, createStatus],
  ['GET', PULLS_OF_COMMIT, pullsOfCommit],
  ['GET', PULL, readPull],
  ['GET', REPOSITORY, readRepository],
  ['GET', USER, readUser],
];

export const findRoute = (method: string, path: string): Route | null => {
  for (const [known, template, handle] of ROUTES) {
    const pattern = new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, '([^/]+)')}$`);
    const found = known === method ? pattern.exec(path) : null;
    if (found !== null) return { method, template, handle, parameters: found.slice(1).map(decodeURIComponent) };
  }
  return null;
};
