import type { Entry } from '../core/journal.ts';
import type { Log } from '../ports/reporter.ts';
import { consoleLines } from '../report/console.ts';
import { plain } from '../report/escape.ts';
import { command, neutralised, type Sink } from './commands.ts';

export interface ActionLog extends Log {
  /** Seen as an annotation of the run too. GitHub shows ten of a step; further ones are plain lines. */
  warning(text: string): void;
  error(text: string): void;
  /** Text of several lines, folded under a title. */
  block(title: string, text: string): void;
  /** Outside of every group: how it ended. */
  headline(text: string): void;
  endGroup(): void;
}

const ANNOTATIONS = 10;

/** Entries as lines, folded by group. Everything is made harmless to the runner first. */
export const createLog = (print: Sink): ActionLog => {
  let open: string | null = null;
  let annotations = 0;
  const endGroup = (): void => {
    if (open !== null) print(command('endgroup', ''));
    open = null;
  };
  const annotate = (level: 'warning' | 'error', text: string): void => {
    annotations += 1;
    print(
      annotations > ANNOTATIONS ? neutralised(`${level}: ${plain(text, 2_000)}`) : command(level, plain(text, 2_000)),
    );
  };
  return {
    entry: (entry: Entry) => {
      if (entry.group !== open) {
        endGroup();
        print(command('group', plain(entry.group)));
        open = entry.group;
      }
      for (const line of consoleLines(entry)) print(neutralised(line));
    },
    debug: (text) => print(command('debug', plain(text, 4_000))),
    warning: (text) => annotate('warning', text),
    error: (text) => annotate('error', text),
    block: (title, text) => {
      endGroup();
      print(command('group', plain(title)));
      for (const line of text.split('\n')) print(neutralised(plain(line, 2_000)));
      print(command('endgroup', ''));
    },
    headline: (text) => {
      endGroup();
      print(neutralised(plain(text, 2_000)));
    },
    endGroup,
  };
};

/** The runner reads standard output. */
export const printLine: Sink = (line) => {
  process.stdout.write(`${line}\n`);
};

/** A reader of the output that went away (the runner died) must not end a rollout that is half way: EPIPE is ignored. */
export const outliveReaders = (streams: readonly NodeJS.EventEmitter[]): void => {
  for (const stream of streams) stream.on('error', () => undefined);
};

/** The runner's files may be gone or its disk full, and what happened in the cluster has happened all the same. */
export const attempt = (log: Pick<ActionLog, 'warning'>, what: string, write: () => void): void => {
  try {
    write();
  } catch (error) {
    log.warning(`the ${what} could not be written: ${error instanceof Error ? error.message : String(error)}`);
  }
};
