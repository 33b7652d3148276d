import { type Part, piecesOf, type Report, type Tree } from './tree.ts';
import { quote } from './words.ts';

// Also the `_` that managed users have, and the hyphens in a row or at the end of old accounts.
// https://docs.github.com/en/enterprise-cloud@latest/admin/managing-iam/iam-configuration-reference/username-considerations-for-external-authentication
const LOGIN = /^[a-z0-9][a-z0-9_-]{0,38}$/;

const loginProblem = (written: string, login: string): string | null => {
  if (LOGIN.test(login)) return null;
  if (login === '') return written === '' ? 'a login is missing between two commas' : 'a login is missing after `@`';
  if (login.includes('/')) return `${quote(written)} is a team; write the logins of its members`;
  if (login.endsWith('[bot]')) return `${quote(written)} is an app; only people approve`;
  if (/^[a-z0-9_-]+(?:\s+@?[a-z0-9_-]+)+$/.test(login))
    return `${quote(written)}: logins are separated by commas or newlines`;
  return `${quote(written)} is not a login of GitHub; write it like \`octocat\``;
};

const readLogin = (part: Part, report: Report): string | null => {
  const login = part.text.replace(/^@/, '').toLowerCase();
  const wrong = loginProblem(part.text, login);
  if (wrong !== null) report(part.place, wrong);
  return wrong === null ? login : null;
};

/** Logins in lower case, each once; what is wrong is reported and left out. */
export const readLogins = (tree: Tree, report: Report): readonly string[] => {
  const parts = piecesOf(tree);
  if (parts.length === 0)
    report(tree.place, 'no login is named; leave `approvers` out where everybody who may send commands may approve');
  const logins = parts.flatMap((part) => readLogin(part, report) ?? []);
  return [...new Set(logins)];
};
