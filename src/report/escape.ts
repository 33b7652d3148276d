/**
 * Hostile text (names, images, metric values, pod logs, messages of other systems) made safe to show. Everything that
 * reaches a report goes through here, so that no caller has to remember to.
 */

/**
 * Controls, bidi and zero-width characters, line separators, tags, fillers. Newline and tab are handled apart; the emoji
 * variation selector is harmless.
 */
const INVISIBLE = /(?![\n\t])(?!\ufe0f)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Colours of terminal output (ESC [ … m) carry no information here. */
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

const INLINE_LIMIT = 400;

const named = (character: string): string =>
  `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;

/** Characters that cannot be seen become `⟨U+202E⟩`; newlines and tabs stay; half surrogate pairs become U+FFFD. */
export const visible = (text: string): string =>
  text.toWellFormed().replace(COLOUR, '').replace(/\r\n?/g, '\n').replace(INVISIBLE, named);

/** Cut to `limit` UTF-16 units, never inside a surrogate pair, the end marked by `…`. */
export const cut = (text: string, limit: number): string => {
  if (text.length <= limit) return text;
  const end = limit - 1;
  const before = text.charCodeAt(end - 1);
  const splits = before >= 0xd800 && before <= 0xdbff;
  return `${text.slice(0, splits ? end - 1 : end)}…`;
};

/** On one line, visible, bounded: for places that take no markup (commit status, console, titles). */
export const plain = (text: string, limit = INLINE_LIMIT): string =>
  cut(visible(text).replace(/\s+/g, ' ').trim(), limit);

const entity = (character: string): string => `&#${character.codePointAt(0) ?? 0};`;

/**
 * One line of Markdown that renders as exactly this text, in paragraphs and in table cells. Entities cannot be structure
 * (CommonMark 0.31 §2.5). GitHub looks for mentions and issue numbers after rendering, where escapes are gone: a
 * zero-width space after `@`, `#` and `://` keeps them from pinging people and linking issues.
 */
export const markdownText = (text: string, limit = INLINE_LIMIT): string =>
  plain(text, limit).replace(SPECIAL, (found) => {
    if (/^[&<>\\`*_[\]|~$]$/.test(found)) return entity(found);
    if (found === '://') return ':&#8203;//';
    return /^(@|#|gh-)$/i.test(found) ? `${found}&#8203;` : `&#8203;${found}`;
  });

/** One pass, so that nothing put in is looked at again: structure, references, addresses, and what begins a block. */
const SPECIAL =
  /[&<>\\`*_[\]|~$]|@(?=[\p{L}\p{N}_-])|#(?=\d)|\bgh-(?=\d)|:\/\/|\bwww\.|^(?:[-+=]|#+|\d+[.)])(?=\s|$)|^={2,}|^-{3,}/giu;

/** Inline code for paragraphs and table cells. Plain backticks where nothing can go wrong, else `<code>` with entities. */
export const markdownCode = (text: string, limit = INLINE_LIMIT): string => {
  const line = plain(text, limit);
  if (line === '') return '';
  if (!/[`|]/.test(line)) return `\`${line}\``;
  return `<code>${line.replace(/[^\p{L}\p{N} .,/=-]/gu, entity)}</code>`;
};

/** A fenced block; the fence is longer than any run of backticks inside. `language` is ours, never hostile. */
export const markdownFence = (text: string, language = ''): string => {
  const body = visible(text).replace(/\n+$/, '');
  const longest = Math.max(0, ...(body.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}${language}\n${body}\n${fence}`;
};

/** An https address that can stand in a Markdown link, or null. */
export const safeUrl = (url: string): string | null => {
  if (!URL.canParse(url)) return null;
  const parsed = new URL(url);
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return null;
  return parsed.href.replace(/[()<>|`\\\s[\]*_~]/g, (character) =>
    character === '_' ? '_' : `%${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
};

/** Text inside an HTML comment marker: nothing but what a Kubernetes name or path needs. */
export const markerText = (text: string): string =>
  text
    .replace(/[^A-Za-z0-9./_]/g, (character) =>
      character === '-' ? '-' : `.${(character.codePointAt(0) ?? 0).toString(16)}.`,
    )
    .replace(/-(?=-|$)/g, '.2d.');
