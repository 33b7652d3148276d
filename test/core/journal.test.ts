import { describe, expect, test } from 'vitest';
import { createJournal, type Entry } from '../../src/core/journal.ts';

const entry = (at: number, text = String(at)): Entry => ({ at, group: `g${at}`, level: 'info', text });
const LIMITS = { first: 2, last: 3 };

const texts = (count: number): readonly string[] => {
  const journal = createJournal(LIMITS);
  for (let at = 0; at < count; at += 1) journal.add(entry(at));
  return journal.entries().map(({ text }) => text);
};

describe('the journal of a run', () => {
  test('keeps everything while it is short', () => {
    expect(texts(0)).toEqual([]);
    expect(texts(5)).toEqual(['0', '1', '2', '3', '4']);
  });

  test('keeps the first and the last, and says how many are between them', () => {
    expect(texts(6)).toEqual(['0', '1', '… 1 entry is left out here …', '3', '4', '5']);
    expect(texts(1_000)).toEqual(['0', '1', '… 995 entries are left out here …', '997', '998', '999']);
  });

  test('stands at the time and in the group of what was left out last', () => {
    const journal = createJournal(LIMITS);
    for (let at = 0; at < 7; at += 1) journal.add(entry(at));

    expect(journal.entries()[2]).toMatchObject({ at: 3, group: 'g3', level: 'info' });
  });

  test('is bounded however long it runs, and whatever an entry says', () => {
    const journal = createJournal();
    for (let at = 0; at < 10_000; at += 1) journal.add(entry(at, 'x'.repeat(30_000)));

    expect(journal.entries()).toHaveLength(2_001);
    expect(Math.max(...journal.entries().map(({ text }) => text.length))).toBe(20_001);
  });

  test('gives what was there when it was asked: a report under way does not grow', () => {
    const journal = createJournal(LIMITS);
    journal.add(entry(0));
    const before = journal.entries();
    journal.add(entry(1));

    expect(before).toHaveLength(1);
  });
});
