import { describe, expect, test } from 'vitest';
import { renderComment, renderSummary } from '../../src/report/comment.ts';
import { headline, statusDescription } from '../../src/report/headline.ts';
import { toPlain } from '../../src/report/inline.ts';
import { hostileStory, STORIES, type Story } from '../fakes/stories.ts';
import { hostileOpen, OPEN_STORIES } from './stories.ts';

const EVIL =
  'a|b `c` ```d <img src=x onerror=alert(1)> ::error::x ##[error]y\n# @mona #12 GH-3 https://evil.invalid/o/r/issues/1 [l](https://evil.invalid) **b** "];\u202egpj.exe\u200b -->';

const extras = (story: Story) => ({
  now: story.now,
  journal: story.journal ?? [],
  pods: story.pods ?? [],
  podLines: true,
});

describe('reports', () => {
  for (const [name, story] of Object.entries({ ...STORIES, ...OPEN_STORIES })) {
    test(`the comment of "${name}" reads as its golden file`, async () => {
      await expect(renderComment(story.situation, extras(story))).toMatchFileSnapshot(`golden/${name}.golden.md`);
    });
  }

  test('the summary of a rollback unfolds the details', async () => {
    const story = STORIES['rolled-back-counted'] as Story;

    await expect(renderSummary(story.situation, extras(story))).toMatchFileSnapshot(
      'golden/summary-rolled-back.golden.md',
    );
  });

  test('hostile names everywhere read as text', async () => {
    const story = hostileStory(EVIL);

    await expect(renderComment(story.situation, extras(story))).toMatchFileSnapshot('golden/hostile.golden.md');
  });

  test('hostile senders, approvers, notes and addresses read as text', async () => {
    const comments = hostileOpen(EVIL).map((story) => renderComment(story.situation, extras(story)));

    await expect(comments.join('\n')).toMatchFileSnapshot('golden/hostile-open.golden.md');
  });

  test('first lines and status descriptions answer whether it is fine', async () => {
    const lines = Object.entries({ ...STORIES, ...OPEN_STORIES }).map(
      ([name, { situation, now }]) =>
        `${name}\n  ${toPlain(headline(situation, now))}\n  ${statusDescription(situation, now)}\n`,
    );

    await expect(lines.join('\n')).toMatchFileSnapshot('golden/headlines.golden.txt');
  });
});
