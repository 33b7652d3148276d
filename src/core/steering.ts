import type { Command } from './command.ts';
import { formatWeight } from './format.ts';
import { currentStep } from './phases/progressing.ts';
import { isKeeping } from './phases/promoting.ts';
import type { Reason } from './reason.ts';
import type { Rollout } from './rollout.ts';
import { enterNamed, enterPhase } from './stage.ts';
import { refreshRecord } from './steps.ts';
import { fail, onlySent } from './turns.ts';
import type { Ms } from './units.ts';
import { waitsForApproval } from './waiting.ts';

/**
 * Carries a command out, once, whichever run finds it: what was found is kept, with why it was refused. The state is
 * saved before the annotation is taken away.
 */
export const obey = (rollout: Rollout, command: Command, now: Ms): Rollout => {
  if (isKnown(rollout, command)) return rollout;
  const refused = refusal(rollout, command);
  const noted: Rollout = {
    ...rollout,
    asked: [...rollout.asked, { ...command, at: now, refused, acknowledged: false }],
    revision: rollout.revision + 1,
  };
  return refused === null ? carryOut(noted, command, now) : noted;
};

/** Only its annotation is left to be taken away. Written by hand twice in a row it is a new one, once the first was taken away. */
const isKnown = ({ asked }: Rollout, { id, raw }: Command): boolean =>
  asked.some((one) => (id === null ? one.raw === raw && !one.acknowledged : one.id === id));

/** Why a command cannot be carried out now; null when it can. */
export const refusal = (rollout: Rollout, command: Command): string | null => {
  const { rolloutId } = rollout.plan.target;
  if (command.rolloutId !== null && command.rolloutId !== rolloutId)
    return `it names the rollout ${command.rolloutId}, and this is ${rolloutId}`;
  if (rollout.phase === 'rolling-back' || rollout.undoes) return 'the rollout is being rolled back already';
  switch (command.name) {
    case 'pause':
      if (rollout.committedAt !== null)
        return 'the promotion is past its point of no return: pausing would not make it safer';
      return rollout.paused === null ? null : `it is paused already (${rollout.paused.by})`;
    case 'resume':
      if (waitsForApproval(rollout)) return notPermitted(rollout, command.by);
      return rollout.paused === null && !isAtDeploy(rollout)
        ? 'it is neither paused nor waiting for an approval'
        : null;
    case 'promote':
      if (rollout.committedAt !== null && !isStopped(rollout)) return 'it is being promoted already';
      return notPermitted(rollout, command.by);
    case 'abort':
      return rollout.committedAt !== null && !isAtDeploy(rollout)
        ? 'the promotion is past its point of no return; when it is over, `command: rollback` brings the version before back'
        : null;
  }
};

/** The user's own deploy step is to update stable, or has just done it. */
export const isAtDeploy = ({ stage }: Rollout): boolean =>
  stage.name === 'read-stable' || stage.name === 'await-stable';

/** Past the point of no return, and not on its way: it was opened a moment ago, or waits for a deploy step or a person. */
const isStopped = (rollout: Rollout): boolean =>
  rollout.observation === null || isAtDeploy(rollout) || isKeeping(rollout.stage.name);

const notPermitted = ({ plan }: Rollout, by: string | null): string | null => {
  const { approvers, selfApproval } = plan.conduct.approval;
  const who = by?.toLowerCase() ?? null;
  if (approvers.length > 0 && (who === null || !approvers.includes(who)))
    return `${by ?? 'a sender without a name'} is not one of the approvers (${approvers.join(', ')})`;
  if (selfApproval) return null;
  if (who === null) return 'a sender without a name could be who started the rollout, which may not approve itself';
  return who === plan.run.actor?.toLowerCase() ? `${by} started the rollout and may not approve it` : null;
};

const carryOut = (rollout: Rollout, command: Command, now: Ms): Rollout => {
  const by = command.by ?? 'somebody with access to the cluster';
  switch (command.name) {
    case 'pause':
      return { ...rollout, paused: { by, since: now } };
    case 'resume':
      return resume(rollout, by, now);
    case 'promote':
      return promote({ ...rollout, paused: null, approval: null, skipsSteps: true, untilReached: true }, now);
    case 'abort':
      return abort(rollout, by, now);
  }
};

const resume = (rollout: Rollout, by: string, now: Ms): Rollout => {
  const approval =
    waitsForApproval(rollout) && rollout.approval !== null ? { ...rollout.approval, by } : rollout.approval;
  const resumed = { ...rollout, paused: null, approval };
  return rollout.stage.name === 'read-stable' ? enterNamed({ ...resumed, reason: null }, 'await-stable', now) : resumed;
};

/** What is left of the steps is skipped; every later stage is verified and judged as always. */
const promote = (rollout: Rollout, now: Ms): Rollout => {
  if (rollout.committedAt !== null) return enterNamed(onlySent({ ...rollout, reason: null }), 'update-stable', now);
  if (rollout.phase !== 'progressing') return rollout;
  return enterPhase(onlySent(refreshRecord(rollout, now, 'skipped')), 'promoting', now);
};

const abort = (rollout: Rollout, by: string, now: Ms): Rollout => {
  const reason: Reason = { code: 'aborted-by-user', text: `${by} asked for it`, metric: null };
  // What stable runs decides what can be done about it.
  return isAtDeploy(rollout)
    ? enterNamed({ ...rollout, reason, paused: null }, 'read-stable', now)
    : fail(rollout, reason, now);
};

/** Where a step that must be approved begins to wait for it. */
export const askApproval = (rollout: Rollout, now: Ms): Rollout =>
  rollout.approval?.step === rollout.step
    ? rollout
    : { ...rollout, approval: { step: rollout.step, since: now, by: null }, revision: rollout.revision + 1 };

/** `until: 20`: the first step with that weight, or the first above it, is where the job ends. */
export const leavesAfterStep = (rollout: Rollout): string | null => {
  const { until } = rollout.plan.conduct;
  if (until?.kind !== 'weight' || rollout.untilReached || rollout.skipsSteps) return null;
  return currentStep(rollout).asked >= until.weight ? `until: ${formatWeight(until.weight)}` : null;
};

/** `until: promotion`: everything is on the canary, and stable is the user's to update. */
export const leavesAtPromotion = ({ plan, untilReached, stage }: Rollout): boolean =>
  plan.conduct.until?.kind === 'promotion' && !untilReached && stage.name === 'commit';
