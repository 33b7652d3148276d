import type { Asked } from '../core/command.ts';
import type { Rollout } from '../core/rollout.ts';
import type { Ms } from '../core/units.ts';
import { type Section, section } from './document.ts';
import { cut } from './escape.ts';
import { code, type Inline, prose, say, toMarkdown } from './inline.ts';
import { instantOfDay } from './numbers.ts';

/** The first and the last where somebody asked for very many. */
const FIRST = 10;
const LAST = 40;
const BY_LIMIT = 120;
const REFUSED_LIMIT = 300;

/** Every command that reached the rollout: when, what, by whom, and why nothing was done. */
export const auditSection = ({ asked, startedAt }: Rollout): Section | null => {
  const missing = asked.length - FIRST - LAST;
  const lines = (commands: readonly Asked[]): readonly string[] => commands.map((one) => line(one, startedAt));
  const shown =
    missing <= 0
      ? lines(asked)
      : [...lines(asked.slice(0, FIRST)), `- … ${missing} left out …`, ...lines(asked.slice(-LAST))];
  return section(say`What was asked of it (${asked.length})`, [shown.length === 0 ? null : shown.join('\n')]);
};

const line = ({ at, name, by, refused }: Asked, startedAt: Ms): string => {
  const result: Inline = refused === null ? say`done` : say`refused: ${prose(cut(refused, REFUSED_LIMIT))}`;
  return `- ${toMarkdown(say`${instantOfDay(at, startedAt)}: ${code(name)} by ${asker(by)}: ${result}`)}`;
};

/** As whoever wrote the command gave it; a command written by hand has no name. */
export const asker = (by: string | null): string =>
  by === null ? 'somebody with access to the cluster' : cut(by, BY_LIMIT);
