import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';

const LIMIT_KIB = 256;

export type WorkspaceFile =
  | { readonly kind: 'read'; readonly text: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly why: string };

/** A file of the checked-out repository. Links are followed, and where they lead must lie inside the workspace too. */
export const readWorkspaceFile = (workspace: string, path: string, limitKib = LIMIT_KIB): WorkspaceFile => {
  const full = join(workspace, path);
  if (!existsSync(full)) return { kind: 'missing' };
  const inside = relative(realpathSync(workspace), realpathSync(full));
  if (inside.startsWith('..') || isAbsolute(inside))
    return { kind: 'refused', why: `\`${path}\` leads out of the workspace` };
  const stat = statSync(full);
  if (!stat.isFile()) return { kind: 'refused', why: `\`${path}\` is not a file` };
  if (stat.size > limitKib * 1024) return { kind: 'refused', why: `\`${path}\` is larger than ${limitKib} KiB` };
  return { kind: 'read', text: readFileSync(full, 'utf8') };
};
