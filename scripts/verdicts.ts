import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the judge says of many counts, story by story: a golden file of the tests. */
const GOLDEN = join(import.meta.dirname, '../test/core/verdicts.txt');

/** Verdict as a reader calls it, and the story whose sentence shows it. */
const SHOWN: readonly (readonly [verdict: string, story: string])[] = [
  ['rolled back', 'failed'],
  ['rolled back', 'slower'],
  ['rolled back, one pod', 'failed on one pod'],
  ['held', 'held'],
  ['held, both unhealthy', 'both above the ceiling'],
  ['waits', 'low traffic'],
  ['passed', 'as good as stable'],
  ['passed, no failures', 'no failures of the canary'],
  ['passed, stable is worse', 'stable is worse'],
];

/** Sentences by story, without the verdict and the odds before them. */
const stories = (): ReadonlyMap<string, readonly string[]> =>
  new Map(
    readFileSync(GOLDEN, 'utf8')
      .trim()
      .split(/\n\n+/)
      .map((block) => {
        const [story = '', ...lines] = block.split('\n');
        return [story, lines.map((line) => line.replace(/^ +[a-z]+ +(?:(?:over a million|[\d.\s]+): )?/, ''))];
      }),
  );

/** Rows of the README's table. A story that is not in the golden file throws. */
export const verdictRows = (): readonly (readonly [verdict: string, sentence: string])[] => {
  const all = stories();
  return SHOWN.map(([verdict, story]) => {
    const [sentence] = all.get(story) ?? [];
    if (sentence === undefined) throw new Error(`test/core/verdicts.txt: no story is called "${story}"`);
    return [verdict, sentence];
  });
};

/** Sentences of every kind. */
export const sentences = (): readonly string[] => [...stories().values()].flat();
