import { expect, test } from 'vitest';
import { HORIZONTAL_POD_AUTOSCALER, objectRef, SCALED_OBJECT } from '../../src/core/objects.ts';
import type { Target } from '../../src/core/plan.ts';
import { renderComment } from '../../src/report/comment.ts';
import { anObservation, aPlan } from '../fakes/rollout.ts';
import { arm, canary, finished, halted, left } from './open-rollouts.ts';

const HPA = objectRef(HORIZONTAL_POD_AUTOSCALER, 'shop', 'checkout');
const KEDA = objectRef(SCALED_OBJECT, 'shop', 'checkout');
const PAUSED = '/metadata/annotations/autoscaling.keda.sh~1paused';

/** By hand is the only way out: stable was changed, and no abort is taken. */
const commentWith = (changes: Partial<Target>): string => {
  const plan = aPlan({ target: { ...aPlan().target, ...changes } });
  const observation = anObservation({
    restored: false,
    stable: { ...arm, template: 'new', rolledOut: false },
    canary,
  });
  const { situation, now } = finished(halted('promote-failed', 'waited 5 min for stable', { plan, observation }));
  return renderComment(situation, { now, journal: [], pods: [], podLines: true });
};

test('a halted rollout says that the autoscaler stays held, and what it had', () => {
  const comment = commentWith({ autoscaler: { ref: HPA, fields: [{ path: '/spec/minReplicas', was: 2, held: 5 }] } });

  expect(comment).toContain('HorizontalPodAutoscaler `checkout` stays held until the rollout ends');
  expect(comment).toContain('`minReplicas` at `5` (before: `2`)');
  expect(commentWith({})).not.toContain('stays held');
});

test('who undoes by hand gives the autoscaler its bounds back and removes the copies before the state goes', () => {
  const comment = commentWith({
    autoscaler: {
      ref: HPA,
      fields: [
        { path: '/spec/minReplicas', was: null, held: 5 },
        { path: '/spec/maxReplicas', was: 9, held: 5 },
      ],
    },
    companions: [{ ref: { ...HPA, name: 'checkout-canary' }, body: {} }],
  });
  const back = comment.indexOf(
    `patch horizontalpodautoscalers.autoscaling/checkout --type merge -p '{"spec":{"minReplicas":null,"maxReplicas":9}}'`,
  );

  expect(comment).toMatch(/delete [^\n]*horizontalpodautoscalers\.autoscaling\/checkout-canary/);
  expect(back).toBeGreaterThan(0);
  expect(comment.indexOf('delete configmap/')).toBeGreaterThan(back);
});

test('a paused ScaledObject gets its annotation back', () => {
  const withWas = (was: string | null): string =>
    commentWith({ autoscaler: { ref: KEDA, fields: [{ path: PAUSED, was, held: 'true' }] } });

  expect(withWas(null)).toContain('annotate scaledobjects.keda.sh/checkout autoscaling.keda.sh/paused- --overwrite');
  expect(withWas('false')).toContain('autoscaling.keda.sh/paused=false --overwrite');
});

test('a value that a shell would read is never in a command', () => {
  const comment = commentWith({ autoscaler: { ref: KEDA, fields: [{ path: PAUSED, was: '$(id)', held: 'true' }] } });

  expect(comment).not.toContain('paused=$(id)');
  expect(comment).not.toContain('delete configmap/');
});

test('so does one that was left on purpose', () => {
  const autoscaler = { ref: HPA, fields: [{ path: '/spec/minReplicas', was: 2, held: 5 }] };
  const plan = { ...left.plan, target: { ...left.plan.target, autoscaler } };
  const comment = ({ situation, now }: ReturnType<typeof finished>): string =>
    renderComment(situation, { now, journal: [], pods: [], podLines: true });

  expect(comment(finished({ ...left, plan }))).toContain('`checkout` stays held until the rollout ends');
  expect(comment(finished(left))).not.toContain('stays held');
});
