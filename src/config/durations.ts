import { type Ms, ok, problem, type Result } from '../core/units.ts';
import { quote } from './words.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** As long as GitHub lets a job run on the user's own runners; also far below the longest timer of Node. */
export const LONGEST_DURATION: Ms = 120 * HOUR;

const FORM = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/;
const FINER = /^[\d.]+(?:ms|us|µs|ns)$/;

/** `1h30m`, `60s`, `0s`: the shortest way to write a duration of whole seconds. */
export const formatDuration = (duration: Ms): string => {
  const parts = [
    [Math.floor(duration / HOUR), 'h'],
    [Math.floor((duration % HOUR) / MINUTE), 'm'],
    [Math.floor((duration % MINUTE) / SECOND), 's'],
  ] as const;
  const text = parts.flatMap(([count, unit]) => (count === 0 ? [] : [`${count}${unit}`])).join('');
  return text === '' ? '0s' : text;
};

/**
 * `60s`, `5m`, `1h30m` in milliseconds. The problem is a sentence. A bare number is refused: whether it meant seconds,
 * minutes or milliseconds decides how long a bad version is tried.
 */
export const parseDuration = (text: string, shortest: Ms, longest: Ms = LONGEST_DURATION): Result<Ms, string> => {
  const found = FORM.exec(text);
  if (text === '' || found === null) return problem(explain(text, shortest));
  const [, hours, minutes, seconds] = found;
  const duration = Number(hours ?? 0) * HOUR + Number(minutes ?? 0) * MINUTE + Number(seconds ?? 0) * SECOND;
  if (duration < shortest)
    return problem(`${quote(text)} is too short; the shortest is \`${formatDuration(shortest)}\``);
  if (duration > longest) return problem(`${quote(text)} is too long; the longest is \`${formatDuration(longest)}\``);
  return ok(duration);
};

const explain = (text: string, shortest: Ms): string => {
  if (/^\d+$/.test(text)) return `${quote(text)} has no unit; did you mean \`${text.slice(0, 6)}s\`?`;
  if (FINER.test(text)) return `${quote(text)} is finer than seconds; the shortest is \`${formatDuration(shortest)}\``;
  return `${quote(text)} is not a duration; write it like \`60s\`, \`5m\` or \`1h30m\``;
};
