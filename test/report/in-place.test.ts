import { describe, expect, test } from 'vitest';
import { outsideText } from '../../src/core/outside.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { renderComment } from '../../src/report/comment.ts';
import { headline } from '../../src/report/headline.ts';
import { toPlain } from '../../src/report/inline.ts';
import { anObservation, aPlan } from '../fakes/rollout.ts';
import { promoted, type Story } from '../fakes/stories.ts';
import { arm, canary, finished, halted, planWith } from './open-rollouts.ts';
import { planned } from './stories.ts';

const plan = aPlan({ promoteAt: 'last-step' });
const half = { ...promoted.traffic, wanted: weightOnly(5_000), verified: weightOnly(5_000) };

/** Stable could not be updated: its old pods and the canary serve. */
const stuck = halted('promote-failed', 'waited 5 min for stable: `ImagePullBackOff` on 1 of 10 pods', {
  plan,
  traffic: half,
  observation: anObservation({
    traffic: weightOnly(5_000),
    restored: false,
    stable: { ...arm, template: 'new', rolledOut: false, ready: 9 },
    canary,
  }),
});

const passed: Rollout = {
  ...promoted,
  plan: { ...promoted.plan, beside: ['HTTPRoute shop/admin'] },
  outside: { requests: 120, ms: 30_000 },
};
const promotedPast: Rollout = { ...passed, warnings: [outsideText(passed) ?? ''] };

const STORIES: Readonly<Record<string, Story>> = {
  'halted-in-place': finished(stuck),
  'halted-in-place-image-moved': finished({
    ...stuck,
    reason: {
      code: 'image-moved',
      text: 'stable runs `sha256:cd34`, which is not the image that was judged',
      metric: null,
    },
  }),
  'promoted-with-others-past-the-route': finished(promotedPast),
  'planned-in-place': planned(planWith({}, { promoteAt: 'last-step' })),
};

describe('reports of an update in place, and of requests past the route', () => {
  test.each(Object.entries(STORIES))('the comment of "%s" reads as its golden file', async (name, story) => {
    const extras = { now: story.now, journal: [], pods: [], podLines: true };

    await expect(renderComment(story.situation, extras)).toMatchFileSnapshot(`golden/${name}.golden.md`);
  });

  const lineOf = (rollout: Rollout): string =>
    toPlain(headline({ kind: 'finished', rollout, reason: rollout.reason } as never, 0));

  test('"all traffic" is said where nothing reaches stable past the route, and of the route else', () => {
    expect(lineOf(promoted)).toContain('serves all traffic ·');
    expect(lineOf(promotedPast)).toContain('serves all traffic of the route ·');
    expect(lineOf({ ...promoted, outside: { requests: 120, ms: 30_000 } })).toContain(
      'serves all traffic of the route ·',
    );
  });
});
