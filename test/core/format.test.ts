import { describe, expect, test } from 'vitest';
import {
  formatCount,
  formatDuration,
  formatNumber,
  formatRatio,
  formatTime,
  formatWeight,
} from '../../src/core/format.ts';

/** U+202F stands between groups of digits. */
const plain = (text: string): string => text.replaceAll('\u202f', ' ');

describe('numbers for people', () => {
  test.each<[string, string]>([
    [formatCount(0), '0'],
    [formatCount(999), '999'],
    [plain(formatCount(1_000)), '1 000'],
    [plain(formatCount(1_234_567.4)), '1 234 567'],
    [formatWeight(500), '5 %'],
    [formatWeight(494), '4.9 %'],
    [formatWeight(10_000), '100 %'],
    [formatRatio(0), '0 %'],
    [formatRatio(0.0008), '0.08 %'],
    [formatRatio(0.026), '2.6 %'],
    [formatRatio(0.124), '12 %'],
    [formatRatio(1), '100 %'],
    [formatNumber(0.312, 's'), '312 ms'],
    [formatNumber(1.5, 's'), '1.5 s'],
    [plain(formatNumber(12_345, 'B')), '12 345 B'],
    [formatNumber(3, ''), '3'],
    [formatDuration(-5), '0 s'],
    [formatDuration(59_400), '59 s'],
    [formatDuration(59_600), '1 min'],
    [formatDuration(145_000), '2 min 25 s'],
    [formatDuration(3_600_000), '1 h'],
    [formatDuration(3_900_000), '1 h 5 min'],
    [formatTime(Date.parse('2026-03-01T10:04:25Z')), '10:04:25 UTC'],
  ])('%s reads %s', (text, expected) => {
    expect(text).toBe(expected);
  });
});
