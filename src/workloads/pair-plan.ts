import { addAt, jsonPatch, type Operation, testOf } from '../core/json-patch.ts';
import { type Guard, markOn, markPath } from '../core/marks.ts';
import { type ObjectRef, type Request, refText, type Seen } from '../core/objects.ts';
import type { ContainerImage, Pair, Target } from '../core/plan.ts';
import type { Progress } from '../core/rollout.ts';
import { ok, problem, type Result } from '../core/units.ts';
import { deploymentIn, deploymentRef } from './arms.ts';
import { notOurs, type Requests } from './ours.ts';
import { type Container, type Deployment, isRolledOut } from './shape.ts';

type Labels = Readonly<Record<string, string>>;
type Operations = Result<readonly Operation[], string>;

/** What the pair's own selector demands, and what tells its pods from stable's. */
export const pairServiceSelector = (pair: Deployment, relabel: Labels): Labels => ({
  ...pair.selector.matchLabels,
  ...relabel,
});

const foundImage = (pair: Pair, container: string): string | null =>
  pair.images.find((one) => one.container === container)?.image ?? null;

const setImage = ({ list, index, name, image }: Container, to: string): readonly Operation[] => {
  const path = `/spec/template/spec/${list}/${index}`;
  return image === to ? [] : [testOf(`${path}/name`, name), testOf(`${path}/image`, image), addAt(`${path}/image`, to)];
};

const setReplicas = ({ replicas }: Deployment, to: number): readonly Operation[] =>
  replicas === to ? [] : [testOf('/spec/replicas', replicas), addAt('/spec/replicas', to)];

/** Its mark alone says that it is held: it was not created by us. */
const guarded = (
  canary: Deployment,
  ref: ObjectRef,
  guard: Guard,
  operations: readonly Operation[],
): readonly Request[] =>
  operations.length === 0
    ? []
    : [
        jsonPatch(ref, [
          testOf('/metadata/uid', canary.uid),
          testOf(markPath(ref.kind, guard.holder), guard.holder.value),
          ...operations,
        ]),
      ];

const isHeld = (canary: Deployment, guard: Guard): boolean =>
  markOn(canary.object, guard.holder) === guard.holder.value;

/** An image that is neither the one found nor the one released is somebody else's, and no reason to overwrite it. */
const adoptImage = (canary: Deployment, ref: ObjectRef, pair: Pair, wanted: ContainerImage): Operations => {
  const container = canary.containers.find(({ name }) => name === wanted.container);
  if (container === undefined) return problem(`${refText(ref)} has no container "${wanted.container}" any more.`);
  return container.image === wanted.image || container.image === foundImage(pair, wanted.container)
    ? ok(setImage(container, wanted.image))
    : problem(`Somebody changed the image of the container "${wanted.container}" of ${refText(ref)}.`);
};

/**
 * The new images, and as many pods as the stage needs, in one patch. With none at all, as where pods are the weight, the
 * pods that were there go: the new version begins with no traffic. Otherwise it only grows.
 */
export const adoptPair = (seen: Seen, target: Target, pair: Pair, replicas: number, guard: Guard): Requests => {
  const ref = deploymentRef(target, 'canary');
  const canary = deploymentIn(seen, target, 'canary');
  if (canary === null) return problem(`${refText(ref)} does not exist any more.`);
  if (canary.object.metadata.deletionTimestamp !== undefined) return problem(`${refText(ref)} is being deleted.`);
  const images = target.images.map((wanted) => adoptImage(canary, ref, pair, wanted));
  const failed = images.find((one) => !one.ok);
  if (failed !== undefined && !failed.ok) return failed;
  const wanted = replicas === 0 ? 0 : Math.max(canary.replicas, replicas);
  const operations = [...setReplicas(canary, wanted), ...images.flatMap((one) => (one.ok ? one.value : []))];
  return ok(guarded(canary, ref, guard, operations));
};

/** Its containers that still have the released image, which is not the one they were found with. */
const stillReleased = (canary: Deployment, target: Target, pair: Pair): readonly Container[] =>
  canary.containers.filter(({ name, image }) => {
    const found = foundImage(pair, name);
    return (
      found !== null && found !== image && target.images.some((one) => one.container === name && one.image === image)
    );
  });

/** Replicas as they were found and, unless the new version was promoted, images too; one that somebody else has set stays. */
export const giveBack = (seen: Seen, target: Target, images: 'found' | 'released', guard: Guard): Requests => {
  const { pair } = target;
  const ref = deploymentRef(target, 'canary');
  const canary = deploymentIn(seen, target, 'canary');
  if (pair === null || canary === null || canary.object.metadata.deletionTimestamp !== undefined) return ok([]);
  const changed = images === 'released' ? [] : stillReleased(canary, target, pair);
  const operations = [
    ...setReplicas(canary, pair.replicas),
    ...changed.flatMap((container) => setImage(container, foundImage(pair, container.name) ?? container.image)),
  ];
  return operations.length > 0 && !isHeld(canary, guard) ? notOurs(ref) : ok(guarded(canary, ref, guard, operations));
};

export const giveBackProgress = (seen: Seen, target: Target, images: 'found' | 'released'): Progress => {
  const { pair } = target;
  const ref = deploymentRef(target, 'canary');
  const canary = deploymentIn(seen, target, 'canary');
  if (pair === null || canary === null) return { kind: 'done' };
  const pending = (waitingFor: string): Progress => ({ kind: 'pending', waitingFor });
  if (canary.replicas !== pair.replicas) return pending(`${refText(ref)} to have its ${pair.replicas} replicas back`);
  if (images === 'found' && stillReleased(canary, target, pair).length > 0)
    return pending(`${refText(ref)} to have its image back`);
  return isRolledOut(canary)
    ? { kind: 'done' }
    : pending(`${refText(ref)} to be as it was: ${canary.status.ready} of ${pair.replicas} pods ready`);
};
