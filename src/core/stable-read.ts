import { freshLook } from './phases/rule.ts';
import type { Rollout } from './rollout.ts';
import { enterNamed, enterStage, newStage, nextRule } from './stage.ts';
import { end, leave } from './turns.ts';
import type { Ms } from './units.ts';
import { holdOver } from './waiting.ts';

export const isReadingStable = ({ stage }: Rollout): boolean => stage.name === 'read-stable';

/**
 * After `until: promotion` all traffic is on the canary and the user's own deploy step updates stable. Whoever opens such
 * a rollout reads stable first: it runs the judged version and is ready: what is left is finished. It runs the old one
 * and is ready, and somebody asked for an end or the hold is over: the traffic returns to it, verified. Neither: the
 * canary keeps serving, and a person is called.
 */
export const readStable = (rollout: Rollout, now: Ms): Rollout => {
  const look = freshLook(rollout);
  if (look === null || look.progress === null) return rollout;
  if (look.progress.kind === 'done') {
    const rule = nextRule(rollout);
    return rule === null ? rollout : enterStage({ ...rollout, paused: null, reason: null }, rule, now);
  }
  const why = rollout.reason ?? holdOver(rollout, now);
  if (why === null) return wait(rollout, now);
  const { stable } = look;
  const isOld = stable !== null && stable.template === rollout.plan.stableTemplate;
  if (isOld && stable.ready > 0 && stable.ready >= stable.replicas)
    return undo({ ...rollout, reason: why, paused: null, undoes: true }, now);
  const text = `${why.text}; stable runs neither the old version nor the judged one and ready, so the canary keeps serving`;
  return end(rollout, 'halted', { ...why, code: 'stable-not-updated', text }, now);
};

/** Back to the old version as to an updated one; where the route leads there already, only what was added is left to go. */
const undo = (rollout: Rollout, now: Ms): Rollout => {
  const rule = nextRule({ ...rollout, stage: newStage('stable-ready', now) });
  return rule === null ? rollout : enterStage(rollout, rule, now);
};

/** The deploy step may still come. A look in passing leaves it alone; a run that was started for it waits for stable. */
const wait = (rollout: Rollout, now: Ms): Rollout => {
  if (rollout.checks && rollout.paused !== null) {
    const text = 'stable is still to be updated by the deploy step that follows `until: promotion`';
    return leave(rollout, rollout.paused.by, { code: 'paused', text, metric: null }, now);
  }
  return enterNamed({ ...rollout, paused: null }, 'await-stable', now);
};
