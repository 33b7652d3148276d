import type { Result } from '../core/units.ts';
import { ok, problem } from '../core/units.ts';

// Our own parser: what the registry has is unkept, knows no OpenMetrics, or has no limits (docs/decisions, scraping).

/** One sample of an exposition. A map, because names of labels are hostile: `__proto__` is one. */
export interface Exposed {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** May be NaN or infinite. */
  readonly value: number;
}

export const MOST_SERIES = 20_000;
const LONGEST_LINE = 16 * 1024;
const MOST_LABELS = 64;

/**
 * Prometheus text format 0.0.4 and OpenMetrics 1.0. As Prometheus does, it takes all of an exposition or none of it: the
 * problem names the line, never its text. Timestamps and exemplars are left out, and so is all that is a comment.
 * https://prometheus.io/docs/instrumenting/exposition_formats/ https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export const parseExposition = (text: string): Result<readonly Exposed[], string> => {
  const found: Exposed[] = [];
  let number = 0;
  let hasEnded = false;
  for (const line of linesOf(text)) {
    number += 1;
    if (/^[ \t]*$/.test(line)) continue;
    if (hasEnded) return problem(`line ${number} comes after \`# EOF\``);
    if (/^[ \t]*#/.test(line)) {
      hasEnded = /^# EOF[ \t]*$/.test(line);
      continue;
    }
    const sample = line.length > LONGEST_LINE ? null : parseLine(line);
    if (sample === null) return problem(`line ${number} is no sample of the Prometheus text format`);
    if (found.length === MOST_SERIES) return problem(`it has more than ${MOST_SERIES} series`);
    found.push(sample);
  }
  return ok(found);
};

/** Not by `split`: a text of line breaks alone would become millions of strings at once. */
function* linesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const to = text.indexOf('\n', from);
    yield text.slice(from, to === -1 ? text.length : to);
    from = to === -1 ? text.length : to + 1;
  }
}

const NAME = /[ \t]*([a-zA-Z_:][\w:]*)?[ \t]*(\{)?/y;
/** A label, or a name in quotes that stands alone: the metric's, as Prometheus 3 writes names in UTF-8. */
const LABEL = /[ \t]*(?:([a-zA-Z_]\w*)|"((?:[^"\\]|\\.)*)")[ \t]*(?:=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*)?(,|(?=\}))/y;
const CLOSE = /[ \t]*\}/y;
const VALUE = /[ \t]*(\S+)(?:[ \t]+([-+]?[\d.][\d.eE+-]*))?[ \t]*(?:#[ \t].*)?$/y;

const at = (pattern: RegExp, line: string, from: number): RegExpExecArray | null => {
  pattern.lastIndex = from;
  return pattern.exec(line);
};

interface Block {
  readonly name: string | null;
  readonly labels: ReadonlyMap<string, string>;
  /** Where the rest of the line begins. */
  readonly end: number;
}

const parseLine = (line: string): Exposed | null => {
  const head = at(NAME, line, 0);
  if (head === null) return null;
  const [start, bare = null, brace] = head;
  const block: Block | null =
    brace === undefined ? { name: null, labels: new Map(), end: start.length } : parseBlock(line, start.length);
  if (block === null || (bare === null) === (block.name === null)) return null;
  const value = parseValue(at(VALUE, line, block.end)?.[1] ?? '');
  return value === null ? null : { name: bare ?? block.name ?? '', labels: block.labels, value };
};

const parseBlock = (line: string, from: number): Block | null => {
  const labels = new Map<string, string>();
  let name: string | null = null;
  let end = from;
  for (let found = at(LABEL, line, end); found !== null; found = at(LABEL, line, end)) {
    const [all, bare, quoted, value] = found;
    const label = bare ?? withoutEscapes(quoted ?? '');
    if (value !== undefined) {
      if (labels.has(label) || labels.size === MOST_LABELS) return null;
      labels.set(label, withoutEscapes(value));
    } else if (bare === undefined && name === null) name = label;
    else return null;
    end += all.length;
  }
  const close = at(CLOSE, line, end);
  return close === null ? null : { name, labels, end: end + close[0].length };
};

const ESCAPED: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };

const withoutEscapes = (text: string): string => text.replace(/\\[\\"n]/g, (escaped) => ESCAPED[escaped] ?? escaped);

const parseValue = (text: string): number | null => {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  if (/^nan$/i.test(text)) return Number.NaN;
  if (!/^[+-]?inf(inity)?$/i.test(text)) return null;
  return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
};
