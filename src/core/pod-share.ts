import { formatWeight } from './format.ts';
import { ALL_TRAFFIC, type BasisPoints, ok, problem, type Result } from './units.ts';

/** The plan of `route: replicas` when the user asked for no weights: at half, canary has as many pods as stable. */
export const POD_WEIGHTS: readonly BasisPoints[] = [500, 1000, 2000, 5000];

/** The share of `canary` pods among all, cut: so that the share of a number of pods asks for that number again. */
export const podShare = (canary: number, stable: number): BasisPoints =>
  canary === 0 ? 0 : Math.floor((ALL_TRAFFIC * canary) / (canary + stable));

/** How many canary pods give at least `weight` beside `stable` pods. null: no number does, as with all traffic. */
export const podsFor = (weight: BasisPoints, stable: number): number | null =>
  weight >= ALL_TRAFFIC ? null : Math.ceil((weight * stable) / (ALL_TRAFFIC - weight));

/** A step that pods can express, in place of all that asked for so many pods. */
export interface PodStep {
  /** What the user asked for; the last of several. */
  readonly asked: BasisPoints;
  /** The weights before it that ask for as many pods: their steps are merged into this one. */
  readonly merged: readonly BasisPoints[];
  readonly weight: BasisPoints;
  readonly canaryReplicas: number;
}

/** The steps that `stable` pods can express for rising `weights`; the problem is in words. */
export const expressibleSteps = (
  weights: readonly BasisPoints[],
  stable: number,
): Result<readonly PodStep[], string> => {
  const steps: PodStep[] = [];
  for (const asked of weights) {
    const canaryReplicas = podsFor(asked, stable);
    if (canaryReplicas === null)
      return problem(`with replicas, ${formatWeight(asked)} is out of reach: stable keeps all its pods`);
    const last = steps.at(-1);
    const same = last?.canaryReplicas === canaryReplicas ? last : null;
    if (same !== null) steps.pop();
    const merged = same === null ? [] : [...same.merged, same.asked];
    steps.push({ asked, merged, weight: podShare(canaryReplicas, stable), canaryReplicas });
  }
  return ok(steps);
};

/**
 * A first step that reaches more than twice the users that it was meant for is not what was asked: said in words that name
 * the count of stable pods that would be needed. null: it is near enough.
 */
export const tooCoarse = (first: BasisPoints, stable: number): string | null => {
  const smallest = podsFor(1, stable) ?? 1;
  if (ALL_TRAFFIC * smallest <= 2 * first * (smallest + stable)) return null;
  const needed = Math.ceil(ALL_TRAFFIC / (2 * first)) - 1;
  return (
    `${formatWeight(first)} was asked for first, but one canary pod beside ${stable} stable ${stable === 1 ? 'pod' : 'pods'} ` +
    `gets ${formatWeight(podShare(1, stable))}: that needs at least ${needed} stable pods`
  );
};
