import { type ObjectRef, refKey, refText, type Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { ArmSeen, Progress, WorkloadStage } from '../core/rollout.ts';
import { type Arm, unreachable } from '../core/units.ts';
import { deploymentIn, deploymentRef, serviceOf, serviceRef } from './arms.ts';
import { autoscalerProgress } from './autoscaler.ts';
import { companionsProgress } from './companions.ts';
import { observeArm } from './observe.ts';
import { giveBackProgress } from './pair-plan.ts';
import { conditionMessage, type Deployment, plain } from './shape.ts';
import { isNewVersion } from './template.ts';

const DONE: Progress = { kind: 'done' };
const pending = (waitingFor: string): Progress => ({ kind: 'pending', waitingFor });

/** Whether an object exists; null when nobody looked. */
const exists = (seen: Seen, ref: ObjectRef): boolean | null => {
  const object = seen.objects.get(refKey(ref));
  return object === undefined ? null : object !== null;
};

const gone = (seen: Seen, ref: ObjectRef, detail: string): Progress =>
  exists(seen, ref) === false ? DONE : pending(`${refText(ref)} to be removed${detail}`);

const because = (arm: ArmSeen): string => (arm.problem === null ? '' : `: ${arm.problem}`);

const deadlineExceeded = (deployment: Deployment, arm: ArmSeen): string | null => {
  const { status } = deployment;
  if (!status.observed) return null;
  const message = conditionMessage(status, 'Progressing', 'False', 'ProgressDeadlineExceeded');
  return message === null ? null : plain(arm.problem ?? message);
};

/** What is missing until so many pods of an arm take traffic; null when none is. */
const missingPods = (
  target: Target,
  arm: Arm,
  seen: ArmSeen,
  deployment: Deployment,
  wanted: number,
): string | null => {
  const { ready, available, observed } = deployment.status;
  if (ready < wanted) return `${ready} of ${wanted} pods ready${because(seen)}`;
  if (available < wanted) return `${available} of ${wanted} pods ready for minReadySeconds`;
  if (!observed) return `the Deployment controller to see ${deployment.name}`;
  if (seen.endpoints !== null && seen.endpoints < wanted) {
    return `${seen.endpoints} of ${wanted} pods in the endpoints of Service ${serviceOf(target, arm) ?? ''}`;
  }
  return null;
};

/** What is missing until the user's own Deployment runs the new version and nothing else; null when it does. */
const notAdopted = (deployment: Deployment, target: Target, replicas: number): string | null => {
  const { status } = deployment;
  if (!isNewVersion(deployment, target)) return `the new image in ${refText(deploymentRef(target, 'canary'))}`;
  if (!status.observed) return `the Deployment controller to see ${deployment.name}`;
  if (replicas === 0 && status.replicas > 0) return `${status.replicas} pods of the version before to go`;
  return status.updated < deployment.replicas
    ? `${status.updated} of ${deployment.replicas} pods on the new image`
    : oldPods(deployment);
};

const canaryProgress = (seen: Seen, target: Target, replicas: number): Progress => {
  const deployment = deploymentIn(seen, target, 'canary');
  const arm = observeArm(seen, target, 'canary');
  if (deployment === null || arm === null) return pending(`${refText(deploymentRef(target, 'canary'))} to be created`);
  const missing =
    (target.pair === null ? null : notAdopted(deployment, target, replicas)) ??
    missingPods(target, 'canary', arm, deployment, replicas);
  if (missing === null && deployment.replicas >= replicas) return DONE;
  const exceeded = deadlineExceeded(deployment, arm);
  if (exceeded !== null) {
    const reason = `The canary has ${arm.ready} of ${replicas} pods ready after progressDeadlineSeconds: ${exceeded}`;
    return { kind: 'failed', code: 'canary-not-ready', reason };
  }
  return pending(missing ?? `${refText(deploymentRef(target, 'canary'))} to be scaled to ${replicas}`);
};

const oldPods = ({ status }: Deployment): string | null =>
  status.replicas > status.updated ? `${status.replicas - status.updated} pods of the old version to go` : null;

const updateProgress = (seen: Seen, target: Target): Progress => {
  const ref = deploymentRef(target, 'stable');
  const deployment = deploymentIn(seen, target, 'stable');
  const arm = observeArm(seen, target, 'stable');
  if (deployment === null || arm === null) {
    return { kind: 'failed', code: 'promote-failed', reason: `${refText(ref)} does not exist any more.` };
  }
  if (!isNewVersion(deployment, target)) {
    return pending(`the new ${target.template === null ? 'image' : 'pod template'} in ${refText(ref)}`);
  }
  const { status, replicas } = deployment;
  if (!status.observed) return pending(`the Deployment controller to see ${deployment.name}`);
  const updating =
    status.updated < replicas ? `${status.updated} of ${replicas} pods updated${because(arm)}` : oldPods(deployment);
  const missing = updating ?? missingPods(target, 'stable', arm, deployment, replicas);
  if (missing === null) return DONE;
  const exceeded = deadlineExceeded(deployment, arm);
  if (exceeded !== null) {
    const reason = `Stable has ${status.updated} of ${replicas} pods updated and ${status.ready} ready after progressDeadlineSeconds: ${exceeded}`;
    return { kind: 'failed', code: 'promote-failed', reason };
  }
  return pending(deployment.paused ? `${refText(ref)} to be resumed: it is paused` : missing);
};

/** How far the stage is, from this read. Waiting says for what, with counts and the worst pod's reason. */
export const progress = (seen: Seen, target: Target, stage: WorkloadStage): Progress => {
  switch (stage.kind) {
    case 'canary-service': {
      if (target.canaryService === null) return DONE;
      const ref = serviceRef(target, target.canaryService);
      return exists(seen, ref) === true ? DONE : pending(`${refText(ref)} to be created`);
    }
    case 'canary':
      return canaryProgress(seen, target, stage.replicas);
    case 'update-stable':
      return updateProgress(seen, target);
    case 'remove-canary': {
      const left = deploymentIn(seen, target, 'canary')?.status.replicas ?? 0;
      return gone(seen, deploymentRef(target, 'canary'), left === 0 ? '' : ` (${left} pods left)`);
    }
    case 'give-back':
      return giveBackProgress(seen, target, stage.images);
    case 'companions':
    case 'remove-companions':
      return companionsProgress(seen, target, stage.kind);
    case 'hold-autoscaler':
    case 'release-autoscaler':
      return autoscalerProgress(seen, target, stage.kind);
    case 'remove-service':
      return target.canaryService === null ? DONE : gone(seen, serviceRef(target, target.canaryService), '');
    default:
      return unreachable(stage);
  }
};
