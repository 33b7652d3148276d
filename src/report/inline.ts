import type { Ms } from '../core/units.ts';
import { markdownCode, markdownText, plain, safeUrl } from './escape.ts';
import { instant } from './numbers.ts';

/** A line of a report, not yet in a notation: the same sentence serves Markdown, commit status and console. */
export interface Inline {
  readonly kind: 'inline';
  readonly parts: readonly Part[];
}

/** `ours` is written in this repository and free of markup; every other text is hostile. */
type Part =
  | { readonly kind: 'ours'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'strong'; readonly inner: Inline }
  | { readonly kind: 'link'; readonly text: string; readonly url: string };

const inline = (parts: readonly Part[]): Inline => ({ kind: 'inline', parts });

/** A sentence: what stands in the template is ours, strings put in are hostile text. */
export const say = (strings: TemplateStringsArray, ...values: readonly (string | number | Inline)[]): Inline =>
  inline(
    strings.flatMap((text, index): readonly Part[] => {
      const value = values[index];
      const ours: Part = { kind: 'ours', text };
      if (value === undefined) return [ours];
      return [ours, ...(typeof value === 'object' ? value.parts : [{ kind: 'text', text: String(value) } as const])];
    }),
  );

export const NOTHING: Inline = inline([]);
export const code = (text: string): Inline => inline([{ kind: 'code', text }]);
export const strong = (inner: Inline): Inline => inline([{ kind: 'strong', inner }]);
export const link = (text: string, url: string): Inline => inline([{ kind: 'link', text, url }]);

export const joined = (parts: readonly Inline[], separator: string): Inline =>
  inline(
    parts.flatMap((part, index) => (index === 0 ? part.parts : [{ kind: 'ours', text: separator }, ...part.parts])),
  );

/** A message of ours or of another system, where backticks mark code. */
export const prose = (message: string): Inline => {
  const pieces = message.split('`');
  if (pieces.length % 2 === 0) return inline([{ kind: 'text', text: message }]);
  return inline(
    pieces.flatMap((text, index): readonly Part[] => {
      if (text === '') return [];
      return [{ kind: index % 2 === 1 ? 'code' : 'text', text }];
    }),
  );
};

/** Addresses of workflow runs, and instants as the API server writes them. */
const RUN_OR_INSTANT =
  /(https:\/\/[A-Za-z0-9.:-]+\/[\w.-]+\/[\w.-]+\/actions\/runs\/(\d{1,20})(?:\/attempts\/\d{1,6})?(?![^\s,.;)]))|\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/**
 * A message that may name runs by their address: each of these becomes a link. No other address does: the text comes
 * from the cluster. Instants are shortened to the minute.
 */
export const linkedRuns = (message: string, now: Ms): Inline => {
  const parts: Part[] = [];
  let end = 0;
  for (const match of message.matchAll(RUN_OR_INSTANT)) {
    const [found, url, run] = match;
    if (match.index > end) parts.push({ kind: 'text', text: message.slice(end, match.index) });
    parts.push(
      url === undefined
        ? { kind: 'text', text: instant(Date.parse(found), now) }
        : { kind: 'link', text: `run ${run}`, url },
    );
    end = match.index + found.length;
  }
  if (end < message.length) parts.push({ kind: 'text', text: message.slice(end) });
  return inline(parts);
};

/** A run by the number in its address; null where the address is not one of a run. */
export const runLink = (url: string): Inline | null => {
  const run = /\/actions\/runs\/(\d{1,20})(?:\/attempts\/\d{1,6})?$/.exec(url)?.[1];
  return run === undefined || safeUrl(url) === null ? null : link(`run ${run}`, url);
};

const edges = (text: string, render: (text: string) => string): string => {
  const [, before = '', core = '', after = ''] = /^(\s*)([\s\S]*?)(\s*)$/.exec(text) ?? [];
  return `${before === '' ? '' : ' '}${render(core)}${after === '' || core === '' ? '' : ' '}`;
};

export const toMarkdown = (line: Inline): string => line.parts.map(partToMarkdown).join('');

const partToMarkdown = (part: Part): string => {
  switch (part.kind) {
    case 'ours':
      return part.text;
    case 'text':
      return edges(part.text, markdownText);
    case 'code':
      return markdownCode(part.text);
    case 'strong':
      return `**${toMarkdown(part.inner)}**`;
    case 'link': {
      const url = safeUrl(part.url);
      return url === null ? markdownText(part.text) : `[${markdownText(part.text)}](${url})`;
    }
  }
};

export const toPlain = (line: Inline): string => line.parts.map(partToPlain).join('');

const partToPlain = (part: Part): string => {
  switch (part.kind) {
    case 'ours':
      return part.text;
    case 'strong':
      return toPlain(part.inner);
    case 'text':
    case 'code':
    case 'link':
      return edges(part.text, plain);
  }
};
