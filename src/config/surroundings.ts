import { COPIED_KINDS, type CopiedKind, type SurroundingsSpec } from '../core/spec.ts';
import { choiceOf, type Reading, soundOf } from './fields.ts';
import { type Part, piecesOf } from './tree.ts';
import { quote, suggestion } from './words.ts';

// `drift`, `NetworkPolicy/deny-all`: a word, or a kind and the name of an object.
const ALLOWED = /^[A-Za-z][A-Za-z0-9-]*(?:\/[a-z0-9](?:[-a-z0-9.:]*[a-z0-9])?)?$/;

/** What the release is told about the cluster around it. */
export const readSurroundings = (reading: Reading): SurroundingsSpec => ({
  allow: listOf(reading, 'allow', (part) => {
    if (ALLOWED.test(part.text)) return part.text;
    reading.report(
      part.place,
      `${quote(part.text)} names no hazard; write it as the refusal does, such as \`NetworkPolicy/deny-all\` or \`drift\``,
    );
    return null;
  }),
  copy: listOf(reading, 'copy', (part) => copiedKind(reading, part)),
  promoteAt: choiceOf(reading, 'promote-at', ['100', 'last-step'], '100') === '100' ? 'all-traffic' : 'last-step',
});

const copiedKind = (reading: Reading, { text, place }: Part): CopiedKind | null => {
  const kind = COPIED_KINDS.find((known) => known.toLowerCase() === text.toLowerCase());
  if (kind === undefined)
    reading.report(place, `objects of the kind ${quote(text)} cannot be copied${suggestion(text, COPIED_KINDS)}`);
  return kind ?? null;
};

/** Each once, in the order written. */
const listOf = <Value>(reading: Reading, name: string, read: (part: Part) => Value | null): readonly Value[] => {
  const tree = soundOf(reading, name);
  const parts = tree === null ? [] : piecesOf(tree);
  return [...new Set(parts.flatMap((part) => read(part) ?? []))];
};
