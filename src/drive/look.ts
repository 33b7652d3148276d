import type { ReadRef, Seen } from '../core/objects.ts';
import { isListRef } from '../core/objects.ts';
import type { Plan } from '../core/plan.ts';
import type { ArmSeen, Effect, Observation, Rollout } from '../core/rollout.ts';
import type { Traffic } from '../core/traffic.ts';
import type { Ms } from '../core/units.ts';
import { changedBy } from './changed-by.ts';
import type { DriveContext } from './context.ts';

type Look = Extract<Effect, { kind: 'observe' }>;
type Adapters = Pick<DriveContext, 'router' | 'workload' | 'guard'>;

/** What a look has to read. A light one, while a weight is held, reads single objects only: route and Deployments. */
export const refsOf = (
  { router, workload }: Adapters,
  plan: Pick<Plan, 'target'>,
  depth: Look['depth'],
): readonly ReadRef[] => {
  const all = [...router.reads(plan.target), ...workload.reads(plan.target, depth === 'pods')];
  if (depth !== 'light') return all;
  return all.filter((ref) => !isListRef(ref) && (ref.kind === 'Deployment' || isRoute(plan, ref)));
};

const isRoute = (plan: Pick<Plan, 'target'>, ref: ReadRef): boolean =>
  plan.target.routes.some((route) => !isListRef(ref) && route.kind === ref.kind && route.name === ref.name);

/** What the adapters make of the objects seen. Pure. */
export const observe = (adapters: Adapters, rollout: Rollout, look: Look, seen: Seen, at: Ms): Observation => {
  const { router, workload, guard } = adapters;
  const { target, original } = rollout.plan;
  const traffic = router.current(seen, target, original);
  const arms = workload.observe(seen, target);
  const asWanted = isAsWanted(adapters, rollout, seen, look.want);
  return {
    at,
    asked: look.want,
    traffic: traffic.ok ? traffic.value : null,
    trafficProblem: traffic.ok ? null : traffic.problem,
    changedBy: asWanted ? null : changedBy(router, seen, target),
    asWanted,
    verification: router.verify(seen, target, look.want, original),
    progress: look.stage === null ? null : workload.progress(seen, target, look.stage),
    restored: router.restore(seen, target, original, guard).length === 0,
    stable: arms.stable === null ? null : asRead(arms.stable, look),
    // A light look does not read EndpointSlices, so it says nothing about them.
    canary:
      arms.canary === null
        ? null
        : { ...asRead(arms.canary, look), endpoints: look.depth === 'light' ? null : arms.canary.endpoints },
  };
};

/** Pods that an earlier look read are as they were then. */
const asRead = (arm: ArmSeen, { depth }: Look): ArmSeen => (depth === 'pods' ? arm : { ...arm, lives: null });

/** Going back, a missing entry is as good as one with weight 0. */
const isAsWanted = ({ router, guard }: Adapters, rollout: Rollout, seen: Seen, want: Traffic): boolean => {
  const { target, original } = rollout.plan;
  if (rollout.phase === 'rolling-back') return router.wayBack(seen, target, guard, original).length === 0;
  const planned = router.plan(seen, target, want, guard, original);
  return planned.ok && planned.value.length === 0;
};
