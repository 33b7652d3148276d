import type { Entry } from '../core/journal.ts';
import { cut, visible } from './escape.ts';
import { clockTime } from './numbers.ts';

const LINE_LIMIT = 2_000;
const LINES = 50;
const LEVELS: Readonly<Record<Entry['level'], string>> = { info: '', warning: 'warning: ', error: 'error: ' };

/** Lines of text for one entry, readable without colour: time, level, sentence; further lines are indented below it. */
export const consoleLines = (entry: Entry): readonly string[] => {
  const [first = '', ...rest] = visible(entry.text).trimEnd().split('\n').slice(0, LINES);
  const time = clockTime(entry.at);
  return [
    `${time}  ${LEVELS[entry.level]}${cut(first, LINE_LIMIT)}`,
    ...rest.map((line) => `${' '.repeat(time.length)}  | ${cut(line, LINE_LIMIT)}`),
  ];
};
