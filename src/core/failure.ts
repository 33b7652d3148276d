import { badVerdict } from './bake.ts';
import { formatDuration } from './format.ts';
import { movedImage } from './moved-image.ts';
import { canaryGone, isInPlace, stableGone } from './phases/in-place.ts';
import { isReturning } from './phases/promoting.ts';
import { freshLook, type StageRule } from './phases/rule.ts';
import type { Reason, ReasonCode } from './reason.ts';
import { NEVER } from './record.ts';
import type { ArmSeen, Observation, Rollout, StageName } from './rollout.ts';
import { ruleOf } from './stage.ts';
import type { Ms } from './units.ts';
import { approvalOver, holdOver } from './waiting.ts';

const reason = (code: ReasonCode, text: string, metric: string | null = null): Reason => ({ code, text, metric });

/** What speaks against going on, now; null while nothing does. First the world, then the verdict, then the stage itself. */
export const failureOf = (rollout: Rollout, now: Ms): Reason | null => {
  const rule = ruleOf(rollout);
  if (rule === null) return null;
  const isForward = rollout.phase !== 'rolling-back' && rollout.committedAt === null;
  return (
    (isForward
      ? (tooLong(rollout, now) ?? holdOver(rollout, now) ?? approvalOver(rollout, now) ?? worldChanged(rollout))
      : null) ??
    (rollout.phase === 'rolling-back' ? null : (badArm(rollout) ?? judged(rollout, now))) ??
    stageFailed(rollout, rule, now)
  );
};

const tooLong = (rollout: Rollout, now: Ms): Reason | null => {
  const { timeoutMs } = rollout.plan.timings;
  // Time in which no job was meant to run is bounded by `hold`.
  return now - rollout.startedAt - rollout.leftMs < timeoutMs
    ? null
    : reason('timeout', `the rollout took longer than ${formatDuration(timeoutMs)}`);
};

/** Its autoscaler could scale stable down until it is held, and brings it back then. */
const isToBeHeld = ({ plan, phase, stage }: Rollout): boolean =>
  plan.target.autoscaler !== null && phase === 'preparing' && ['claim', 'hold-autoscaler'].includes(stage.name);

/** The user's own canary Deployment with another image than the released one. */
const isForeign = ({ plan }: Rollout, canary: ArmSeen): boolean =>
  plan.target.pair !== null &&
  plan.target.images.some(
    ({ container, image }) => canary.images.find((one) => one.container === container)?.image !== image,
  );

/** Changes by others that the rollout must not work against. */
const worldChanged = (rollout: Rollout): Reason | null => {
  const look = rollout.observation;
  if (look === null) return null;
  const { deployment, canaryDeployment } = rollout.plan.target;
  if (look.stable === null) return reason('stable-changed', `the Deployment ${deployment} was deleted`);
  if (look.stable.template !== rollout.plan.stableTemplate) {
    return reason('stable-changed', `somebody changed the pod template of the Deployment ${deployment}`);
  }
  const { stableReplicas } = rollout.plan;
  if (look.stable.replicas < stableReplicas && !isToBeHeld(rollout)) {
    const scaled = `from ${stableReplicas} to ${look.stable.replicas} pods`;
    return reason('stable-changed', `somebody scaled the Deployment ${deployment} down ${scaled}`);
  }
  const hasCanary = rollout.phase !== 'preparing' || rollout.stage.name === 'settle';
  if (hasCanary && look.canary === null)
    return reason('canary-not-ready', `the Deployment ${canaryDeployment} was deleted`);
  if (hasCanary && look.canary !== null && isForeign(rollout, look.canary))
    return reason('canary-not-ready', `somebody changed the image of the Deployment ${canaryDeployment}`);
  const standing: readonly StageName[] = ['settle', 'bake'];
  if (standing.includes(rollout.stage.name) && freshLook(rollout)?.asWanted === false) {
    const what = look.trafficProblem ?? 'its weights are not the ones that were set';
    return reason('route-changed', `${look.changedBy ?? 'somebody'} changed our entries of the route: ${what}`);
  }
  return null;
};

const SERVING: readonly StageName[] = ['scale', 'shift', 'bake', 'capacity', 'all-traffic'];

/** The canary has had pods and gets requests. Where pods are the weight, they only come up while it is shifted. */
const isServing = ({ committedAt, plan, stage, traffic }: Rollout): boolean =>
  committedAt === null &&
  traffic.wanted.canary > 0 &&
  (stage.name === 'bake' || (plan.abilities.unit === 'requests' && SERVING.includes(stage.name)));

/** An arm that gets traffic and has nobody left to answer, or an adapter that says it will not come up. */
const badArm = (rollout: Rollout): Reason | null => {
  const look = freshLook(rollout);
  if (look === null) return null;
  if (look.progress?.kind === 'failed') return reason(look.progress.code, look.progress.reason);
  if (look.verification?.kind === 'refused') return reason(look.verification.code, look.verification.reason);
  if (isServing(rollout) && look.canary?.ready === 0) {
    return reason(
      'canary-not-ready',
      `no canary pod is ready any more${look.canary.problem === null ? '' : `: ${look.canary.problem}`}`,
    );
  }
  const unreachable = isServing(rollout) ? nobodyReached(rollout, look) : null;
  if (unreachable !== null) return unreachable;
  if (isReturning(rollout.stage.name) && look.stable?.ready === 0) {
    return reason('promote-failed', 'no pod of the updated stable is ready any more');
  }
  if (rollout.stage.name === 'stable-ready') {
    if (isInPlace(rollout.plan) && stableGone(rollout))
      return reason('promote-failed', 'no pod of stable is ready any more while it is updated');
    const moved = movedImage(look);
    if (moved !== null && look.progress?.kind === 'done') {
      return reason('image-moved', `stable runs ${moved}, which is not the image that was judged`);
    }
  }
  return null;
};

/** Pods that are ready and get no request: their Service is gone, so that their share of users is answered with errors. */
const nobodyReached = ({ stage, plan }: Rollout, { canary, stable, verification }: Observation): Reason | null => {
  const { canaryService, service } = plan.target;
  if (canaryService === null) return null;
  if (canary?.endpoints === 0)
    return reason('canary-not-ready', `the Service ${canaryService} has no endpoints any more`);
  if (stage.name !== 'bake' || verification?.kind !== 'pending' || verification.taken !== true) return null;
  // A light look does not tell which Service is missing; a full one follows at once.
  if (canary?.endpoints === null) return null;
  return stable?.endpoints === 0
    ? reason('stable-changed', `the Service ${service ?? ''} leads to no pod of stable any more`)
    : reason(
        'weight-not-confirmed',
        `the router cannot do what the route asks: waiting for ${verification.waitingFor}`,
      );
};

const JUDGED: readonly StageName[] = ['shift', 'bake', 'return-some', 'return-all', 'capacity', 'scale', 'all-traffic'];

const judged = (rollout: Rollout, now: Ms): Reason | null => {
  if (!JUDGED.includes(rollout.stage.name) || rollout.undoes) return null;
  if (rollout.committedAt !== null && canaryGone(rollout)) return null;
  const verdict = badVerdict(rollout, now);
  if (verdict === null || rollout.committedAt === null) return verdict;
  return {
    ...verdict,
    code: 'promote-failed',
    text: `the updated stable is worse than the canary was: ${verdict.text}`,
  };
};

/** Where pods are the weight, one that is not in force is a canary that is not ready. */
const lateCode = ({ plan, stage }: Rollout, rule: StageRule): ReasonCode =>
  plan.abilities.unit === 'pods' && stage.name === 'shift' ? 'canary-not-ready' : rule.code;

/** A control plane that is replaced is away for minutes. Going forward is given up then; going back and finishing are not. */
const AWAY_MS: Ms = 10 * 60_000;

const isPatient = ({ phase, committedAt }: Rollout): boolean => phase === 'rolling-back' || committedAt !== null;

const patience = (rollout: Rollout, rule: StageRule): Ms => {
  const deadline = rule.deadlineMs(rollout.plan);
  const isAway = rollout.stage.troubleCode === 'cluster-unreachable';
  return isAway && isPatient(rollout) ? Math.max(deadline, AWAY_MS) : deadline;
};

/** A write that got through after such a time has its whole deadline to take effect. */
const startOf = (rollout: Rollout): Ms => {
  const { since, write } = rollout.stage;
  return isPatient(rollout) && write.kind === 'done' ? Math.max(since, write.at) : since;
};

const stageFailed = (rollout: Rollout, rule: StageRule, now: Ms): Reason | null => {
  const { stage } = rollout;
  if (stage.retryAt === NEVER)
    return reason(stage.troubleCode ?? rule.code, stage.trouble ?? `${rule.name} was refused`);
  const deadline = patience(rollout, rule);
  if (now - startOf(rollout) < deadline) return null;
  const waitingFor = rule.waitingFor(rollout, now);
  const code = stage.troubleCode === 'cluster-unreachable' ? stage.troubleCode : lateCode(rollout, rule);
  return waitingFor === null ? null : reason(code, `waited ${formatDuration(deadline)} for ${waitingFor}`);
};
