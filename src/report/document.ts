import { type Inline, toMarkdown } from './inline.ts';

/** A report: what is always seen, then details that a comment folds and a summary shows. Bodies are Markdown, blocks apart by an empty line. */
export interface Document {
  readonly headline: string;
  readonly sections: readonly Section[];
}

export interface Section {
  /** null: always seen. */
  readonly title: Inline | null;
  readonly body: string;
}

export interface Limit {
  readonly maximum: number;
  readonly size: (text: string) => number;
}

/** GitHub takes 65 536 characters of a comment and answers 422 above; room is left for the marker. */
export const COMMENT_LIMIT: Limit = { maximum: 64_000, size: (text) => text.length };
/** A step's summary over 1 MiB is not shown at all. */
export const SUMMARY_LIMIT: Limit = { maximum: 900_000, size: (text) => Buffer.byteLength(text, 'utf8') };

export const section = (title: Inline | null, blocks: readonly (string | null)[]): Section | null => {
  const body = blocks.filter((block) => block !== null && block !== '').join('\n\n');
  return body === '' ? null : { title, body };
};

const folded = ({ title, body }: Section): string =>
  title === null ? body : `<details><summary>${toMarkdown(title)}</summary>\n\n${body}\n\n</details>`;

const unfolded = ({ title, body }: Section): string => (title === null ? body : `#### ${toMarkdown(title)}\n\n${body}`);

/** Whole sections only: one that does not fit is left out and named, so that no fence or tag is ever cut open. */
export const render = (document: Document, details: 'folded' | 'unfolded', limit: Limit): string => {
  const blocks = [document.headline];
  const missing: string[] = [];
  const room = limit.maximum - NOTICE_ROOM;
  let used = limit.size(document.headline);
  for (const part of document.sections) {
    const block = details === 'folded' ? folded(part) : unfolded(part);
    const size = limit.size(block) + 2;
    if (used + size > room) {
      missing.push(part.title === null ? 'the table' : toMarkdown(part.title));
      continue;
    }
    blocks.push(block);
    used += size;
  }
  if (missing.length > 0)
    blocks.push(`<sub>Left out, because the report would be too long: ${missing.join('; ')}.</sub>`);
  return `${blocks.join('\n\n')}\n`;
};

/** Titles are ours and few: the notice always fits. */
const NOTICE_ROOM = 2_000;
