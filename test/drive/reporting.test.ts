import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/core/outcome.ts';
import { fanOut } from '../../src/drive/reporting.ts';
import type { Reporter } from '../../src/ports/reporter.ts';
import { aRollout } from '../fakes/rollout.ts';

const outcome: Outcome = { kind: 'finished', rollout: aRollout({ phase: 'promoted' }) };
const never = new Promise<void>(() => undefined);
const fine = (name: string, heard: string[]): Reporter => ({
  name,
  report: async () => void heard.push(`${name} report`),
  conclude: async () => void heard.push(`${name} conclude`),
});

describe('reporters and the rollout', () => {
  test('a report that is still under way at the end fails nothing, and the others conclude', async () => {
    const warnings: string[] = [];
    const heard: string[] = [];
    const stuck: Reporter = { ...fine('comment', heard), report: () => never };
    const reports = fanOut([stuck, fine('summary', heard)], (text) => warnings.push(text), 20);
    reports.report(aRollout(), []);
    await reports.conclude(outcome, [], []);
    expect(heard).toEqual(['summary report', 'summary conclude', 'comment conclude']);
    expect(warnings).toEqual(['the comment could not be written: no answer within 0.02 s']);
  });

  test('a reporter that throws before it has a promise is a warning, once', async () => {
    const warnings: string[] = [];
    const broken: Reporter = {
      name: 'comment',
      report: () => {
        throw new Error('cannot render');
      },
      conclude: () => {
        throw new Error('cannot render');
      },
    };
    const reports = fanOut([broken], (text) => warnings.push(text), 20);
    reports.report(aRollout(), []);
    await reports.conclude(outcome, [], []);
    expect(warnings).toEqual(['the comment could not be written: cannot render']);
  });
});
