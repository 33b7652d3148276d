import { quote } from './words.ts';

/** The file that is read when the input `config` is not given, if it is there. */
export const DEFAULT_CONFIG_PATH = '.github/canary.yml';

/** What came of the attempt to read a file of the workspace. */
export type WorkspaceText =
  | { readonly kind: 'read'; readonly text: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Why the path of a file is refused, as a sentence; null when it stays inside the workspace by its text. Links cannot be
 * seen here: who reads the file compares the resolved path once more. `what`: as in `the config file`.
 */
export const pathProblem = (path: string, what = 'the config file'): string | null => {
  const parts = path.split(/[/\\]/);
  if (path.trim() === '') return `the path of ${what} is empty`;
  if (/\p{Cc}/u.test(path)) return `${quote(path)}: the path has a control character`;
  if (/^(?:[/\\]|[A-Za-z]:|~)/.test(path))
    return `${quote(path)}: ${what} must be inside the workspace; write a relative path`;
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) return `${quote(path)}: ${what} must be a file of the workspace, not a URL`;
  if (parts.includes('..')) return `${quote(path)}: ${what} must be inside the workspace; \`..\` is not allowed`;
  if (parts.some((part) => part.toLowerCase() === '.git')) return `${quote(path)}: ${what} cannot be inside \`.git\``;
  return null;
};
