import { plain } from '../report/escape.ts';
import type { GitHubClient } from './client.ts';
import { numberAt, textAt } from './json.ts';

export type Permission =
  | { readonly kind: 'may' }
  | { readonly kind: 'may-not'; readonly role: string }
  /** Not known is not allowed. */
  | { readonly kind: 'unknown'; readonly why: string };

const WRITING = new Set(['admin', 'maintain', 'write']);
const READING = new Set(['triage', 'read', 'none']);

/**
 * Whether a person may write to the repository. `permission` is the base role (`maintain` counts as `write`, `triage` as
 * `read`), which is what tells of custom roles, whose name is in `role_name`
 * (https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user). An event's
 * `author_association` tells nothing of rights. `id`: a login can be given up and taken by somebody else.
 */
export const permissionOf = async (
  client: GitHubClient,
  repository: { readonly owner: string; readonly name: string },
  person: { readonly login: string; readonly id: number },
): Promise<Permission> => {
  const answer = await client.call('GET /repos/{owner}/{repo}/collaborators/{username}/permission', {
    owner: repository.owner,
    repo: repository.name,
    username: person.login,
  });
  if (!answer.ok) {
    return answer.problem.kind === 'not-found'
      ? { kind: 'may-not', role: 'none' }
      : { kind: 'unknown', why: answer.problem.message };
  }
  const base = textAt(answer.value, 'permission') ?? 'none';
  const role = textAt(answer.value, 'role_name') ?? base;
  if (!WRITING.has(base) || READING.has(role)) return { kind: 'may-not', role: plain(role, 60) };
  const isSame = numberAt(answer.value, 'user', 'id') === person.id;
  return isSame ? { kind: 'may' } : { kind: 'unknown', why: 'GitHub answered about somebody else' };
};
