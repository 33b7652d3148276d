import { describe, expect, test } from 'vitest';
import { warningSection } from '../../src/report/details.ts';

const shown = (warning: string): string => JSON.stringify(warningSection([warning]));

describe('a warning in a report', () => {
  test('has what is to be pasted in a fence below its sentence', () => {
    const text = shown('Argo CD owns <b>. Add:\n# a note\napiVersion: a/v1\nkind: A\nmetadata:\n  name: "```"');

    expect(text).toContain(JSON.stringify('⚠️ Argo CD owns &#60;b&#62;. Add:').slice(1, -1));
    expect(text).toContain(
      JSON.stringify('````yaml\n# a note\napiVersion: a/v1\nkind: A\nmetadata:\n  name: "```"\n````').slice(1, -1),
    );
  });

  test('is one line otherwise, whatever a message of another system brings along', () => {
    expect(shown('the API server said\n# apiVersion: nothing')).not.toContain('```');
    expect(shown('the API server said\n# Headline')).toContain('the API server said # Headline');
  });
});
