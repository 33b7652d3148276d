import { addAt, jsonPatch, type Operation, testOf } from '../core/json-patch.ts';
import { type Guard, markPath } from '../core/marks.ts';
import { type KubeObject, type ObjectRef, objectIn, type Request, refText, type Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { WorkloadStage } from '../core/rollout.ts';
import { ok, problem, unreachable } from '../core/units.ts';
import { deploymentIn, deploymentRef, serviceRef } from './arms.ts';
import { holdAutoscaler, raiseCanaryMinimum, releaseAutoscaler } from './autoscaler.ts';
import { planCompanions, removeCompanions } from './companions.ts';
import { canaryServiceSelector, createCanaryDeployment, createCanaryService } from './copy.ts';
import { isOurs, notOurs, planRemoval, type Requests } from './ours.ts';
import { adoptPair, giveBack, pairServiceSelector } from './pair-plan.ts';
import { serviceSelector } from './selectors.ts';
import { type Deployment, toJson } from './shape.ts';
import { isNewVersion } from './template.ts';

const missing = (ref: ObjectRef): Requests => problem(`${refText(ref)} does not exist.`);

const guarded = (object: KubeObject, ref: ObjectRef, guard: Guard, operations: readonly Operation[]): Request =>
  jsonPatch(ref, [
    testOf('/metadata/uid', object.metadata.uid ?? ''),
    testOf(markPath(ref.kind, guard.holder), guard.holder.value),
    ...operations,
  ]);

const planService = (seen: Seen, target: Target, guard: Guard): Requests => {
  if (target.service === null || target.canaryService === null) return ok([]);
  const ref = serviceRef(target, target.canaryService);
  const existing = objectIn(seen, ref);
  if (existing !== null) {
    if (existing.metadata.deletionTimestamp !== undefined) return problem(`${refText(ref)} is still being deleted.`);
    return isOurs(existing, guard) ? ok([]) : notOurs(ref);
  }
  const stableRef = serviceRef(target, target.service);
  const stable = objectIn(seen, stableRef);
  if (stable === null) return missing(stableRef);
  if (serviceSelector(stable) === null) return problem(`${refText(stableRef)} selects no pods any more.`);
  const pair = target.pair === null ? null : deploymentIn(seen, target, 'canary');
  if (target.pair !== null && pair === null) return missing(deploymentRef(target, 'canary'));
  const selector =
    pair === null ? canaryServiceSelector(stable, target.relabel) : pairServiceSelector(pair, target.relabel);
  return ok([createCanaryService(stable, { name: target.canaryService, selector }, target, guard)]);
};

const growCanary = (canary: Deployment, ref: ObjectRef, replicas: number, guard: Guard): Requests => {
  if (canary.object.metadata.deletionTimestamp !== undefined) return problem(`${refText(ref)} is being deleted.`);
  if (!isOurs(canary.object, guard)) return notOurs(ref);
  if (canary.replicas >= replicas) return ok([]);
  const operations = [testOf('/spec/replicas', canary.replicas), addAt('/spec/replicas', replicas)];
  return ok([guarded(canary.object, ref, guard, operations)]);
};

/** Its own autoscaler first: it would scale the canary back down to its minimum. */
const planCanary = (seen: Seen, target: Target, replicas: number, guard: Guard): Requests => {
  const sized = planSize(seen, target, replicas, guard);
  return sized.ok ? ok([...raiseCanaryMinimum(seen, target, replicas, guard), ...sized.value]) : sized;
};

const planSize = (seen: Seen, target: Target, replicas: number, guard: Guard): Requests => {
  if (target.pair !== null) return adoptPair(seen, target, target.pair, replicas, guard);
  const ref = deploymentRef(target, 'canary');
  const canary = deploymentIn(seen, target, 'canary');
  if (canary !== null) return growCanary(canary, ref, replicas, guard);
  const stable = deploymentIn(seen, target, 'stable');
  if (stable === null) return missing(deploymentRef(target, 'stable'));
  return ok([createCanaryDeployment(stable, target, replicas, guard)]);
};

const planUpdate = (seen: Seen, target: Target, guard: Guard): Requests => {
  const ref = deploymentRef(target, 'stable');
  const stable = deploymentIn(seen, target, 'stable');
  if (stable === null) return missing(ref);
  if (target.template === null) return planImages(stable, ref, target, guard);
  if (isNewVersion(stable, target)) return ok([]);
  const operations = [testOf('/spec/template', toJson(stable.template)), addAt('/spec/template', target.template)];
  return ok([guarded(stable.object, ref, guard, operations)]);
};

const planImages = (stable: Deployment, ref: ObjectRef, target: Target, guard: Guard): Requests => {
  const changes = target.images.map((wanted) => ({
    wanted,
    found: stable.containers.find(({ name }) => name === wanted.container),
  }));
  const lost = changes.find(({ found }) => found === undefined);
  if (lost !== undefined) return problem(`${refText(ref)} has no container "${lost.wanted.container}" any more.`);
  const operations = changes.flatMap(({ wanted, found }) => {
    if (found === undefined || found.image === wanted.image) return [];
    const path = `/spec/template/spec/${found.list}/${found.index}`;
    return [
      testOf(`${path}/name`, found.name),
      testOf(`${path}/image`, found.image),
      addAt(`${path}/image`, wanted.image),
    ];
  });
  return ok(operations.length === 0 ? [] : [guarded(stable.object, ref, guard, operations)]);
};

/** Requests that bring the stage about, from this read; [] when it is so, or under way. Only objects with our mark are changed or removed. */
export const plan = (seen: Seen, target: Target, stage: WorkloadStage, guard: Guard): Requests => {
  switch (stage.kind) {
    case 'canary-service':
      return planService(seen, target, guard);
    case 'canary':
      return planCanary(seen, target, stage.replicas, guard);
    case 'update-stable':
      return planUpdate(seen, target, guard);
    case 'remove-canary':
      // Foreground: the Deployment is gone only when its ReplicaSets and pods are.
      return planRemoval(seen, deploymentRef(target, 'canary'), guard, 'Foreground');
    case 'give-back':
      return giveBack(seen, target, stage.images, guard);
    case 'companions':
      return planCompanions(seen, target, guard);
    case 'remove-companions':
      return removeCompanions(seen, target, guard);
    case 'hold-autoscaler':
      return holdAutoscaler(seen, target, guard);
    case 'release-autoscaler':
      return releaseAutoscaler(seen, target, guard);
    case 'remove-service':
      return target.canaryService === null
        ? ok([])
        : planRemoval(seen, serviceRef(target, target.canaryService), guard, 'Background');
    default:
      return unreachable(stage);
  }
};
