import { COPIED } from '../../core/copied-kinds.ts';
import { type KubeObject, listIn, listRef, type ObjectRef, refKey, type Seen } from '../../core/objects.ts';
import type { Target } from '../../core/plan.ts';
import type { Finding } from '../../core/reason.ts';
import type { CopiedKind } from '../../core/spec.ts';
import type { Hazard, HazardRow } from '../../ports/hazard.ts';
import {
  type Covered,
  canaryAlone,
  copyRef,
  lackingCopies,
  lackingPeers,
  peersRef,
} from '../../workloads/copied-policies.ts';
import { directionsOf, selectsPods } from '../../workloads/network-policies.ts';
import { copyAdvice, coveredIn, listing, oneSided, refuse, rowOf } from './mismatch.ts';

type Consequence = (policy: KubeObject, all: readonly KubeObject[], covered: Covered, target: Target) => string;

/** What no policy for ingress or egress selects is open in that direction; what another one selects is closed but for its rules. */
const ofNetworkPolicy: Consequence = (policy, all, { pods }, { deployment }) => {
  const others = all.filter((other) => other !== policy && selectsPods(other, pods.canary));
  const isClosed = (direction: 'ingress' | 'egress'): boolean =>
    others.some((other) => directionsOf(other).includes(direction));
  const texts = directionsOf(policy).map((direction) =>
    direction === 'ingress'
      ? isClosed(direction)
        ? `what may reach ${deployment} could not reach the canary`
        : 'everybody could reach the canary'
      : isClosed(direction)
        ? `the canary could not reach what ${deployment} may reach`
        : 'the canary could reach everything',
  );
  return texts.join(', and ') || 'the two versions would not run under the same rules';
};

const CONSEQUENCES: Readonly<Record<CopiedKind, Consequence>> = {
  NetworkPolicy: ofNetworkPolicy,
  PodDisruptionBudget: () => 'draining nodes could take all pods of the canary at once',
  ServiceMonitor: () => 'the metrics of the canary would not be collected, so it could not be judged by them',
  PodMonitor: () => 'the metrics of the canary would not be collected, so it could not be judged by them',
};

const isMade = (target: Target, ref: ObjectRef): boolean =>
  target.companions.some((companion) => refKey(companion.ref) === refKey(ref));

const peerFindings = (target: Target, policies: readonly KubeObject[], covered: Covered): readonly Finding[] =>
  lackingPeers(policies, covered)
    .filter(({ policy }) => !isMade(target, peersRef(policy, target.namespace)))
    .map(({ policy, missing }) =>
      refuse(target, {
        kind: 'NetworkPolicy',
        name: policy.metadata.name,
        fact: `lets pods of Deployment ${target.deployment} through and not the canary's`,
        consequence: missing
          .map(({ direction }) =>
            direction === 'ingress'
              ? `the canary could not reach the pods that it protects, and ${target.deployment} can`
              : `the pods that it holds back could not reach the canary, and can reach ${target.deployment}`,
          )
          .join(', and '),
        advice: copyAdvice('NetworkPolicy'),
      }),
    );

const lackingFinding = (kind: CopiedKind, name: string, target: Target, consequence: string): Finding =>
  kind === 'ServiceMonitor'
    ? refuse(target, {
        kind,
        name,
        fact: `selects Service ${target.service ?? ''} and not the canary's`,
        consequence,
        advice: copyAdvice(kind),
      })
    : oneSided(target, kind, name, 'stable', consequence);

const findingsOf = (kind: CopiedKind, target: Target, seen: Seen): readonly Finding[] => {
  const covered = coveredIn(seen, target);
  if (covered === null) return [];
  const objects = listIn(seen, listRef(COPIED[kind], target.namespace));
  const lacking = lackingCopies(kind, objects, covered)
    .filter((object) => !isMade(target, copyRef(kind, object, target.namespace)))
    .map((object) =>
      lackingFinding(kind, object.metadata.name, target, CONSEQUENCES[kind](object, objects, covered, target)),
    );
  if (kind !== 'NetworkPolicy') return lacking;
  const ahead = canaryAlone(objects, covered).map((object) =>
    oneSided(target, kind, object.metadata.name, 'canary', ''),
  );
  return [...lacking, ...ahead, ...peerFindings(target, objects, covered)];
};

const hazard = (name: string, kinds: readonly CopiedKind[], why: string, rows: readonly HazardRow[]): Hazard => ({
  name,
  rows,
  reads: ({ target }) => kinds.map((kind) => listRef(COPIED[kind], target.namespace)),
  permissions: kinds.map((kind) => listing(COPIED[kind], why)),
  find: ({ target }, seen) => kinds.flatMap((kind) => findingsOf(kind, target, seen)),
});

export const networkPolicies = hazard('network-policies', ['NetworkPolicy'], 'tell policies that miss the canary', [
  rowOf('NetworkPolicy', "a NetworkPolicy that selects stable's pods, and not the canary's (or the other way round)"),
  rowOf('NetworkPolicy', "a NetworkPolicy of other pods that lets stable's pods through, and not the canary's"),
]);

export const disruptionBudgets = hazard(
  'disruption-budgets',
  ['PodDisruptionBudget'],
  'tell budgets that miss the canary',
  [rowOf('PodDisruptionBudget', "a PodDisruptionBudget for stable's pods, and none for the canary's")],
);

export const monitors = hazard('monitors', ['ServiceMonitor', 'PodMonitor'], 'tell monitors that miss the canary', [
  rowOf('ServiceMonitor', "a ServiceMonitor that selects stable's Service, and none that selects the canary's"),
  rowOf('PodMonitor', "a PodMonitor that selects stable's pods, and none that selects the canary's"),
]);
