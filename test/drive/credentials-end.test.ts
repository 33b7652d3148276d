import { describe, expect, test } from 'vitest';
import { credentialsEnd } from '../../src/drive/credentials-end.ts';
import { aPlan } from './adapters.ts';

const NOW = Date.parse('2026-03-01T10:00:00Z');
const MINUTE = 60_000;
/** Three steps of 30 s, 2 s to settle, two returns of 5 s, and 2 min in which pods may become ready. */
const NEEDED = 90_000 + 2_000 + 10_000 + 120_000;

const found = (left: number) =>
  credentialsEnd(NOW + left, NOW, aPlan()).map(({ severity, code, message }) => ({ severity, code, message }));

describe('credentials', () => {
  test('that end before the shortest rollout does are refused, with both times', () => {
    expect(found(3 * MINUTE)).toEqual([
      {
        severity: 'error',
        code: 'credentials-expire',
        message:
          'the cluster credentials end in 3 min, the rollout needs about 3 min 42 s: nobody could finish it or roll it back then',
      },
    ]);
  });

  test('that have ended already are refused', () => {
    expect(found(-5 * MINUTE)[0]?.message).toContain('the cluster credentials end in 0 s');
  });

  test('are refused by the last millisecond, and not after it', () => {
    expect(found(NEEDED - 1).map(({ severity }) => severity)).toEqual(['error']);
    expect(found(NEEDED).map(({ severity }) => severity)).toEqual(['warning']);
  });

  test('that end after the shortest rollout but before its timeout are a warning', () => {
    expect(found(31 * MINUTE)).toEqual([
      {
        severity: 'warning',
        code: 'credentials-expire',
        message: 'the cluster credentials end in 31 min, and the rollout may take up to 1 h (`timeout`)',
      },
    ]);
  });

  test('that outlive the timeout, or do not tell when they end, are fine', () => {
    expect(found(60 * MINUTE)).toEqual([]);
    expect(credentialsEnd(null, NOW, aPlan())).toEqual([]);
  });

  test('come with the ways to longer ones', () => {
    const [finding] = credentialsEnd(NOW, NOW, aPlan());

    expect(finding?.advice).toMatch(/--duration.*exec.*tokenFile.*shorter/);
  });
});
