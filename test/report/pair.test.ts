import { describe, expect, test } from 'vitest';
import { renderComment } from '../../src/report/comment.ts';
import { anObservation, aPlan } from '../fakes/rollout.ts';
import { promoted, type Story } from '../fakes/stories.ts';
import { arm, canary, finished, halted } from './open-rollouts.ts';

const { target } = aPlan();
const [image] = target.images;
const container = image?.container ?? '';
const plan = aPlan({
  target: {
    ...target,
    pair: { replicas: 2, images: [{ container, image: 'registry.example/old:1' }], arms: 'app=shop' },
  },
});

const commentOf = ({ situation, now }: Story): string =>
  renderComment(situation, { now, journal: [], pods: [], podLines: true });

const promotedWith = (images: typeof target.images, rolledOut = true): string =>
  commentOf(
    finished({
      ...promoted,
      plan: { ...promoted.plan, target: plan.target },
      observation: anObservation({
        restored: true,
        stable: arm,
        canary: { ...canary, replicas: 2, rolledOut, images },
      }),
    }),
  );

describe('the report of a pair', () => {
  test('says that it is back when the last look showed it', () => {
    expect(promotedWith(target.images)).toContain('is back at 2 replicas');
    expect(promotedWith(target.images, false)).not.toContain('is back at');
    expect(promotedWith(plan.target.pair?.images ?? [])).not.toContain('is back at');
    expect(promotedWith(target.images)).not.toContain("canary's objects are removed");
  });

  test('never offers to delete it: where a person has to undo by hand, it gets its image and its replicas back', () => {
    const comment = commentOf(
      finished(
        halted('promote-failed', 'waited 5 min for stable', {
          plan,
          observation: anObservation({
            restored: false,
            stable: { ...arm, template: 'new', rolledOut: false },
            canary,
          }),
        }),
      ),
    );

    expect(comment).toContain(`scale deployment/${target.canaryDeployment} --replicas=2`);
    expect(comment).toContain(`set image deployment/${target.canaryDeployment} ${container}=registry.example/old:1`);
    expect(comment).not.toMatch(new RegExp(`delete [^\n]*deployment/${target.canaryDeployment}`));
    expect(comment).not.toContain('removes the canary');
  });
});
