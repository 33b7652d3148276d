import { PLACEHOLDERS, type Placeholder } from './spec.ts';

/** `{{name}}` in a query. `from` and `to` are offsets of the braces; `name` need not be a known placeholder. */
export interface PlaceholderUse {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

const USE = /\{\{\s*([^{}]*?)\s*\}\}/g;

export const isPlaceholder = (name: string): name is Placeholder => (PLACEHOLDERS as readonly string[]).includes(name);

/** Every `{{…}}`, in order, known or not. */
export const placeholdersIn = (text: string): readonly PlaceholderUse[] =>
  [...text.matchAll(USE)].map((found) => ({
    name: found[1] ?? '',
    from: found.index,
    to: found.index + found[0].length,
  }));

/** Offsets of `{{` that no `}}` closes. */
export const unclosedPlaceholders = (text: string): readonly number[] => {
  const uses = placeholdersIn(text);
  const inside = (offset: number): boolean => uses.some((use) => offset >= use.from && offset < use.to);
  return [...text.matchAll(/\{\{/g)].map((found) => found.index).filter((offset) => !inside(offset));
};

type Context = 'code' | 'comment' | '"' | "'" | '`';

/** The context of PromQL that follows a piece of text: in which quotes, if any, the next character stands. */
const contextAfter = (text: string, start: Context): Context => {
  let context = start;
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (context === 'comment') {
      if (char === '\n') context = 'code';
    } else if (context === 'code') {
      if (char === '"' || char === "'" || char === '`') context = char;
      else if (char === '#') context = 'comment';
    } else if (char === '\\' && context !== '`') index += 1;
    else if (char === context) context = 'code';
  }
  return context;
};

/** Raw quotes know no escape, and outside of quotes any character is syntax. */
const SAFE_IN: Readonly<Record<Exclude<Context, '"' | "'">, RegExp>> = {
  code: /^[A-Za-z0-9_.]*$/,
  comment: /^[^\r\n]*$/,
  '`': /^[^`]*$/,
};

const escapeFor = (value: string, context: Context): string => {
  if (context === '"' || context === "'") {
    return value
      .replaceAll('\\', '\\\\')
      .replaceAll(context, `\\${context}`)
      .replaceAll('\n', '\\n')
      .replaceAll('\r', '\\r');
  }
  if (!SAFE_IN[context].test(value)) throw new Error('a placeholder value would change the query around it');
  return value;
};

/**
 * The query with every known placeholder replaced by its value, as PromQL reads it back: in `"…"` and `'…'` a backslash,
 * the quote and line breaks of the value are escaped; in raw quotes and outside of quotes (`[{{window}}]`) the value goes
 * in as it is. There only the characters of a duration or a plain name are taken, in raw quotes all but the quote;
 * anything else throws, for it would change the query. Regular expressions are escaped by who makes the value: a name of
 * Kubernetes (`a-z`, `0-9`, `-`, `.`) has no character that could leave its quotes. Unknown placeholders stay as they are.
 */
export const bindPlaceholders = (text: string, values: Readonly<Record<Placeholder, string>>): string => {
  let context: Context = 'code';
  let done = 0;
  let bound = '';
  for (const use of placeholdersIn(text)) {
    const before = text.slice(done, use.from);
    context = contextAfter(before, context);
    bound += before + (isPlaceholder(use.name) ? escapeFor(values[use.name], context) : text.slice(use.from, use.to));
    done = use.to;
  }
  return bound + text.slice(done);
};
