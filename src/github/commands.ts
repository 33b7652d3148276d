/**
 * Workflow commands (`::name key=value::data`), escaped as @actions/core does. A separate sink keeps them in order with
 * the log lines, and testable.
 */
export type Sink = (line: string) => void;

const data = (text: string): string => text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
const property = (text: string): string => data(text).replace(/:/g, '%3A').replace(/,/g, '%2C');

export const command = (
  name: 'group' | 'endgroup' | 'debug' | 'notice' | 'warning' | 'error',
  text: string,
  properties: Readonly<Record<string, string | number | null>> = {},
): string => {
  const pairs = Object.entries(properties).flatMap(([key, value]) =>
    value === null ? [] : [`${key}=${property(String(value))}`],
  );
  return `::${name}${pairs.length === 0 ? '' : ` ${pairs.join(',')}`}::${data(text)}`;
};

/**
 * The runner takes a line that begins with `::` (after white space) for a command, and the older `##[` anywhere in a
 * line (runner: ActionCommand.cs). Hostile text must do neither.
 */
export const neutralised = (line: string): string =>
  line
    .replace(/[\r\n]+/g, ' ')
    .replace(/##(?=\[)/g, '# #')
    .replace(/^(\s*):(?=:)/, '$1: ');
