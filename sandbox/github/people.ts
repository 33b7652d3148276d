import type { Answer, RouteRequest } from './routes.ts';

export interface Reaction {
  readonly comment: number;
  readonly content: string;
  readonly author: string;
}

export const BOT = 'github-actions[bot]';
export const PERMISSION = '/repos/{owner}/{repo}/collaborators/{username}/permission';
export const REACTIONS = '/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions';

export const notFound: Answer = {
  code: 404,
  body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest' },
};

/** The same number for the same login, everywhere. */
const idOf = (login: string): number =>
  [...login].reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003, 7);

export const userOf = (
  login: string,
): { readonly login: string; readonly id: number; readonly type: 'Bot' | 'User' } => ({
  login,
  id: idOf(login),
  type: login.endsWith('[bot]') ? 'Bot' : 'User',
});

export const userBody = (example: unknown, login: string): object => ({ ...(example as object), ...userOf(login) });

/** The base roles of GitHub's description. */
const BASE: Readonly<Record<string, string>> = { admin: 'admin', maintain: 'write', write: 'write', triage: 'read' };

export const readPermission = ({ contract, state, parameters }: RouteRequest): Answer => {
  const login = parameters[2] ?? '';
  const role = state.roles[login] ?? (state.isPrivate ? 'none' : 'read');
  const example = contract.example(PERMISSION, 'GET');
  const permission = BASE[role] ?? role;
  // The description's own example lacks the role of its user.
  const user = { ...userBody(example['user'], login), role_name: role };
  return { code: 200, body: { permission, role_name: role, user } };
};

/** 201 the first time, 200 when it was there. */
export const createReaction = ({ contract, state, parameters, body }: RouteRequest): Answer => {
  const comment = Number(parameters[2]);
  const content = String((body as Record<string, unknown> | null)?.['content']);
  if (!state.comments.some(({ id }) => id === comment)) return notFound;
  const isThere = state.reactions.some((one) => one.comment === comment && one.content === content);
  if (!isThere) state.reactions.push({ comment, content, author: BOT });
  const example = contract.example(REACTIONS, 'POST');
  return { code: isThere ? 200 : 201, body: { ...example, content, user: userBody(example['user'], BOT) } };
};
