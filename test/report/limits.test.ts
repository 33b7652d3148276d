import { describe, expect, test } from 'vitest';
import type { Entry } from '../../src/core/journal.ts';
import { renderComment, renderSummary } from '../../src/report/comment.ts';
import { statusDescription } from '../../src/report/headline.ts';
import { aPlan, aRollout, aStep, at } from '../fakes/rollout.ts';
import { rolledBack, STORIES } from '../fakes/stories.ts';
import { asked, everyEntry } from './open-rollouts.ts';
import { OPEN_STORIES } from './stories.ts';

const journal = (lines: number, length: number): readonly Entry[] =>
  Array.from({ length: lines }, (_, index) => ({
    at: at('10:02:00') + index,
    group: 'g',
    level: 'info',
    text: '😀'.repeat(length),
  }));

const situation = { kind: 'finished', rollout: rolledBack } as const;
const extras = { now: at('10:10:00'), journal: journal(3000, 900), pods: [], podLines: true };

const fencesAreClosed = (markdown: string): boolean => (markdown.match(/^`{3,}/gm) ?? []).length % 2 === 0;
const detailsAreClosed = (markdown: string): boolean =>
  (markdown.match(/<details>/g) ?? []).length === (markdown.match(/<\/details>/g) ?? []).length;

describe('size limits', () => {
  test('a comment that would be too long leaves out whole sections and names them', () => {
    const comment = renderComment(situation, extras);

    expect(comment.length).toBeLessThanOrEqual(64_000);
    expect(comment).toContain('Left out, because the report would be too long: Everything that happened (UTC).');
    expect(comment).toContain('How this was decided');
    expect(fencesAreClosed(comment)).toBe(true);
    expect(detailsAreClosed(comment)).toBe(true);
    expect(comment.isWellFormed()).toBe(true);
  });

  test('a summary stays below its limit in bytes', () => {
    const summary = renderSummary(situation, extras);

    expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(900_000);
    expect(summary).toContain('Left out');
    expect(fencesAreClosed(summary)).toBe(true);
  });

  test('even a table that is too long leaves the first line standing', () => {
    const steps = Array.from({ length: 900 }, (_, index) => aStep(index + 1, '10:02:10'));
    const rollout = aRollout({ steps, plan: aPlan({ steps: [] }) });

    const comment = renderComment({ kind: 'running', rollout }, { ...extras, journal: [] });

    expect(comment.length).toBeLessThanOrEqual(64_000);
    expect(comment).toMatch(/^### 🟡 checkout/);
    expect(comment).toContain('the table');
  });

  test('thousands of issues, findings and warnings are bounded', () => {
    const issue = { file: 'weights', line: null, column: null, path: '', message: 'x'.repeat(300) };
    const finding = { severity: 'error', code: 'forbidden', message: 'y', where: 'z', advice: 'a\nb' } as const;
    const rejected = {
      kind: 'rejected',
      reason: { code: 'invalid-config', text: 'many', metric: null },
      issues: Array.from({ length: 5000 }, () => issue),
      findings: Array.from({ length: 5000 }, () => finding),
      subject: null,
    } as const;

    const comment = renderComment(rejected, { ...extras, journal: [] });

    expect(comment.length).toBeLessThanOrEqual(64_000);
    expect(comment).toContain('and 4900 more');
    expect(comment).toContain('and 4950 more findings');
  });

  test('a thousand commands are bounded, and the table still stands', () => {
    const many = Array.from({ length: 1000 }, (_, index) =>
      asked('10:04:38', { by: `@${'m'.repeat(300)}${index}`, refused: '`x` '.repeat(500) }),
    );
    const rollout = aRollout({ asked: many });

    const comment = renderComment({ kind: 'running', rollout }, { ...extras, journal: [] });

    expect(comment.length).toBeLessThanOrEqual(64_000);
    expect(comment).toContain('What was asked of it (1000)');
    expect(comment).toContain('… 950 left out …');
    expect(comment).toMatch(/\| \*\*20\s%\*\* \|/);
    expect(comment).not.toMatch(/@m/);
  });

  test('hundreds of open rollouts and of spans are bounded', () => {
    const [first] = everyEntry;
    const rollouts = Array.from({ length: 500 }, () => first ?? everyEntry).flat();
    const reason = { code: 'listed', text: 'many', metric: null } as const;
    const unwatched = Array.from({ length: 500 }, () => ({ from: at('10:00:00'), to: at('10:20:00') }));

    const list = renderComment({ kind: 'accepted', reason, rollouts, failed: false }, { ...extras, journal: [] });
    const spans = renderComment(
      { kind: 'running', rollout: aRollout({ unwatched }) },
      { ...extras, journal: [], now: at('10:30:00') },
    );

    expect(list.length).toBeLessThanOrEqual(64_000);
    expect(list).toContain('and 300 more');
    expect(spans).toContain('and 495 more times, 166 h 40 min in all');
  });

  test('no status description is longer than GitHub takes', () => {
    const long = 'd'.repeat(250);
    const rollout = aRollout({ plan: aPlan({ target: { ...aPlan().target, deployment: long } }) });

    expect(statusDescription({ kind: 'running', rollout }, 0)).toHaveLength(140);
    for (const { situation: each, now } of Object.values({ ...STORIES, ...OPEN_STORIES })) {
      expect(statusDescription(each, now).length).toBeLessThanOrEqual(140);
    }
  });

  test('the pods’ own lines are shown only where they are allowed', () => {
    const { situation: failed, pods = [] } = STORIES['canary-never-ready'] ?? { situation };

    expect(renderComment(failed, { ...extras, pods, podLines: false })).not.toContain('no such table');
    expect(renderComment(failed, { ...extras, pods, podLines: false })).toContain('CrashLoopBackOff, 4 restarts');
    expect(renderComment(failed, { ...extras, pods, podLines: true })).toContain('no such table');
  });
});
