/** What the runner makes of the lines that a step prints. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly message: string;
  readonly properties: Readonly<Record<string, string>>;
}

export interface LineReader {
  /** Takes one raw line, in order. */
  readonly read: (line: string) => void;
  readonly annotations: Annotation[];
  /** What a person sees: commands carried out, masked values as `***`. */
  readonly shown: string[];
  readonly masks: string[];
  /** Raw lines that held a masked value after it was masked. */
  readonly leaks: string[];
}

const unescapeData = (text: string): string =>
  text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
const unescapeProperty = (text: string): string =>
  text
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%25', '%');

const propertiesOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split(',').flatMap((part) => {
      const at = part.indexOf('=');
      return at < 0 ? [] : [[part.slice(0, at).trim(), unescapeProperty(part.slice(at + 1))]];
    }),
  );

const masked = (line: string, masks: readonly string[]): string =>
  masks.reduce((text, mask) => text.replaceAll(mask, '***'), line);

interface Reading {
  readonly annotations: Annotation[];
  readonly shown: string[];
  readonly masks: string[];
  readonly leaks: string[];
  /** The token that ends a stretch without commands. */
  readonly stopped: { token: string | null };
}

const carryOut = (reading: Reading, name: string, properties: Record<string, string>, message: string): void => {
  switch (name) {
    case 'add-mask':
      for (const mask of [message, ...message.split(/\r?\n/)]) if (mask.trim() !== '') reading.masks.push(mask);
      return;
    case 'error':
    case 'warning':
    case 'notice':
      reading.annotations.push({ level: name, message, properties });
      reading.shown.push(`${name[0]?.toUpperCase()}${name.slice(1)}: ${masked(message, reading.masks)}`);
      return;
    case 'group':
      reading.shown.push(`▼ ${masked(message, reading.masks)}`);
      return;
    case 'stop-commands':
      reading.stopped.token = message;
      return;
    default:
      return;
  }
};

const readLine = (reading: Reading, line: string): void => {
  const { token } = reading.stopped;
  const [, name, properties, message] =
    /^::([a-z-]+|[^\s:]+)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)$/s.exec(line.trimStart()) ?? [];
  if (name !== 'add-mask' && reading.masks.some((mask) => line.includes(mask))) reading.leaks.push(line);
  if (token !== null) {
    if (line.trim() === `::${token}::`) reading.stopped.token = null;
    else reading.shown.push(masked(line, reading.masks));
    return;
  }
  if (name === undefined) reading.shown.push(masked(line, reading.masks));
  else carryOut(reading, name, propertiesOf(properties ?? ''), unescapeData(message ?? ''));
};

export const createLineReader = (secrets: readonly string[]): LineReader => {
  const reading: Reading = { annotations: [], shown: [], masks: [...secrets], leaks: [], stopped: { token: null } };
  const { annotations, shown, masks, leaks } = reading;
  return { annotations, shown, masks, leaks, read: (line) => readLine(reading, line) };
};

/** A file of `name=value` lines and `name<<DELIMITER` blocks. A malformed one throws, as it fails the step. */
export const parseFileCommands = (text: string): Record<string, string> => {
  const values: Record<string, string> = {};
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (line === '') continue;
    const block = /^([^=]+?)<<(.+)$/.exec(line);
    if (block === null) {
      const at = line.indexOf('=');
      if (at <= 0) throw new Error(`Invalid format '${line}'`);
      values[line.slice(0, at)] = line.slice(at + 1);
      continue;
    }
    const end = lines.indexOf(block[2] ?? '', index + 1);
    if (end < 0) throw new Error(`Invalid value. Matching delimiter not found '${block[2]}'`);
    values[block[1] ?? ''] = lines.slice(index + 1, end).join('\n');
    index = end;
  }
  return values;
};
